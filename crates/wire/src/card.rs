//! An act as a human reads it: every byte of it, with nothing in it that a terminal would act on or hide.

use crate::act::{Act, Label};
use std::fmt::Write as _;

/// One line of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it says, such as `command`; empty where it goes on from the line before.
    pub label: &'static str,
    /// The value, made visible.
    pub text: String,
}

/// An act, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// What is done, such as `show`.
    pub act: String,
    /// Everything else, in the order of the act.
    pub lines: Vec<Line>,
}

impl Act {
    /// The act, ready to be shown.
    #[must_use]
    pub fn card(&self) -> Card {
        let mut lines: Vec<Line> = Vec::new();
        let mut last = Label::Act;
        for f in self.fields().iter().filter(|f| f.label != Label::Act) {
            let goes_on = f.label == Label::Argv && last == Label::Argv;
            match (f.label, lines.last_mut()) {
                (Label::Argv, Some(line)) if goes_on => {
                    line.text.push(' ');
                    line.text.push_str(&spaces_shown(&argument(&f.value)));
                }
                (Label::Argv, _) => {
                    lines.push(Line { label: f.label.shown(), text: spaces_shown(&argument(&f.value)) })
                }
                (Label::Slot, _) => {
                    lines.push(Line { label: f.label.shown(), text: crate::hex::encode(&f.value) });
                }
                (Label::Policy, _) => {
                    for (i, text) in f.value.split(|b| *b == b'\n').enumerate() {
                        let label = if i == 0 { f.label.shown() } else { "" };
                        lines.push(Line { label, text: visible(text) });
                    }
                }
                _ => lines.push(Line { label: f.label.shown(), text: spaces_shown(&visible(&f.value)) }),
            }
            last = f.label;
        }
        Card { act: visible(self.word().as_bytes()), lines }
    }
}

/// Long runs of spaces made visible: in a wrapped line they could put words where a line of ours would stand.
#[must_use]
pub fn spaces_shown(text: &str) -> String {
    let mut run = 0;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        run = if c == ' ' { run + 1 } else { 0 };
        if run > 2 { out.push_str("\\u{20}") } else { out.push(c) }
    }
    out
}

/// Bytes as text in which nothing hides: control, bidirectional, invisible and undecodable characters are escaped,
/// and so is the backslash, so that an escape can't be faked.
#[must_use]
pub fn visible(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '\t' => out.push_str("\\t"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                c if hides(c) => {
                    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
                }
                c => out.push(c),
            }
        }
        for b in chunk.invalid() {
            let _ = write!(out, "\\x{b:02x}");
        }
    }
    out
}

/// One argument: as it is where that is plain, else in double quotes, so that its ends show.
fn argument(bytes: &[u8]) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_-./:=@%+,~".contains(b);
    let text = visible(bytes);
    if !bytes.is_empty() && bytes.iter().all(plain) {
        text
    } else {
        format!("\"{}\"", text.replace('"', "\\\""))
    }
}

/// Whether a character has no sign of its own, or changes how others are shown.
fn hides(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(u32::from(c),
            0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5
            | 0x180b..=0x180f | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x2800 | 0x3164
            | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
            | 0xe000..=0xf8ff | 0xe0000..=0x10_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_cannot_reach_where_a_label_would_stand() {
        assert_eq!(spaces_shown("a  b"), "a  b");
        assert_eq!(spaces_shown("a    session"), "a  \\u{20}\\u{20}session");
    }

    #[test]
    fn nothing_hides() {
        assert_eq!(visible("curl\u{202e}txt.exe".as_bytes()), "curl\\u{202e}txt.exe");
        assert_eq!(visible(b"\x1b[2J\x07\0a\nb"), "\\u{1b}[2J\\u{7}\\u{0}a\\nb");
        assert_eq!(visible(b"\xff\xc3("), "\\xff\\xc3(");
        assert_eq!(visible("a\u{200b}\u{a0}\u{e0041}b".as_bytes()), "a\\u{200b}\\u{a0}\\u{e0041}b");
        assert_eq!(visible(b"\\u{1b}"), "\\\\u{1b}");
        assert_eq!(visible("gr\u{fc}n \u{65e5}".as_bytes()), "gr\u{fc}n \u{65e5}");
    }

    #[test]
    fn the_ends_of_arguments_show() {
        assert_eq!(argument(b"--flag=a/b"), "--flag=a/b");
        assert_eq!(argument(b"a b"), "\"a b\"");
        assert_eq!(argument(b""), "\"\"");
        assert_eq!(argument(b"\" \""), "\"\\\" \\\"\"");
    }
}
