//! Where in a text a value may begin, and in which form: the filter over the text, over what stands around line
//! breaks, and over the decoded text around each escape. Says too much now and then, and never too little.

use crate::decode::{Bits, Form, Numbers, Unit, base64, unit};
use crate::filter::{Filter, HEAD, STRIDE};

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
    let from = from.max(end.saturating_sub((filter.reach() + ESCAPED) * ESCAPED));
    for form in Form::ESCAPES {
        let last = (from..end).rev().find(|&at| form.marks(text[at]));
        if let Some(last) = last {
            // What begins within a unit may be read as so many units less.
            let from = last_units(form, text, from, filter.reach() + ESCAPED);
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
    let is_packed = |at: &usize| PACKED[usize::from(text[*at])];
    let is_break = |at: &usize| match text[*at] {
        b'\n' => true,
        b'\r' => matches!(text[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]),
        _ => false,
    };
    // Of several in a row the last one is looked at.
    if (at + 1..text.len()).next().is_some_and(|next| is_break(&next)) {
        return;
    }
    let mut places = [0; 4 * HEAD];
    let most = filter.reach() - 1;
    let mut before = 0;
    let back = (from..at).rev().filter(|at| !is_break(at)).take(most).take_while(is_packed);
    for (place, at) in places[..most].iter_mut().rev().zip(back) {
        (*place, before) = (at, before + 1);
    }
    if before == 0 {
        return;
    }
    places.copy_within(most - before..most, 0);
    let mut len = before;
    let on = (at + 1..text.len()).filter(|at| !is_break(at)).take(HEAD + STRIDE - 1).take_while(is_packed);
    for (place, at) in places[before..].iter_mut().zip(on) {
        (*place, len) = (at, len + 1);
    }
    if len == before || len < HEAD {
        return;
    }
    let line = places.map(|at| text[at]);
    for window in (0..before + STRIDE - 1).step_by(STRIDE) {
        if filter.knows_start(&line[window.min(len)..len]) {
            let starts = &places[window.saturating_sub(STRIDE - 1)..=window.min(before - 1)];
            starts.iter().for_each(|&start| packed(start, found));
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
    let from = done[kind].max(at.saturating_sub(filter.reach() - 1));
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
    done[kind] = at + 1;
    let mut all = |start| forms.iter().for_each(|&form| found(form, start));
    let first = Decoded::around(text, from, at, forms[0]);
    first.starts(filter, text, &mut all);
    // Where a space may be a `+`, a `+` may still be itself.
    if (first.is_wide() && kind != 0) || (plus && kind == 0) {
        let others = forms[1..].iter().map(|&form| Decoded::around(text, from, at, form));
        others.for_each(|other| other.starts(filter, text, &mut all));
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

/// The character of base64 before `start`, if there is one; a line break may lie between.
pub(crate) fn before(text: &[u8], start: usize) -> Option<usize> {
    let line = match &text[..start] {
        [.., b'\r', b'\n'] => start - 2,
        [.., b'\n'] => start - 1,
        _ => start,
    };
    let at = line.checked_sub(1)?;
    base64(text[at]).map(|_| at)
}
