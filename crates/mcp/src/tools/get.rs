//! `svault_get_secret`: a value that this caller may read, or how to use it without.

use super::args::Args;
use super::{denied, failed, pending};
use crate::calls::Call;
use crate::message::Problem;
use crate::out::Said;
use crate::server::Server;
use client::Answer;
use wire::{Ask, AskItem, MineRow};
use words::{EnvName, Exposure, Scope, SecretRef, VaultName, Way};

/// The arguments.
pub struct Get {
    secret: SecretRef,
    scope: Scope,
    reason: String,
}

impl Get {
    /// Checks them.
    ///
    /// # Errors
    /// What is wrong.
    pub fn of(mut args: Args<'_>) -> Result<Self, Problem> {
        let mut secret: SecretRef = Args::need("name", args.word("name")?)?;
        let scope = Args::need("scope", args.word("scope")?)?;
        let reason = args.reason("reason")?;
        let vault: Option<VaultName> = args.word("vault")?;
        args.none()?;
        match (&secret.vault, vault) {
            (Some(named), Some(vault)) if *named != vault => {
                return Err(Problem::params("name and vault name different vaults"));
            }
            (None, Some(vault)) => secret.vault = Some(vault),
            _ => {}
        }
        Ok(Self { secret, scope, reason })
    }

    /// Asks. A secret that this caller may use but not read is never asked for as a value: that would be a denial, and
    /// denials seal.
    pub fn run(self, server: &Server, call: &Call) -> Said {
        let mine = match server.pool.mine(Some(&self.scope)) {
            Ok(rows) => rows,
            // Too often: the gate decides.
            Err(client::Error::Daemon(_)) => Vec::new(),
            Err(e) => return failed(&e),
        };
        let fits = |r: &&MineRow| {
            r.name == self.secret.name && self.secret.vault.as_ref().is_none_or(|v| r.vault == *v)
        };
        let rows: Vec<&MineRow> = mine.iter().filter(fits).collect();
        let secret = match rows.as_slice() {
            [] => self.secret.clone(),
            [one] if one.exposure == Exposure::Value => reference(one),
            [one] => return Said::text(handle(&reference(one), &self.scope)),
            many => return Said::wrong(several(many)),
        };
        let ask = Ask {
            items: vec![AskItem { secret: secret.clone(), way: Way::Value }],
            scope: Some(self.scope.clone()),
            reason: Some(self.reason),
            argv: Vec::new(),
            cwd: String::new(),
            wait: server.config.wait,
            client: call.client.clone(),
            sets: String::new(),
        };
        match server.pool.ask(&ask, call) {
            Ok(Answer::Released { mut items, .. }) => match (items.pop(), items.is_empty()) {
                (Some((granted, value)), true) if granted.way == Way::Value => Said::Value(value),
                _ => failed(&client::Error::Unexpected),
            },
            Ok(Answer::Denied { narrower: Some(_), .. }) => Said::text(handle(&secret, &self.scope)),
            Ok(Answer::Denied { id, narrower: None }) => {
                // Several calls may run at once: which one it was is said by the name that was given.
                Said::wrong(denied(id, &format!("{} was not released", self.secret.name)))
            }
            Ok(Answer::Pending { id }) => Said::wrong(pending(id)),
            Ok(_) => failed(&client::Error::Unexpected),
            Err(e) => failed(&e),
        }
    }
}

fn reference(row: &MineRow) -> SecretRef {
    SecretRef { vault: Some(row.vault.clone()), name: row.name.clone() }
}

/// What stands for a value that is not shown.
fn handle(secret: &SecretRef, scope: &Scope) -> String {
    let fits = |e: &EnvName| !policy::is_guarded(e.as_str());
    let variable = secret.name.as_str().parse().ok().filter(fits);
    let variable = variable.map_or_else(|| "VARIABLE".to_owned(), |e| e.to_string());
    format!(
        "{secret}\nThis secret is used without being seen: call svault_run with secrets [\"{variable}={secret}\"] and \
         scope \"{scope}\", and the command finds it in the variable {variable}."
    )
}

fn several(rows: &[&MineRow]) -> String {
    let all: Vec<String> = rows.iter().map(|r| reference(r).to_string()).collect();
    format!("several vaults have a secret of this name: name one of {}", all.join(", "))
}
