//! Tables: aligned columns, cut to the terminal's width where there is one.

use crate::output::{Out, cut};

/// Rows under headings.
pub struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    /// The column that gives way when the terminal is narrow.
    gives: usize,
}

const GAP: usize = 2;
/// The least that is left of the column that gives way.
const LEAST: usize = 8;

impl Table {
    /// A table; `gives` is the column that is cut first.
    #[must_use]
    pub fn new(head: &[&'static str], gives: usize) -> Self {
        Self { head: head.to_vec(), rows: Vec::new(), gives }
    }

    /// Another row, as many cells as headings.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The text, a line a row. Columns that are empty in every row are left out.
    #[must_use]
    pub fn text(&self, out: &Out) -> String {
        let shown: Vec<usize> = (0..self.head.len())
            .filter(|&c| self.rows.iter().any(|r| r.get(c).is_some_and(|cell| !cell.is_empty())))
            .collect();
        let mut widths: Vec<usize> = (0..self.head.len())
            .map(|c| {
                let cells = self.rows.iter().filter_map(|r| r.get(c)).map(|cell| cell.chars().count());
                cells.chain([self.head[c].len()]).max().unwrap_or(0)
            })
            .collect();
        if let Some(most) = out.width() {
            let sum: usize =
                shown.iter().map(|&c| widths[c]).sum::<usize>() + GAP * shown.len().saturating_sub(1);
            let least = LEAST.max(self.head[self.gives].len());
            widths[self.gives] = widths[self.gives].saturating_sub(sum.saturating_sub(most)).max(least);
        }
        let mut text = String::new();
        let head: Vec<String> = self.head.iter().map(|h| (*h).to_owned()).collect();
        text.push_str(&out.style(&line(&head, &shown, &widths), "2"));
        text.push('\n');
        for row in &self.rows {
            text.push_str(&line(row, &shown, &widths));
            text.push('\n');
        }
        text
    }
}

fn line(cells: &[String], shown: &[usize], widths: &[usize]) -> String {
    let mut text = String::new();
    for &c in shown {
        let cell = cut(cells.get(c).map_or("", String::as_str), widths[c]);
        text.push_str(&cell);
        text.push_str(&" ".repeat(widths[c] + GAP - cell.chars().count()));
    }
    text.truncate(text.trim_end().len());
    text
}

/// Aligned `label  value` lines, for what is ours alone.
#[must_use]
pub fn pairs(rows: &[(&str, String)]) -> String {
    pairs_within(rows, "", None)
}

/// The same after a margin, in so many columns: what does not fit goes on below the value, see [`hanging`].
#[must_use]
pub fn pairs_within(rows: &[(&str, String)], margin: &str, columns: Option<usize>) -> String {
    let width = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (label, value) in rows.iter().filter(|(_, v)| !v.is_empty()) {
        let line = format!("{margin}{label:width$}  {value}");
        text.push_str(&hanging(line.trim_end(), margin.len() + width + GAP, columns));
        text.push('\n');
    }
    text
}

/// The least that is left of a line beside what it hangs below.
const HANGS: usize = 20;

/// A line of text in lines of so many columns, each but the first so far in. Were that left to the terminal, what somebody
/// made long would go on at the edge, and could look like a line of ours. Whatever is not ASCII may be two columns wide.
#[must_use]
pub fn hanging(line: &str, indent: usize, columns: Option<usize>) -> String {
    let Some(columns) = columns else { return line.to_owned() };
    let indent = if columns >= indent + HANGS { indent } else { 4 };
    let wide = |text: &str| text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>();
    let (mut text, mut rest, mut before) = (String::new(), line, 0);
    while before + wide(rest) > columns {
        // A wide character in a narrow place is better too wide than never.
        let room = columns.saturating_sub(before).max(2);
        let fits = |(at, c): &(usize, char)| wide(&rest[..*at]) + if c.is_ascii() { 1 } else { 2 } <= room;
        let end = rest.char_indices().take_while(fits).last().map_or(rest.len(), |(at, c)| at + c.len_utf8());
        let blank = rest[..end].rfind(' ').map(|at| at + 1).filter(|at| *at > end / 2);
        let (head, tail) = rest.split_at(blank.unwrap_or(end));
        text.push_str(head);
        if tail.is_empty() {
            return text;
        }
        text.push('\n');
        text.push_str(&" ".repeat(indent));
        (rest, before) = (tail, indent);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let mut t = Table::new(&["NAME", "NOTE", "TIER"], 0);
        t.row(vec!["A".into(), String::new(), "low".into()]);
        t.row(vec!["LONGER".into(), String::new(), "high".into()]);
        assert_eq!(t.text(&Out::plain()), "NAME    TIER\nA       low\nLONGER  high\n");
    }

    #[test]
    fn what_is_too_long_hangs_below_itself() {
        assert_eq!(hanging("short", 4, Some(20)), "short");
        assert_eq!(hanging(&"x".repeat(90), 4, None), "x".repeat(90));
        let hung = hanging(&format!("reason  {}", "x".repeat(60)), 8, Some(40));
        assert_eq!(hung, format!("reason  {}\n        {}", "x".repeat(32), "x".repeat(28)));
        // At a blank, where there is one in the second half; wide characters count for two.
        assert_eq!(hanging("reason  some words and more", 4, Some(24)), "reason  some words and \n    more");
        let hung = hanging(&"\u{65e5}".repeat(30), 4, Some(24));
        assert_eq!(hung.lines().map(|l| l.trim_start().chars().count()).collect::<Vec<_>>(), [12, 10, 8]);
        // Too narrow for its place: further out, but never at the edge.
        for columns in 1..60 {
            let hung = hanging(&"a b\u{65e5}".repeat(30), 30, Some(columns));
            assert!(hung.lines().skip(1).all(|line| line.starts_with("    ")), "{columns}: {hung}");
            let letters: String = hung.chars().filter(|c| !c.is_whitespace()).collect();
            assert_eq!(letters, "ab\u{65e5}".repeat(30), "{columns}");
        }
    }

    #[test]
    fn pairs_are_aligned_and_empty_ones_left_out() {
        let rows = [("a", "1".to_owned()), ("bcd", "2".to_owned()), ("x", String::new())];
        assert_eq!(pairs(&rows), "a    1\nbcd  2\n");
    }
}
