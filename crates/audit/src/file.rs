//! A segment as a sealed file: making one, opening one, and what its frames say.

use crate::body::{self, ENTRY, SNAPSHOT};
use crate::{Entry, Mark};
use seal::codec::{Reader, Write};
use seal::{
    At, Disk, Error, Factor, FactorOutput, FileId, FileKind, Frame, Header, Log, Meta, New, NewFile, Op,
    OsRandom, RecordId, Result, Root, Slot, SlotPlace, SlotSpec,
};
use secret::Key;
use std::path::Path;
use std::sync::Arc;

/// Bytes of a snapshot in one frame.
const PART: usize = 512 << 10;

/// Unwraps a segment's root key.
pub(crate) fn unlock(header: &Header, kek: Key) -> Result<Root> {
    let other = || Error::Beside { at: At::default(), what: "it is no segment of the trail" };
    let slot = header.slots.first().filter(|_| header.kind == FileKind::Trail).ok_or_else(other)?;
    let output = [FactorOutput::Store(kek)];
    let keys = seal::derive(header.kind, &header.file_id, header.epoch, &slot.spec, &output)?;
    slot.unwrap(&keys, header.place())
}

/// A new, empty segment, durable. What was at its path was never acknowledged.
pub(crate) fn create(
    disk: &Arc<dyn Disk>,
    path: &Path,
    kek: Key,
    parent_chain: [u8; 32],
    created: u64,
) -> Result<Log> {
    let (file_id, kind, epoch) = (FileId::random(&mut OsRandom)?, FileKind::Trail, 1);
    let spec = SlotSpec::new(vec![Factor::Store], &mut OsRandom)?;
    let keys = seal::derive(kind, &file_id, epoch, &spec, &[FactorOutput::Store(kek)])?;
    let root = Root::random(&mut OsRandom)?;
    let place = SlotPlace { kind, file_id: &file_id, epoch };
    let slot = Slot::seal(&spec, &keys, &root, place, &mut OsRandom)?;
    match disk.remove(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io(path, "remove", e)),
        _ => {}
    }
    let new = NewFile { kind, file_id, epoch, generation: 1, created, parent_chain };
    Log::create(disk.clone(), path, new, root, vec![slot])
}

/// Appends what a segment begins with: the number its first entry will have, and the snapshot, in one transaction with
/// the first entry, if there is one.
pub(crate) fn begin(log: &mut Log, first_seq: u64, snapshot: &[u8], first: Option<&[u8]>) -> Result<()> {
    let mut chunks: Vec<&[u8]> = snapshot.chunks(PART).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    let bodies: Vec<Vec<u8>> = chunks
        .into_iter()
        .map(|chunk| {
            let mut body = Vec::with_capacity(8 + chunk.len());
            body.put_u64(first_seq).put(chunk);
            body
        })
        .collect();
    let parts = bodies.iter().zip(1..).map(|(body, n)| frame(SNAPSHOT, n, body));
    let tx: Vec<New<'_>> = parts.chain(first.map(|body| frame(ENTRY, first_seq, body))).collect();
    log.append(&tx).map(|_| ())
}

/// A frame of the trail: its record is its number, of which there is one version.
pub(crate) fn frame(kind: u8, number: u64, body: &[u8]) -> New<'_> {
    let mut id = [0; 16];
    id[0] = kind;
    id[8..].copy_from_slice(&number.to_le_bytes());
    New { meta: Meta { op: Op::Put, kind, record: RecordId(id), version: 1, body }, value: None }
}

/// What a segment's frames say, in their order.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// What it begins with.
    pub(crate) snapshot: Vec<u8>,
    /// The number that its first entry has or will have; 0 before the snapshot was read.
    pub(crate) first_seq: u64,
    /// The number that comes next.
    pub(crate) next_seq: u64,
    /// How far the store was at the last entry.
    pub(crate) mark: Option<Mark>,
    /// The end of the segment before, as the header names it; set once all of it was read.
    pub(crate) parent: [u8; 32],
}

impl Content {
    /// Entries read.
    pub(crate) fn entries(&self) -> u64 {
        self.next_seq - self.first_seq
    }

    /// Takes the next frame; the entry, if it is one.
    pub(crate) fn take(&mut self, path: &Path, frame: &Frame<'_>) -> Result<Option<Entry>> {
        let bad = |what| Error::Record { at: At(path.to_path_buf()), offset: frame.offset, what };
        match (frame.meta.kind, frame.meta.op) {
            (SNAPSHOT, Op::Put) if self.next_seq == self.first_seq => {
                let mut r = Reader::new(frame.meta.body);
                let seq = r.u64().map_err(|_| bad("a snapshot's beginning"))?;
                if seq == 0 || (self.first_seq != 0 && self.first_seq != seq) {
                    return Err(bad("a snapshot's number"));
                }
                (self.first_seq, self.next_seq) = (seq, seq);
                self.snapshot.extend_from_slice(r.rest());
                Ok(None)
            }
            (ENTRY, Op::Put) if self.first_seq != 0 => {
                let read = body::decode(frame.meta.body);
                let (mark, entry) = read.ok_or_else(|| bad("an entry that this svault can't read"))?;
                if entry.seq != self.next_seq {
                    return Err(bad("an entry's number"));
                }
                self.next_seq += 1;
                self.mark = Some(mark);
                Ok(Some(entry))
            }
            _ => Err(bad("it may not be in a trail, or not here")),
        }
    }
}
