//! `svault edit NAME`.

use crate::app::{App, Consent, unexpected};
use crate::args::{Proof, Which};
use crate::class_args::ClassArgs;
use crate::report::{Error, Outcome};
use clap::{Args, ValueEnum};
use serde_json::json;
use wire::{Report, SecretRow, Want};
use words::{Class, SecretRef};

/// Change how a secret may be used
///
/// What is not given stays. Options that may be given several times replace the whole list. Without any option it
/// confirms a proposal as it is. Open approvals and grants for the secret end.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  svault edit DB_URL --tier high\n  svault edit DB_URL --window 'mon-fri 09:00-18:00'\n  svault edit DB_URL --clear window"
)]
pub struct Edit {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    class: ClassArgs,
    /// Empty a list; may be given several times
    #[arg(long, value_name = "LIST")]
    clear: Vec<Clear>,
    #[command(flatten)]
    proof: Proof,
}

/// A list that can be emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Clear {
    Destination,
    Command,
    Window,
    Caller,
}

impl Edit {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let asked = self.which.reference()?;
        let mut human = app.human(self.proof);
        let Report::Secrets(rows) = human.read_proved(Want::List)? else { return Err(unexpected()) };
        let row = find(&rows, &asked)?;
        let mut class = row.class.clone();
        for list in &self.clear {
            clear(&mut class, *list);
        }
        self.class.apply(&mut class)?;
        class.proposed_by = None;
        if class == row.class {
            return self.same(app, row);
        }
        let secret = SecretRef { vault: Some(row.vault.clone()), name: row.name.clone() };
        // Whoever confirms a proposal has not named what it says, so it is shown.
        let proposed = row.class.proposed_by.is_some();
        let consent =
            if proposed { Consent::Card("Confirm this proposal as it is shown?") } else { Consent::Named };
        let was = Some(Box::new(row.class.clone()));
        let want = Want::Edit { secret: secret.clone(), class: class.clone(), was };
        let id = human.act(want, Vec::new(), consent)?.id();
        self.class.note(app, &mut human);
        let changed = changes(&row.class, &class);
        app.out.answer(
            json!({"id": id, "name": secret.name, "vault": secret.vault, "class": class, "changed": changed}),
            |_| {
                format!(
                    "changed {secret}: {}\n",
                    if changed.is_empty() { "confirmed".to_owned() } else { changed.join(", ") }
                )
            },
        )?;
        Ok(wire::exit::DONE)
    }

    /// It is so already, which is fine, unless nothing was asked for.
    fn same(&self, app: &App, row: &SecretRow) -> Outcome {
        if self.class == ClassArgs::default() && self.clear.is_empty() {
            return Err(Error::usage("nothing to change is given").hint("see 'svault edit --help'"));
        }
        let object = json!({"name": row.name, "vault": row.vault, "class": row.class, "changed": []});
        app.out.answer(object, |_| format!("svault://{}/{} is so already\n", row.vault, row.name))?;
        Ok(wire::exit::DONE)
    }
}

fn find<'a>(rows: &'a [SecretRow], asked: &SecretRef) -> Result<&'a SecretRow, Error> {
    let named = |r: &&SecretRow| r.name == asked.name && asked.vault.as_ref().is_none_or(|v| *v == r.vault);
    let (proposed, all): (Vec<&SecretRow>, Vec<&SecretRow>) =
        rows.iter().filter(named).partition(|r| asked.vault.is_none() && r.class.proposed_by.is_some());
    match all.as_slice() {
        [] if !proposed.is_empty() => {
            let vaults: Vec<&str> = proposed.iter().map(|r| r.vault.as_str()).collect();
            let text = format!("{asked} is only proposed so far, in {}", vaults.join(", "));
            Err(Error::new("proposed", wire::exit::FAILED, text)
                .hint("look at it and confirm it with its vault named: --vault VAULT"))
        }
        [one] => Ok(one),
        [] => Err(Error::new("unknown_name", wire::exit::FAILED, format!("there is no secret {asked}"))
            .hint("see 'svault list'")),
        several => {
            let vaults: Vec<&str> = several.iter().map(|r| r.vault.as_str()).collect();
            Err(Error::new(
                "ambiguous",
                wire::exit::FAILED,
                format!("{asked} is in several vaults: {}", vaults.join(", ")),
            )
            .hint("say which: --vault VAULT"))
        }
    }
}

fn clear(class: &mut Class, list: Clear) {
    match list {
        Clear::Destination => class.destinations.clear(),
        Clear::Command => class.commands.clear(),
        Clear::Window => class.windows.clear(),
        Clear::Caller => class.callers.clear(),
    }
}

/// What differs, in a few words each.
fn changes(old: &Class, new: &Class) -> Vec<String> {
    let mut all = Vec::new();
    let mut note = |what: &str, old: String, new: String| {
        if old != new {
            all.push(format!("{what} {old} → {new}"));
        }
    };
    let count = |n: usize| if n == 0 { "none".to_owned() } else { n.to_string() };
    note("scope", old.scope.to_string(), new.scope.to_string());
    note("tier", old.tier.to_string(), new.tier.to_string());
    note("exposure", old.exposure().to_string(), new.exposure().to_string());
    let reason = |c: &Class| c.require_reason.map_or("policy", |r| if r { "yes" } else { "no" }).to_owned();
    note("require-reason", reason(old), reason(new));
    if old.description != new.description {
        all.push("description".to_owned());
    }
    for (what, same, new) in [
        ("destinations", old.destinations == new.destinations, new.destinations.len()),
        ("commands", old.commands == new.commands, new.commands.len()),
        ("windows", old.windows == new.windows, new.windows.len()),
        ("callers", old.callers == new.callers, new.callers.len()),
    ] {
        if !same {
            all.push(format!("{what}: {}", count(new)));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::Tier;

    #[test]
    fn changes_are_named() {
        let old = Class::new("db".parse().unwrap(), Tier::Low);
        let mut new = old.clone();
        new.tier = Tier::High;
        new.windows.push("daily 09:00-10:00".into());
        assert_eq!(changes(&old, &new), ["tier low → high", "exposure value → env", "windows: 1"]);
        clear(&mut new, Clear::Window);
        assert!(new.windows.is_empty());
    }
}
