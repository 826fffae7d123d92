//! Where in a text a value may begin, and in which form: the filter over the text, over what stands around line
//! breaks, and over the decoded text around each escape. Says too much now and then, and never too little.

use crate::decode::{BLANK, Bits, Form, Numbers, Unit, base64, unit};
use crate::filter::{Filter, HEAD, STRIDE};
use crate::lines;
use std::ops::Range;

/// Calls back for each (form, start) that may be an occurrence with its first [`HEAD`] bytes in the text, for starts
/// at `from` and after it. Starts so near to the end that their head is not in the text are [`tail`]'s.
pub(crate) fn search(filter: &Filter, text: &[u8], from: usize, mut found: impl FnMut(Form, usize)) {
    filter.windows(text, from, |first, last| {
        for start in first..=last {
            if filter.knows_head(&text[start..]) {
                found(Form::Raw, start);
                packed(start, &mut found);
            }
        }
    });
    for at in memchr::memchr_iter(b'\n', &text[from..]) {
        joined(filter, text, from, from + at, &mut found);
    }
    escapes(filter, text, from, &mut found);
}

/// Calls back for each (form, start) whose head may go on behind the end of the text, for starts at `from` and after.
pub(crate) fn tail(filter: &Filter, text: &[u8], from: usize, mut found: impl FnMut(Form, usize)) {
    /// The most characters that are looked at in a packed form, line breaks besides: sixteen hex digits.
    const PACKED: usize = 2 * HEAD;
    /// The longest way to write a byte: `\ud83d\ude00`, or an entity.
    const ESCAPED: usize = 13;
    let end = text.len();
    (from.max(end.saturating_sub(filter.reach()))..end).for_each(|start| found(Form::Raw, start));
    let begins = |at: &usize| !matches!(text[*at], b'\r' | b'\n');
    let first = (from..end).rev().filter(begins).take(PACKED).last().unwrap_or(end);
    (first..end).filter(begins).for_each(|start| packed(start, &mut found));
    // What begins within a unit may be read as so many units less.
    let units = filter.reach() + ESCAPED;
    let near = from.max(end.saturating_sub(units + ESCAPED));
    let from = from.max(end.saturating_sub(units * ESCAPED));
    for form in Form::ESCAPES {
        // Behind an earlier one there is a byte for each of the last units.
        let last = (near..end).rev().find(|&at| form.marks(text[at]));
        if let Some(last) = last {
            let from = last_units(form, text, from, units);
            (from..=last).for_each(|start| found(form, start));
        }
    }
}

/// Where the last `count` units of the text begin, or `from`.
fn last_units(form: Form, text: &[u8], from: usize, count: usize) -> usize {
    const MOST: usize = 64;
    let mut starts = [from; MOST];
    let (mut place, mut read) = (from, 0);
    while place < text.len() {
        starts[read % MOST] = place;
        read += 1;
        place += match unit(form, text, place, false, &mut Bits::default()) {
            Unit::Bytes(_, _, width) => width,
            Unit::More | Unit::No => 1,
        };
    }
    if read <= count { from } else { starts[(read - count) % MOST] }
}

fn packed(start: usize, found: &mut impl FnMut(Form, usize)) {
    found(Form::Hex, start);
    for skip in [0, 2, 4] {
        found(Form::Base64(skip), start);
    }
}

/// Whether a byte is a character of base64, and so perhaps of hex.
static PACKED: [bool; 256] = {
    let mut packed = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        packed[byte] = base64(byte as u8).is_some();
        byte += 1;
    }
    packed
};

/// Hex and base64 whose first characters are broken by the line feed at `at`, and perhaps by others.
fn joined(filter: &Filter, text: &[u8], from: usize, at: usize, found: &mut impl FnMut(Form, usize)) {
    let is_packed = |byte: &&u8| PACKED[usize::from(**byte)];
    // Of several in a row the last one is looked at.
    if !text.get(at + 1).is_some_and(|next| is_packed(&next)) {
        return;
    }
    let returns = text[from..at].iter().rev().take(lines::MOST).take_while(|b| **b == b'\r').count();
    let (first, rest) = (&text[from..at - returns], &text[at + 1..]);
    let before = first.iter().rev().take(filter.reach() - 1).take_while(is_packed).count();
    let is_end = |byte: Option<&u8>| matches!(byte, Some(b'\r' | b'\n'));
    let short = before < filter.reach() - 1 && is_end(first.iter().rev().nth(before));
    if before == 0 && !short {
        return;
    }
    let behind = rest.iter().take(BEHIND).take_while(is_packed).count();
    if short || (behind < BEHIND && is_end(rest.get(behind))) {
        return joined_often(filter, text, from, at, found);
    }
    if before + behind >= HEAD {
        let mut line = [0; JOINED];
        line[..before].copy_from_slice(&first[first.len() - before..]);
        line[before..before + behind].copy_from_slice(&rest[..behind]);
        let begin = from + first.len() - before;
        across(filter, &line[..before + behind], before, |index| packed(begin + index, found));
    }
}

/// The most characters of a line that are joined with the next.
const JOINED: usize = 4 * HEAD;
/// Characters that are looked at behind a line feed.
const BEHIND: usize = HEAD + STRIDE - 1;

/// The same where more than one line feed is near.
fn joined_often(filter: &Filter, text: &[u8], from: usize, at: usize, found: &mut impl FnMut(Form, usize)) {
    let is_packed = |at: &usize| PACKED[usize::from(text[*at])];
    let is_break = |at: &usize| match text[*at] {
        b'\n' => true,
        b'\r' => matches!(text[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]),
        _ => false,
    };
    let mut places = [0; JOINED];
    let most = filter.reach() - 1;
    let mut before = 0;
    let back = (from..at).rev().filter(|at| !is_break(at)).take(most).take_while(is_packed);
    for (place, at) in places[..most].iter_mut().rev().zip(back) {
        (*place, before) = (at, before + 1);
    }
    places.copy_within(most - before..most, 0);
    let mut len = before;
    let on = (at + 1..text.len()).filter(|at| !is_break(at)).take(BEHIND).take_while(is_packed);
    for (place, at) in places[before..].iter_mut().zip(on) {
        (*place, len) = (at, len + 1);
    }
    if before > 0 && len >= HEAD {
        let line = places.map(|at| text[at]);
        across(filter, &line[..len], before, |index| packed(places[index], found));
    }
}

/// Calls back with each start among the first `before` characters of a line whose window may be known.
fn across(filter: &Filter, line: &[u8], before: usize, mut found: impl FnMut(usize)) {
    for window in (0..before + STRIDE - 1).step_by(STRIDE) {
        if filter.knows_start(&line[window.min(line.len())..]) {
            (window.saturating_sub(STRIDE - 1)..=window.min(before - 1)).for_each(&mut found);
        }
    }
}

fn escapes(filter: &Filter, text: &[u8], from: usize, found: &mut impl FnMut(Form, usize)) {
    let mut done = [from; 4];
    for at in memchr::memchr3_iter(b'%', b'\\', b'&', &text[from..]) {
        around(filter, text, from + at, &mut done, found);
    }
    let rare = [(b' ', b'+'), (b'\'', b'\'')].map(|(byte, mark)| filter.has_byte(byte).then_some(mark));
    for mark in rare.into_iter().flatten() {
        let mut done = [from; 4];
        for at in memchr::memchr_iter(mark, &text[from..]) {
            around(filter, text, from + at, &mut done, found);
        }
    }
}

/// The decoded text around the mark at `at`. `done` says for each kind of form up to where starts have been looked at.
#[inline]
fn around(
    filter: &Filter,
    text: &[u8],
    at: usize,
    done: &mut [usize; 4],
    found: &mut impl FnMut(Form, usize),
) {
    let plus = filter.has_byte(b' ');
    let (kind, forms): (usize, &[Form]) = match text[at] {
        b'%' | b'+' if plus => (0, &[Form::Url { plus: true }, Form::Url { plus: false }]),
        b'%' | b'+' => (0, &[Form::Url { plus: false }, Form::Url { plus: true }]),
        b'&' => (2, &[Form::Html { latin1: false }, Form::Html { latin1: true }]),
        b'\'' => (3, &[Form::Quoted]),
        _ => {
            const ALL: [Form; 3] = [
                Form::Escaped(Numbers::Mixed),
                Form::Escaped(Numbers::Bytes),
                Form::Escaped(Numbers::Points),
            ];
            (1, &ALL)
        }
    };
    if let Unit::Bytes([byte, ..], 1, width) = unit(forms[0], text, at, false, &mut Bits::default()) {
        if width == 1 && byte == text[at] {
            // It is itself, as in raw text.
            return;
        }
        // What is not ASCII may be another byte in another of the forms.
        if !filter.has_byte(byte) && (byte.is_ascii() || kind != 1) {
            // No head has it, so none goes across it.
            done[kind] = at + 1;
            return;
        }
    }
    let from = done[kind].max(at.saturating_sub(filter.reach() - 1));
    done[kind] = at + 1;
    let mut all = |start| forms.iter().for_each(|&form| found(form, start));
    decode(filter, text, from..at, forms, &mut all);
}

/// Calls back with each start from `range.start` to the mark at `range.end` that may be one in any of the forms.
#[inline(never)]
fn decode(filter: &Filter, text: &[u8], range: Range<usize>, forms: &[Form], found: &mut impl FnMut(usize)) {
    let decoded = |form| Decoded::around(text, range.start, range.end, form);
    let first = decoded(forms[0]);
    first.starts(filter, text, &mut *found);
    let is_url = matches!(forms[0], Form::Url { .. });
    // Where a space may be a `+`, a `+` may still be itself.
    if if is_url { filter.has_byte(b' ') } else { first.is_wide() } {
        forms[1..].iter().for_each(|&form| decoded(form).starts(filter, text, &mut *found));
    }
}

/// Some decoded text around a mark.
struct Decoded {
    form: Form,
    from: usize,
    bytes: [u8; Decoded::MOST],
    len: usize,
    /// Bytes that came before the mark's own unit was read, that unit included.
    before: usize,
}

impl Decoded {
    /// What stands before the mark, its unit, and enough behind it for every window of every head.
    const MOST: usize = 4 * HEAD + 4;

    /// Decodes from `from` on, as far behind the mark at `at` as a head that begins before it can go.
    fn around(text: &[u8], from: usize, at: usize, form: Form) -> Self {
        let (mut bytes, mut len, mut before) = ([0; Self::MOST], 0, 0);
        let mut place = from;
        while len < before + HEAD + STRIDE - 1 || place <= at {
            let Some(&byte) = text.get(place) else { break };
            if form.marks(byte) {
                let Unit::Bytes(unit, n, width) = unit(form, text, place, false, &mut Bits::default()) else {
                    break;
                };
                let n = usize::from(n);
                if len + 4 > bytes.len() {
                    break;
                }
                bytes[len..len + 4].copy_from_slice(&unit);
                len += n;
                if place <= at {
                    before = len - n + 1;
                }
                place += width;
            } else {
                if len + 1 > bytes.len() {
                    break;
                }
                bytes[len] = byte;
                len += 1;
                if place <= at {
                    before = len;
                }
                place += 1;
            }
        }
        bytes[len..].fill(0);
        Self { form, from, bytes, len, before }
    }

    /// Whether something that is not ASCII came out.
    fn is_wide(&self) -> bool {
        !self.bytes.is_ascii()
    }

    /// Tells of each start up to the mark whose head may be known.
    fn starts(&self, filter: &Filter, text: &[u8], mut found: impl FnMut(usize)) {
        let windows = (0..self.before + STRIDE - 1).step_by(STRIDE);
        for window in windows.filter(|&w| filter.knows_raw(&self.bytes[w.min(self.len)..self.len])) {
            for start in window.saturating_sub(STRIDE - 1)..=window.min(self.before - 1) {
                found(self.place(text, start));
            }
        }
    }

    /// Where in the text the byte at `index` comes from.
    fn place(&self, text: &[u8], index: usize) -> usize {
        let (mut len, mut place) = (0, self.from);
        while let Unit::Bytes(_, n, width) = unit(self.form, text, place, false, &mut Bits::default()) {
            len += usize::from(n);
            if len > index {
                break;
            }
            place += width;
        }
        place
    }
}

/// The most bytes of line breaks between two characters of base64.
pub(crate) const BREAKS: usize = BLANK + lines::MOST + 1;

/// The character of base64 before `start`, if there is one; line breaks may lie between.
pub(crate) fn before(text: &[u8], start: usize) -> Option<usize> {
    let is_break = |b: &&u8| matches!(**b, b'\r' | b'\n');
    let near = &text[start.saturating_sub(BREAKS)..start];
    let breaks = match near.last() {
        Some(b'\n') => near.iter().rev().take_while(is_break).count(),
        _ => 0,
    };
    let at = (start - breaks).checked_sub(1)?;
    base64(text[at]).map(|_| at)
}
