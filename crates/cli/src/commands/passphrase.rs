//! `svault passphrase change`.

use crate::app::{App, Consent, Human};
use crate::args::Proof;
use crate::new_keys::{self, CodeTo, NewKeys};
use crate::report::{Error, Outcome};
use clap::{Args, Subcommand};
use client::paths::StoreDir;
use client::{NewSlot, Presented, StoreHeader};
use secret::Bytes;
use serde_json::json;
use words::Id;

/// The passphrase
#[derive(Debug, Subcommand)]
pub enum Passphrase {
    Change(Change),
}

/// Change the passphrase, and get a new recovery code
///
/// Every other way to open the store ends with it: the old passphrase, the old recovery code, and any other key slot.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault passphrase change")]
pub struct Change {
    #[command(flatten)]
    proof: Proof,
    /// Read the new passphrase from this open file descriptor, to the first newline
    #[arg(long, value_name = "M", display_order = 801)]
    new_passphrase_fd: Option<i32>,
    /// Write the new recovery code to this open file descriptor instead of the screen
    #[arg(long, value_name = "N", display_order = 802)]
    recovery_out_fd: Option<i32>,
}

impl Passphrase {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        match self {
            Passphrase::Change(c) => c.run(app),
        }
    }
}

impl Change {
    fn run(self, app: &App) -> Outcome {
        let store = app.store()?;
        let mut human = app.human(self.proof);
        human.ready()?;
        let code_to = CodeTo::of(self.recovery_out_fd)?;
        // The old one first, so that a wrong one is told before a new one is typed.
        drop(human.opened(&store)?);
        let new = new_keys::passphrase("--new-passphrase-fd", self.new_passphrase_fd, "New passphrase: ")?;
        let same = Presented::Passphrase(Bytes::copy_from(new.expose())?);
        if StoreHeader::read(&store)?.open(&same).is_ok() {
            app.out.note("note: it is the passphrase that it was; only the recovery code is another one");
        }
        let id = change(app, &store, &mut human, &new, code_to)?;
        app.out.answer(json!({"id": id}), |_| {
            format!("the passphrase is changed; the old one and the old recovery code open nothing any more\n{OLD_COPIES}")
        })?;
        Ok(wire::exit::DONE)
    }
}

/// What a change of slots can't do.
pub const OLD_COPIES: &str = "whoever has an old copy of the files and the old passphrase can still read that copy, and \
                              closed segments of the trail\n";

/// Puts a new passphrase and a new recovery code in place of all slots, and shows the code.
pub fn change(
    app: &App,
    store: &StoreDir,
    human: &mut Human<'_>,
    passphrase: &Bytes,
    code_to: CodeTo,
) -> Result<Option<Id>, Error> {
    let params = new_keys::calibrate(&app.out)?;
    let header = StoreHeader::read(store)?;
    let epoch = header.epoch() + 1;
    let keys = NewKeys::make(*header.file_id(), epoch, params, passphrase)?;
    let want = NewSlot::want(epoch, &keys.slots);
    let values = NewSlot::want_values(&keys.slots)?;
    // To a descriptor it goes first: a code that opens nothing is harmless, a store without one is not.
    let code_to = match code_to {
        CodeTo::Fd(_) => {
            code_to.show(&keys.code).map_err(nothing_done)?;
            None
        }
        CodeTo::Screen => Some(code_to),
    };
    let asked = Consent::Card("Replace every way to open this store by the new ones?");
    let done = human.act(want, values, asked).map_err(perhaps_done);
    // Also where it may have been done, or was done but for something: the code that is not shown now is lost.
    let in_force = done.as_ref().map_or_else(|e| [wire::code::SLOTS_BUT, LOST].contains(&&*e.code), |_| true);
    if let Some(screen) = code_to.filter(|_| in_force) {
        screen.show(&keys.code)?;
    }
    Ok(done?.id())
}

/// The code of a connection that broke.
const LOST: &str = "protocol";

/// The code could not be written, and the slots were not touched yet.
fn nothing_done(e: Error) -> Error {
    let text = "the new recovery code could not be written, so nothing was changed";
    Error::new("code_not_shown", wire::exit::FAILED, text)
        .cause(e.cause.as_ref().unwrap_or(&e.message))
        .hint("the passphrase and the recovery code are as they were; give --recovery-out-fd N: svault … --recovery-out-fd 4 4>FILE")
}

/// A connection that broke after the yes leaves it open whether the change was made.
fn perhaps_done(e: Error) -> Error {
    if e.code != LOST {
        return e;
    }
    e.hint("it may have been done: try the new passphrase; only if it opens, the new recovery code is in force, too")
}
