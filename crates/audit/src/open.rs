//! Opening the trail at unlock: the open segment frame by frame, closed ones by presence, length and end.

use crate::file::{self, Content};
use crate::reserve::Reserve;
use crate::segments::{self, Known, Segment, State};
use crate::{Entry, Error, FileState, Result, RowState, Trail};
use seal::{Disk, Head, HeadRule, Log, Open};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How to open the trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Refuse what isn't as it was.
    Verify,
    /// The same, and a new segment must be begun.
    NewSegment,
    /// Go on from what is there, if it is what [`Trail::survey`] made this digest of; a new segment must be begun, and
    /// say so.
    AcceptRollback([u8; 32]),
}

/// What was found.
#[derive(Debug, Default)]
pub struct Restored {
    /// The counters as the open segment begins with them; none: the trail is new, or all of it is lost.
    pub snapshot: Option<Vec<u8>>,
    /// Entries since then, oldest first.
    pub entries: Vec<Entry>,
    /// Entries in the whole trail.
    pub total: u64,
    /// A new segment must be begun before anything can be appended.
    pub must_begin: bool,
    /// Files that are not what they were, and were accepted.
    pub files: Vec<FileState>,
    /// The open segment is among them: the last of these entries need not have been the last.
    pub given_up: bool,
    /// What a write that was broken off has left behind the last good entry, kept beside the file.
    pub set_aside: Option<PathBuf>,
}

impl Trail {
    /// Opens the trail and checks it.
    ///
    /// # Errors
    /// `Refused` with every file that is not what it was; `Store` and `Seal` for what has to do with the machine.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        store: &dyn Known,
        start: Start,
    ) -> Result<(Trail, Restored)> {
        let folder = segments::folder(dir);
        disk.mkdir(&folder).map_err(|e| seal::Error::io(&folder, "make", e))?;
        disk.sync_dir(dir).map_err(|e| seal::Error::io(dir, "sync", e))?;
        let wanted = match start {
            Start::AcceptRollback(seen) => Some(seen),
            Start::Verify | Start::NewSegment => None,
        };
        let found = Found::look(&disk, dir, store)?;
        if !found.files.is_empty() && wanted != Some(found.seen()) {
            return Err(found.refused());
        }
        let (mut trail, mut restored) = found.settle(disk, dir, store)?;
        trail.must_begin |= start != Start::Verify || store.wants_new();
        restored.must_begin = trail.must_begin;
        Ok((trail, restored))
    }

    /// What [`Trail::open`] would refuse, and what to accept it with.
    ///
    /// # Errors
    /// `Store` and `Seal` for what has to do with the machine.
    pub fn survey(disk: &Arc<dyn Disk>, dir: &Path, store: &dyn Known) -> Result<(Vec<FileState>, [u8; 32])> {
        let found = Found::look(disk, dir, store)?;
        let seen = found.seen();
        Ok((found.files, seen))
    }
}

/// A file whose number is further than this beyond the last segment is none of the trail's: no store is so much older than
/// its trail, and the next segment must not get a number after which there is none.
const FAR: u64 = 1_000_000;

/// What is there, read and compared.
#[derive(Default)]
struct Found {
    files: Vec<FileState>,
    first: Option<Error>,
    /// Closed or open ones that are not what they were.
    lost: Vec<Segment>,
    /// All that were closed, as far as they are still there.
    closed: Vec<Segment>,
    /// The open one, if it is as it was.
    open: Option<OpenOne>,
    /// What is left of it, if it isn't.
    rest: Option<OpenOne>,
    /// Where it ends, if it can be read, in either case.
    end: Option<Head>,
    /// Above every file that lies there.
    floor: u64,
}

/// The open segment's file, as far as it could be read.
struct OpenOne {
    number: u64,
    log: Log,
    set_aside: Option<PathBuf>,
    content: Content,
    entries: Vec<Entry>,
}

impl Found {
    fn look(disk: &Arc<dyn Disk>, dir: &Path, store: &dyn Known) -> Result<Self> {
        let mut found = Self::default();
        let known = store.segments().map_err(Error::Store)?;
        found.unknown(&**disk, dir, &known)?;
        let mut parent = [0; 32];
        for segment in &known {
            match &segment.state {
                State::Planned => continue,
                State::Lost(_) => {}
                State::Closed(head) => match check_closed(&**disk, dir, segment.number, head) {
                    Ok(()) => found.closed.push(*segment),
                    Err(e) => found.note(segment, e)?,
                },
                State::Open(head) => {
                    let place = Place { disk, dir, store, segment, head: *head, parent };
                    if let Some(e) = found.take_open(&place) {
                        found.note(segment, e)?;
                    }
                }
            }
            parent = segment.state.head().map_or(parent, |head| *head.chain());
        }
        let none_open = !known.iter().any(|s| matches!(s.state, State::Open(_)));
        if none_open && known.iter().any(|s| s.state != State::Planned) {
            return Err(Error::NoneOpen);
        }
        Ok(found)
    }

    /// Segments that lie there and that the store has not even planned.
    fn unknown(&mut self, disk: &dyn Disk, dir: &Path, known: &[Segment]) -> Result<()> {
        let folder = segments::folder(dir);
        let names = match disk.list(&folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            names => names.map_err(|e| seal::Error::io(&folder, "list", e))?,
        };
        // Below the last one there may be files that an accepted rollback has left behind.
        let last = known.last().map_or(0, |s| s.number);
        for number in names.iter().filter_map(|name| segments::number(name)) {
            if number.saturating_sub(last) > FAR {
                continue;
            }
            self.floor = self.floor.max(number + 1);
            if number > last {
                let path = segments::relative(number);
                self.files.push(FileState {
                    path: path.clone(),
                    state: RowState::Newer,
                    detail: "not known to the store".into(),
                });
                self.first.get_or_insert(Error::Unknown { path });
            }
        }
        Ok(())
    }

    /// Opens the open segment; what is wrong with it, or with the store that it is too new for, if something is.
    fn take_open(&mut self, place: &Place<'_>) -> Option<Error> {
        let read = place.read(HeadRule::AtLeast(place.expected()));
        let (one, wrong) = match read.and_then(|one| place.follows(&one).map(|()| one)) {
            Ok(one) => {
                let behind = place.check(&one).err();
                (self.open.insert(one), behind)
            }
            Err(e) => match place.read(HeadRule::Look) {
                Ok(rest) => (self.rest.insert(rest), Some(e)),
                Err(_) => return Some(e),
            },
        };
        self.end = Some(one.log.head());
        wrong
    }

    /// Takes down what is wrong with a file; what is wrong with the machine is an error at once.
    fn note(&mut self, segment: &Segment, e: Error) -> Result<()> {
        if matches!(e, Error::Store(_) | Error::Seal(seal::Error::Io { .. } | seal::Error::Memory(_))) {
            return Err(e);
        }
        let store_file = matches!(e, Error::StoreBehind { .. });
        let path = if store_file { "store.svault".into() } else { segments::relative(segment.number) };
        self.files.push(FileState { path, state: e.state(), detail: e.to_string() });
        self.first.get_or_insert(e);
        if !store_file {
            self.lost.push(*segment);
        }
        Ok(())
    }

    /// A digest of which files are there and as they were, and of where the open one ends. What the store says of it
    /// is not in it: that changes when a rollback of the store is accepted.
    fn seen(&self) -> [u8; 32] {
        let mut seen = seal::Seen::of("trail");
        for segment in &self.closed {
            seen.end(&segments::relative(segment.number), segment.state.head());
        }
        seen.end("open", self.end.as_ref());
        seen.row("newest", &self.floor.to_string(), "");
        seen.digest()
    }

    fn refused(self) -> Error {
        let source = Box::new(self.first.unwrap_or(Error::NoneOpen));
        Error::Refused { source, files: self.files }
    }

    /// Goes on from what was found.
    fn settle(mut self, disk: Arc<dyn Disk>, dir: &Path, store: &dyn Known) -> Result<(Trail, Restored)> {
        let mut restored = Restored { files: std::mem::take(&mut self.files), ..Restored::default() };
        let mut trail = Trail {
            reserve: Reserve::open(disk.clone(), dir),
            full: false,
            disk,
            store: dir.to_path_buf(),
            open: None,
            must_begin: true,
            settle: Vec::new(),
            floor: self.floor,
            parent: [0; 32],
            seq: 0,
            synced: 0,
            under_way: false,
            poisoned: false,
            unrecorded: 0,
        };
        let content = match self.open.take() {
            Some(one) => {
                restored.set_aside = one.set_aside;
                trail.open = Some((one.number, one.log));
                trail.must_begin = false;
                Some((one.content, one.entries))
            }
            // It is given up, and written to no more; what is left of it says where the counters were.
            None => match self.rest.take().filter(|rest| rest.content.first_seq != 0) {
                Some(rest) => Some((rest.content, rest.entries)),
                None => self.last_readable(&trail.disk, dir, store)?,
            },
        };
        for Segment { number, state } in &self.lost {
            let Some(head) = state.head() else { continue };
            // Of the open one the head that it last had, which the one that follows it names as its parent.
            let head = store.expected(&head.file_id()).unwrap_or(*head);
            trail.settle.push(Segment { number: *number, state: State::Lost(head) });
            trail.parent = *head.chain();
        }
        if let Some((content, entries)) = content {
            trail.seq = content.next_seq.saturating_sub(1);
            trail.synced = trail.seq;
            restored.snapshot = Some(content.snapshot);
            restored.entries = entries;
        }
        restored.total = trail.seq;
        restored.given_up = trail.open.is_none() && !trail.settle.is_empty();
        Ok((trail, restored))
    }

    /// The newest closed segment that can be read: counters go on from there when the open one is gone.
    fn last_readable(
        &self,
        disk: &Arc<dyn Disk>,
        dir: &Path,
        store: &dyn Known,
    ) -> Result<Option<(Content, Vec<Entry>)>> {
        for segment in self.closed.iter().rev() {
            let kek = store.kek(segment.number).map_err(Error::Store)?;
            let mut entries = Vec::new();
            let read = crate::read::closed(disk, dir, segment, kek, &mut |entry| entries.push(entry));
            if let Ok(content) = read {
                return Ok(Some((content, entries)));
            }
        }
        Ok(None)
    }
}

/// A closed segment must be there, have its length, and end in the chain value that the store has.
fn check_closed(disk: &dyn Disk, dir: &Path, number: u64, head: &Head) -> Result<()> {
    let path = &segments::path(dir, number);
    let io = |doing| move |e| seal::Error::io(path, doing, e);
    let file = disk.open(path, Open::Read).map_err(io("open"))?;
    let (found, expected) = (file.len().map_err(io("read"))?, head.place().bytes);
    if found != expected {
        return Err(Error::Length { path: segments::relative(number), found, expected });
    }
    let mut end = [0; 32];
    file.read_exact_at(&mut end, expected.saturating_sub(32)).map_err(io("read"))?;
    if end == *head.chain() { Ok(()) } else { Err(Error::OtherEnd { path: segments::relative(number) }) }
}

/// Where the open segment is, and what is known of it.
struct Place<'a> {
    disk: &'a Arc<dyn Disk>,
    dir: &'a Path,
    store: &'a dyn Known,
    segment: &'a Segment,
    /// The head that it began with.
    head: Head,
    /// The last chain of the segment before.
    parent: [u8; 32],
}

impl Place<'_> {
    /// The head it must reach.
    fn expected(&self) -> Head {
        let known = self.store.expected(&self.head.file_id());
        known.filter(|known| known.place().bytes > self.head.place().bytes).unwrap_or(self.head)
    }

    fn read(&self, rule: HeadRule) -> Result<OpenOne> {
        let number = self.segment.number;
        let path = segments::path(self.dir, number);
        let kek = self.store.kek(number).map_err(Error::Store)?;
        let (mut content, mut entries) = (Content::default(), Vec::new());
        let unlock = |header: &seal::Header| file::unlock(header, kek);
        let (log, opened) = Log::open(self.disk.clone(), &path, unlock, rule, |frame| {
            entries.extend(content.take(&path, &frame)?);
            Ok(())
        })?;
        Ok(OpenOne { number, log, set_aside: opened.set_aside, content, entries })
    }

    /// Whether it is the one that was begun behind the segment before.
    fn follows(&self, one: &OpenOne) -> Result<()> {
        if one.log.header().parent_chain == self.parent {
            return Ok(());
        }
        Err(Error::Order { path: segments::relative(self.segment.number) })
    }

    /// Whether the store has been where its last entry was written.
    fn check(&self, one: &OpenOne) -> Result<()> {
        let path = segments::relative(self.segment.number);
        let mark = one.content.mark.as_ref();
        mark.map_or(Ok(()), |mark| self.store.check(mark))
            .map_err(|source| Error::StoreBehind { path, source })
    }
}
