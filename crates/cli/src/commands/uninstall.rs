//! `svault uninstall`: takes back what install wrote.

use super::install::{Options, Work, apply, clients_json, machine, short, this_svault, trouble};
use crate::app::App;
use crate::report::Outcome;
use agents::Client;
use agents::clients::Place;
use agents::install::Record;
use clap::Args;
use serde_json::json;

/// Take back what 'svault install' wrote
///
/// A file that is as install left it gets its old bytes back. In a file that was changed since, svault's entries go and
/// everything else stays. Callers stay registered: see 'svault caller remove'.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  svault uninstall\n  svault uninstall --client codex --dry-run")]
pub struct Uninstall {
    #[command(flatten)]
    options: Options,
}

impl Uninstall {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let machine = machine()?;
        let svault = this_svault(&machine)?;
        let project = self.options.folder(&machine)?;
        let place = project.as_deref().map_or(Place::User, Place::Project);
        let _lock = self.options.lock(&machine)?;
        let mut record = Record::open(&machine.state()).map_err(trouble)?;
        let all = self.options.clients(|_| true);
        let plan = agents::install::uninstall(&machine, &svault, &record, place, &all);
        let touched =
            |c: Client| self.options.names(c) || plan.concerns(c) || record.has(c, project.as_deref());
        let clients: Vec<Client> = all.into_iter().filter(|c| touched(*c)).collect();
        let work = Work { verb: "uninstall", done: "taken_back", plan: &plan, clients: &clients };
        let elsewhere = record.projects();
        let result = apply(app, &self.options, &work, &mut record)?;
        let mut text = String::new();
        if clients.is_empty() {
            text.push_str("nothing is installed\n");
        }
        if project.is_none() {
            for folder in &elsewhere {
                text.push_str(&format!(
                    "still installed in {}: run 'svault uninstall --project' there\n",
                    short(folder)
                ));
            }
        }
        let object = json!({"clients": clients_json(&result, |_| json!({})), "projects": elsewhere});
        result.answer(app, object, text)
    }
}
