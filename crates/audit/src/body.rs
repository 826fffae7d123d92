//! The body of a trail record: the store's mark, then the entry as JSON, padded so that its size tells nothing.
//!
//! ```text
//! body := mark 24  json_len u32  json  zeros   (at least DENIAL_BYTES in all; a denial exactly that)
//! ```

use crate::{DENIAL_BYTES, Entry, Event, Mark};
use seal::codec::{Reader, Write};

/// Kind of a record that is an entry.
pub(crate) const ENTRY: u8 = 1;
/// Kind of a record that is (a part of) the snapshot a segment begins with.
pub(crate) const SNAPSHOT: u8 = 2;

/// Bytes of a body before the JSON.
const FRONT: usize = 24 + 4;
/// An entry may not be longer than this; a command line of 128 KiB fits.
pub(crate) const MAX_BODY: usize = 512 << 10;

/// The body of an entry's record. A denial is shortened until it fits its fixed size.
///
/// `Err` has the length of an entry that is too big.
pub(crate) fn encode(entry: &Entry, mark: &Mark) -> Result<Vec<u8>, usize> {
    let denial = entry.event == Event::Deny;
    let json = if denial { shortened(entry) } else { to_json(entry) };
    let len = (FRONT + json.len()).max(DENIAL_BYTES);
    if len > MAX_BODY || (denial && len > DENIAL_BYTES) {
        return Err(len);
    }
    let mut out = Vec::with_capacity(len);
    out.put(mark).put_u32(json.len() as u32).put(&json);
    out.resize(len, 0);
    Ok(out)
}

/// What [`encode`] wrote; `None` if it is not that.
pub(crate) fn decode(body: &[u8]) -> Option<(Mark, Entry)> {
    let mut r = Reader::new(body);
    let mark = r.array().ok()?;
    let len = r.u32().ok()? as usize;
    let json = r.bytes(len).ok()?;
    let entry = serde_json::from_slice(json).ok()?;
    r.rest().iter().all(|byte| *byte == 0).then_some((mark, entry))
}

fn to_json(entry: &Entry) -> Vec<u8> {
    // Strings, numbers and lists of them: there is no map with keys that are no strings, so this can't fail.
    serde_json::to_vec(entry).unwrap_or_default()
}

/// The entry as JSON in the room that a denial has. What is least needed goes first; what was cut ends in `…`.
fn shortened(entry: &Entry) -> Vec<u8> {
    let room = DENIAL_BYTES - FRONT;
    let mut e = entry.clone();
    let steps: [fn(&mut Entry); 10] = [
        |e| e.process.iter_mut().for_each(|s| cut(s, 96)),
        |e| e.process.truncate(3),
        |e| cut_all(&mut e.argv, 4, 48),
        |e| cut(&mut e.note, 64),
        |e| cut(&mut e.cwd, 64),
        |e| cut(&mut e.variable, 24),
        |e| cut(&mut e.client, 64),
        |e| e.process.truncate(1),
        |e| cut_all(&mut e.argv, 1, 32),
        |e| {
            e.process.clear();
            e.argv.clear();
            e.note.clear();
            e.client.clear();
            e.cwd.clear();
            cut(&mut e.rule, 128);
        },
    ];
    let mut json = to_json(&e);
    for step in steps {
        if json.len() <= room {
            return json;
        }
        step(&mut e);
        json = to_json(&e);
    }
    // Only text that escapes badly is left: the reason first. Names as they may be always fit, and counters are restored
    // from them, so they are never cut while anything else can be.
    while json.len() > room {
        if e.reason.len() > 3 {
            let half = e.reason.len() / 2;
            cut(&mut e.reason, half);
        } else if let Some(longest) = names(&mut e).into_iter().max_by_key(|s| s.len()) {
            let half = longest.len() / 2;
            cut(longest, half);
        }
        json = to_json(&e);
    }
    json
}

fn names(e: &mut Entry) -> [&mut String; 7] {
    [&mut e.secret, &mut e.caller, &mut e.session, &mut e.scope, &mut e.rule, &mut e.cause, &mut e.act]
}

fn cut_all(list: &mut Vec<String>, count: usize, len: usize) {
    if list.len() > count {
        list.truncate(count);
        list.push("…".into());
    }
    list.iter_mut().for_each(|s| cut(s, len));
}

/// Cuts to at most `len` bytes, at a character, and says so.
fn cut(s: &mut String, len: usize) {
    if s.len() <= len {
        return;
    }
    s.truncate(s.floor_char_boundary(len.saturating_sub('…'.len_utf8())));
    if len >= '…'.len_utf8() {
        s.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::Id;

    const MARK: Mark = [7; 24];

    fn entry(event: Event) -> Entry {
        let mut e = Entry::new(Id::from_bits(5), jiff::Timestamp::UNIX_EPOCH, event);
        e.seq = u64::MAX;
        e
    }

    #[test]
    fn what_goes_in_comes_out() {
        let mut e = entry(Event::Allow);
        e.argv = vec!["/bin/psql".into(), "-c".into(), "select 1".into()];
        let body = encode(&e, &MARK).unwrap();
        assert_eq!(body.len(), DENIAL_BYTES);
        assert_eq!(decode(&body), Some((MARK, e)));
        for broken in [&body[..20], &body[..100], &[body.clone(), vec![1]].concat()] {
            assert_eq!(decode(broken), None);
        }
    }

    /// The size of the trail file would tell a caller why it was denied.
    #[test]
    fn a_denial_has_one_size_whatever_is_in_it() {
        let long = |c: char, n: usize| std::iter::repeat_n(c, n).collect::<String>();
        let mut bare = entry(Event::Deny);
        bare.cause = "unknown_name".into();
        let mut full = bare.clone();
        full.reason = long('x', 512);
        full.secret = format!("{}/{}", long('v', 64), long('N', 128));
        full.argv = vec![long('a', 100_000), long('b', 10)];
        full.process = (0..40).map(|n| format!("{n} /usr/bin/{}", long('p', 300))).collect();
        full.cwd = long('/', 4096);
        full.rule = long('r', 3000);
        full.client = long('"', 320);
        let mut hostile = full.clone();
        hostile.reason = long('\u{1}', 512);
        hostile.secret = long('\u{2}', 128);
        hostile.caller = long('"', 64);
        hostile.session = long('\u{3}', 9999);
        let mut wide = full.clone();
        wide.reason = long('𝕏', 128);
        // The longest names there are, and a reason that takes six bytes for each of its own.
        let mut named = full.clone();
        named.rule = "x".repeat(64);
        [named.caller, named.scope, named.session] =
            [long('c', 64), long('s', 64), format!("matched:{}", long('c', 64))];
        named.also = ["d", "e", "f"].map(|c| c.repeat(64)).to_vec();
        named.reason = long('\u{1}', 512);
        let (_, read) = decode(&encode(&named, &MARK).unwrap()).unwrap();
        assert_eq!(
            (&read.secret, &read.session, &read.caller, &read.also),
            (&named.secret, &named.session, &named.caller, &named.also)
        );
        assert!(read.reason.ends_with('…'));
        for e in [bare, full.clone(), hostile, wide, named] {
            let body = encode(&e, &MARK).unwrap();
            assert_eq!(body.len(), DENIAL_BYTES);
            let (_, read) = decode(&body).unwrap();
            assert_eq!((read.seq, read.id, read.cause), (e.seq, e.id, e.cause));
        }
        let (_, read) = decode(&encode(&full, &MARK).unwrap()).unwrap();
        assert_eq!(read.reason, full.reason, "a reason within its limit is kept");
    }

    #[test]
    fn a_release_is_never_shortened_but_refused() {
        let mut e = entry(Event::Allow);
        e.argv = vec!["x".repeat(100_000)];
        assert_eq!(decode(&encode(&e, &MARK).unwrap()).unwrap().1, e);
        e.argv = vec!["x".repeat(MAX_BODY)];
        assert!(encode(&e, &MARK).is_err());
    }
}
