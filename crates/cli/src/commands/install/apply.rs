//! Showing what a plan changes, asking, doing it, and saying what came of it: the same for install and uninstall.

use super::{merged, short};
use crate::app::App;
use crate::output::{Out, foreign};
use crate::prompt;
use crate::report::{Error, Outcome};
use agents::Client;
use agents::install::{Change, Plan, Record, commit};
use clap::Args;
use serde_json::{Value, json};

/// The most characters of a line of a client's settings that are shown.
const LINE: usize = 400;

/// What both commands take.
#[derive(Debug, Clone, Args)]
pub(in crate::commands) struct Options {
    /// Only this agent; may be given several times
    #[arg(long, value_name = "NAME", value_parser = clap::value_parser!(Client))]
    pub(super) client: Vec<Client>,
    /// The settings of this project instead of your own
    #[arg(long)]
    pub(super) project: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Don't ask before writing
    #[arg(long)]
    yes: bool,
}

/// What is to be done.
pub(in crate::commands) struct Work<'a> {
    /// As in "nothing to install".
    pub verb: &'static str,
    /// As in "claude: installed".
    pub done: &'static str,
    /// The changes.
    pub plan: &'a Plan,
    /// For which clients.
    pub clients: &'a [Client],
}

/// What came of it, client by client.
pub(in crate::commands) struct Told {
    clients: Vec<One>,
    notes: Vec<String>,
}

struct One {
    client: Client,
    state: &'static str,
    files: Vec<String>,
    error: Option<String>,
}

/// Shows, asks, does.
pub(in crate::commands) fn apply(
    app: &App,
    options: &Options,
    work: &Work<'_>,
    record: &mut Record,
) -> Result<Told, Error> {
    let mut changing: Vec<&Change> = work.plan.changes.iter().filter(|c| c.changes()).collect();
    show(app, options, &changing)?;
    let mut failed = Vec::new();
    if !options.dry_run {
        if !changing.is_empty() && !options.yes {
            ask(work.verb, changing.len())?;
        }
        failed = commit(work.plan, record);
    }
    let planned = work.plan.troubles.iter().map(|(c, t)| (vec![*c], t));
    let troubles: Vec<(Vec<Client>, String)> = planned
        .chain(failed.iter().map(|f| (f.clients.clone(), &f.trouble)))
        .map(|(c, t)| (c, foreign(&t.to_string(), 600)))
        .collect();
    changing.retain(|c| failed.iter().all(|f| f.path.as_ref() != Some(&c.found.path)));
    let state = |c: &Client| one(*c, work, options.dry_run, &changing, &troubles);
    let clients = work.clients.iter().map(state).collect();
    let mut notes: Vec<String> = work.plan.notes.iter().map(|n| foreign(n, 600)).collect();
    notes.extend(troubles.iter().filter(|(c, _)| c.is_empty()).map(|(_, t)| t.clone()));
    Ok(Told { clients, notes })
}

/// The changes, on the stream where they belong: whoever is asked sees them first, whatever the answer's form.
fn show(app: &App, options: &Options, changing: &[&Change]) -> Result<(), Error> {
    let paint = |text: &str, style: &str| match options.dry_run {
        true => app.out.style(text, style),
        false => app.out.err_style(text, style),
    };
    let diff: String = changing.iter().map(|c| unified(c, &paint)).collect();
    match (app.out.json(), options.dry_run) {
        (false, true) => app.out.text(&diff)?,
        (false, false) => app.out.lines_to_stderr(&diff),
        (true, false) if !options.yes && !changing.is_empty() && prompt::possible() => prompt::say(&diff)?,
        (true, _) => {}
    }
    Ok(())
}

fn ask(verb: &str, count: usize) -> Result<(), Error> {
    if !prompt::possible() {
        return Err(Error::usage(format!("there is no terminal to ask on before writing {count} files"))
            .hint(format!("look with 'svault {verb} --dry-run', then give --yes")));
    }
    let files = if count == 1 { "this file".to_owned() } else { format!("these {count} files") };
    if prompt::confirm(&format!("Write {files}?"))? { Ok(()) } else { Err(Error::cancelled()) }
}

/// How it is with a client, of whose files these were written, or would be.
fn one(
    client: Client,
    work: &Work<'_>,
    dry: bool,
    written: &[&Change],
    troubles: &[(Vec<Client>, String)],
) -> One {
    let error = troubles.iter().find(|(c, _)| c.contains(&client)).map(|(_, t)| t.clone());
    let mine = written.iter().filter(|c| c.clients.contains(&client));
    let files: Vec<String> = mine.map(|c| short(&c.found.path)).collect();
    let state = match (&error, files.is_empty(), dry) {
        (Some(_), false, false) => "partly",
        (Some(_), ..) => "left_alone",
        (None, true, _) => "unchanged",
        (None, false, true) => "would_change",
        (None, false, false) => work.done,
    };
    One { client, state, files, error }
}

impl Told {
    /// Whether a client is as it should be now.
    pub fn is_done(&self, client: Client) -> bool {
        self.clients.iter().any(|c| c.client == client && c.error.is_none())
    }

    /// The answer, and the exit code: 1 where a client was left alone, or done in part.
    pub fn answer(&self, app: &App, object: Value, more: String) -> Outcome {
        let failed = self.clients.iter().filter(|c| c.error.is_some()).count();
        let object = merged(object, json!({"notes": self.notes}));
        if app.out.json() && failed > 0 {
            let partly = self.clients.iter().any(|c| c.state == "partly");
            let how = if partly { "left alone or done in part" } else { "left alone" };
            let line = format!("{failed} of {} agents were {how}", self.clients.len());
            let mut e = Error::new("left_alone", wire::exit::FAILED, line)
                .hint("mend what is named, then run it again");
            for (key, value) in object.as_object().into_iter().flatten() {
                e = e.with(key, value.clone());
            }
            return Err(e);
        }
        app.out.answer(object, |out| format!("{}{more}", self.text(out)))?;
        for note in &self.notes {
            app.out.note(&format!("note: {note}"));
        }
        Ok(if failed == 0 { wire::exit::DONE } else { wire::exit::FAILED })
    }

    fn text(&self, out: &Out) -> String {
        let width = self.clients.iter().map(|c| c.client.as_str().len()).max().unwrap_or(0);
        let mut text = String::new();
        for c in &self.clients {
            let state = c.state.replace('_', " ");
            let (sign, style) = match c.state {
                "left_alone" | "partly" => ("✕", "31"),
                "unchanged" => ("·", "2"),
                _ => ("✓", "32"),
            };
            let files = c.files.join(", ");
            let said = match &c.error {
                Some(error) if c.state == "partly" => format!("{error}; changed: {files}"),
                Some(error) => error.clone(),
                None => files,
            };
            let line = format!("{} {:width$}  {state}  {said}", out.style(sign, style), c.client.as_str());
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// The clients as JSON, each with more keys.
pub(in crate::commands) fn clients_json(result: &Told, more: impl Fn(Client) -> Value) -> Vec<Value> {
    let all = result.clients.iter().map(|c| {
        let mut object = json!({"client": c.client.as_str(), "state": c.state, "files": c.files});
        if let Some(error) = &c.error {
            object["error"] = json!(error);
        }
        merged(object, more(c.client))
    });
    all.collect()
}

/// The change of one file, as `diff -u` writes it.
fn unified(change: &Change, paint: &dyn Fn(&str, &str) -> String) -> String {
    let text = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|b| String::from_utf8_lossy(b).into_owned());
    let (old, new) = (text(&change.found.bytes), text(&change.new));
    let name = short(&change.found.path);
    let mut shown = String::new();
    let mut line = |text: String, style: &str| {
        shown.push_str(&paint(&text, style));
        shown.push('\n');
    };
    let side = |text: &Option<String>| if text.is_some() { name.clone() } else { "(none)".to_owned() };
    line(format!("--- {}", side(&old)), "1");
    line(format!("+++ {}", side(&new)), "1");
    if change.found.real != change.found.path {
        line(format!("    (it is {})", short(&change.found.real)), "2");
    }
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    shown.push_str(&crate::diff::lines(&old, &new, LINE, paint));
    shown
}
