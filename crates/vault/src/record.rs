//! The records of the store: their kinds, their ids, and the bodies of those that have fixed fields.
//! Values (keys) are not here; seals and settings are JSON and sit with what they are about.

use crate::error::{Error, Result};
use jiff::Timestamp;
use seal::codec::{Reader, Write};
use seal::{FileId, HEAD_LEN, Head, RecordId, SlotId};
use std::path::Path;
use words::VaultName;

/// Kinds of records in the store. The numbers are part of the format.
pub(crate) mod kind {
    pub(crate) const SETTINGS: u8 = 1;
    pub(crate) const POLICY: u8 = 2;
    pub(crate) const PRESENCE: u8 = 3;
    pub(crate) const HEADS_KEY: u8 = 4;
    pub(crate) const VAULT: u8 = 5;
    pub(crate) const NEXT_KEK: u8 = 6;
    pub(crate) const SEGMENT: u8 = 7;
    pub(crate) const CHECKPOINT: u8 = 8;
    pub(crate) const LAST_LOCK: u8 = 9;
    pub(crate) const SEAL: u8 = 10;
    pub(crate) const ROTATION: u8 = 11;
    pub(crate) const ERA: u8 = 12;
    pub(crate) const FOLDER: u8 = 13;
    pub(crate) const ACCEPTED: u8 = 14;
    /// In a vault: a secret.
    pub(crate) const SECRET: u8 = 1;
}

/// The id of a record of which there is one.
pub(crate) fn only(kind: u8) -> RecordId {
    numbered(kind, [0; 8])
}

/// The id of a slot's K_p.
pub(crate) fn presence_id(slot: &SlotId) -> RecordId {
    numbered(kind::PRESENCE, slot.0)
}

/// The id of a segment's record.
pub(crate) fn segment_id(number: u64) -> RecordId {
    numbered(kind::SEGMENT, number.to_le_bytes())
}

/// The id of a vault's record.
pub(crate) fn vault_id(file: &FileId) -> RecordId {
    RecordId(file.0)
}

/// The id of a vault's next KEK: its file's id with the kind folded in.
pub(crate) fn next_kek_id(file: &FileId) -> RecordId {
    let mut id = file.0;
    id[0] ^= 0xff;
    RecordId(id)
}

fn numbered(kind: u8, rest: [u8; 8]) -> RecordId {
    let mut id = [0; 16];
    id[0] = kind;
    id[8..].copy_from_slice(&rest);
    RecordId(id)
}

/// A record that can't be read.
pub(crate) fn bad(store: &Path, what: &'static str) -> Error {
    Error::Record { path: store.to_path_buf(), what }
}

/// A vault as the store has it; the value beside it is its KEK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VaultRecord {
    pub(crate) file: FileId,
    /// Its file exists and must exist from now on.
    pub(crate) ready: bool,
    pub(crate) created: Timestamp,
    pub(crate) name: VaultName,
}

impl VaultRecord {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32 + self.name.as_str().len());
        out.put(&self.file.0).put_u8(u8::from(self.ready)).put_u64(self.created.as_millisecond() as u64);
        out.put(self.name.as_str().as_bytes());
        out
    }

    pub(crate) fn decode(body: &[u8]) -> Option<Self> {
        let mut r = Reader::new(body);
        let (file, ready) = (FileId(r.array().ok()?), r.u8().ok()?);
        let created = Timestamp::from_millisecond(r.u64().ok()? as i64).ok()?;
        let name = std::str::from_utf8(r.rest()).ok()?.parse().ok()?;
        (ready <= 1).then_some(Self { file, ready: ready == 1, created, name })
    }
}

/// One segment of the trail, as the store has it; the value beside it is its KEK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Its number, which is also its file's name.
    pub number: u64,
    /// How far it is.
    pub state: SegmentState,
}

/// How far a segment of the trail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentState {
    /// It has a key; whatever is in its file was never acknowledged.
    Planned,
    /// Entries go here. The head is that of its beginning.
    Open(Head),
    /// Complete, and exactly so long.
    Closed(Head),
    /// A human accepted that it is not what it was. The head is the last one known.
    Lost(Head),
}

impl Segment {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (state, head) = match &self.state {
            SegmentState::Planned => (0, None),
            SegmentState::Open(head) => (1, Some(head)),
            SegmentState::Closed(head) => (2, Some(head)),
            SegmentState::Lost(head) => (3, Some(head)),
        };
        let mut out = Vec::with_capacity(9 + HEAD_LEN);
        out.put_u64(self.number).put_u8(state);
        if let Some(head) = head {
            out.put(&head.encode());
        }
        out
    }

    pub(crate) fn decode(body: &[u8]) -> Option<Self> {
        let mut r = Reader::new(body);
        let (number, state) = (r.u64().ok()?, r.u8().ok()?);
        let head = r.rest();
        let state = match state {
            0 if head.is_empty() => SegmentState::Planned,
            1 => SegmentState::Open(Head::decode(head).ok()?),
            2 => SegmentState::Closed(Head::decode(head).ok()?),
            3 => SegmentState::Lost(Head::decode(head).ok()?),
            _ => return None,
        };
        Some(Self { number, state })
    }
}

/// All heads at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) heads: Vec<Head>,
}

impl Checkpoint {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4 + self.heads.len() * HEAD_LEN);
        out.put_u32(self.heads.len() as u32);
        self.heads.iter().for_each(|head| {
            out.put(&head.encode());
        });
        out
    }

    pub(crate) fn decode(body: &[u8]) -> Option<Self> {
        let mut r = Reader::new(body);
        let count = r.u32().ok()? as usize;
        if r.left() != count.checked_mul(HEAD_LEN)? {
            return None;
        }
        let heads = r.rest().chunks_exact(HEAD_LEN).map(Head::decode).collect::<Result<_, _>>().ok()?;
        Some(Self { heads })
    }
}

/// What is left to do of a change of slots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// The open segment's key was in the hands of whoever held the old root.
    pub(crate) trail: bool,
    /// So were those of these vaults.
    pub(crate) vaults: Vec<FileId>,
}

impl Rotation {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![u8::from(self.trail)];
        self.vaults.iter().for_each(|file| {
            out.put(&file.0);
        });
        out
    }

    pub(crate) fn decode(body: &[u8]) -> Option<Self> {
        let (trail, files) = body.split_first()?;
        let (ids, []) = files.as_chunks::<16>() else { return None };
        Some(Self { trail: *trail != 0, vaults: ids.iter().copied().map(FileId).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(n: u8) -> Head {
        Head::decode(&[n; HEAD_LEN]).unwrap()
    }

    #[test]
    fn records_come_back_as_they_went_in() {
        let v = VaultRecord {
            file: FileId([9; 16]),
            ready: true,
            created: Timestamp::UNIX_EPOCH,
            name: "main".parse().unwrap(),
        };
        assert_eq!(VaultRecord::decode(&v.encode()), Some(v.clone()));
        assert_eq!(VaultRecord::decode(&v.encode()[..20]), None);
        use SegmentState::{Closed, Lost, Open, Planned};
        for state in [Planned, Open(head(1)), Closed(head(2)), Lost(head(3))] {
            let s = Segment { number: 77, state };
            assert_eq!(Segment::decode(&s.encode()), Some(s));
        }
        let c = Checkpoint { heads: vec![head(1), head(2)] };
        assert_eq!(Checkpoint::decode(&c.encode()), Some(c.clone()));
        assert_eq!(Checkpoint::decode(&[c.encode(), vec![0]].concat()), None);
        let r = Rotation { trail: true, vaults: vec![FileId([1; 16]), FileId([2; 16])] };
        assert_eq!(Rotation::decode(&r.encode()), Some(r.clone()));
        assert_eq!(Rotation::decode(&r.encode()[..20]), None);
    }

    #[test]
    fn ids_of_different_things_differ() {
        let file = FileId([5; 16]);
        let ids = [
            only(kind::POLICY),
            presence_id(&SlotId([1; 8])),
            segment_id(1),
            segment_id(2),
            vault_id(&file),
            next_kek_id(&file),
        ];
        for (i, a) in ids.iter().enumerate() {
            assert!(ids[i + 1..].iter().all(|b| a != b));
        }
    }
}
