//! Which places of a text are worth a look: a filter over windows of five bytes, asked at every fourth place, and behind it
//! one over eight bytes. They know the first eight characters of every value as raw text, hex and base64.

/// Bytes in a window.
pub(crate) const WINDOW: usize = 5;
/// Places between two windows. A form's first `WINDOW + STRIDE - 1` = 8 characters always hold one whole window.
pub(crate) const STRIDE: usize = 4;
/// Characters of a form that the filter knows, and bytes of a value that the exact look-up begins with.
pub(crate) const HEAD: usize = 8;

const MASK: u64 = (1 << (8 * WINDOW)) - 1;
/// Bits of a set for each number in it.
const BITS: usize = 24;
/// Words (8 bytes) of the smallest and of the largest set: it must stay in the second-level cache.
const WORDS: std::ops::RangeInclusive<usize> = 64..=1 << 16;

/// The filter. Keyed, so that no text is slow for everybody.
pub(crate) struct Filter {
    /// Windows, each head's at four offsets.
    windows: Bitmap,
    /// Whole heads.
    heads: Bitmap,
    /// Whether a head has this byte.
    bytes: [bool; 256],
}

impl Filter {
    /// An empty filter for this many values.
    pub(crate) fn new(values: usize, key: u64) -> Self {
        /// Ways to write a head.
        const FORMS: usize = 6;
        let texts = values.saturating_mul(FORMS);
        let windows = Bitmap::new(texts.saturating_mul(STRIDE), key);
        Self { windows, heads: Bitmap::new(texts, key.rotate_left(29)), bytes: [false; 256] }
    }

    /// Adds the forms of a value, of which this is the head.
    pub(crate) fn add(&mut self, head: [u8; HEAD]) {
        head.iter().for_each(|&byte| self.bytes[usize::from(byte)] = true);
        self.add_text(head);
        let digit = |i: usize| usize::from(head[i / 2] >> (4 * (1 - i % 2)) & 15);
        self.add_text(std::array::from_fn(|i| b"0123456789abcdef"[digit(i)]));
        self.add_text(std::array::from_fn(|i| b"0123456789ABCDEF"[digit(i)]));
        let bits = u64::from_be_bytes(head);
        for skip in [0, 2, 4] {
            let sextet = |i: usize| (bits >> (58 - 6 * i - skip)) as usize & 63;
            self.add_text(std::array::from_fn(|i| STANDARD[sextet(i)]));
            if (0..HEAD).any(|i| sextet(i) > 61) {
                self.add_text(std::array::from_fn(|i| match sextet(i) {
                    62 => b'-',
                    63 => b'_',
                    other => STANDARD[other],
                }));
            }
        }
    }

    fn add_text(&mut self, text: [u8; HEAD]) {
        let text = u64::from_le_bytes(text);
        self.heads.add(text);
        for offset in 0..STRIDE {
            self.windows.add(text >> (8 * offset) & MASK);
        }
    }

    /// Whether this byte is in the head of a value.
    pub(crate) fn has_byte(&self, byte: u8) -> bool {
        self.bytes[usize::from(byte)]
    }

    /// Whether the window at the start of these eight bytes may be known.
    #[inline]
    pub(crate) fn knows(&self, eight: u64) -> bool {
        self.windows.has(eight & MASK)
    }

    /// Whether the head at the start of this text may be known; no when it is shorter than a head.
    pub(crate) fn knows_head(&self, text: &[u8]) -> bool {
        text.first_chunk().is_some_and(|head| self.heads.has(u64::from_le_bytes(*head)))
    }

    /// Whether the window at the start of this text may be known; no when it is shorter than a window.
    pub(crate) fn knows_start(&self, text: &[u8]) -> bool {
        let mut eight = [0; 8];
        let len = text.len().min(8);
        eight[..len].copy_from_slice(&text[..len]);
        len >= WINDOW && self.knows(u64::from_le_bytes(eight))
    }

    /// Calls back with the place of each window that may be known, of those at `from`, `from + STRIDE` and so on.
    pub(crate) fn windows(&self, text: &[u8], from: usize, mut found: impl FnMut(usize)) {
        const BLOCK: usize = 4 * STRIDE;
        let mut at = from;
        while let Some(block) = text.get(at..at + BLOCK + 4).and_then(<[u8]>::first_chunk::<{ BLOCK + 4 }>) {
            let known = [0, 1, 2, 3].map(|i| self.knows(eight(block, i * STRIDE)));
            if known != [false; 4] {
                (0..4).filter(|&i| known[i]).for_each(|i| found(at + i * STRIDE));
            }
            at += BLOCK;
        }
        while at + WINDOW <= text.len() {
            if self.knows_start(&text[at..]) {
                found(at);
            }
            at += STRIDE;
        }
    }
}

/// A set of numbers that says now and then that it has one that it hasn't: two bits in one word for each.
struct Bitmap {
    words: Box<[u64]>,
    shift: u32,
    key: u64,
}

impl Bitmap {
    fn new(numbers: usize, key: u64) -> Self {
        let words = (numbers.saturating_mul(BITS) / 64).next_power_of_two();
        let words = words.clamp(*WORDS.start(), *WORDS.end());
        Self { words: vec![0; words].into(), shift: 64 - words.trailing_zeros(), key: key | 1 }
    }

    #[inline]
    fn place(&self, number: u64) -> (usize, u64) {
        let hash = number.wrapping_mul(self.key);
        ((hash >> self.shift) as usize, 1 << (hash >> 41 & 63) | 1 << (hash >> 35 & 63))
    }

    fn add(&mut self, number: u64) {
        let (word, bits) = self.place(number);
        self.words[word] |= bits;
    }

    #[inline]
    fn has(&self, number: u64) -> bool {
        let (word, bits) = self.place(number);
        self.words[word] & bits == bits
    }
}

#[inline]
fn eight(block: &[u8; 20], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| block[at + i]))
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_a_window_at_every_phase() {
        let mut filter = Filter::new(1, 0x9e37_79b9_7f4a_7c15);
        filter.add(*b"sk-test-");
        // Raw, hex twice, base64 with 0, 1 and 2 bytes before (`printf 'xsk-test-' | base64` and so on).
        for form in ["sk-test-", "736b2d746573742d", "736B2D74", "c2stdGVz", "NrLXRlc3", "zay10ZXN0"] {
            for before in 0..8 {
                let text = format!("{}{form} and more text", &"........"[..before]);
                let mut found = Vec::new();
                filter.windows(text.as_bytes(), 0, |at| found.push(at));
                assert!(
                    found.iter().any(|at| (before..before + 4).contains(at)),
                    "{form} {before} {found:?}"
                );
            }
        }
        let mut found = 0;
        filter
            .windows(&b"nothing of it is here, as you can see for yourself ".repeat(100), 0, |_| found += 1);
        assert!(found < 10);
    }
}
