//! `svault pending [--watch]`.

use crate::app::{App, unexpected};
use crate::args::Proof;
use crate::output::{Out, command_line, cut, foreign};
use crate::report::{Error, Outcome};
use crate::table::{hanging, pairs_within};
use crate::times;
use clap::Args;
use serde_json::{Map, json};
use std::time::Duration;
use wire::{PendingRow, Report, Want};
use words::Id;

/// How often a watch looks.
const TICK: Duration = Duration::from_secs(1);

/// List requests that wait for a human
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault pending --watch")]
pub struct Pending {
    /// Go on, and show each new request as it comes
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    proof: Proof,
}

impl Pending {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let rows = read(&mut app.human(self.proof))?;
        if self.watch {
            return self.watch(app, rows);
        }
        app.out.answer(json!({"pending": rows}), |out| {
            if rows.is_empty() { "nothing waits\n".to_owned() } else { all(&rows, out) }
        })?;
        Ok(wire::exit::DONE)
    }

    /// What the daemon tells anybody, the number that waits, says when to look; the look itself is a human's.
    fn watch(&self, app: &App, mut rows: Vec<PendingRow>) -> Outcome {
        let mut shown: Vec<Id> = Vec::new();
        let mut last = (rows.len(), 0_u32);
        app.out.note("watching; Ctrl-C ends it");
        loop {
            for row in rows.iter().filter(|r| !shown.contains(&r.id)) {
                if app.out.json() {
                    let mut object = Map::new();
                    object.insert("ok".into(), true.into());
                    object.insert("request".into(), serde_json::to_value(row).unwrap_or_default());
                    app.out.object(object)?;
                } else {
                    let bell = if app.out.terminal() { "\x07" } else { "" };
                    app.out.text(&format!("{bell}{}", one(row, &app.out)))?;
                }
            }
            shown = rows.iter().map(|r| r.id).collect();
            loop {
                std::thread::sleep(TICK);
                let waiting = app.connect(None)?.status()?.waiting;
                // Also from time to time: one may go while another comes.
                last.1 += 1;
                if waiting as usize != last.0 || last.1 >= 5 {
                    last = (waiting as usize, 0);
                    break;
                }
            }
            rows = if last.0 == 0 { Vec::new() } else { read_open(app)? };
        }
    }
}

fn read(human: &mut crate::app::Human<'_>) -> Result<Vec<PendingRow>, Error> {
    let Report::Pending(rows) = human.read(Want::Pending)? else { return Err(unexpected()) };
    Ok(rows)
}

/// A watch never asks for the passphrase again: it needs a window.
fn read_open(app: &App) -> Result<Vec<PendingRow>, Error> {
    match app.connect(None)?.want(Want::Pending) {
        Ok(client::Answer::Report(report)) => match *report {
            Report::Pending(rows) => Ok(rows),
            _ => Err(unexpected()),
        },
        Ok(_) => Err(unexpected()),
        Err(e) => {
            let e = Error::from(e);
            let over = e.code == wire::code::PRESENCE_NEEDED;
            Err(if over {
                e.hint(
                    "a watch needs an open window: run it from your login shell, and again when it is over",
                )
            } else {
                e
            })
        }
    }
}

fn all(rows: &[PendingRow], out: &Out) -> String {
    rows.iter().map(|r| one(r, out)).collect::<Vec<_>>().join("\n")
}

/// The id, which stands alone at the edge, and what is wanted.
fn heading(id: Id, text: &str, out: &Out) -> String {
    let line = hanging(&format!("{id}  {text}"), 10, out.edge());
    line.replacen(id.as_str(), &out.style(id.as_str(), "33;1"), 1) + "\n"
}

/// A request in the order of the approval card.
pub fn one(r: &PendingRow, out: &Out) -> String {
    if let Some(wanted) = &r.wanted {
        return missing(r, wanted, out);
    }
    let item = |i: &wire::PendingItem| format!("{} as {}", foreign(&i.secret, 200), i.way);
    let what = r.items.iter().map(item).collect::<Vec<_>>().join(", ");
    let who = format!("{} ({})", foreign(&r.caller, 80), r.evidence);
    let mut text = heading(r.id, &format!("{who} wants {what}"), out);
    let process = r.process.iter().map(|p| foreign(p, 120)).collect::<Vec<_>>().join(" < ");
    let lines = [
        ("process (checked)", process),
        (
            "will run (not checked)",
            if r.argv.is_empty() {
                String::new()
            } else {
                format!("{} in {}", cut(&command_line(&r.argv), 600), foreign(&r.cwd, 200))
            },
        ),
        ("new here", r.new_here.iter().map(|s| foreign(s, 200)).collect::<Vec<_>>().join(", ")),
        ("says (not checked)", format!("\"{}\"", wire::card::spaces_shown(&foreign(&r.reason, 600)))),
        ("rule", foreign(&r.rule, 120)),
        ("session", format!("{} through {}", foreign(&r.session, 80), r.door)),
        ("asked", format!("{}, until {}", times::shown(&r.asked), times::shown(&r.expires))),
    ];
    text.push_str(&pairs_within(&lines, "  ", out.edge()));
    text.push_str(&format!("  svault approve {id}   or   svault deny {id}\n", id = r.id));
    text
}

/// A secret that a caller says is missing.
fn missing(r: &PendingRow, wanted: &wire::WantedSecret, out: &Out) -> String {
    let who = format!("{} ({})", foreign(&r.caller, 80), r.evidence);
    let id = r.id;
    let mut text = heading(id, &format!("{who} says that {} is missing", wanted.name), out);
    let lines = [
        ("process", r.process.iter().map(|p| foreign(p, 120)).collect::<Vec<_>>().join(" < ")),
        ("says", format!("\"{}\" (not checked)", wire::card::spaces_shown(&foreign(&r.reason, 600)))),
        ("session", format!("{} through {}", foreign(&r.session, 80), r.door)),
        ("asked", format!("{}, until {}", times::shown(&r.asked), times::shown(&r.expires))),
    ];
    text.push_str(&pairs_within(&lines, "  ", out.edge()));
    text.push_str(&format!(
        "  svault add {} --scope {}   or   svault deny {id}\n",
        wanted.name, wanted.scope
    ));
    text
}
