//! `svault audit list|show|verify`.

use crate::app::{App, unexpected};
use crate::args::Proof;
use crate::output::{Out, command_line, foreign};
use crate::report::{Error, KEEP_AND_RESTORE, Outcome};
use crate::table::{Table, pairs_within};
use crate::times;
use ::audit::{Entry, Event, Filter};
use clap::{Args, Subcommand};
use serde_json::json;
use wire::{Report, Want};
use words::{Door, Id, SecretRef};

/// Read and verify the trail
#[derive(Debug, Subcommand)]
pub enum Audit {
    List(List),
    Show(Show),
    Verify(Verify),
}

/// List entries of the trail, newest first
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  svault audit list --since 2h --decision deny\n  svault audit list --caller claude-code --secret DB_URL"
)]
pub struct List {
    /// Not before: 2026-11-23, '2026-11-23 09:00', RFC 3339, today, or how long ago such as 2h
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// This caller
    #[arg(long)]
    caller: Option<String>,
    /// This secret: NAME, or svault://VAULT/NAME
    #[arg(long)]
    secret: Option<SecretRef>,
    /// What happened: allow, deny, ask, approve, refuse, cancel, expire, act, propose, read, wanted, seal, suspend,
    /// unseal, unlock, lock, accept_rollback, folded, exposed, metered; may be given several times
    #[arg(long, value_name = "WHAT", value_parser = event)]
    decision: Vec<Event>,
    /// Where it came in: cli, mcp, tui, desktop, proxy, hook
    #[arg(long)]
    door: Option<Door>,
    /// This session
    #[arg(long)]
    session: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    last: usize,
    #[command(flatten)]
    proof: Proof,
}

/// Show what the trail has about one request
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault audit show 7K2MQ9XA")]
pub struct Show {
    /// The id that the caller was told
    id: Id,
    #[command(flatten)]
    proof: Proof,
}

/// Read the whole trail and say whether it holds
///
/// Needs no proof. Exit code 5 when it is broken.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault audit verify")]
pub struct Verify {}

fn event(text: &str) -> Result<Event, String> {
    serde_json::from_value(json!(text)).map_err(|_| "see --help for the words".to_owned())
}

/// The stable word of an event.
fn word(event: Event) -> String {
    serde_json::to_value(event).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

impl Audit {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        match self {
            Audit::List(c) => c.run(app),
            Audit::Show(c) => c.run(app),
            Audit::Verify(c) => c.run(app),
        }
    }
}

impl List {
    fn run(self, app: &App) -> Outcome {
        let now = jiff::Timestamp::now();
        let moment = |t: &Option<String>| t.as_deref().map(|t| times::moment(t, now)).transpose();
        let filter = Filter {
            since: moment(&self.since)?,
            until: moment(&self.until)?,
            caller: self.caller,
            secret: self.secret.map(|s| match s.vault {
                Some(vault) => format!("{vault}/{}", s.name),
                None => s.name.to_string(),
            }),
            events: self.decision,
            door: self.door,
            session: self.session,
            last: Some(self.last),
        };
        let Report::Entries(entries) = app.human(self.proof).read(Want::AuditList(filter))? else {
            return Err(unexpected());
        };
        let lost = app.connect(None)?.status()?.trail_lost;
        if !lost.is_empty() {
            app.out.note(&format!("note: the trail is whole{}", but_for(&lost)));
        }
        app.out.answer(json!({"entries": entries}), |out| {
            if entries.is_empty() { "no such entries\n".to_owned() } else { table(&entries, out) }
        })?;
        Ok(wire::exit::DONE)
    }
}

impl Show {
    fn run(self, app: &App) -> Outcome {
        let Report::Entries(entries) = app.human(self.proof).read(Want::AuditShow { id: self.id })? else {
            return Err(unexpected());
        };
        let Some(newest) = entries.first() else {
            return Err(Error::new(
                "unknown_id",
                wire::exit::FAILED,
                format!("the trail has nothing under {}", self.id),
            )
            .hint("see 'svault audit list'; of a burst of denials only a count is kept, as 'folded'"));
        };
        app.out.answer(json!({"id": self.id, "entry": newest, "entries": entries}), |out| {
            entries.iter().map(|e| details(e, out)).collect::<Vec<_>>().join("\n")
        })?;
        Ok(wire::exit::DONE)
    }
}

impl Verify {
    fn run(self, app: &App) -> Outcome {
        match app.connect(None)?.verify_trail()? {
            client::TrailState::Holds { lost } => {
                app.out.answer(json!({"trail": "ok", "lost": lost}), |_| {
                    format!("trail: ok{}\n", but_for(&lost))
                })?;
                Ok(wire::exit::DONE)
            }
            client::TrailState::Broken(why) => {
                let text = format!("trail: broken: {why}");
                Err(Error::new("trail_broken", wire::exit::DAMAGED, text).hint(KEEP_AND_RESTORE))
            }
        }
    }
}

/// What a trail that holds lacks all the same.
pub fn but_for(lost: &[String]) -> String {
    match lost {
        [] => String::new(),
        files => {
            format!(" but for {}: given up by 'unlock --accept-rollback'", foreign(&files.join(", "), 200))
        }
    }
}

fn table(entries: &[Entry], out: &Out) -> String {
    let mut table = Table::new(&["TIME", "ID", "EVENT", "CALLER", "SECRET", "DOOR", "WHY", "REASON"], 7);
    for e in entries {
        table.row(vec![
            times::stamp(e.at),
            e.id.to_string(),
            match e.count {
                Some(n) => format!("{} ×{n}", word(e.event)),
                None => word(e.event),
            },
            foreign(&e.caller, 40),
            foreign(&e.secret, 60),
            e.door.map(|d| d.to_string()).unwrap_or_default(),
            why(e),
            foreign(&e.reason, 200),
        ]);
    }
    table.text(out)
}

fn why(e: &Entry) -> String {
    let first = [&e.cause, &e.act, &e.rule].into_iter().find(|w| !w.is_empty());
    let why = first.map(|w| foreign(w, 60)).unwrap_or_default();
    if e.is_undone() { format!("{why}: not done") } else { why }
}

/// One entry, everything that it says.
pub fn details(e: &Entry, out: &Out) -> String {
    let quoted = |t: &str| {
        if t.is_empty() { String::new() } else { format!("\"{}\" (not checked)", foreign(t, 1000)) }
    };
    let rows = [
        ("id", e.id.to_string()),
        ("number", e.seq.to_string()),
        ("time", times::stamp(e.at)),
        ("event", word(e.event)),
        (
            "caller",
            match e.evidence {
                Some(evidence) => format!("{} ({evidence})", foreign(&e.caller, 80)),
                None => foreign(&e.caller, 80),
            },
        ),
        ("session", foreign(&e.session, 120)),
        ("door", e.door.map(|d| d.to_string()).unwrap_or_default()),
        (
            "secret",
            match e.version {
                Some(v) => format!("{}, version {v}", foreign(&e.secret, 250)),
                None => foreign(&e.secret, 250),
            },
        ),
        ("scope", foreign(&e.scope, 80)),
        ("exposure", e.exposure.map(|x| x.to_string()).unwrap_or_default()),
        ("variable", foreign(&e.variable, 128)),
        ("says", quoted(&e.reason)),
        ("cause", foreign(&e.cause, 80)),
        ("rule", foreign(&e.rule, 200)),
        ("act", foreign(&e.act, 80)),
        ("command (not checked)", command_line(&e.argv)),
        ("in folder (not checked)", foreign(&e.cwd, 400)),
        ("process (checked)", e.process.iter().map(|p| foreign(p, 200)).collect::<Vec<_>>().join(" < ")),
        (
            "said by the client",
            if e.client.is_empty() {
                String::new()
            } else {
                format!("{} (not checked)", foreign(&e.client, 400))
            },
        ),
        ("count", e.count.map(|c| c.to_string()).unwrap_or_default()),
        ("note", foreign(&e.note, 400)),
    ];
    pairs_within(&rows, "", out.edge())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_has_the_word_of_every_event() {
        let help = <List as Args>::augment_args(clap::Command::new("list")).render_long_help().to_string();
        let words: Vec<&str> = help.split(|c: char| !c.is_ascii_lowercase() && c != '_').collect();
        // What serde says of a word that is none names all that there are.
        let all = serde_json::from_value::<Event>(json!("none")).unwrap_err().to_string();
        let all: Vec<&str> = all.split('`').skip(3).step_by(2).collect();
        assert!(all.len() >= 20, "{all:?}");
        for word in all {
            assert!(words.contains(&word), "{word}");
        }
    }

    #[test]
    fn what_did_not_come_to_pass_does_not_look_done() {
        let mut done = Entry::new(Id::from_bits(1), jiff::Timestamp::UNIX_EPOCH, Event::Approve);
        done.act = "approve".into();
        let undone = done.undone(done.at, &"the disk is full".repeat(40));
        assert_eq!((why(&done), why(&undone)), ("approve".into(), "approve: not done".into()));
        assert_eq!((undone.event, undone.id, undone.is_undone()), (Event::Act, done.id, true));
        assert!(undone.note.len() <= 256 && !done.is_undone());
        // Only the trail says so: not a caller in its own words.
        let mut said = Entry::new(done.id, done.at, Event::Deny);
        said.note = undone.note;
        assert!(!said.is_undone());
    }
}
