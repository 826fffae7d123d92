//! Two changes of one text put together, where each has parts of its own: what install did is taken back in the very
//! bytes, and what somebody else did since stays in the very bytes.

use similar::{Algorithm, DiffTag, capture_diff_slices};
use std::ops::Range;

/// The longest text that is tried: comparing takes time with the square of what differs.
const MOST: usize = 512 * 1024;

/// `after` with the change to `before` and the change to `now`, by lines, else by words. None: the two touch the same
/// place.
pub fn merged(before: &str, after: &str, now: &str) -> impl Iterator<Item = String> {
    let short = [before, after, now].iter().all(|text| text.len() <= MOST);
    let cuts: [fn(&str) -> Vec<&str>; 2] = [lines, words];
    cuts.into_iter().filter(move |_| short).filter_map(move |cut| both(&cut(after), &cut(before), &cut(now)))
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Words, runs of white space, and every other character by itself.
#[must_use]
pub fn words(text: &str) -> Vec<&str> {
    let kind = |c: char| match c {
        c if c.is_alphanumeric() || "_-./".contains(c) => 1,
        c if c.is_whitespace() => 2,
        _ => 0,
    };
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match kind(first) {
            0 => first.len_utf8(),
            run => rest.find(|c| kind(c) != run).unwrap_or(rest.len()),
        };
        let (word, after) = rest.split_at(end);
        all.push(word);
        rest = after;
    }
    all
}

/// A part of the base, and what stands there instead.
type Hunk = (Range<usize>, String);

fn hunks(base: &[&str], new: &[&str]) -> Vec<Hunk> {
    let ops = capture_diff_slices(Algorithm::Myers, base, new);
    let changed = ops.iter().filter(|op| op.tag() != DiffTag::Equal);
    changed.map(|op| (op.old_range(), new[op.new_range()].concat())).collect()
}

fn both(base: &[&str], one: &[&str], other: &[&str]) -> Option<String> {
    let mut all = hunks(base, one);
    all.extend(hunks(base, other));
    all.sort_by_key(|(range, _)| (range.start, range.end));
    let apart = |a: &Range<usize>, b: &Range<usize>| a.end <= b.start && a != b;
    if !all.windows(2).all(|pair| apart(&pair[0].0, &pair[1].0)) {
        return None;
    }
    let mut text = String::new();
    let mut done = 0;
    for (range, new) in all {
        text.push_str(&base[done..range.start].concat());
        text.push_str(&new);
        done = range.end;
    }
    text.push_str(&base[done..].concat());
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(before: &str, after: &str, now: &str) -> Option<String> {
        merged(before, after, now).next()
    }

    #[test]
    fn changes_of_different_places_go_together() {
        let before = "{\"a\": [1, 2],\n \"b\": 1}\n";
        let after = "{\"a\": [\n  1,\n  2,\n  \"ours\"\n ],\n \"b\": 1}\n";
        assert_eq!(
            first(before, after, &after.replace("\"b\": 1", "\"b\": 2")).unwrap(),
            before.replace("\"b\": 1", "\"b\": 2")
        );
        // In one line: by words.
        let line = "{\"ours\": 1, \"a\": 1}";
        assert_eq!(first("{\"a\": 1}", line, "{\"ours\": 1, \"a\": 2}").unwrap(), "{\"a\": 2}");
    }

    #[test]
    fn changes_of_the_same_place_do_not() {
        assert_eq!(first("a\n", "a\nours\n", "a\nours too\n"), None);
        assert_eq!(first("", "ours\n", "theirs\nours\n"), Some("theirs\n".into()));
        let long = "x".repeat(MOST + 1);
        assert_eq!(first("a", "b", &long), None);
    }
}
