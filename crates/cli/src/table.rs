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

/// Aligned `label  value` lines.
#[must_use]
pub fn pairs(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (label, value) in rows.iter().filter(|(_, v)| !v.is_empty()) {
        let line = format!("{label:width$}  {value}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
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
    fn pairs_are_aligned_and_empty_ones_left_out() {
        let rows = [("a", "1".to_owned()), ("bcd", "2".to_owned()), ("x", String::new())];
        assert_eq!(pairs(&rows), "a    1\nbcd  2\n");
    }
}
