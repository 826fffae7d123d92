//! Leak rules in a stream: holds back from a keyword on while what follows may still be a match.

use crate::block::{self, Block, Head, Next};
use crate::rules::{Rules, Verdict, goes_on};
use crate::values::mask;
use std::ops::Range;
use zeroize::Zeroize;

/// Bytes of text that stay although they are out: what stands before a keyword matters.
const CONTEXT: usize = 1;

/// The stream.
pub(crate) struct Leaks<'r> {
    rules: &'r Rules,
    text: Vec<u8>,
    /// How much of `text` is out.
    out: usize,
    /// Whether a mask is out for something that goes on.
    goes_on: bool,
    /// A private key that a pause came into.
    block: Option<Block>,
    /// The first line of one, as far as it came before a pause.
    head: Vec<u8>,
}

/// What the rules find in a text: parts to be masked with the rule of each, in order and apart; where something begins
/// that more text may decide; and whether the last part goes on behind the text.
pub(crate) struct Looked {
    pub(crate) found: Vec<(Range<usize>, usize)>,
    pub(crate) open: Option<usize>,
    goes_on: bool,
}

/// Looks at a text; with `whole`, there is no more of it.
pub(crate) fn look(rules: &Rules, text: &[u8], whole: bool) -> Looked {
    let mut found = Vec::new();
    let mut open = if whole { None } else { rules.begun(text) };
    // Up to here it is one credential, longer than its rule looks. Keywords in it are no others: there may be one in every
    // few bytes.
    let mut one = 0;
    for spot in rules.spots(text) {
        if spot.at < one {
            continue;
        }
        match rules.judge(text, spot) {
            Verdict::Open(_) if !whole => open = Some(open.unwrap_or(spot.at).min(spot.at)),
            Verdict::Yes(part) | Verdict::Open(Some(part)) => {
                let mut range = part.range;
                if part.goes_on {
                    range.end += text[range.end..].iter().take_while(|byte| goes_on(**byte)).count();
                    one = range.end;
                }
                found.push((range, part.rule));
            }
            Verdict::Open(None) | Verdict::No => {}
        }
    }
    found.sort_by_key(|(range, _)| range.start);
    found.dedup_by(|(next, next_rule), (last, rule)| {
        let overlaps = next.start < last.end;
        if overlaps {
            last.end = last.end.max(next.end);
            *rule = (*rule).min(*next_rule);
        }
        overlaps
    });
    let last = found.last().filter(|(range, _)| one > 0 && range.end == one && one == text.len());
    let (goes_on, start) = (last.is_some(), last.map_or(text.len(), |(range, _)| range.start));
    Looked { open: open.filter(|at| !goes_on || *at < start), found, goes_on }
}

impl<'r> Leaks<'r> {
    pub(crate) fn new(rules: &'r Rules) -> Self {
        Self { rules, text: Vec::new(), out: 0, goes_on: false, block: None, head: Vec::new() }
    }

    pub(crate) fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.text.extend_from_slice(input);
        self.write(false, out);
    }

    /// Decides as if the text ended here.
    pub(crate) fn idle(&mut self, out: &mut Vec<u8>) {
        self.write(true, out);
    }

    /// Whether something is held back.
    pub(crate) fn holds(&self) -> bool {
        self.out < self.text.len()
    }

    /// The rest of something that a mask is out for; whether it may go on.
    fn rest_goes_on(&mut self) -> bool {
        if self.goes_on {
            self.out += self.text[self.out..].iter().take_while(|byte| goes_on(**byte)).count();
            self.goes_on = self.out == self.text.len();
        }
        self.goes_on
    }

    /// The rest of a key that a pause came into; whether it may go on.
    fn key_goes_on(&mut self, whole: bool, out: &mut Vec<u8>) -> bool {
        while let Some(block) = &mut self.block {
            let text = &self.text[self.out..];
            match block.next(text, whole) {
                Next::Key { bytes, mask: is_first, ends } => {
                    if is_first {
                        mask(self.rules.id(block.rule), &mut |text| out.extend_from_slice(text));
                    }
                    self.out += bytes;
                    if ends {
                        self.block = None;
                    }
                }
                Next::Plain(bytes) => {
                    out.extend_from_slice(&text[..bytes]);
                    self.out += bytes;
                }
                Next::More => return true,
                Next::Over => self.block = None,
            }
        }
        false
    }

    /// Where a private key begins that the text ends in the middle of, before a pause.
    fn begun(&self) -> Option<(Block, usize, bool)> {
        let spots = self.rules.spots(&self.text).filter(|spot| spot.at >= self.out);
        spots.filter(|spot| self.rules.is_block(spot.rule)).find_map(|spot| {
            Block::begun(&self.text[spot.at..], spot.rule).map(|(block, some)| (block, spot.at, some))
        })
    }

    /// The rest of a key's first line that a pause came into; whether it may go on.
    fn head_goes_on(&mut self, whole: bool, out: &mut Vec<u8>) -> bool {
        if self.head.is_empty() || self.out == self.text.len() {
            return !self.head.is_empty();
        }
        let (rest, was) = (&self.text[self.out..], self.head.len());
        let mut all = std::mem::take(&mut self.head);
        all.extend_from_slice(rest);
        match (block::head(&all), self.rules.first_block()) {
            (Head::Is(len), Some(rule)) => {
                let more = len - was;
                out.extend_from_slice(&rest[..more]);
                self.out += more;
                self.block = Some(Block::behind_head(rule));
                false
            }
            (Head::May, _) if whole => {
                out.extend_from_slice(rest);
                self.out = self.text.len();
                self.head = all;
                true
            }
            (Head::May, _) => {
                all.truncate(was);
                self.head = all;
                true
            }
            _ => false,
        }
    }

    fn write(&mut self, whole: bool, out: &mut Vec<u8>) {
        if self.rest_goes_on() || self.head_goes_on(whole, out) || self.key_goes_on(whole, out) {
            return self.forget();
        }
        let begun = if whole { self.begun() } else { None };
        let cut = if whole { block::cut_head(&self.text) } else { None };
        let head = cut.map(|at| self.text[at..].to_vec()).unwrap_or_default();
        let rest = begun.as_ref().filter(|(.., some)| *some).map(|(_, at, _)| self.text.split_off(*at));
        self.decide(whole, out);
        if let (Some(mut rest), Some((block, ..))) = (rest, &begun) {
            mask(self.rules.id(block.rule), &mut |text| out.extend_from_slice(text));
            rest.zeroize();
        }
        self.block = begun.map(|(block, ..)| block);
        self.head = head;
    }

    fn decide(&mut self, whole: bool, out: &mut Vec<u8>) {
        let looked = look(self.rules, &self.text, whole);
        let mut end = looked.open.unwrap_or(self.text.len());
        for (range, rule) in looked.found {
            // What overlaps something undecided waits with it.
            if range.end > end {
                end = end.min(range.start);
                break;
            }
            if range.end <= self.out {
                continue;
            }
            out.extend_from_slice(&self.text[self.out..range.start.max(self.out)]);
            mask(self.rules.id(rule), &mut |text| out.extend_from_slice(text));
            self.out = range.end;
        }
        if self.out < end {
            out.extend_from_slice(&self.text[self.out..end]);
            self.out = end;
        }
        self.goes_on = looked.goes_on && self.out == self.text.len();
        self.forget();
    }

    fn forget(&mut self) {
        let keep = self.out.saturating_sub(CONTEXT);
        self.text.drain(..keep);
        self.out -= keep;
    }
}

impl Drop for Leaks<'_> {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}
