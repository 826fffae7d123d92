//! From an error to what a person or a script sees: one line, the cause, one `hint:`; the exit code.

use crate::output::{Out, shown};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use wire::{Failure, exit};
use words::Id;

/// What to do about a file of the store that is not whole.
pub const KEEP_AND_RESTORE: &str =
    "keep a copy of the store's folder as it is now, and put the file back from a backup";

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub struct Error(Box<Facts>);

/// What an error says.
#[derive(Debug)]
pub struct Facts {
    /// A stable word for scripts.
    pub code: Cow<'static, str>,
    /// One of [`wire::exit`].
    pub exit: u8,
    /// One line for people.
    pub message: String,
    /// What lies behind it.
    pub cause: Option<String>,
    /// More lines for people, such as the files it is about.
    pub details: Vec<String>,
    /// What to do.
    pub hint: Option<String>,
    /// The request's id.
    pub id: Option<Id>,
    /// More keys of the JSON object.
    pub more: Map<String, Value>,
}

/// What a command returns: its exit code.
pub type Outcome = Result<u8, Error>;

impl Error {
    /// An error with its code, exit status and line.
    pub fn new(code: impl Into<Cow<'static, str>>, exit: u8, message: impl Into<String>) -> Self {
        Self(Box::new(Facts {
            code: code.into(),
            exit,
            message: message.into(),
            cause: None,
            details: Vec::new(),
            hint: None,
            id: None,
            more: Map::new(),
        }))
    }

    /// Something that the user's call gets wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new("usage", exit::USAGE, message)
    }

    /// Something that failed, with what lies behind it.
    pub fn failed(message: impl Into<String>, cause: impl std::fmt::Display) -> Self {
        Self::new("failed", exit::FAILED, message).cause(cause)
    }

    /// Reading or writing at a place.
    pub fn io(doing: &str, at: &std::path::Path, e: &std::io::Error) -> Self {
        let new = Self::new("io", exit::FAILED, format!("can't {doing} {}", at.display())).cause(e);
        match e.kind() {
            std::io::ErrorKind::PermissionDenied => {
                new.hint("check the permissions; svault wants a folder of your own")
            }
            std::io::ErrorKind::StorageFull => new.hint("make room on the disk, then try again"),
            std::io::ErrorKind::NotFound => new.hint("check the path"),
            std::io::ErrorKind::IsADirectory => new.hint("that is a folder; name a file"),
            std::io::ErrorKind::InvalidData => new.hint("it must be UTF-8 text"),
            _ => new,
        }
    }

    /// No daemon.
    #[must_use]
    pub fn locked() -> Self {
        Self::new("locked", exit::LOCKED, "locked: a human must run 'svault unlock'")
    }

    /// The one opaque line.
    #[must_use]
    pub fn denied(id: Id) -> Self {
        let mut e = Self::new("denied", exit::DENIED, format!("denied ({id})"));
        e.0.id = Some(id);
        e
    }

    /// No human has decided yet.
    #[must_use]
    pub fn waiting(id: Id) -> Self {
        let mut e = Self::new("waiting", exit::WAITING, format!("waiting for a human ({id})"));
        e.0.id = Some(id);
        e.hint(format!(
            "a human runs 'svault approve {id}'; then ask again (a program that is not registered: while it waits, with a longer --wait)"
        ))
    }

    /// A human stopped at a question.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new("cancelled", exit::FAILED, "cancelled, nothing was done")
    }

    /// With another exit status.
    #[must_use]
    pub fn exits(mut self, exit: u8) -> Self {
        self.0.exit = exit;
        self
    }

    /// With what lies behind it.
    #[must_use]
    pub fn cause(mut self, cause: impl std::fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// With what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.0.hint = hint;
        self
    }

    /// Some lines carry their advice behind a semicolon; it belongs into the hint, once.
    fn advice_apart(mut self) -> Self {
        if matches!(self.code.as_ref(), "damaged" | "disk_full" | "no_locked_memory")
            && let Some((line, advice)) = self.message.split_once("; ")
        {
            let (line, advice) = (line.to_owned(), advice.to_owned());
            self.0.message = line;
            if self.hint.as_ref().is_none_or(|h| h.len() < advice.len()) {
                self.0.hint = Some(advice);
            }
        }
        self
    }

    /// With another key in the JSON object.
    #[must_use]
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.0.more.insert(key.to_owned(), value);
        self
    }

    /// Whether the contract fixes the whole line.
    fn is_bare(&self) -> bool {
        matches!(self.code.as_ref(), "locked" | "denied" | "waiting")
    }

    /// Tells it and gives the exit code.
    pub fn tell(&self, out: &Out) -> u8 {
        if self.code == "broken_pipe" {
            return exit::DONE;
        }
        if !out.json() || out.object(self.object()).is_err() {
            out.lines_to_stderr(&self.lines(out));
        }
        self.exit
    }

    /// What to do; something is always said but where the line itself says it.
    fn what_to_do(&self) -> Option<&str> {
        let said = self.is_bare() || self.exit == exit::USAGE || self.code == "cancelled";
        let general = match self.code.as_ref() {
            "exists" => "choose another name",
            "disk_full" => "free some disk space and try again",
            "cases_failed" => "each case names the rule that decided it",
            "broken" => "each check that is broken has its fix",
            "bad_env_file" => "mend it, or name another file with --env-file",
            "not_confirmed" => "run it again if you meant yes",
            _ => "'svault doctor' shows what this machine lacks",
        };
        self.hint.as_deref().or((!said).then_some(general))
    }

    fn lines(&self, out: &Out) -> String {
        let mut text = String::new();
        if !self.is_bare() {
            text.push_str(&out.err_style("error:", "31;1"));
            text.push(' ');
        }
        // Paths and what a system says may hold anything.
        text.push_str(&below(&self.message));
        text.push('\n');
        if let Some(cause) = &self.cause {
            text.push_str(&format!("cause: {}\n", below(cause)));
        }
        for line in &self.details {
            text.push_str(&format!("  {}\n", below(line)));
        }
        if let Some(hint) = self.what_to_do() {
            // What a narrower exposure says has a line of its own in the contract.
            let head = if hint.starts_with("use: ") { "" } else { "hint: " };
            text.push_str(&format!("{head}{}\n", below(hint)));
        }
        text
    }

    fn object(&self) -> Map<String, Value> {
        let mut all = self.more.clone();
        all.insert("ok".into(), false.into());
        if let Some(id) = self.id {
            all.insert("id".into(), id.as_str().into());
        }
        let message = match &self.cause {
            Some(cause) => format!("{}: {cause}", self.message),
            None => self.message.clone(),
        };
        all.insert("error".into(), json!({"code": self.code, "message": message, "hint": self.what_to_do()}));
        all
    }
}

impl std::ops::Deref for Error {
    type Target = Facts;
    fn deref(&self) -> &Facts {
        &self.0
    }
}

impl From<Failure> for Error {
    fn from(f: Failure) -> Self {
        Self::new(f.code, f.exit, f.message).maybe_hint(f.hint).advice_apart()
    }
}

impl From<client::Error> for Error {
    fn from(e: client::Error) -> Self {
        if let client::Error::RolledBack(r) = e {
            let told = |f: &wire::RollbackFile| r.error.message.contains(&f.detail);
            let files = r.files.iter().filter(|f| r.files.len() > 1 || !told(f));
            let details = files.map(|f| format!("{:8} {}  {}", f.state, f.path, f.detail)).collect();
            let files = serde_json::to_value(&r.files).unwrap_or_default();
            let mut new = Self::from(r.error).with("files", files);
            new.0.details = details;
            return new;
        }
        let code = match &e {
            client::Error::Store(s) if !e.is_no_locked_memory() => store_code(s),
            e => e.code().to_owned(),
        };
        Self::new(code, e.exit(), wire::one_line(&e)).maybe_hint(e.hint()).advice_apart()
    }
}

impl From<run::Error> for Error {
    fn from(e: run::Error) -> Self {
        use run::Error as E;
        let line = wire::one_line(&e);
        match e {
            E::Memory(e) => e.into(),
            E::Empty | E::NoText => Self::usage(line),
            E::NoFolder(_) => Self::new("no_folder", exit::FAILED, line)
                .hint("nothing was asked for or released; run it in a folder that is there"),
            E::NoCommand(_) | E::NoProgram(_) => Self::new("no_command", exit::FAILED, line)
                .hint("nothing was asked for or released; name a program that is on the PATH, or its path"),
            E::TooLong { .. } => Self::new("too_long", exit::USAGE, line)
                .hint("nothing was asked for; put a long command into a script, or name fewer secrets"),
            E::ZeroByte { .. } => Self::new("failed", exit::FAILED, line)
                .hint("give it as a file: svault run --file NAME=SECRET"),
            E::Start { program, cause } => Self::failed(format!("can't start {program}"), cause),
            E::NotForCommands => client::Error::Unexpected.into(),
            E::System { .. } | E::GuardGone | E::NotHere(_) => Self::new("failed", exit::FAILED, line),
        }
    }
}

impl From<secret::Error> for Error {
    fn from(e: secret::Error) -> Self {
        let hint = "raise 'ulimit -l' (LimitMEMLOCK), or give --weak-memory";
        Self::new("no_locked_memory", exit::FAILED, e.to_string()).hint(hint).advice_apart()
    }
}

impl From<seal::Error> for Error {
    fn from(e: seal::Error) -> Self {
        if let seal::Error::Recovery { .. } = &e {
            return Self::new("bad_recovery_code", exit::FAILED, wire::one_line(&e))
                .hint("compare it with the paper: nine groups of four letters and digits");
        }
        client::Error::Store(e).into()
    }
}

/// Writing the answer failed.
impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        if e.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new("broken_pipe", exit::DONE, "the reader went away");
        }
        Self::new("io", exit::FAILED, "can't write the answer")
            .cause(e)
            .hint("send it to a place with room for it")
    }
}

/// The stable word of a damaged file's error, such as `header_mac`.
fn store_code(e: &seal::Error) -> String {
    let mut code = String::new();
    for c in e.name().chars() {
        if c.is_ascii_uppercase() && !code.is_empty() {
            code.push('_');
        }
        code.push(c.to_ascii_lowercase());
    }
    if code == "kdf" { "kdf_bounds".to_owned() } else { code }
}

/// What clap says about a call that can't be: its own words for people, an object for scripts. Help is no error.
pub fn bad_usage(e: &clap::Error) -> u8 {
    if !e.use_stderr() {
        let _ = e.print();
        return exit::DONE;
    }
    if std::env::args_os().take_while(|a| a != "--").any(|a| a == "--json") {
        let line = match e.kind() {
            clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                "a command is missing".to_owned()
            }
            // The list of them that follows has those that nobody types, too; help has not.
            clap::error::ErrorKind::MissingSubcommand => {
                let line = in_one_line(&e.to_string());
                line.split(" [subcommands: ").next().unwrap_or_default().to_owned()
            }
            _ => in_one_line(&e.to_string()),
        };
        return Error::usage(line).hint("see --help").tell(&Out::new(true));
    }
    // What was typed is in the text; characters that hide, turn round or begin a line show themselves.
    let text = e.to_string();
    let shown = shown_lines(&typed_in_one_line(&text, std::env::args_os()));
    if shown == text {
        let _ = e.print();
    } else {
        Out::new(false).lines_to_stderr(&shown);
    }
    exit::USAGE
}

/// The text, with each of the arguments on one line.
fn typed_in_one_line(text: &str, args: impl Iterator<Item = std::ffi::OsString>) -> String {
    let several = args.map(|a| a.to_string_lossy().into_owned()).filter(|a| a.contains(['\n', '\r']));
    several.fold(text.to_owned(), |text, arg| text.replace(&arg, &wire::card::visible(arg.as_bytes())))
}

/// The first paragraph of what clap says: a line, and the arguments that it is about.
fn in_one_line(text: &str) -> String {
    let mut lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let first = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let rest = lines.collect::<Vec<_>>().join(", ");
    if rest.is_empty() { first } else { format!("{first} {rest}") }
}

/// Lines in which nothing hides.
fn shown_lines(text: &str) -> String {
    text.split('\n').map(shown).collect::<Vec<_>>().join("\n")
}

/// The same, set in: a line feed in a path begins no line that looks like ours.
fn below(text: &str) -> String {
    shown_lines(text).replace('\n', "\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_no_line() {
        let gone = std::io::ErrorKind::NotFound.into();
        let e = Error::io("read", std::path::Path::new("x\nhint: run it"), &gone);
        let out = Out::plain();
        assert!(
            e.lines(&out).starts_with("error: can't read x\n  hint: run it\ncause: "),
            "{}",
            e.lines(&out)
        );
    }

    #[test]
    fn scripts_learn_which_arguments_are_missing() {
        let text = "error: the following required arguments were not provided:\n  --scope <SCOPE>\n  <NAME>\n\nUsage: x\n";
        assert_eq!(
            in_one_line(text),
            "the following required arguments were not provided: --scope <SCOPE>, <NAME>"
        );
        assert_eq!(
            in_one_line("error: unexpected argument '--x' found\n\n  tip\n"),
            "unexpected argument '--x' found"
        );
    }

    #[test]
    fn nothing_hides_in_what_was_typed() {
        for plain in ["", "error: no such 'x'\n\nUsage: svault [OPTIONS]\n", "C:\\x\n"] {
            assert_eq!(shown_lines(plain), plain);
        }
        assert_eq!(shown_lines("a\n'\u{202e}b\x1b[2J'\n"), "a\n'\\u{202e}b\\u{1b}[2J'\n");
    }

    #[test]
    fn what_was_typed_begins_no_line() {
        let typed = "x\nerror: all is lost\n".to_owned();
        let text = format!("error: invalid value '{typed}' for '<NAME>'\n\nUsage: x\n");
        let shown = typed_in_one_line(&text, ["svault".into(), typed.into()].into_iter());
        assert_eq!(shown, "error: invalid value 'x\\nerror: all is lost\\n' for '<NAME>'\n\nUsage: x\n");
    }

    #[test]
    fn the_lines_of_the_contract_stand_alone() {
        let out = Out::plain();
        assert_eq!(Error::locked().lines(&out), "locked: a human must run 'svault unlock'\n");
        let id = "7K2MQ9XA".parse().unwrap();
        assert_eq!(Error::denied(id).lines(&out), "denied (7K2MQ9XA)\n");
        assert_eq!(
            Error::denied(id).hint("use: svault run --env A -- CMD").lines(&out),
            "denied (7K2MQ9XA)\nuse: svault run --env A -- CMD\n"
        );
    }

    #[test]
    fn advice_is_given_once() {
        let f = Failure::new("damaged", exit::DAMAGED, "x: damaged at byte 7; restore it from a backup")
            .hint("restore");
        assert_eq!(
            Error::from(f).lines(&Out::plain()),
            "error: x: damaged at byte 7\nhint: restore it from a backup\n"
        );
    }

    #[test]
    fn an_error_has_a_line_a_cause_and_a_hint() {
        let e = Error::failed("can't do it", "the disk is full").hint("make room");
        assert_eq!(e.lines(&Out::plain()), "error: can't do it\ncause: the disk is full\nhint: make room\n");
        assert_eq!(e.object()["error"]["message"], "can't do it: the disk is full");
        assert_eq!(e.object()["ok"], false);
    }
}
