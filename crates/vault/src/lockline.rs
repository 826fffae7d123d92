//! The line about the last lock: what a human can compare to notice that everything was taken back at once.

use crate::wordlist::WORDS;
use jiff::Timestamp;
use seal::codec::{Reader, Write};
use sha2::{Digest, Sha256};

/// How the store was when it was last locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastLock {
    /// When.
    pub at: Timestamp,
    /// Entries in the trail.
    pub entries: u64,
    /// When the policy was last changed.
    pub policy_date: Timestamp,
    /// Two words over all heads and the line itself.
    pub word_pair: String,
}

impl LastLock {
    /// The line for a lock whose checkpoint has these bytes.
    pub(crate) fn new(at: Timestamp, entries: u64, policy_date: Timestamp, checkpoint: &[u8]) -> Self {
        // As they are written: in milliseconds.
        let whole = |t: Timestamp| Timestamp::from_millisecond(t.as_millisecond()).unwrap_or(t);
        let (at, policy_date) = (whole(at), whole(policy_date));
        let mut hash = Sha256::new();
        hash.update(b"svault/1/words");
        for n in [at.as_millisecond(), policy_date.as_millisecond()] {
            hash.update(n.to_le_bytes());
        }
        hash.update(entries.to_le_bytes());
        hash.update(checkpoint);
        Self { at, entries, policy_date, word_pair: word_pair(&hash.finalize()) }
    }

    /// As a record's body: at i64, entries u64, policy_date i64 (both in milliseconds), the words.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(48);
        out.put_u64(self.at.as_millisecond() as u64).put_u64(self.entries);
        out.put_u64(self.policy_date.as_millisecond() as u64).put(self.word_pair.as_bytes());
        out
    }

    /// What [`LastLock::encode`] wrote; `None` if it is not that.
    pub(crate) fn decode(body: &[u8]) -> Option<Self> {
        let mut r = Reader::new(body);
        let at = Timestamp::from_millisecond(r.u64().ok()? as i64).ok()?;
        let entries = r.u64().ok()?;
        let policy_date = Timestamp::from_millisecond(r.u64().ok()? as i64).ok()?;
        let word_pair = String::from_utf8(r.rest().to_vec()).ok()?;
        Some(Self { at, entries, policy_date, word_pair })
    }
}

/// Twenty bits of a hash as two words.
fn word_pair(hash: &[u8]) -> String {
    let word = |high: usize| {
        let bits = hash.get(high..high + 2).map_or(0, |b| usize::from(b[0]) << 8 | usize::from(b[1]));
        WORDS.split_whitespace().nth(bits % 1024).unwrap_or_default()
    };
    format!("{} {}", word(0), word(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_1024_words_that_are_easily_told() {
        let words: Vec<&str> = WORDS.split_whitespace().collect();
        assert_eq!(words.len(), 1024);
        assert!(words.is_sorted_by(|a, b| a < b), "sorted, so none is there twice");
        assert!(
            words.iter().all(|w| (3..=9).contains(&w.len()) && w.bytes().all(|c| c.is_ascii_lowercase()))
        );
    }

    #[test]
    fn anything_that_differs_changes_the_words() {
        let t = |s| Timestamp::from_second(s).unwrap();
        let base = LastLock::new(t(1000), 7, t(500), b"heads");
        let others = [
            LastLock::new(t(1001), 7, t(500), b"heads"),
            LastLock::new(t(1000), 8, t(500), b"heads"),
            LastLock::new(t(1000), 7, t(501), b"heads"),
            LastLock::new(t(1000), 7, t(500), b"other"),
        ];
        assert_eq!(base.word_pair.split(' ').count(), 2);
        assert!(others.iter().all(|o| o.word_pair != base.word_pair));
        assert_eq!(base, LastLock::new(t(1000), 7, t(500), b"heads"));
        assert_eq!(LastLock::decode(&base.encode()), Some(base.clone()));
        assert_eq!(LastLock::decode(&base.encode()[..20]), None);
    }
}
