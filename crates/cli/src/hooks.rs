//! What stands around a hook's answer: stdin, the clock, and that something is said whatever happens.

mod finder;

use crate::output::Out;
use agents::Client;
use agents::hook::guard::Guard;
use agents::hook::{self, Reply, Setup};
use scan::Needles;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Clients wait 10 seconds and more, and some let the tool run when they have waited enough: by then it is stopped.
const PATIENCE: Duration = Duration::from_secs(6);

/// Whether an answer is out: there is one.
static SAID: AtomicBool = AtomicBool::new(false);

/// Says the last word when nobody else does: after a panic, or when time is up.
pub struct Watch {
    _begun: (),
}

impl Watch {
    /// Begins to watch.
    pub fn begin(client: Client) -> Self {
        std::panic::set_hook(Box::new(move |_| last_word(client, "the hook failed")));
        let watcher = std::thread::Builder::new().name("watch".into()).spawn(move || {
            std::thread::sleep(PATIENCE);
            last_word(client, "the hook took too long");
        });
        if watcher.is_err() {
            last_word(client, "the hook could not start");
        }
        Self { _begun: () }
    }

    /// Says the answer; its exit code.
    pub fn tell(self, out: &Out, reply: &Reply) -> u8 {
        if SAID.swap(true, Ordering::SeqCst) {
            // The last word is being said.
            std::thread::sleep(PATIENCE);
        }
        exit(said(out, reply), reply)
    }
}

/// The exit code of an answer. One that nobody gets stops the tool, too.
fn exit(said: io::Result<()>, reply: &Reply) -> u8 {
    /// What each client takes for a no.
    const STOPPED: u8 = 2;
    said.map_or(STOPPED, |()| reply.exit)
}

fn said(out: &Out, reply: &Reply) -> io::Result<()> {
    if let Some(json) = &reply.json {
        if goes_nowhere() {
            return Err(io::Error::other("nobody gets the answer"));
        }
        out.text(&format!("{json}\n"))?;
    }
    if let Some(line) = &reply.says {
        out.lines_to_stderr(&format!("{line}\n"));
    }
    Ok(())
}

/// Whether stdout is the null device, as it also is for a process that was started with its stdout closed.
#[cfg(unix)]
fn goes_nowhere() -> bool {
    use rustix::fs::{fstat, stat};
    let device = |found: rustix::fs::Stat| (found.st_mode, found.st_rdev);
    matches!((fstat(io::stdout()), stat("/dev/null")), (Ok(out), Ok(null)) if device(out) == device(null))
}

#[cfg(not(unix))]
fn goes_nowhere() -> bool {
    false
}

/// Ends the process with a refusal, unless the answer is out already.
fn last_word(client: Client, why: &str) {
    if SAID.swap(true, Ordering::SeqCst) {
        return;
    }
    let reply = hook::refused(client, why);
    std::process::exit(i32::from(exit(said(&Out::new(true), &reply), &reply)));
}

/// Reads stdin and answers.
pub fn answer(client: Client, rewrite: bool) -> Reply {
    let mut payload = Vec::new();
    let most = hook::LONGEST as u64 + 1;
    if io::stdin().lock().take(most).read_to_end(&mut payload).is_err() {
        return hook::refused(client, "what the hook was given can't be read");
    }
    let env = |name: &str| std::env::var(name).ok();
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let mut finder = finder::Anywhere { folder: folder.clone() };
    let setup =
        Setup { client, guard: guard(), env: &env, folder, scrub: if rewrite { scrub() } else { None } };
    hook::answer(&setup, &payload, &mut finder)
}

/// What is protected for this user.
fn guard() -> Guard {
    Guard { home: std::env::home_dir(), own: own_folders() }
}

/// Values of the `.env` files of folders.
#[cfg(unix)]
pub fn nearby(folders: &[&Path]) -> Option<Arc<Needles>> {
    crate::nearby::needles(folders, &guard())
}

/// Elsewhere there is no import, which knows what a secret is.
#[cfg(not(unix))]
pub fn nearby(_: &[&Path]) -> Option<Arc<Needles>> {
    None
}

/// The command that masks: this program, by its whole path.
fn scrub() -> Option<String> {
    let exe = std::env::current_exe().ok()?;
    let exe = exe.to_str().filter(|e| !e.ends_with(" (deleted)"))?;
    cfg!(unix).then(|| format!("{} scrub", hook::rewrite::quoted(exe)))
}

/// The store, as it is named and as it really is, and the folder of sockets.
fn own_folders() -> Vec<PathBuf> {
    let mut all = Vec::new();
    for dir in [client::paths::store_dir(), client::paths::store_dir_from(|_| None, std::env::home_dir())] {
        let Ok(dir) = dir else { continue };
        all.extend(std::fs::canonicalize(&dir));
        all.push(dir);
    }
    #[cfg(unix)]
    all.push(format!("/run/user/{}/svault", rustix::process::geteuid().as_raw()).into());
    all
}
