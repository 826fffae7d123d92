//! The difference between two texts, line by line, for people: the part of `diff -u` below the names.

use crate::output::foreign;
use similar::{Algorithm, ChangeTag, TextDiff, capture_diff_slices_deadline, group_diff_ops};
use std::time::{Duration, Instant};

/// Lines that are the same around a change.
const CONTEXT: usize = 2;

/// Words that are the same around a change within a long line.
const WORDS: usize = 8;

/// The most characters of a word: a longer one counts as several.
const WORD: usize = 32;

/// The most rows for one place in a long line.
const ROWS: usize = 40;

/// How long the places in a long line are looked for; then larger ones are shown.
const PATIENCE: Duration = Duration::from_millis(500);

/// What changes from `old` to `new`, of each line at most so many characters; empty where nothing does. Of a longer line
/// that changes, the places are shown at which it does. `paint` puts a text in a style, as the stream that it goes to
/// shows it.
#[must_use]
pub fn lines(old: &str, new: &str, width: usize, paint: &dyn Fn(&str, &str) -> String) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut shown = String::new();
    let mut line = |text: &str, style: &str| {
        shown.push_str(&paint(text, style));
        shown.push('\n');
    };
    for group in diff.grouped_ops(CONTEXT) {
        line("@@", "36");
        for op in &group {
            let parts = diff.iter_changes(op).map(|part| (part.tag(), part.value().to_owned()));
            for (tag, text) in cut(parts.collect(), width) {
                let (sign, style) = match tag {
                    ChangeTag::Equal => (' ', "0"),
                    ChangeTag::Delete => ('-', "31"),
                    ChangeTag::Insert => ('+', "32"),
                };
                line(&format!("{sign}{text}"), style);
            }
        }
    }
    shown
}

/// Lines of one change as they are shown.
fn cut(parts: Vec<(ChangeTag, String)>, width: usize) -> Vec<(ChangeTag, String)> {
    let side = |tag| -> String {
        parts.iter().filter(|(of, _)| *of == tag).map(|(_, text)| text.as_str()).collect()
    };
    let (gone, came) = (side(ChangeTag::Delete), side(ChangeTag::Insert));
    let long = parts.iter().any(|(_, text)| text.chars().count() > width);
    if long && !gone.is_empty() && !came.is_empty() {
        return within(&gone, &came, width);
    }
    let shown = |text: &str| foreign(text.trim_end_matches(['\n', '\r']), width);
    parts.iter().map(|(tag, text)| (*tag, shown(text))).collect()
}

/// The places at which long lines differ, each with some words around it.
fn within(old: &str, new: &str, width: usize) -> Vec<(ChangeTag, String)> {
    let (old, new) = (words(old), words(new));
    let until = Instant::now() + PATIENCE;
    let ops = capture_diff_slices_deadline(Algorithm::Myers, &old, &new, Some(until));
    let mut all = Vec::new();
    for group in group_diff_ops(ops, WORDS) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let gone = first.old_range().start..last.old_range().end;
        let came = first.new_range().start..last.new_range().end;
        for (tag, words, range) in [(ChangeTag::Delete, &old, gone), (ChangeTag::Insert, &new, came)] {
            let before = if range.start > 0 { "…" } else { "" };
            let after = if range.end < words.len() { "…" } else { "" };
            let text = format!("{before}{}{after}", words[range].concat());
            all.extend(rows(&text, width).into_iter().map(|row| (tag, row)));
        }
    }
    all
}

/// A text in rows of this width.
fn rows(text: &str, width: usize) -> Vec<String> {
    let mut rows = Vec::new();
    for line in text.lines() {
        let shown: Vec<char> = foreign(line, usize::MAX).chars().collect();
        rows.extend(shown.chunks(width.max(1)).map(|part| part.iter().collect::<String>()));
    }
    if rows.len() > ROWS {
        rows.truncate(ROWS);
        rows.push("…".to_owned());
    }
    rows
}

/// Words, none of them very long.
fn words(text: &str) -> Vec<&str> {
    agents::config::words(text).into_iter().flat_map(parts).collect()
}

fn parts(mut word: &str) -> Vec<&str> {
    let mut all = Vec::new();
    while let Some((at, _)) = word.char_indices().nth(WORD) {
        let (part, rest) = word.split_at(at);
        all.push(part);
        word = rest;
    }
    all.push(word);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str, _: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn only_what_changes_is_shown() {
        let old = "a\nb\nc\nd\ne\nf\ng";
        let new = "a\nb\nc\nd\nX\u{1b}[2J\nf\ng\nh";
        let shown = lines(old, new, 80, &plain);
        assert!(shown.starts_with("@@\n c\n d\n-e\n+X") && shown.ends_with("+h\n"), "{shown:?}");
        assert!(!shown.contains('\u{1b}') && !shown.contains(" a\n"), "{shown:?}");
        assert_eq!(lines(old, old, 80, &plain), "");
    }

    #[test]
    fn a_long_line_is_shown_where_it_changes() {
        let many = |n: usize| (0..n).map(|i| format!("\"k{i}\":{i},")).collect::<String>();
        let old = format!("{{{}\"z\":0,{}\"y\":1}}", many(300), many(300));
        let new =
            old.replacen("\"z\":0,", "\"z\":0,\"svault\":\"\u{1b}[2J\",", 1).replace("\"y\":1", "\"y\":2");
        let shown = lines(&old, &new, 80, &plain);
        let rows: Vec<&str> = shown.lines().collect();
        assert_eq!(rows.len(), 5, "{shown}");
        assert!(
            rows[1].starts_with("-…") && rows[1].ends_with('…') && !rows[1].contains("svault"),
            "{shown}"
        );
        assert!(rows[2].starts_with("+…") && rows[2].contains("\"svault\":\"\\u{1b}[2J\""), "{shown}");
        assert!(rows[3].ends_with("\"y\":1}") && rows[4].ends_with("\"y\":2}"), "{shown}");
        assert!(rows.iter().all(|row| row.chars().count() <= 81), "{shown}");
        // What is put in is shown to its end.
        let long = "x".repeat(500);
        let shown = lines(&old, &format!("{long}{old}"), 80, &plain);
        assert_eq!(shown.matches('x').count(), 500, "{shown}");
    }
}
