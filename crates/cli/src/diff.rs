//! The difference between two texts, line by line, for people: the part of `diff -u` below the names.

use crate::output::{Out, foreign};
use similar::{ChangeTag, TextDiff};

/// Lines that are the same around a change.
const CONTEXT: usize = 2;

/// What changes from `old` to `new`, of each line at most so many characters; empty where nothing does.
#[must_use]
pub fn lines(old: &str, new: &str, width: usize, out: &Out) -> String {
    let mut shown = String::new();
    let mut line = |text: &str, style: &str| {
        shown.push_str(&out.err_style(text, style));
        shown.push('\n');
    };
    let diff = TextDiff::from_lines(old, new);
    for group in diff.grouped_ops(CONTEXT) {
        line("@@", "36");
        for part in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, style) = match part.tag() {
                ChangeTag::Equal => (' ', "0"),
                ChangeTag::Delete => ('-', "31"),
                ChangeTag::Insert => ('+', "32"),
            };
            let text = foreign(part.value().trim_end_matches(['\n', '\r']), width);
            line(&format!("{sign}{text}"), style);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_is_shown() {
        let old = "a\nb\nc\nd\ne\nf\ng";
        let new = "a\nb\nc\nd\nX\u{1b}[2J\nf\ng\nh";
        let shown = lines(old, new, 80, &Out::plain());
        assert!(shown.starts_with("@@\n c\n d\n-e\n+X") && shown.ends_with("+h\n"), "{shown:?}");
        assert!(!shown.contains('\u{1b}') && !shown.contains(" a\n"), "{shown:?}");
        assert_eq!(lines(old, old, 80, &Out::plain()), "");
    }
}
