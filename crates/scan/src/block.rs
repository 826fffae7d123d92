//! A private key that comes in parts: behind a pause its head is out, masked or not, and the rest is still to be masked.

/// Bytes of a key at most, from its head on.
const MOST: usize = 16 << 10;
/// Bytes of its first line at most.
const HEAD: usize = 80;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END";
const DASHES: &[u8] = b"-----";
const KEY: &[u8] = b"PRIVATE KEY";

/// A key that has begun and not ended.
pub(crate) struct Block {
    /// The rule that it is masked by.
    pub(crate) rule: usize,
    left: usize,
    /// Whether a mask is out for what goes on.
    masked: bool,
}

/// What the next text is.
pub(crate) enum Next {
    /// So many bytes of the key; with it, a mask has to go out first.
    Key { bytes: usize, mask: bool, ends: bool },
    /// So many bytes that go out as they are: an empty line.
    Plain(usize),
    /// Not known before there is more.
    More,
    /// Nothing of the key.
    Over,
}

/// What a text is as the beginning of a private key.
pub(crate) enum Head {
    /// Its first line is whole, and so long.
    Is(usize),
    /// It may become one.
    May,
    /// None.
    No,
}

/// Looks whether a private key begins with the text.
pub(crate) fn head(text: &[u8]) -> Head {
    let near = &text[..text.len().min(HEAD)];
    let Some(line) = near.strip_prefix(BEGIN) else {
        return if near.len() < BEGIN.len() && BEGIN.starts_with(near) { Head::May } else { Head::No };
    };
    match memchr::memmem::find(line, DASHES) {
        Some(name) if memchr::memmem::find(&line[..name], KEY).is_some() => {
            Head::Is(BEGIN.len() + name + DASHES.len())
        }
        None if near.len() < HEAD
            && line.iter().all(|b| b.is_ascii_uppercase() || b" -0123456789".contains(b)) =>
        {
            Head::May
        }
        _ => Head::No,
    }
}

/// Where the last line begins a head that is cut off.
pub(crate) fn cut_head(text: &[u8]) -> Option<usize> {
    let from = text.len().saturating_sub(HEAD);
    let dashes = memchr::memchr_iter(b'-', &text[from..]).map(|at| from + at);
    dashes.into_iter().find(|at| matches!(head(&text[*at..]), Head::May))
}

impl Block {
    /// A key whose first line is out.
    pub(crate) fn behind_head(rule: usize) -> Self {
        Self { rule, left: MOST, masked: false }
    }

    /// The key that `text` begins with, where nothing but more of it may follow, and whether there is any of it but the
    /// head.
    pub(crate) fn begun(text: &[u8], rule: usize) -> Option<(Self, bool)> {
        let Head::Is(len) = head(text) else { return None };
        let rest = &text[len..];
        if !rest.split(|b| *b == b'\n').all(is_body) {
            return None;
        }
        let some = rest.iter().any(|b| !b.is_ascii_whitespace());
        Some((Self { rule, left: MOST.checked_sub(text.len())?, masked: some }, some))
    }

    /// What the text is that comes next; with `whole`, there is no more of it for now.
    pub(crate) fn next(&mut self, text: &[u8], whole: bool) -> Next {
        if text.is_empty() {
            return Next::More;
        }
        let line_end = memchr::memchr(b'\n', text);
        let line = &text[..line_end.map_or(text.len(), |at| at + 1)];
        if let Some(at) = memchr::memmem::find(line, END)
            && is_body(&line[..at])
        {
            let behind = at + END.len();
            return match memchr::memmem::find(&line[behind..], DASHES) {
                Some(dashes) => self.key(behind + dashes + DASHES.len(), true),
                None if line_end.is_some() => Next::Over,
                None if whole => self.key(line.len(), false),
                None => Next::More,
            };
        }
        // Its end may have begun.
        let dash =
            memchr::memchr(b'-', line).filter(|at| line_end.is_none() && END.starts_with(&line[*at..]));
        if !is_body(&line[..dash.unwrap_or(line.len())]) {
            return Next::Over;
        }
        if line.trim_ascii().is_empty() && line_end.is_some() {
            return Next::Plain(line.len());
        }
        if line_end.is_none() && !whole && line.len() < MOST {
            return Next::More;
        }
        self.key(line.len(), false)
    }

    fn key(&mut self, bytes: usize, ends: bool) -> Next {
        let mask = !std::mem::replace(&mut self.masked, true);
        let over = bytes >= self.left;
        self.left = self.left.saturating_sub(bytes);
        Next::Key { bytes, mask, ends: ends || over }
    }
}

/// Whether a line is of a key's inside: base64, also with the line breaks of a string in it, or what says how it is
/// encrypted.
fn is_body(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let told = [&b"Proc-Type:"[..], b"DEK-Info:", b"Comment:", b"Version:"];
    let packed = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\\');
    line.iter().all(packed) || told.iter().any(|begin| line.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use crate::{Redactor, Rules};

    const BODY: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";

    /// The text in parts, with a pause behind each.
    fn paused(parts: &[&str]) -> String {
        let (mut redactor, mut out) = (Redactor::new(Some(Rules::built_in()), None), Vec::new());
        for part in parts {
            redactor.feed(part.as_bytes(), &mut out);
            redactor.idle(&mut out);
            assert!(!redactor.holds());
        }
        redactor.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_pause_anywhere_in_a_key_shows_none_of_it() {
        for kind in ["", "OPENSSH "] {
            for end in ["\n", "\r\n", "\\n"] {
                let inside = [BODY, &BODY[7..], &BODY[11..]].join(end);
                let head = format!("-----BEGIN {kind}PRIVATE KEY-----{end}");
                let key = format!("{head}{inside}{end}-----END {kind}PRIVATE KEY-----");
                let text = format!("before\n{key}\nafter the key\n");
                for first in (1..key.len()).step_by(3) {
                    for second in [first, first + 1, first + 30, key.len()] {
                        let (first, second) = (7 + first, 7 + second.min(key.len()));
                        let out = paused(&[&text[..first], &text[first..second], &text[second..]]);
                        let told = || format!("{kind}{end:?} {first} {second}: {out}");
                        assert!(
                            out.starts_with("before\n") && out.ends_with("\nafter the key\n"),
                            "{}",
                            told()
                        );
                        assert!(!(0..BODY.len() - 8).any(|at| out.contains(&BODY[at..at + 8])), "{}", told());
                        assert!(out.contains("[svault:private-key]"), "{}", told());
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_key_goes_on_behind_a_head() {
        for rest in ["that is how a key begins.\n", "", "and \"more\" text\n", "-----BEGIN X-----\n"] {
            let parts = ["see -----BEGIN PRIVATE KEY-----\n", rest, "here it is\n"];
            assert_eq!(paused(&parts), parts.concat());
        }
        let other = ["-----BEGIN CERTIFICATE-----\n", BODY, "\n-----END CERTIFICATE-----\n"];
        assert_eq!(paused(&other), other.concat());
        let endless = BODY.repeat(4000);
        let out = paused(&["-----BEGIN PRIVATE KEY-----\n", &endless, "\n", BODY, "\n"]);
        assert!(out.ends_with(&format!("{BODY}\n")), "a key has an end");
    }
}
