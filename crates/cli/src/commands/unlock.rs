//! `svault unlock`.

use super::lock::left_as;
use crate::app::{App, silence};
use crate::output::{Out, shown};
use crate::report::{Error, Outcome};
use crate::table::pairs;
use crate::{input, prompt, times};
use clap::Args;
use client::{Asker, How, Presented, Silent, StoreHeader, Unlocked};
use seal::RecoveryCode;
use serde_json::{Value, json};
use std::fs::File;
use wire::{LastLock, RollbackFile, UnlockReport};
use words::{Door, VaultName};

/// Unlock the store: one passphrase opens every vault
///
/// Starts the daemon as its own child and says what happened since the last lock. The line about the last lock is for
/// you to check: if it is not what you remember, the files were taken back to an older state.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  svault unlock\n  svault unlock --accept-rollback work")]
pub struct Unlock {
    /// Go back to what is on disk where it is older than it should be (after restoring a backup): these vaults, or all
    #[arg(long, value_name = "VAULT", num_args = 0..)]
    accept_rollback: Option<Vec<VaultName>>,
    /// Use the recovery code instead of the passphrase
    #[arg(long)]
    recovery: bool,
    /// Read the passphrase from this open file descriptor, to the first newline
    #[arg(long, value_name = "N", display_order = 800)]
    passphrase_fd: Option<i32>,
    /// Read the recovery code from this open file descriptor, to the first newline
    #[arg(long, value_name = "N", display_order = 801, conflicts_with = "passphrase_fd")]
    code_fd: Option<i32>,
}

impl Unlock {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let store = app.store()?;
        crate::editing::sweep(&store);
        let how = How {
            accept_rollback: self.accept_rollback.clone(),
            weak_memory: secret::is_weak(),
            bell: bell(),
            program: None,
            door: Some(Door::Cli),
        };
        let mut desk = Desk {
            passphrase_fd: self.passphrase_fd,
            code_fd: self.code_fd,
            recovery: self.recovery || self.code_fd.is_some(),
            failed: None,
            out: &app.out,
        };
        let unlocked = client::unlock(&store, &how, &mut desk);
        if let Some(e) = desk.failed.take() {
            return Err(e);
        }
        match unlocked? {
            Unlocked::Now { report, proved } => tell(app, &report, proved)?,
            Unlocked::Already { .. } if self.accept_rollback.is_some() => {
                let text = "the store is unlocked already, so no rollback was accepted";
                return Err(Error::new("unlocked_already", wire::exit::FAILED, text)
                    .hint("svault lock, then svault unlock --accept-rollback again"));
            }
            Unlocked::Already { pid, proved } => {
                let object = json!({"state": "unlocked", "already": true, "proven": proved, "pid": pid});
                app.out.answer(object, |_| {
                    if proved { "unlocked already\n" } else { "unlocked (not proven)\n" }.to_owned()
                })?;
            }
        }
        Ok(wire::exit::DONE)
    }
}

/// The human at the command, as unlocking asks it.
pub struct Desk<'a> {
    /// `--passphrase-fd`.
    pub passphrase_fd: Option<i32>,
    /// `--code-fd`.
    pub code_fd: Option<i32>,
    /// A recovery code is wanted.
    pub recovery: bool,
    /// What went wrong in asking.
    pub failed: Option<Error>,
    /// How to talk.
    pub out: &'a Out,
}

impl Desk<'_> {
    fn ask(&mut self, attempt: u32) -> Result<Option<Presented>, Error> {
        let by_fd = self.passphrase_fd.is_some() || self.code_fd.is_some();
        let most = if by_fd { 1 } else { 3 };
        if attempt >= most || (!by_fd && !prompt::possible()) {
            return Ok(None);
        }
        if attempt > 0 {
            prompt::say(if self.recovery { "wrong recovery code\n" } else { "wrong passphrase\n" })?;
        }
        match (self.code_fd, self.passphrase_fd) {
            (Some(n), _) => {
                Ok(Some(Presented::Recovery(RecoveryCode::parse(&input::proof_from_fd("--code-fd", n)?)?)))
            }
            (None, Some(n)) => Ok(Some(Presented::Passphrase(input::proof_from_fd("--passphrase-fd", n)?))),
            (None, None) if self.recovery => Ok(Some(Presented::Recovery(typed_code()?))),
            (None, None) => Ok(Some(Presented::Passphrase(prompt::hidden("Passphrase: ")?))),
        }
    }
}

/// A recovery code as a human types it, with its typing errors told apart from a wrong code.
pub fn typed_code() -> Result<RecoveryCode, Error> {
    for _ in 0..2 {
        match RecoveryCode::parse(&prompt::hidden("Recovery code: ")?) {
            Ok(code) => return Ok(code),
            Err(e) => prompt::say(&format!("{e}\n"))?,
        }
    }
    Ok(RecoveryCode::parse(&prompt::hidden("Recovery code: ")?)?)
}

impl Asker for Desk<'_> {
    fn present(&mut self, _header: &StoreHeader, attempt: u32) -> client::Result<Option<Presented>> {
        self.ask(attempt).map_err(|e| {
            let told = client::Error::Ask(std::io::Error::other(e.message.clone()));
            self.failed = Some(e);
            told
        })
    }

    fn silent(&mut self, silent: Silent) {
        self.out.note(&silence(silent, client::GREETING));
    }

    fn accept(&mut self, files: &[RollbackFile]) -> bool {
        // Whole, however narrow the terminal is: it is what the yes is for.
        let table: String = files
            .iter()
            .map(|f| format!("  {:8} {}\n           {}\n", f.state, shown(&f.path), shown(&f.detail)))
            .collect();
        let text = format!(
            "\nThese files are not what the store says they should be:\n\n{table}\nGoing back loses what came after, and is \
             recorded. Right after restoring a backup this is expected; at any other time somebody put old files here.\n"
        );
        if self.passphrase_fd.is_some() || self.code_fd.is_some() {
            if !self.out.json() {
                self.out.lines_to_stderr(&text);
            }
            return true;
        }
        prompt::say(&text).is_ok() && prompt::confirm("Go back to these files?").unwrap_or(false)
    }
}

/// A terminal that the daemon may ring on: the one that stderr leads to, for writing only.
pub fn bell() -> Option<File> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        use std::os::unix::fs::OpenOptionsExt;
        let name = rustix::termios::ttyname(std::io::stderr(), Vec::new()).ok()?;
        let no_tty = rustix::fs::OFlags::NOCTTY.bits().try_into().ok()?;
        File::options()
            .write(true)
            .custom_flags(no_tty)
            .open(std::ffi::OsStr::from_bytes(name.to_bytes()))
            .ok()
    }
    #[cfg(not(unix))]
    None
}

/// What happened since the last lock.
pub fn tell(app: &App, report: &UnlockReport, proved: bool) -> Result<(), Error> {
    let mut object = serde_json::to_value(report).unwrap_or_default();
    if let Value::Object(map) = &mut object {
        map.insert("state".into(), json!("unlocked"));
        map.insert("already".into(), json!(false));
        map.insert("proven".into(), json!(proved));
    }
    warn(&app.out, report);
    app.out.answer(object, |out| text(report, out))?;
    Ok(())
}

/// What an unlock warns of.
pub fn warn(out: &Out, report: &UnlockReport) {
    for wire::RefusedVault { vault, message, .. } in &report.refused {
        out.note(&format!("{} vault {vault} stays shut: {message}", out.err_style("warning:", "33")));
    }
    for note in &report.notes {
        out.note(&format!("note: {note}"));
    }
}

/// What an unlock found, for people.
pub fn text(r: &UnlockReport, out: &Out) -> String {
    let vaults: Vec<&str> = r.vaults.iter().map(VaultName::as_str).collect();
    let open = if vaults.is_empty() { "no vault is open".to_owned() } else { vaults.join(", ") };
    let mut text = format!("{}: {open}\n", out.style("unlocked", "34"));
    let Some(last) = &r.last_lock else {
        text.push_str(
            "no lock is known: it was never locked, or what was accepted is of before its first lock\n",
        );
        return text;
    };
    let since = match (r.uses, r.denials) {
        (0, 0) => "no uses, no denials".to_owned(),
        (uses, denials) => {
            let count = |n: u64, one: &str, more: &str| format!("{n} {}", if n == 1 { one } else { more });
            let from = times::shown(r.since.as_deref().unwrap_or(last));
            let (uses, denials) = (count(uses, "use", "uses"), count(denials, "denial", "denials"));
            format!("{uses}, {denials}: svault audit list --since '{from}'")
        }
    };
    let left = LastLock {
        last_lock: last.clone(),
        entries: r.entries,
        policy_date: r.policy_date.clone(),
        word_pair: r.word_pair.clone(),
    };
    let mut rows = left_as(&left, out).to_vec();
    // Notes of files begin with the file.
    let whole = !r.notes.iter().any(|note| note.starts_with("trail/"));
    let trail = if whole { "ok" } else { "not all of it: see the note above, and 'svault status'" };
    rows.extend([("last time", since), ("trail", trail.to_owned())]);
    for line in pairs(&rows).lines() {
        text.push_str(&format!("  {line}\n"));
    }
    text
}
