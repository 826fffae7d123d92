//! `svault policy edit`.

use crate::app::{App, Consent, unexpected};
use crate::args::Proof;
use crate::class_args::split;
use crate::editing::{self, Folder};
use crate::report::{Error, Outcome};
use crate::signals::Signals;
use crate::{diff, prompt};
use ::policy::Policy;
use clap::Args;
use client::paths::StoreDir;
use serde_json::json;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use wire::{Report, Want};

/// The most bytes of a policy that are read: enough to say how much too long most files are.
const MOST: u64 = 16 * 1024 * 1024;

/// Change the policy
///
/// Opens it in $EDITOR, checks it, shows what changes, and takes presence for the new document. With --file it comes
/// from there (- for stdin).
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  svault policy edit\n  svault policy edit --file policy.toml --passphrase-fd 3 3< passphrase"
)]
pub struct Edit {
    /// Take the new policy from this file; -: stdin
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    proof: Proof,
}

impl Edit {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let from_stdin = self.file.as_deref() == Some(Path::new("-"));
        let proof = if from_stdin || self.file.is_none() {
            self.proof.not_stdin("stdin is read")?
        } else {
            self.proof
        };
        let mut human = app.human(proof);
        human.ready()?;
        let store = app.store()?;
        editing::sweep(&store);
        let (old, toml) = match &self.file {
            Some(path) => {
                let toml = read(path)?;
                Policy::parse(&toml).map_err(|e| super::parse_error(&e))?;
                if toml.trim().is_empty() {
                    return Err(Error::usage("the new policy is empty").hint(
                        "it would take every caller and rule away; a comment is enough if you mean it",
                    ));
                }
                (text_of(human.read_proved(Want::PolicyShow)?)?, toml)
            }
            None => {
                let old = text_of(human.read(Want::PolicyShow)?)?;
                // The editor may stay open for long; what was typed shall not.
                if proof.passphrase_fd.is_none() {
                    human.forget();
                }
                let toml = in_editor(app, &store, &old)?;
                (old, toml)
            }
        };
        if toml == old {
            app.out.answer(json!({"changed": false}), |_| "nothing changed\n".to_owned())?;
            return Ok(wire::exit::DONE);
        }
        let change = diff::lines(&old, &toml, usize::MAX, &|text, style| app.out.err_style(text, style));
        // The passphrase was for reading; the yes is for what is shown.
        let asks = self.file.is_some() && proof.passphrase_fd.is_none();
        if !app.out.json() {
            app.out.lines_to_stderr(&change);
        } else if asks {
            prompt::say(&change)?;
        }
        if asks && !prompt::confirm("Put this policy in force?")? {
            return Err(client::Error::NotConfirmed.into());
        }
        // In a window anybody may have answered. The daemon that has proved itself compares what this was made from.
        let id = human.act(Want::policy_set(toml, &old), Vec::new(), Consent::Named)?.id();
        app.out.answer(json!({"id": id, "changed": true}), |_| "the new policy is in force\n".to_owned())?;
        Ok(wire::exit::DONE)
    }
}

fn text_of(report: Report) -> Result<String, Error> {
    match report {
        Report::Policy(row) => Ok(row.toml),
        _ => Err(unexpected()),
    }
}

fn read(path: &Path) -> Result<String, Error> {
    let mut text = Vec::new();
    let done = if path == Path::new("-") {
        std::io::stdin().lock().take(MOST).read_to_end(&mut text)
    } else {
        std::fs::File::open(path).and_then(|f| f.take(MOST).read_to_end(&mut text))
    };
    let read = done.map_err(|e| Error::io("read", path, &e))?;
    if read > words::MAX_POLICY {
        let more = if read as u64 == MOST { " or more" } else { "" };
        let text = format!("a policy has at most {} bytes, and this one has {read}{more}", words::MAX_POLICY);
        return Err(
            Error::new("too_big", wire::exit::FAILED, text).hint("the policy is as it was; shorten it")
        );
    }
    let bad = |e| Error::io("read", path, &std::io::Error::new(std::io::ErrorKind::InvalidData, e));
    String::from_utf8(text).map_err(|e| bad(e.utf8_error()))
}

/// Lets the human edit until it is a policy, or until it shall stay as it is.
fn in_editor(app: &App, store: &StoreDir, old: &str) -> Result<String, Error> {
    // Held until the folder is gone, so it comes first: what is first made is dropped last. The editor has the terminal's
    // signals by itself.
    let signals = Signals::hold().map_err(|e| Error::failed("can't hold signals back", e))?;
    let folder = Folder::make(store)?;
    let path = folder.path().join("policy.toml");
    write_private(&path, old)?;
    let mut editor = Editor::of_the_user(&path, app.out.json())?;
    signals.not_for(&mut editor.command);
    loop {
        let ended = editor.edit();
        if signals.come_within(Duration::ZERO) {
            return Err(Error::cancelled().hint("the policy is as it was"));
        }
        ended?;
        let text = read(&path)?;
        let e = match Policy::parse(&text) {
            Ok(_) => return Ok(text),
            Err(e) => super::parse_error(&e),
        };
        if app.out.json() || !prompt::possible() {
            return Err(e);
        }
        let _ = e.tell(&app.out);
        if !prompt::confirm("Edit it again?")? {
            return Err(Error::cancelled().hint("the policy is as it was"));
        }
    }
}

fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .and_then(|mut f| std::io::Write::write_all(&mut f, text.as_bytes()))
        .map_err(|e| Error::io("write", path, &e))
}

/// `$EDITOR`, on a file.
struct Editor {
    named: String,
    command: Command,
}

const NO_EDITOR: &str = "set EDITOR, or give the new policy with --file FILE";

impl Editor {
    /// With `apart` what it writes goes to stderr, which may be the terminal: stdout is for one object.
    fn of_the_user(path: &Path, apart: bool) -> Result<Self, Error> {
        let named = std::env::var("EDITOR").ok().filter(|e| !e.trim().is_empty());
        let named = named.unwrap_or_else(|| if cfg!(windows) { "notepad" } else { "vi" }.to_owned());
        let words = split(&named)
            .filter(|w| !w.is_empty())
            .ok_or_else(|| Error::usage("EDITOR can't be read").hint(NO_EDITOR))?;
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg(path);
        if apart {
            command.stdout(std::io::stderr());
        }
        Ok(Self { named, command })
    }

    /// Runs it to its end.
    fn edit(&mut self) -> Result<(), Error> {
        let named = &self.named;
        let status = self
            .command
            .status()
            .map_err(|e| Error::failed(format!("can't start the editor '{named}'"), e).hint(NO_EDITOR))?;
        if status.success() {
            return Ok(());
        }
        Err(Error::failed(format!("the editor '{named}' failed"), status).hint("the policy is as it was"))
    }
}
