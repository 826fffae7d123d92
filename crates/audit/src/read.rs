//! Reading the trail: queries from the newest entry back, one entry by its id, and all of it.

use crate::file::{self, Content};
use crate::segments::{self, Segment, Segments, State};
use crate::{Entry, Error, Filter, Result, Trail};
use seal::{Disk, End, Head, HeadRule, Log};
use secret::Key;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use words::Id;

/// The most threads that read at a time.
const THREADS: usize = 4;

/// Everything that was in the trail when it was made. May be used on any thread, while the trail goes on.
pub struct Reader {
    disk: Arc<dyn Disk>,
    store: PathBuf,
    /// Ascending; the last is the open one.
    parts: Vec<(Segment, Key)>,
}

/// What a complete reading has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Entries read.
    pub entries: u64,
    /// Segments read.
    pub segments: u64,
    /// Files that a human has given up after a rollback, and that are not whole: whatever of them is still there may go
    /// without another word.
    pub lost: Vec<String>,
}

impl Trail {
    /// Makes everything durable, then a reader of it.
    ///
    /// # Errors
    /// As [`Trail::commit`], and when a segment's key can't be had.
    pub fn reader(&mut self, store: &mut dyn Segments) -> Result<Reader> {
        self.commit(store)?;
        let mut parts = Vec::new();
        for mut segment in store.segments().map_err(Error::Store)? {
            if let Some(given_up) = self.settle.iter().find(|other| other.number == segment.number) {
                segment.state = given_up.state;
            }
            match (&self.open, segment.state) {
                (_, State::Planned) => continue,
                (Some((number, log)), State::Open(_)) if *number == segment.number => {
                    segment.state = State::Open(log.head());
                }
                _ => {}
            }
            parts.push((segment, store.kek(segment.number).map_err(Error::Store)?));
        }
        Ok(Reader { disk: self.disk.clone(), store: self.store.clone(), parts })
    }
}

impl Reader {
    /// Entries that match, newest first; at most [`Filter::last`] of them.
    ///
    /// # Errors
    /// When a segment that is reached can't be read.
    pub fn query(&self, filter: &Filter) -> Result<Vec<Entry>> {
        let limit = filter.last.unwrap_or(usize::MAX);
        let mut out = Vec::new();
        for part in self.parts.iter().rev() {
            if out.len() >= limit {
                break;
            }
            let mut hits = Vec::new();
            self.read(part, &mut |entry| {
                if filter.matches(&entry) {
                    hits.push(entry);
                }
            })?;
            out.extend(hits.into_iter().rev().take(limit - out.len()));
        }
        Ok(out)
    }

    /// The files of the trail, the newest first, each with its entries, oldest first. Each is read when it is asked for.
    pub fn back(&self) -> impl Iterator<Item = (String, Result<Vec<Entry>>)> + '_ {
        self.parts.iter().rev().map(|part| {
            let mut entries = Vec::new();
            let read = self.read_part(part, &mut |entry| entries.push(entry));
            (segments::relative(part.0.number), read.map(|_| entries))
        })
    }

    /// The entries of an id, newest first: those of the newest file that has any, and of the one before it, as what
    /// was asked in one may be decided in the next. None: there is no such id.
    ///
    /// # Errors
    /// As [`Reader::query`].
    pub fn show(&self, id: Id) -> Result<Vec<Entry>> {
        let mut hits = Vec::new();
        for part in self.parts.iter().rev() {
            let last = !hits.is_empty();
            let mut of_it = Vec::new();
            self.read(part, &mut |entry| {
                if entry.id == id {
                    of_it.push(entry);
                }
            })?;
            hits.extend(of_it.into_iter().rev());
            if last {
                break;
            }
        }
        Ok(hits)
    }

    /// Reads every entry of every segment and checks all there is to check: each frame, each end, that segments follow
    /// one another, and that no number is missing.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify(&self) -> Result<Verified> {
        let mut verified = Verified::default();
        let (mut next, mut parent): (Option<u64>, [u8; 32]) = (None, [0; 32]);
        for ((segment, _), content) in self.parts.iter().zip(self.contents()) {
            let lost = matches!(segment.state, State::Lost(_));
            let follows = parent;
            parent = segment.state.head().map_or(parent, |head| *head.chain());
            let path = || segments::relative(segment.number);
            let content = content.and_then(|content| {
                let on = content.parent == follows && next.is_none_or(|next| next == content.first_seq);
                if on { Ok(content) } else { Err(Error::Order { path: path() }) }
            });
            let content = match content {
                Err(_) if lost => {
                    verified.lost.push(path());
                    next = None;
                    continue;
                }
                content => content?,
            };
            // What was given up may lack its last entries.
            next = (!lost).then_some(content.next_seq);
            verified.entries += content.entries();
            verified.segments += 1;
        }
        Ok(verified)
    }

    /// What is in each file, read by threads of their own: each frame is decrypted and its MAC follows that of the one
    /// before, which keeps one processor busy for as long as it takes.
    fn contents(&self) -> Vec<Result<Content>> {
        let next = AtomicUsize::new(0);
        let work = || {
            let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
            let parts = numbers.map_while(|n| Some((n, self.parts.get(n)?)));
            parts.map(|(n, part)| (n, self.read_part(part, &mut |_| ()))).collect::<Vec<_>>()
        };
        let beside = || {
            step_back();
            work()
        };
        let most = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
        let mut all = std::thread::scope(|scope| {
            let thread = || std::thread::Builder::new().name("verify".into()).spawn_scoped(scope, beside);
            let threads: Vec<_> = (0..most.min(self.parts.len())).map_while(|_| thread().ok()).collect();
            let read = threads.into_iter().flat_map(|t| t.join().unwrap_or_else(|e| resume_unwind(e)));
            read.collect::<Vec<_>>()
        });
        // Where no thread could be had.
        all.extend(work());
        all.sort_unstable_by_key(|(n, _)| *n);
        all.into_iter().map(|(_, content)| content).collect()
    }

    fn read(&self, part: &(Segment, Key), sink: &mut dyn FnMut(Entry)) -> Result<()> {
        match (self.read_part(part, sink), part.0.state) {
            (Err(_), State::Lost(_)) => Ok(()),
            (read, _) => read.map(|_| ()),
        }
    }

    fn read_part(&self, (segment, kek): &(Segment, Key), sink: &mut dyn FnMut(Entry)) -> Result<Content> {
        let kek = Key::copy_from(kek.expose()).map_err(seal::Error::from)?;
        match segment.state {
            State::Open(head) => open(&self.disk, &self.store, segment.number, &head, kek, sink),
            _ => closed(&self.disk, &self.store, segment, kek, sink),
        }
    }
}

/// Whoever waits for a decision goes before who reads everything: on Linux a thread has a priority of its own.
fn step_back() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, 10);
}

/// Reads a closed segment to its end, which must be the one it was closed with.
pub(crate) fn closed(
    disk: &Arc<dyn Disk>,
    store: &Path,
    segment: &Segment,
    kek: Key,
    sink: &mut dyn FnMut(Entry),
) -> Result<Content> {
    let end = segment.state.head().map(|head| End {
        file_id: head.file_id(),
        bytes: head.place().bytes,
        chain: *head.chain(),
    });
    read(disk, &segments::path(store, segment.number), kek, HeadRule::Whole(end), sink)
}

/// Reads the open segment up to a head, while more may be appended behind it.
fn open(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    number: u64,
    head: &Head,
    kek: Key,
    sink: &mut dyn FnMut(Entry),
) -> Result<Content> {
    read(disk, &segments::path(dir, number), kek, HeadRule::UpTo(*head), sink)
}

fn read(
    disk: &Arc<dyn Disk>,
    path: &Path,
    kek: Key,
    rule: HeadRule,
    sink: &mut dyn FnMut(Entry),
) -> Result<Content> {
    let mut content = Content::default();
    let unlock = |header: &seal::Header| file::unlock(header, kek);
    let (log, _) = Log::open(disk.clone(), path, unlock, rule, |frame| {
        content.take(path, &frame)?.into_iter().for_each(&mut *sink);
        Ok(())
    })?;
    content.parent = log.header().parent_chain;
    Ok(content)
}
