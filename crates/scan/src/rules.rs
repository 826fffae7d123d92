//! Leak rules: what a credential looks like when nobody knows its value. The table is `rules.toml`.

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use std::ops::Range;
use std::sync::OnceLock;

/// The longest keyword, in bytes.
pub(crate) const KEYWORD: usize = 32;

/// A set of leak rules, compiled.
pub struct Rules {
    rules: Vec<Rule>,
    /// All keywords of all rules, in any case.
    keywords: Option<AhoCorasick>,
    /// The rule of each keyword, and the keyword in lower case.
    owners: Vec<(usize, Vec<u8>)>,
}

struct Rule {
    id: &'static str,
    source: Source,
    /// Compiled when its keyword is seen for the first time: most never are, and a hook lives for milliseconds.
    pattern: OnceLock<Option<Regex>>,
}

/// A rule as it stands in the table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    id: String,
    keywords: Vec<String>,
    pattern: String,
    #[serde(default)]
    before: Before,
    #[serde(default)]
    extent: Extent,
    #[serde(default)]
    check: Check,
    #[cfg_attr(not(test), allow(dead_code, reason = "samples are for the test that runs them"))]
    yes: Vec<String>,
    #[cfg_attr(not(test), allow(dead_code, reason = "samples are for the test that runs them"))]
    no: Vec<String>,
}

/// What may stand before the keyword.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Before {
    /// No letter, digit or `_`.
    #[default]
    Edge,
    /// A digit.
    Digit,
    /// Anything.
    Any,
}

/// How far a match can go on behind its keyword.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Extent {
    /// To the next white space, at most 4 KiB; what is cut off there goes on as long as it looks like one word.
    #[default]
    Token,
    /// To the end of the line, at most 1 KiB; the same.
    Line,
    /// Over lines, to `-----END`, at most 16 KiB.
    Block,
}

/// What the text that was found must be like beyond its pattern.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Check {
    /// Nothing more.
    #[default]
    None,
    /// A digit, or letters of both cases: no word of a language.
    Mixed,
    /// Looks random: many different characters, and no reference to something else.
    Random,
}

#[derive(Deserialize)]
struct Table {
    rule: Vec<Source>,
}

/// A place where a rule may begin: which one, and the place of its keyword.
#[derive(Clone, Copy)]
pub(crate) struct Spot {
    pub(crate) rule: usize,
    pub(crate) at: usize,
}

/// What a rule says of a spot.
pub(crate) enum Verdict {
    /// Nothing is there.
    No,
    /// This is to be masked.
    Yes(Part),
    /// Undecided until there is more text; what is to be masked if there is none.
    Open(Option<Part>),
}

/// What a rule has found.
pub(crate) struct Part {
    /// Where it is.
    pub(crate) range: Range<usize>,
    /// The rule's place in the table: lower is more specific.
    pub(crate) rule: usize,
    /// Whether it is longer than the rule looks: what [`goes_on`] behind it is more of it.
    pub(crate) goes_on: bool,
}

/// What is so long and has not ended was cut off by its pattern.
const LONG: usize = 200;

/// Whether a byte may be in the middle of a credential.
pub(crate) fn goes_on(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && !b"\"'`,;&<>[](){}|".contains(&byte)
}

/// Whether a text goes on with more of a credential before it, which may have stood in a sentence or a string.
fn is_more(text: &[u8]) -> bool {
    match text {
        [] | [b'\\', ..] => false,
        [b'.' | b':' | b'!' | b'?', rest @ ..] => rest.first().is_some_and(u8::is_ascii_alphanumeric),
        [byte, ..] => goes_on(*byte),
    }
}

impl Rules {
    /// The rules of `rules.toml`, compiled on first use.
    #[must_use]
    pub fn built_in() -> &'static Rules {
        static RULES: OnceLock<Rules> = OnceLock::new();
        // The table is part of the program and tested: it is never refused.
        RULES.get_or_init(|| Self::parse(include_str!("../rules.toml")).unwrap_or_else(|_| Self::none()))
    }

    fn none() -> Self {
        Self { rules: Vec::new(), keywords: None, owners: Vec::new() }
    }

    fn parse(table: &str) -> Result<Self, String> {
        let table: Table = toml::from_str(table).map_err(|e| e.to_string())?;
        let mut owners = Vec::new();
        let mut rules = Vec::new();
        for source in table.rule {
            for keyword in &source.keywords {
                owners.push((rules.len(), keyword.to_ascii_lowercase().into_bytes()));
            }
            let id = &*source.id.clone().leak();
            rules.push(Rule { id, source, pattern: OnceLock::new() });
        }
        let keywords = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(owners.iter().map(|(_, keyword)| keyword))
            .map_err(|e| e.to_string())?;
        Ok(Self { rules, keywords: Some(keywords), owners })
    }

    /// The first rule whose finds go over lines.
    pub(crate) fn first_block(&self) -> Option<usize> {
        (0..self.rules.len()).find(|rule| self.is_block(*rule))
    }

    /// Whether what the rule at a place in the table finds goes over lines.
    pub(crate) fn is_block(&self, rule: usize) -> bool {
        matches!(self.rules[rule].source.extent, Extent::Block)
    }

    /// The id of the rule at a place in the table.
    pub(crate) fn id(&self, rule: usize) -> &'static str {
        self.rules[rule].id
    }

    /// The ids of all rules, in the order of the table.
    pub fn ids(&self) -> impl Iterator<Item = &'static str> {
        self.rules.iter().map(|rule| rule.id)
    }

    /// Every keyword in the text.
    pub(crate) fn spots<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Spot> + 'a {
        let found = self.keywords.iter().flat_map(move |keywords| keywords.find_overlapping_iter(text));
        found.map(|found| Spot { rule: self.owners[found.pattern().as_usize()].0, at: found.start() })
    }

    /// Where a keyword begins that the text ends in the middle of.
    pub(crate) fn begun(&self, text: &[u8]) -> Option<usize> {
        let from = text.len().saturating_sub(KEYWORD);
        (from..text.len()).find(|&at| {
            let rest = &text[at..];
            let begins =
                |word: &[u8]| word.len() > rest.len() && word[..rest.len()].eq_ignore_ascii_case(rest);
            self.owners.iter().any(|(_, word)| begins(word))
        })
    }

    /// Looks at a spot.
    pub(crate) fn judge(&self, text: &[u8], spot: Spot) -> Verdict {
        let rule = &self.rules[spot.rule];
        let before = spot.at.checked_sub(1).map(|at| text[at]);
        let fits = match rule.source.before {
            Before::Edge => before.is_none_or(|b| !b.is_ascii_alphanumeric() && b != b'_'),
            Before::Digit => before.is_some_and(|b| b.is_ascii_digit()),
            Before::Any => true,
        };
        if !fits {
            return Verdict::No;
        }
        let rest = &text[spot.at..];
        let end = rule.source.extent.end(rest);
        let near = &rest[..end.map_or(rest.len(), |end| end.at)];
        let found = rule.find(near).map(|(range, is_last)| {
            let cut = end.is_some_and(|end| end.is_cut && end.at == range.end);
            let more = is_last && range.len() >= LONG && is_more(&near[range.end..]);
            let goes_on = (cut || more) && !self.is_block(spot.rule);
            Part { range: range.start + spot.at..range.end + spot.at, rule: spot.rule, goes_on }
        });
        match (found, end) {
            // Also where it ends before the text does: what follows may be more of it.
            (found, None) => Verdict::Open(found),
            (Some(part), Some(_)) => Verdict::Yes(part),
            (None, Some(_)) => Verdict::No,
        }
    }
}

/// Where a match must have ended.
#[derive(Clone, Copy)]
struct End {
    /// Behind the white space that ends it, so that a pattern has its own end in sight only where it is cut off.
    at: usize,
    /// Whether a rule looks no further, and nothing has ended there.
    is_cut: bool,
}

impl Extent {
    /// Where a match must have ended, if that is within the text.
    fn end(self, text: &[u8]) -> Option<End> {
        let most = match self {
            Extent::Token => 4 << 10,
            Extent::Line => 1 << 10,
            Extent::Block => 16 << 10,
        };
        // Not further: there may be a keyword in every few bytes of a long line.
        let near = &text[..text.len().min(most)];
        let end = match self {
            Extent::Token => near.iter().position(u8::is_ascii_whitespace).map(|at| at + 1),
            Extent::Line => memchr::memchr2(b'\n', b'\r', near).map(|at| at + 1),
            Extent::Block => memchr::memmem::find(near, b"-----END").and_then(|at| block_end(near, at)),
        };
        let end = end.map(|at| End { at, is_cut: false });
        end.or_else(|| (text.len() >= most).then_some(End { at: most, is_cut: true }))
    }
}

/// The end of the line `-----END … -----` that begins at `at`.
fn block_end(text: &[u8], at: usize) -> Option<usize> {
    let dashes = memchr::memmem::find(&text[at + 8..], b"-----")?;
    Some(at + 8 + dashes + 5)
}

impl Rule {
    /// The part of the text to be masked, if the text begins with what the rule is about, and whether nothing that ends it
    /// is in the pattern.
    fn find(&self, text: &[u8]) -> Option<(Range<usize>, bool)> {
        let pattern =
            || RegexBuilder::new(&format!("^(?:{})", self.source.pattern)).unicode(false).build().ok();
        let found = self.pattern.get_or_init(pattern).as_ref()?.captures(text)?;
        let all = found.get(0)?;
        let part = found.iter().skip(1).flatten().next().unwrap_or(all);
        self.source.check.holds(part.as_bytes()).then(|| (part.range(), part.end() == all.end()))
    }
}

impl Check {
    fn holds(self, text: &[u8]) -> bool {
        let any = |is: fn(&u8) -> bool| text.iter().any(is);
        let mixed = any(u8::is_ascii_digit) || any(u8::is_ascii_uppercase) && any(u8::is_ascii_lowercase);
        match self {
            Check::None => true,
            Check::Mixed => mixed,
            Check::Random => {
                let letters = any(u8::is_ascii_alphabetic) && any(u8::is_ascii_digit);
                letters && !refers(text) && bits(text) >= RANDOM
            }
        }
    }
}

/// Bits a byte, from which on a text looks random.
const RANDOM: f64 = 2.8;

/// Whether a text says where a value is, and is none: a variable, a path, an address.
fn refers(text: &[u8]) -> bool {
    matches!(text.first(), None | Some(b'$' | b'/' | b'.' | b'~' | b'{' | b'%' | b'<'))
        || memchr::memmem::find(text, b"://").is_some()
}

/// Shannon's entropy of the text's bytes, in bits a byte.
pub(crate) fn bits(text: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    text.iter().for_each(|&b| counts[usize::from(b)] += 1);
    let len = text.len() as f64;
    let part = |&n: &u32| {
        let p = f64::from(n) / len;
        -p * p.log2()
    };
    counts.iter().filter(|n| **n > 0).map(part).sum()
}

#[cfg(test)]
mod tests;
