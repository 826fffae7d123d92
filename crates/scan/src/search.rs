//! Where in a text a value may begin, and in which form: the filter over the text, over what stands around line
//! breaks, and over the decoded text around each escape. Says too much now and then, and never too little.

use crate::decode::{Bits, Form, Unit, base64, unit};
use crate::filter::{Filter, HEAD, STRIDE};

/// Calls back for each (form, start) that may be an occurrence with its first [`HEAD`] bytes in the text, for starts
/// at `from` and after it. Starts so near to the end that their head is not in the text are [`tail`]'s.
pub(crate) fn search(filter: &Filter, text: &[u8], from: usize, mut found: impl FnMut(Form, usize)) {
    filter.windows(text, from, |window| {
        for start in window.saturating_sub(STRIDE - 1).max(from)..=window {
            found(Form::Raw, start);
            packed(start, &mut found);
        }
    });
    for at in memchr::memchr_iter(b'\n', &text[from..]) {
        joined(filter, text, from, from + at, &mut found);
    }
    escapes(filter, text, from, &mut found);
}

/// Calls back for each (form, start) whose head may go on behind the end of the text, for starts at `from` and after.
pub(crate) fn tail(text: &[u8], from: usize, mut found: impl FnMut(Form, usize)) {
    /// The longest head of a packed form: sixteen hex digits and a line break.
    const PACKED: usize = 2 * HEAD + 2;
    /// The longest head of an escaped form: eight times `\ud83d\ude00` or an entity.
    const ESCAPED: usize = HEAD * 13;
    let end = text.len();
    for start in from.max(end.saturating_sub(PACKED))..end {
        found(Form::Raw, start);
        packed(start, &mut found);
    }
    for form in Form::ESCAPES {
        let from = from.max(end.saturating_sub(ESCAPED));
        let last = (from..end).rev().find(|&at| form.marks(text[at]));
        for start in from..last.map_or(from, |last| last + 1) {
            found(form, start);
        }
    }
}

fn packed(start: usize, found: &mut impl FnMut(Form, usize)) {
    found(Form::Hex, start);
    for skip in [0, 2, 4] {
        found(Form::Base64(skip), start);
    }
}

/// Hex and base64 whose head is broken by the line feed at `at`.
fn joined(filter: &Filter, text: &[u8], from: usize, at: usize, found: &mut impl FnMut(Form, usize)) {
    let end = if at > from && text[at - 1] == b'\r' { at - 1 } else { at };
    let is_packed = |b: &&u8| base64(**b).is_some();
    let before = text[from.max(end.saturating_sub(HEAD - 1))..end].iter().rev().take_while(is_packed).count();
    let after = text[at + 1..].iter().take(HEAD + 3).take_while(is_packed).count();
    if before == 0 || after == 0 || before + after < HEAD {
        return;
    }
    let mut line = [0; 2 * HEAD + 2];
    line[..before].copy_from_slice(&text[end - before..end]);
    line[before..before + after].copy_from_slice(&text[at + 1..at + 1 + after]);
    for window in (0..before + STRIDE - 1).step_by(STRIDE) {
        if filter.knows_start(&line[window.min(before + after)..before + after]) {
            for start in window.saturating_sub(STRIDE - 1)..=window.min(before - 1) {
                packed(end - before + start, found);
            }
        }
    }
}

fn escapes(filter: &Filter, text: &[u8], from: usize, found: &mut impl FnMut(Form, usize)) {
    let mut done = [from; 4];
    for at in memchr::memchr3_iter(b'%', b'\\', b'&', &text[from..]) {
        around(filter, text, from + at, &mut done, found);
    }
    let (plus, quote) = (filter.plus, filter.quote);
    let rare = [plus.then_some(b'+'), quote.then_some(b'\'')];
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
    let (kind, forms) = match text[at] {
        b'%' | b'+' => (0, [Form::Url { plus: filter.plus }, Form::Url { plus: !filter.plus }]),
        b'&' => (2, [Form::Html { latin1: false }, Form::Html { latin1: true }]),
        b'\'' => (3, [Form::Quoted; 2]),
        _ => (1, [Form::Escaped { latin1: false }, Form::Escaped { latin1: true }]),
    };
    let from = done[kind].max(at.saturating_sub(HEAD - 1));
    if from > at {
        return;
    }
    done[kind] = at + 1;
    let both = &forms[..if forms[0] == forms[1] { 1 } else { 2 }];
    let mut both = |start| both.iter().for_each(|&form| found(form, start));
    let mut wide = decoded(filter, text, from, at, forms[0], &mut both);
    if from < at {
        // The mark may have been read as a part of what is before it.
        wide |= decoded(filter, text, at, at, forms[0], &mut both);
    }
    // Where a space may be a `+`, a `+` may still be itself.
    if (wide && kind != 0) || (filter.plus && kind == 0) {
        decoded(filter, text, from, at, forms[1], &mut both);
    }
}

/// Decodes from `from` on and tells of each start up to the mark at `at` whose head may be known. Says whether
/// something that is not ASCII came out.
fn decoded(
    filter: &Filter,
    text: &[u8],
    from: usize,
    at: usize,
    form: Form,
    mut found: impl FnMut(usize),
) -> bool {
    let mut bytes = [0; 3 * HEAD + 4];
    let mut from_where = [0; 3 * HEAD + 4];
    let (mut len, mut place) = (0, from);
    // Bytes that came before the mark's own unit was read, that unit included.
    let mut starts = 0;
    while len < starts + HEAD + STRIDE - 1 || place <= at {
        let Unit::Bytes(unit, n, width) = unit(form, text, place, false, &mut Bits::default()) else { break };
        let n = usize::from(n);
        if len + n > bytes.len() {
            break;
        }
        bytes[len..len + n].copy_from_slice(&unit[..n]);
        from_where[len..len + n].fill(place);
        if place <= at {
            starts = len + 1;
        }
        len += n;
        place += width;
    }
    for window in (0..starts + STRIDE - 1).step_by(STRIDE).filter(|&w| w < len) {
        if filter.knows_start(&bytes[window..len]) {
            let near = window.saturating_sub(STRIDE - 1)..=window.min(starts - 1);
            from_where[near].iter().for_each(|&start| found(start));
        }
    }
    bytes[..len].iter().any(|b| *b >= 0x80)
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
