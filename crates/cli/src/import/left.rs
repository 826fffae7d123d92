//! What stays in a file although it looks like a secret: under a name that svault can't set, in a comment, behind a value.

use crate::import::guess;
use dotenv::File;
use scan::{Rules, What};
use serde::Serialize;
use std::collections::HashSet;
use words::SecretRef;

/// How many are told one by one.
const TOLD: usize = 10;

/// Something that looks like a secret and stays in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The line it begins on.
    pub line: usize,
    /// The variable's name; none: it is no value.
    pub name: Option<String>,
    /// What it looks like.
    pub looks: &'static str,
}

/// What looks like a secret in the text, but for the values of these entries.
#[must_use]
pub fn in_clear(file: &File<'_>, but: &HashSet<usize>) -> Vec<Left> {
    let entries = file.entries();
    let hits = scan::find(file.text().as_bytes(), Some(Rules::built_in()), None);
    let mut left: Vec<Left> = Vec::new();
    let mut lines = Lines { text: file.text(), at: 0, line: 1 };
    let mut in_entry: Vec<Option<&'static str>> = vec![None; entries.len()];
    for hit in hits {
        let What::Rule(rule) = hit.what else { continue };
        let place = entries.partition_point(|e| e.value_at.end <= hit.range.start);
        if entries.get(place).is_some_and(|e| hit.range.end > e.value_at.start) {
            in_entry[place] = in_entry[place].or(Some(rule));
        } else {
            left.push(Left { line: lines.of(hit.range.start), name: None, looks: rule });
        }
    }
    let values = file.values(|_| None).unwrap_or_default();
    for (i, (entry, value)) in entries.iter().zip(&values).enumerate().filter(|(i, _)| !but.contains(i)) {
        let reference = value.text.starts_with("svault://") && value.text.parse::<SecretRef>().is_ok();
        let by_name = || guess::unusable(entry.name).and_then(|_| guess::left(entry.name, &value.text));
        if let Some(looks) = in_entry[i].or_else(by_name).filter(|_| !reference && !value.text.is_empty()) {
            left.push(Left { line: entry.line, name: Some(entry.name.to_owned()), looks });
        }
    }
    left.sort_by_key(|l| l.line);
    left.dedup();
    left
}

/// Lines of places that come in order.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, byte: usize) -> usize {
        let between = &self.text.as_bytes()[self.at..byte];
        let begins = |(i, b): (usize, &u8)| *b == b'\n' || *b == b'\r' && between.get(i + 1) != Some(&b'\n');
        self.line += between.iter().enumerate().filter(|(i, b)| begins((*i, *b))).count();
        self.at = byte;
        self.line
    }
}

/// What a human is told of them, a line each.
#[must_use]
pub fn told(left: &[Left]) -> Vec<String> {
    let one = |l: &Left| {
        let line = l.line;
        let Some(name) = &l.name else {
            return format!("left in clear: line {line}, looks like {}", l.looks);
        };
        let why = match guess::unusable(name) {
            Some(_) => {
                "; svault can't set that name: give the variable another one, of A-Z 0-9 _, and import again"
            }
            None => "",
        };
        let name = crate::output::foreign(name, 64);
        format!("left in clear: {name} (line {line}), looks like {}{why}", l.looks)
    };
    let mut told: Vec<String> = left.iter().take(TOLD).map(one).collect();
    if left.len() > TOLD {
        told.push(format!("left in clear: {} more", left.len() - TOLD));
    }
    told
}
