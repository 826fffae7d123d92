//! The difference between two short texts, line by line, for people.

use crate::output::Out;

/// Lines that are the same around a change.
const CONTEXT: usize = 2;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// What changes from `old` to `new`; empty where nothing does.
#[must_use]
pub fn lines(old: &str, new: &str, out: &Out) -> String {
    let all = compare(&old.lines().collect::<Vec<_>>(), &new.lines().collect::<Vec<_>>());
    let changed: Vec<usize> = (0..all.len()).filter(|&i| !matches!(all[i], Line::Same(_))).collect();
    let near = |i: usize| changed.iter().any(|&c| c.abs_diff(i) <= CONTEXT);
    let mut text = String::new();
    let mut skipped = false;
    for (i, line) in all.iter().enumerate() {
        if !near(i) {
            skipped = true;
            continue;
        }
        if std::mem::take(&mut skipped) {
            text.push_str(&out.err_style("  …\n", "2"));
        }
        let (sign, body, style) = match line {
            Line::Same(l) => (' ', l, "0"),
            Line::Gone(l) => ('-', l, "31"),
            Line::New(l) => ('+', l, "32"),
        };
        text.push_str(
            &out.err_style(&format!("{sign} {}", crate::output::foreign(body.trim_end(), 400)), style),
        );
        text.push('\n');
    }
    text
}

/// The longest common subsequence, by the textbook: documents here have a few hundred lines.
fn compare<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let (n, m) = (old.len(), new.len());
    let mut longest = vec![vec![0_u32; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            longest[i][j] = if old[i] == new[j] {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut all) = (0, 0, Vec::new());
    while i < n || j < m {
        if i < n && j < m && old[i] == new[j] {
            all.push(Line::Same(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < n && (j == m || longest[i + 1][j] >= longest[i][j + 1]) {
            all.push(Line::Gone(old[i]));
            i += 1;
        } else {
            all.push(Line::New(new[j]));
            j += 1;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_is_shown() {
        let old = "a\nb\nc\nd\ne\nf\ng";
        let new = "a\nb\nc\nd\nX\nf\ng\nh";
        assert_eq!(lines(old, new, &Out::plain()), "  …\n  c\n  d\n- e\n+ X\n  f\n  g\n+ h\n");
        assert_eq!(lines(old, old, &Out::plain()), "");
    }
}
