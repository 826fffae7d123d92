//! Making what opens a store: a new passphrase that is strong enough, its KDF parameters, a recovery code that is
//! shown once.

use crate::input;
use crate::output::Out;
use crate::prompt;
use crate::report::Error;
use crate::strength;
use client::NewSlot;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use seal::{FileId, KdfParams, OsRandom, RecoveryCode};
use secret::Bytes;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// What an unlock shall take on this machine.
const TARGET: Duration = Duration::from_millis(500);

/// A new passphrase: from a descriptor, or typed twice; strong enough.
///
/// # Errors
/// When it is weak, or there is no way to ask.
pub fn passphrase(option: &str, fd: Option<i32>, label: &str) -> Result<Bytes, Error> {
    client::may_type()?;
    if let Some(n) = fd {
        let given = input::proof_from_fd(option, n)?;
        return strong(&given).map(|()| given);
    }
    if !prompt::possible() {
        return Err(Error::from(wire::Want::presence_needed())
            .hint(format!("run it in your own terminal, or give {option}")));
    }
    prompt::hidden_twice(label, "Again: ", seal::MAX_PASSPHRASE, strong)
}

const ADVICE: &str = "five or more random words are strong and easy to type";

fn strong(passphrase: &Bytes) -> Result<(), Error> {
    match strength::check(passphrase.expose()) {
        Ok(_) => Ok(()),
        Err(weak) => Err(Error::new(
            "weak_passphrase",
            wire::exit::FAILED,
            format!(
                "this passphrase is too weak: {} (about {:.0} of {:.0} bits)",
                weak.reason,
                weak.bits,
                strength::FLOOR
            ),
        )
        .hint(ADVICE)),
    }
}

/// KDF parameters for this machine, with a bar on a terminal.
///
/// # Errors
/// When the machine has too little memory.
pub fn calibrate(out: &Out) -> Result<KdfParams, Error> {
    if cfg!(feature = "test-kdf") {
        return Ok(KdfParams { m_kib: 8, t: 1, p: 1 });
    }
    let shown = !out.json() && std::io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(100), target);
    if let Ok(style) = ProgressStyle::with_template("measuring this machine  {bar:30}  {percent}%") {
        bar.set_style(style);
    }
    let params = seal::calibrate(TARGET, &mut |done| bar.set_position((done * 100.0) as u64));
    bar.finish_and_clear();
    Ok(params?)
}

/// The slots of a store: a passphrase and a fresh recovery code.
pub struct NewKeys {
    /// Passphrase first.
    pub slots: Vec<NewSlot>,
    /// To be shown once.
    pub code: RecoveryCode,
}

impl NewKeys {
    /// Makes them for one epoch of a store.
    ///
    /// # Errors
    /// When there is no memory or randomness.
    pub fn make(store: FileId, epoch: u64, params: KdfParams, passphrase: &Bytes) -> Result<Self, Error> {
        let code = RecoveryCode::generate(&mut OsRandom)?;
        let slots = vec![
            NewSlot::passphrase(store, epoch, params, passphrase)?,
            NewSlot::recovery(store, epoch, &code)?,
        ];
        Ok(Self { slots, code })
    }
}

fn fd_hint(n: i32) -> String {
    format!("open it for writing in the shell: svault … --recovery-out-fd {n} {n}>FILE")
}

fn not_writable(n: i32) -> Error {
    Error::usage(format!("--recovery-out-fd {n}: open for reading only")).hint(fd_hint(n))
}

/// Whether a descriptor takes bytes at all.
#[cfg(unix)]
fn writable(file: &std::fs::File) -> bool {
    rustix::fs::fcntl_getfl(file)
        .is_ok_and(|f| f.intersects(rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::RDWR))
}

#[cfg(not(unix))]
fn writable(_: &std::fs::File) -> bool {
    true
}

/// Where a recovery code goes.
pub enum CodeTo {
    /// The alternate screen of the terminal.
    Screen,
    /// A descriptor.
    Fd(std::fs::File),
}

impl CodeTo {
    /// Checked before anything is made: a code that can't be shown is worth nothing.
    ///
    /// # Errors
    /// When there is neither a terminal nor a descriptor.
    pub fn of(fd: Option<i32>) -> Result<Self, Error> {
        match fd {
            Some(n) => {
                let file = input::taken("--recovery-out-fd", n).map_err(|e| e.hint(fd_hint(n)))?.into();
                if writable(&file) { Ok(Self::Fd(file)) } else { Err(not_writable(n)) }
            }
            None if prompt::possible() => Ok(Self::Screen),
            None => Err(Error::usage("there is no terminal to show the recovery code on")
                .hint("give --recovery-out-fd N: svault … --recovery-out-fd 4 4>FILE")),
        }
    }

    /// Shows it, once.
    ///
    /// # Errors
    /// When it can't be shown: then it is lost, and the message says how to get another.
    pub fn show(self, code: &RecoveryCode) -> Result<(), Error> {
        let shown = match self {
            Self::Fd(mut file) => code.to_text().map_err(Error::from).and_then(|text| {
                file.write_all(text.expose()).and_then(|()| file.write_all(b"\n")).map_err(Error::from)
            }),
            Self::Screen => code
                .to_text()
                .map_err(Error::from)
                .and_then(|text| prompt::once_on_screen(|to| screen(to, &text))),
        };
        shown.map_err(|e| {
            if e.code == "cancelled" {
                let text = "you stopped while the recovery code was on the screen; it is valid";
                return Error::new("code_not_confirmed", wire::exit::FAILED, text).hint(
                    "everything else is done; if you have not written it down, 'svault passphrase change' makes another",
                );
            }
            Error::new(
                "code_not_shown",
                wire::exit::FAILED,
                "the recovery code could not be shown, and is lost",
            )
            .cause(e.cause.as_ref().unwrap_or(&e.message))
            .hint("everything else is done; 'svault passphrase change' makes a new code")
        })
    }
}

fn screen(to: &mut dyn Write, text: &Bytes) -> std::io::Result<()> {
    to.write_all(b"\r\n  Your recovery code. It is shown this once, and opens the store without the passphrase.\r\n\r\n      ")?;
    to.write_all(text.expose())?;
    to.write_all(
        b"\r\n\r\n  Write it on paper and keep that where nobody looks; no file, no photo, no chat.\r\n  \
          Upper or lower case, with or without the hyphens, is all the same.\r\n\r\n  Enter when you have it: ",
    )?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passphrases_are_refused_with_reason_and_advice() {
        let e = strong(&Bytes::copy_from(b"hunter2").unwrap()).unwrap_err();
        assert_eq!(e.code, "weak_passphrase");
        assert!(e.message.contains("very short"), "{}", e.message);
        assert!(e.hint.as_ref().unwrap().contains("five or more"));
        strong(&Bytes::copy_from(b"seven dull ferrets juggle 41 lanterns").unwrap()).unwrap();
    }
}
