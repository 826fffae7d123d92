//! Where else the text of a file may be: in git, in an editor's backup, under another name.

use crate::import::source::{Place, Source};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long git may take. A long history is not read to its end.
const GIT: Duration = Duration::from_secs(3);

/// What editors make of a file's name.
const BESIDE: &[&str] =
    &["{}~", "{}.bak", "{}.orig", "{}.save", "{}.old", ".{}.swp", ".{}.swo", "#{}#", ".#{}"];

/// Warnings, a line each.
#[must_use]
pub fn warnings(place: &Place, source: &Source) -> Vec<String> {
    let mut all = Vec::new();
    let name = crate::output::foreign(&place.name(), 100);
    if git(place, &["ls-files", "--error-unmatch", "--"]).is_some() {
        all.push(format!("git tracks {name}: whoever has the repository has its values; rotate them"));
    } else if git(place, &["log", "-1", "--all", "--format=%h", "--"]).is_some_and(|hash| !hash.is_empty()) {
        all.push(format!(
            "{name} is in git's history: whoever has the repository has those values; rotate them"
        ));
    }
    let own = place.name();
    let there = BESIDE.iter().map(|form| form.replace("{}", &own)).filter(|n| place.has_beside(n));
    let there: Vec<String> = there.map(|n| crate::output::foreign(&n, 100)).collect();
    if !there.is_empty() {
        all.push(format!("an editor's copy may hold the old values: {}", there.join(", ")));
    }
    if source.has_other_names() {
        all.push("the file has other names (hard links), which keep the old text".to_owned());
    }
    all
}

/// What git says about the file; none where it says no, takes too long, or is not there. Nothing of the repository's
/// own configuration that runs programs is followed.
fn git(place: &Place, ask: &[&str]) -> Option<String> {
    #[rustfmt::skip]
    const CALM: &[&str] = &[
        "--no-pager", "--literal-pathspecs", "--no-optional-locks", "-c", "core.fsmonitor=false",
        "-c", "core.hooksPath=/dev/null", "-c", "log.showSignature=false", "-c", "diff.external=",
    ];
    let mut git = Command::new("git");
    git.arg("-C").arg(place.folder()).args(CALM).args(ask).arg(place.name());
    git.env_clear().env("LC_ALL", "C").env("GIT_NO_LAZY_FETCH", "1").env("GIT_TERMINAL_PROMPT", "0");
    for keep in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(keep) {
            git.env(keep, value);
        }
    }
    git.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = git.spawn().ok()?;
    let until = Instant::now() + GIT;
    // What it may say is a few bytes, which a pipe holds until it has ended.
    let status = loop {
        match child.try_wait().ok()? {
            Some(status) => break status,
            None if Instant::now() > until => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take()?, &mut said).ok()?;
    status.success().then(|| said.trim().to_owned())
}
