//! `svault recover`: an unlock with the recovery code, then a new passphrase and a new code.

use super::passphrase::{OLD_COPIES, change};
use super::unlock::{Desk, bell, typed_code};
use crate::app::App;
use crate::args::Proof;
use crate::input;
use crate::new_keys::{self, CodeTo};
use crate::report::{Error, Outcome};
use clap::Args;
use client::paths::StoreDir;
use client::{Asker, How, Presented, StoreHeader, Unlocked};
use seal::RecoveryCode;
use secret::Bytes;
use serde_json::json;
use wire::{RollbackFile, UnlockReport};
use words::Door;

/// Set a new passphrase with the recovery code
///
/// The code opens the store; then the passphrase and the code are both replaced by new ones.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault recover")]
pub struct Recover {
    /// Read the recovery code from this open file descriptor, to the first newline
    #[arg(long, value_name = "N", display_order = 800)]
    code_fd: Option<i32>,
    /// Read the new passphrase from this open file descriptor, to the first newline
    #[arg(long, value_name = "M", display_order = 801)]
    new_passphrase_fd: Option<i32>,
    /// Write the new recovery code to this open file descriptor instead of the screen
    #[arg(long, value_name = "N", display_order = 802)]
    recovery_out_fd: Option<i32>,
}

impl Recover {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let store = app.store()?;
        client::may_type_for(&store)?;
        let code_to = CodeTo::of(self.recovery_out_fd)?;
        let code = self.code(&store)?;
        let new = new_keys::passphrase("--new-passphrase-fd", self.new_passphrase_fd, "New passphrase: ")?;
        let found = match app.connect(None) {
            Err(e) if e.code == "locked" => self.unlock(app, &store, &code)?,
            other => other.map(|_| None)?,
        };
        if let Some(report) = &found {
            // The next lock writes over it, and the keys may fail to change.
            super::unlock::warn(&app.out, report);
            if !app.out.json() {
                app.out.lines_to_stderr(&super::unlock::text(report, &app.out));
            }
        }
        let mut human = app.human(Proof::default());
        human.present(Presented::Recovery(RecoveryCode::parse(&code)?), self.code_fd.is_some());
        let id = change(app, &store, &mut human, &new, code_to)?;
        app.out.answer(json!({"id": id, "state": "unlocked", "found": found}), |_| {
            format!("recovered: the store is unlocked, with the new passphrase and a new recovery code\n{OLD_COPIES}")
        })?;
        Ok(wire::exit::DONE)
    }

    /// The code as text, known to open the store.
    fn code(&self, store: &StoreDir) -> Result<Bytes, Error> {
        let header = StoreHeader::read(store)?;
        let code = match self.code_fd {
            Some(n) => RecoveryCode::parse(&input::proof_from_fd("--code-fd", n)?)?,
            None if crate::prompt::possible() => typed_code()?,
            None => {
                return Err(Error::from(wire::Want::presence_needed())
                    .hint("run it in your own terminal, or give --code-fd"));
            }
        };
        let text = code.to_text()?;
        drop(header.open(&Presented::Recovery(code))?);
        Ok(text)
    }

    /// What the unlock found; none where somebody else has unlocked it meanwhile.
    fn unlock(&self, app: &App, store: &StoreDir, code: &Bytes) -> Result<Option<Box<UnlockReport>>, Error> {
        struct Known<'a>(&'a Bytes, Desk<'a>);
        impl Asker for Known<'_> {
            fn present(&mut self, _: &StoreHeader, attempt: u32) -> client::Result<Option<Presented>> {
                if attempt > 0 {
                    return Ok(None);
                }
                Ok(Some(Presented::Recovery(RecoveryCode::parse(self.0)?)))
            }
            fn silent(&mut self, silent: client::Silent) {
                self.1.silent(silent);
            }
            fn accept(&mut self, files: &[RollbackFile]) -> bool {
                self.1.accept(files)
            }
        }
        let how =
            How { weak_memory: secret::is_weak(), bell: bell(), door: Some(Door::Cli), ..How::default() };
        let desk =
            Desk { passphrase_fd: None, code_fd: self.code_fd, recovery: true, failed: None, out: &app.out };
        match client::unlock(store, &how, &mut Known(code, desk))? {
            Unlocked::Now { report, .. } => Ok(Some(report)),
            Unlocked::Already { .. } => Ok(None),
        }
    }
}
