//! Line ends. LF, CRLF and what a terminal makes of CRLF are the same in values and in texts: each is one line feed.

use zeroize::Zeroizing;

/// Carriage returns before a line feed that belong to the line end, at most.
pub(crate) const MOST: usize = 2;

/// Bytes on their way, and the carriage returns of which it isn't known yet whether a line feed follows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ends {
    held: u8,
}

impl Ends {
    /// Whether carriage returns are held.
    pub(crate) fn holds(self) -> bool {
        self.held > 0
    }

    /// Whether this byte goes through as it is.
    pub(crate) fn passes(self, byte: u8) -> bool {
        self.held == 0 && byte != b'\r'
    }

    /// Takes a byte: the bytes that it stands for now, and how many they are.
    pub(crate) fn push(&mut self, byte: u8) -> ([u8; MOST + 1], usize) {
        let mut bytes = [b'\r'; MOST + 1];
        let before = match byte {
            b'\r' if usize::from(self.held) < MOST => {
                self.held += 1;
                return (bytes, 0);
            }
            b'\r' | b'\n' => 0,
            _ => usize::from(self.held),
        };
        if byte != b'\r' {
            self.held = 0;
        }
        bytes[before] = byte;
        (bytes, before + 1)
    }
}

/// A value with plain line feeds, and without carriage returns at its end; none where it is so already.
pub(crate) fn plain(value: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    memchr::memchr(b'\r', value)?;
    let (mut plain, mut ends) = (Zeroizing::new(Vec::with_capacity(value.len())), Ends::default());
    for &byte in value {
        let (bytes, n) = ends.push(byte);
        plain.extend_from_slice(&bytes[..n]);
    }
    while plain.last() == Some(&b'\r') {
        plain.pop();
    }
    Some(plain)
}

/// Line ends of a head that are each written in every way; those behind them are written as the last of these.
const FREE: usize = 4;

/// The first `N` bytes of a plain value, in every way that its line ends may be written.
pub(crate) fn ways<const N: usize>(value: &[u8], mut each: impl FnMut([u8; N])) {
    let ends = value.iter().take(N).filter(|b| **b == b'\n').count().min(FREE);
    for choice in 0..(MOST + 1).pow(ends as u32) {
        each(written(value, ends, choice));
    }
}

/// One of them: a digit of `choice` for each line end.
fn written<const N: usize>(value: &[u8], ends: usize, mut choice: usize) -> [u8; N] {
    let mut way = [0; N];
    let (mut at, mut left) = (0, ends);
    for &byte in value.iter().take(N) {
        if byte == b'\n' {
            at = (at + choice % (MOST + 1)).min(N);
            way[..at].iter_mut().rev().take(choice % (MOST + 1)).for_each(|to| *to = b'\r');
            if left > 1 {
                (choice, left) = (choice / (MOST + 1), left - 1);
            }
        }
        let Some(to) = way.get_mut(at) else { break };
        (*to, at) = (byte, at + 1);
    }
    way
}

/// In how many ways a plain value of a set begins, at least in all.
pub(crate) fn number_of_ways<const N: usize>(value: &[u8]) -> usize {
    let mut ways = 0;
    self::ways::<N>(value, |_| ways += 1);
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_is_a_line_feed_and_other_carriage_returns_stay() {
        let plain = |value: &[u8]| plain(value).map(|v| v.escape_ascii().to_string());
        assert_eq!(plain(b"a\nb"), None);
        assert_eq!(plain(b"a\r\nb\r\r\nc\n"), Some("a\\nb\\nc\\n".into()));
        assert_eq!(plain(b"a\rb\r\rc\r\r\rd"), Some("a\\rb\\r\\rc\\r\\r\\rd".into()));
        assert_eq!(plain(b"a\r\r\r\nb"), Some("a\\r\\nb".into()));
        assert_eq!(plain(b"a\r\r\r"), Some("a".into()));
    }

    #[test]
    fn heads_are_written_in_all_ways() {
        let mut all = Vec::new();
        ways::<4>(b"a\nb\nc", |way| all.push(way.escape_ascii().to_string()));
        assert_eq!(all.len(), 9);
        for way in ["a\\nb\\n", "a\\r\\nb", "a\\r\\r\\n", "a\\nb\\r"] {
            assert!(all.iter().any(|w| w == way), "{way} {all:?}");
        }
        assert_eq!(number_of_ways::<4>(b"abcd\n"), 1);
    }
}
