//! Which places of a text are worth a look: a filter over windows of five bytes, asked at some places only, and behind it one
//! over eight bytes. They know how every value begins as raw text, hex and base64.

use crate::lines;

/// Bytes in a window.
pub(crate) const WINDOW: usize = 5;
/// Places between two windows where the text was put together from pieces. A form's first `WINDOW + STRIDE - 1` = 8
/// characters always hold one whole window.
pub(crate) const STRIDE: usize = 4;
/// Characters of a form that tell whether it may be one, and bytes of a value that the exact look-up begins with.
pub(crate) const HEAD: usize = WINDOW + STRIDE - 1;
/// The same in plain text, where all values are long and few.
const WIDE_STRIDE: usize = 12;
/// Characters of a form, and bytes of a value, in which such windows lie.
pub(crate) const WIDE_HEAD: usize = WINDOW + WIDE_STRIDE - 1;
/// Of more values there would be more windows than the cache has room for.
const FEW: usize = 2000;
/// Between the two: where values are less long or less few.
const MIDDLE_STRIDE: usize = 8;
const MIDDLE_HEAD: usize = WINDOW + MIDDLE_STRIDE - 1;
/// With windows of more values the largest set would be so full that it says yes too often.
const MANY: usize = 12_000;

const MASK: u64 = (1 << (8 * WINDOW)) - 1;
/// Bits of a set for each number in it.
const BITS: usize = 24;
/// Words (8 bytes) of the smallest and of the largest set: it must stay in the second-level cache.
const WORDS: std::ops::RangeInclusive<usize> = 64..=1 << 16;

/// The filter. Keyed, so that no text is slow for everybody.
pub(crate) struct Filter {
    /// Places between two windows in plain text.
    stride: usize,
    /// Windows of all forms, at each place of a stride.
    windows: Bitmap,
    /// Windows of the raw form at each place of [`STRIDE`].
    raw: Bitmap,
    /// Heads of all forms.
    heads: Bitmap,
    /// Whether a value has this byte in its first ones.
    bytes: [bool; 256],
}

impl Filter {
    /// An empty filter for this many beginnings of values, each value of at least `shortest` bytes.
    pub(crate) fn new(values: usize, shortest: usize, key: u64) -> Self {
        /// Ways to write a head, about: of hex there are as many as there are letters to be of either case.
        const FORMS: usize = 7;
        let stride = match (shortest, values) {
            (WIDE_HEAD.., ..=FEW) => WIDE_STRIDE,
            (MIDDLE_HEAD.., ..=MANY) => MIDDLE_STRIDE,
            _ => STRIDE,
        };
        let texts = values.saturating_mul(FORMS);
        Self {
            stride,
            windows: Bitmap::new(texts.saturating_mul(stride), key),
            raw: Bitmap::new(values.saturating_mul(STRIDE), key.rotate_left(11)),
            heads: Bitmap::new(texts, key.rotate_left(29)),
            bytes: [false; 256],
        }
    }

    /// So many first characters of a form, and bytes of a value, are looked at: what breaks them up, breaks windows.
    pub(crate) fn reach(&self) -> usize {
        WINDOW + self.stride - 1
    }

    /// Adds the forms of a value with plain line ends; of a shorter one than was said, nothing.
    pub(crate) fn add(&mut self, value: &[u8]) {
        if value.len() >= self.reach() {
            lines::ways(value, |first| self.add_head(first));
        }
    }

    fn add_head(&mut self, mut first: [u8; WIDE_HEAD]) {
        first[self.reach()..].fill(0);
        first[..self.reach()].iter().for_each(|&byte| self.bytes[usize::from(byte)] = true);
        for offset in 0..STRIDE {
            self.raw.add(eight(&first, offset) & MASK);
        }
        self.add_text(first, false);
        let digit = |i: usize| usize::from(first[i / 2] >> (4 * (1 - i % 2)) & 15);
        self.add_text(std::array::from_fn(|i| b"0123456789abcdef"[digit(i)]), true);
        let bits = u128::from_be_bytes(first);
        for skip in [0, 2, 4] {
            let sextet = |i: usize| (bits >> (122 - 6 * i - skip)) as usize & 63;
            self.add_text(std::array::from_fn(|i| STANDARD[sextet(i)]), false);
            if (0..self.reach()).any(|i| sextet(i) > 61) {
                let url = |i: usize| match sextet(i) {
                    62 => b'-',
                    63 => b'_',
                    other => STANDARD[other],
                };
                self.add_text(std::array::from_fn(url), false);
            }
        }
    }

    /// With `any_case` each lower-case letter may be an upper-case one, too.
    fn add_text(&mut self, text: [u8; WIDE_HEAD], any_case: bool) {
        let letters = |word: u64| if any_case { lower_bits(word) } else { 0 };
        let head = eight(&text, 0);
        each_case(head, letters(head), |head| self.heads.add(folded(head)));
        for offset in 0..self.stride {
            let window = eight(&text, offset) & MASK;
            each_case(window, letters(window), |window| self.windows.add(window));
        }
    }

    /// Whether this byte is among the first of a value.
    pub(crate) fn has_byte(&self, byte: u8) -> bool {
        self.bytes[usize::from(byte)]
    }

    /// Whether the head at the start of this text may be known; no when it is shorter than a head.
    pub(crate) fn knows_head(&self, text: &[u8]) -> bool {
        text.first_chunk().is_some_and(|head| self.heads.has(folded(u64::from_le_bytes(*head))))
    }

    /// Whether the window at the start of this text may be one of any form; no when it is shorter than a window.
    pub(crate) fn knows_start(&self, text: &[u8]) -> bool {
        text.len() >= WINDOW && self.windows.has(eight(text, 0) & MASK)
    }

    /// The same of the raw form alone.
    pub(crate) fn knows_raw(&self, text: &[u8]) -> bool {
        text.len() >= WINDOW && self.raw.has(eight(text, 0) & MASK)
    }

    /// Calls back with the first and the last start whose head may be known, for starts at `from` and after it.
    pub(crate) fn windows(&self, text: &[u8], from: usize, mut found: impl FnMut(usize, usize)) {
        let mut tell = |window: usize| found(window.saturating_sub(self.stride - 1).max(from), window);
        match self.stride {
            STRIDE => self.scan::<STRIDE, { 4 * STRIDE + 4 }>(text, from, &mut tell),
            MIDDLE_STRIDE => self.scan::<MIDDLE_STRIDE, { 4 * MIDDLE_STRIDE + 4 }>(text, from, &mut tell),
            _ => self.scan::<WIDE_STRIDE, { 4 * WIDE_STRIDE + 4 }>(text, from, &mut tell),
        }
    }

    // By itself the loop has all of its numbers in registers.
    #[inline(never)]
    fn scan<const STRIDE: usize, const BLOCK: usize>(
        &self,
        text: &[u8],
        from: usize,
        found: &mut impl FnMut(usize),
    ) {
        let mut at = from;
        while let Some(block) = text.get(at..).and_then(|rest| rest.first_chunk::<BLOCK>()) {
            let known = [0, 1, 2, 3].map(|i| self.windows.has(eight(block, i * STRIDE) & MASK));
            if known[0] | known[1] | known[2] | known[3] {
                (0..4).filter(|&i| known[i]).for_each(|i| found(at + i * STRIDE));
            }
            at += 4 * STRIDE;
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
    /// The number of words less one.
    last: usize,
    key: u64,
}

impl Bitmap {
    fn new(numbers: usize, key: u64) -> Self {
        let words = (numbers.saturating_mul(BITS) / 64).next_power_of_two();
        let words = words.clamp(*WORDS.start(), *WORDS.end());
        Self { words: vec![0; words].into(), last: words - 1, key: key | 1 }
    }

    #[inline]
    fn place(&self, number: u64) -> (usize, u64) {
        let hash = number.wrapping_mul(self.key);
        ((hash >> 48) as usize & self.last, 1 << (hash >> 41 & 63) | 1 << (hash >> 35 & 63))
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

/// The bits that make upper case of the lower-case letters among eight bytes.
fn lower_bits(word: u64) -> u64 {
    let bit = |byte: u8| if byte.is_ascii_lowercase() { 0x20 } else { 0 };
    u64::from_le_bytes(word.to_le_bytes().map(bit))
}

/// A word with each choice of these bits changed.
fn each_case(word: u64, bits: u64, mut tell: impl FnMut(u64)) {
    let mut chosen = bits;
    loop {
        tell(word ^ chosen);
        if chosen == 0 {
            return;
        }
        chosen = (chosen - 1) & bits;
    }
}

/// A head whose every byte tells in the lower half.
#[inline]
fn folded(head: u64) -> u64 {
    head ^ head >> 32
}

/// Eight bytes from a place on, or what there is of them.
#[inline]
fn eight(text: &[u8], at: usize) -> u64 {
    match text.get(at..at + 8).and_then(|eight| eight.first_chunk()) {
        Some(eight) => u64::from_le_bytes(*eight),
        None => {
            text.get(at..).unwrap_or_default().iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte))
        }
    }
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(filter: &Filter, text: &[u8]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        filter.windows(text, 0, |first, last| found.push((first, last)));
        found
    }

    #[test]
    fn every_form_has_a_window_at_every_phase() {
        for (values, shortest, reach) in
            [(1, 8, 8), (1, 12, 12), (1, 16, 16), (FEW + 1, 16, 12), (MANY + 1, 16, 8)]
        {
            let mut filter = Filter::new(values, shortest, 0x9e37_79b9_7f4a_7c15);
            filter.add(b"sk-test-of-sixteen");
            assert_eq!(filter.reach(), reach);
            // Raw, hex in both cases and in a mix of them, base64 with 0, 1 and 2 bytes before (`printf 'xsk-test-' | base64` and so on).
            for form in [
                "sk-test-of-sixteen",
                "736b2d746573742d6f66",
                "736B2D746573742D6F66",
                "736b2D746573742d6f66",
                "736B2d746573742D6f66",
                "c2stdGVzdC1vZi1z",
                "NrLXRlc3Qtb2Ytc2",
                "zay10ZXN0LW9mLXN",
            ] {
                for before in 0..16 {
                    let text = format!("{}{form} and more text", &"................"[..before]);
                    let found = starts(&filter, text.as_bytes());
                    let here = found.iter().any(|(first, last)| (*first..=*last).contains(&before));
                    assert!(
                        here && filter.knows_head(&text.as_bytes()[before..]),
                        "{form} {before} {found:?}"
                    );
                }
            }
            let text = b"nothing of it is here, as you can see for yourself ".repeat(100);
            assert!(starts(&filter, &text).len() < 10);
        }
    }
}
