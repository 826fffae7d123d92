//! What was last said yes to in a command's folder, for cards and windows.

use super::connection::Line;
use super::facts;
use crate::gate::{Frozen, FrozenItem};
use vault::Standing;
use wire::act::{Facts, Resolved};
use wire::{Ask, Failure};

/// Says on a card what is new in the folder.
pub(crate) fn told(line: &Line, cwd: &str, argv: &[String], secrets: &[String], facts: &mut Facts) {
    match standing(line, cwd, argv, secrets) {
        Standing::FirstHere => facts.notes.push("no command got secrets in this folder before".into()),
        Standing::Same => {}
        Standing::Other(new) => {
            // The digits tell a human nothing.
            let shown = |new: String| if new.starts_with(SETS) { SETS.to_owned() } else { new };
            facts.new = new.into_iter().map(shown).collect();
        }
    }
}

/// How a set of secrets stands to the folder's last yes. What can't be read is held to be unknown.
pub(crate) fn standing(line: &Line, cwd: &str, argv: &[String], secrets: &[String]) -> Standing {
    line.state.store.borrow().folder(cwd).map_or(Standing::FirstHere, |f| f.standing(argv, secrets))
}

/// After a yes.
///
/// # Errors
/// Where it can't be kept.
pub(crate) fn remember(line: &Line, cwd: &str, argv: &[String], secrets: &[String]) -> Result<(), Failure> {
    line.state.store.borrow_mut().remember_run(cwd, argv, secrets).map_err(|e| facts::failure(&e))
}

/// The secrets of a request, as they are remembered.
pub(crate) fn of_request(req: &Frozen) -> Vec<String> {
    req.items.iter().map(FrozenItem::shown).collect()
}

/// Those of an act, and what else the run's files set.
pub(crate) fn of_act(secrets: &[Resolved], ask: &Ask) -> Vec<String> {
    secrets.iter().map(|s| format!("{}/{}", s.vault, s.name)).chain(sets(ask)).collect()
}

/// What the files of a run set, as it is shown; a digest of it is remembered behind this.
const SETS: &str = "what its files set";

fn sets(ask: &Ask) -> Option<String> {
    (!ask.sets.is_empty()).then(|| format!("{SETS} {}", ask.sets))
}

/// Those of a human's run, as the store has them.
///
/// # Errors
/// Where one of them is not there.
pub(crate) fn of_run(line: &Line, ask: &Ask) -> Result<Vec<String>, Failure> {
    let name =
        |i: &wire::AskItem| facts::found(line, &i.secret).map(|s| format!("{}/{}", s.key.vault, s.name));
    ask.items.iter().map(name).chain(sets(ask).map(Ok)).collect()
}
