//! Whole texts: what is in them, and where.

use crate::leaks;
use crate::needles::Needles;
use crate::rules::Rules;
use crate::values::Matches;
use std::ops::Range;

/// Something that must not be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Where it is, in bytes.
    pub range: Range<usize>,
    /// What it is.
    pub what: What,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The value with this id, whole, in one of its forms.
    Value(u32),
    /// Something that looks like a credential, by the rule of this id.
    Rule(&'static str),
}

/// Everything that is found in a text, in order and apart. Where a value and a rule overlap, it is the value.
#[must_use]
pub fn find(text: &[u8], rules: Option<&Rules>, needles: Option<&Needles>) -> Vec<Hit> {
    let mut hits = Vec::new();
    if let Some(needles) = needles.filter(|needles| !needles.is_empty()) {
        let mut matches = Matches::default();
        matches.look(needles, text, 0);
        matches.end();
        matches.merge();
        let hit = |found: crate::values::Found| Hit {
            range: found.range,
            what: What::Value(needles.id(found.place)),
        };
        hits.extend(matches.found.into_iter().map(hit));
    }
    if let Some(rules) = rules {
        let looked = leaks::look(rules, text, true);
        let hit = |(range, rule)| Hit { range, what: What::Rule(rules.id(rule)) };
        hits.extend(looked.found.into_iter().map(hit));
        merge(&mut hits);
    }
    hits
}

fn merge(hits: &mut Vec<Hit>) {
    hits.sort_by_key(|hit| hit.range.start);
    hits.dedup_by(|next, last| {
        let overlaps = next.range.start < last.range.end;
        if overlaps {
            last.range.end = last.range.end.max(next.range.end);
            if let What::Rule(_) = last.what {
                last.what = next.what;
            }
        }
        overlaps
    });
}
