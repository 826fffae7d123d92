//! Reads one output of a command, masks it, and writes it on.

use scan::{Masker, Needles, Piece};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{channel, sync_channel};
use std::time::Duration;

/// A started match that waits so long for its rest is masked.
const IDLE: Duration = Duration::from_millis(50);

/// What a look at an output says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ready {
    /// There is something to read, or its end.
    Yes,
    /// Nothing came in time.
    Late,
    /// Nobody waits for more of it.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "commands with values run on Linux only"))]
    Over,
}

/// An output that can be looked at before it is read.
pub(crate) trait Source: Read {
    /// Waits for something to read, at most so long.
    fn ready(&mut self, most: Option<Duration>) -> Ready;
}

/// Reads to the end, masks, writes on. Ends early where nobody reads what is written: then the command is told so by
/// its own next write.
///
/// What is masked is written by a thread of its own while the next piece is read and searched.
pub(crate) fn run(
    from: &mut impl Source,
    needles: Arc<Needles>,
    to: &mut (impl Write + Send),
) -> io::Result<()> {
    let (masked, write) = sync_channel::<Piece>(1);
    let (written, again) = channel::<Piece>();
    std::thread::scope(|scope| {
        let writing = move || {
            for mut out in write {
                to.write_all(&out)?;
                to.flush()?;
                out.clear();
                let _ = written.send(out);
            }
            Ok(())
        };
        let writer = std::thread::Builder::new().name("write".into()).spawn_scoped(scope, writing)?;
        mask(from, needles, |out| {
            // A writer that has ended has said why.
            let full = std::mem::replace(out, again.try_recv().unwrap_or_default());
            masked.send(full).is_ok()
        });
        drop(masked);
        writer.join().unwrap_or_else(|_| Err(io::Error::other("the writer ended")))
    })
}

/// Why what was read could not be written, but for the reader's having gone: the command learns that by its own next
/// write.
pub(crate) fn lost(written: io::Result<()>) -> Option<io::Error> {
    written.err().filter(|e| e.kind() != io::ErrorKind::BrokenPipe)
}

/// Gives what can go out to `on`, which leaves an empty buffer, as long as that says yes.
fn mask(from: &mut impl Source, needles: Arc<Needles>, mut on: impl FnMut(&mut Piece) -> bool) {
    let (mut masker, mut out) = (Masker::new(needles), Piece::default());
    loop {
        let within = masker.holds().then_some(IDLE);
        match from.ready(within) {
            Ready::Late => masker.idle(&mut out),
            Ready::Over => break,
            Ready::Yes => match from.read(masker.room()) {
                Ok(0) => break,
                Ok(n) => masker.filled(n, &mut out),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            },
        }
        if !out.is_empty() && !on(&mut out) {
            return;
        }
    }
    masker.finish(&mut out);
    if !out.is_empty() {
        on(&mut out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// What comes, in order; `None` is a silence.
    struct Script(VecDeque<Option<&'static [u8]>>);

    impl Read for Script {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let Some(Some(bytes)) = self.0.pop_front() else { return Ok(0) };
            to[..bytes.len()].copy_from_slice(bytes);
            Ok(bytes.len())
        }
    }

    impl Source for Script {
        fn ready(&mut self, most: Option<Duration>) -> Ready {
            if self.0.front() == Some(&None) {
                self.0.pop_front();
                return if most.is_some() { Ready::Late } else { self.ready(most) };
            }
            Ready::Yes
        }
    }

    fn said(parts: &[Option<&'static [u8]>]) -> String {
        let mut needles = Needles::new();
        assert!(needles.add(0, "KEY", b"sk-test-4f9a8b7c6d5e").unwrap());
        let mut out = Vec::new();
        run(&mut Script(parts.iter().copied().collect()), Arc::new(needles), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_value_is_masked_however_it_is_split_and_a_silence_lets_go_what_is_none() {
        assert_eq!(said(&[Some(b"a sk-test-4f9a8b7c6d5e b")]), "a [svault:KEY] b");
        assert_eq!(said(&[Some(b"a sk-te"), Some(b"st-4f9a8b7"), Some(b"c6d5e b")]), "a [svault:KEY] b");
        assert_eq!(said(&[Some(b"sk-t"), None, Some(b"urn")]), "sk-turn");
        // A started match that stays away is masked, not shown; what comes later is no whole value.
        let late = said(&[Some(b"sk-test-4f9a8b7c"), None, Some(b"6d5e\n")]);
        assert!(!late.contains("sk-test-4f9a"), "{late}");
        let cut = said(&[Some(b"sk-test-4f9a8b7c6d")]);
        assert!(!cut.contains("sk-test-4f9a"), "{cut}");
    }

    #[test]
    fn it_stops_where_nobody_reads() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        /// Never ends.
        struct Endless;
        impl Read for Endless {
            fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
                to[0] = b'x';
                Ok(1)
            }
        }
        impl Source for Endless {
            fn ready(&mut self, _: Option<Duration>) -> Ready {
                Ready::Yes
            }
        }
        let said = run(&mut Endless, Arc::new(Needles::new()), &mut Gone).unwrap_err();
        assert_eq!(said.kind(), io::ErrorKind::BrokenPipe);
    }
}
