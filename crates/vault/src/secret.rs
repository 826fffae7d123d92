//! A secret as people and policy see it, and the body of its record. Its value is not here: it stays ciphertext.
//!
//! ```text
//! body := mark 24  version u64  revision u64  changed i64 (ms)  flags u8 (1 seen, 2 proposal)
//!         name_len u8  name  by_len u8  created_by  class (JSON)
//! ```

use crate::mark::Mark;
use jiff::Timestamp;
use seal::RecordId;
use seal::codec::{Reader, Write};
use words::{CallerName, Class, Name, VaultName};

/// The longest value: 64 KiB.
pub const MAX_VALUE: usize = 64 << 10;
/// The longest classification, as JSON.
pub const MAX_CLASS: usize = 64 << 10;

const SEEN: u8 = 1;
const PROPOSAL: u8 = 2;

/// Names one secret for as long as it exists: a removed and added one is another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretKey {
    /// Its vault.
    pub vault: VaultName,
    /// Its record there.
    pub record: RecordId,
}

/// A secret without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Which one.
    pub key: SecretKey,
    /// Its name.
    pub name: Name,
    /// Its classification.
    pub class: Class,
    /// Version of the value, from 1.
    pub version: u64,
    /// Counts every change of value or classification, from 1. What was decided about an earlier one doesn't hold.
    pub revision: u64,
    /// When the value was set.
    pub changed: Timestamp,
    /// Whether a value has left through `env`, `file` or `value`.
    pub seen: bool,
    /// Who added it; `None`: a human.
    pub created_by: Option<CallerName>,
}

/// What a reference stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // short-lived, and nearly always `One`
pub enum Found {
    /// This secret.
    One(Secret),
    /// No secret.
    None,
    /// A name without a vault that is in several of them.
    Ambiguous(Vec<VaultName>),
}

impl Secret {
    /// The body of its record; `None` when the classification is too long.
    pub(crate) fn encode(&self, mark: &Mark) -> Option<Vec<u8>> {
        let class = serde_json::to_vec(&self.class).ok().filter(|json| json.len() <= MAX_CLASS)?;
        let by = self.created_by.as_ref().map_or("", CallerName::as_str);
        let mut flags = 0;
        flags |= if self.seen { SEEN } else { 0 };
        flags |= if self.class.proposed_by.is_some() { PROPOSAL } else { 0 };
        let mut out = Vec::with_capacity(64 + self.name.as_str().len() + by.len() + class.len());
        out.put(&mark.to_bytes()).put_u64(self.version).put_u64(self.revision);
        out.put_u64(self.changed.as_millisecond() as u64).put_u8(flags);
        for text in [self.name.as_str(), by] {
            out.put_u8(text.len() as u8).put(text.as_bytes());
        }
        out.put(&class);
        Some(out)
    }

    /// What [`Secret::encode`] wrote; `None` if it is not that.
    pub(crate) fn decode(key: SecretKey, body: &[u8]) -> Option<Self> {
        let front = Front::read(body)?;
        Some(Self {
            key,
            name: front.name.parse().ok()?,
            class: serde_json::from_slice(front.class).ok()?,
            version: front.version,
            revision: front.revision,
            changed: Timestamp::from_millisecond(front.changed).ok()?,
            seen: front.flags & SEEN != 0,
            created_by: (!front.by.is_empty()).then(|| front.by.parse()).transpose().ok()?,
        })
    }
}

/// A body cut into its fields; the classification is left as it is. Cheap: this is what an unlock reads of each secret.
pub(crate) struct Front<'a> {
    pub(crate) mark: Mark,
    pub(crate) name: &'a str,
    version: u64,
    revision: u64,
    changed: i64,
    flags: u8,
    by: &'a str,
    class: &'a [u8],
}

impl<'a> Front<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut r = Reader::new(body);
        let mark = Mark::from_bytes(r.array().ok()?);
        let (version, revision, changed) = (r.u64().ok()?, r.u64().ok()?, r.u64().ok()? as i64);
        let flags = r.u8().ok()?;
        let mut text = || {
            let len = usize::from(r.u8().ok()?);
            std::str::from_utf8(r.bytes(len).ok()?).ok()
        };
        let (name, by) = (text()?, text()?);
        Some(Self { mark, name, version, revision, changed, flags, by, class: r.rest() })
    }

    /// Who made it a proposal; none where that can't be read.
    pub(crate) fn proposer(&self) -> Option<CallerName> {
        let class: Class = serde_json::from_slice(self.class).ok()?;
        class.proposed_by
    }

    /// Whether nobody has confirmed its classification yet.
    pub(crate) fn is_proposal(&self) -> bool {
        self.flags & PROPOSAL != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::Tier;

    fn secret() -> Secret {
        let mut class = Class::new("database".parse().unwrap(), Tier::Medium);
        class.description = "the one für production".into();
        Secret {
            key: SecretKey { vault: "main".parse().unwrap(), record: RecordId([3; 16]) },
            name: "DB_URL".parse().unwrap(),
            class,
            version: 4,
            revision: 9,
            changed: Timestamp::from_millisecond(1_700_000_000_123).unwrap(),
            seen: true,
            created_by: Some("claude-code".parse().unwrap()),
        }
    }

    #[test]
    fn what_goes_in_comes_out() {
        let mark = Mark { era: 1, generation: 2, frames: 3 };
        let mut s = secret();
        let body = s.encode(&mark).unwrap();
        assert_eq!(Secret::decode(s.key.clone(), &body), Some(s.clone()));
        let front = Front::read(&body).unwrap();
        assert_eq!((front.mark, front.name, front.is_proposal()), (mark, "DB_URL", false));
        s.class.proposed_by = s.created_by.clone();
        assert!(Front::read(&s.encode(&mark).unwrap()).unwrap().is_proposal());
        for len in [0, 30, 50, 60] {
            assert_eq!(Secret::decode(s.key.clone(), &body[..len]), None);
        }
    }

    #[test]
    fn a_classification_without_end_is_refused() {
        let mut s = secret();
        s.class.description = "x".repeat(MAX_CLASS);
        assert!(s.encode(&Mark::default()).is_none());
    }
}
