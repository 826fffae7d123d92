//! Proposals: a new secret from somebody without presence. It can't be laxer than a vault's defaults, nobody finds it
//! without naming its vault, and nobody gets it before a human has confirmed it.

use super::answer::Reply;
use super::connection::Line;
use crate::clock::Clock;
use crate::conn::ConnError;
use crate::gate::Asker;
use crate::limits::UNKNOWN;
use audit::Event;
use std::time::Duration;
use vault::NewSecret;
use wire::{Failure, FromDaemon, exit};
use words::{CallerName, Class, Exposure, Name, SecretRef, Tier, VaultName};

/// So many bytes has the classification of a proposal at most: a human's list, which goes in one message, must not be
/// filled by a few of them.
const MOST_CLASS: usize = 1024;

/// Serves a proposal; its value follows its message.
pub(crate) async fn serve(
    line: &mut Line,
    name: Name,
    vault: VaultName,
    mut class: Class,
) -> Result<Reply, ConnError> {
    let value = line.conn.value(Duration::from_secs(10)).await?;
    if serde_json::to_vec(&class).is_ok_and(|json| json.len() > MOST_CLASS) {
        let text = format!("the classification of a proposal has at most {MOST_CLASS} bytes");
        return Ok(Failure::new("too_long", exit::USAGE, text).into());
    }
    if value.is_empty() {
        return Ok(Failure::new("empty", exit::USAGE, "the value of a proposal is empty").into());
    }
    if let Some(what) = laxer(&class) {
        let text = format!("a proposal can't set {what}; a human adds it, or edits it afterwards");
        return Ok(Failure::new("laxer_than_default", exit::USAGE, text).into());
    }
    let state = std::rc::Rc::clone(&line.state);
    let turn = super::change::turn(&state).await;
    let by = line.asker_now();
    let who: Option<CallerName> =
        by.callers.first().map(|c| c.name.clone()).or_else(|| "unknown".parse().ok());
    class.proposed_by.clone_from(&who);
    let free = state.store.borrow().vaults().iter().any(|v| v.name == vault && v.shut.is_none());
    if !free || !is_new(line, &name, &vault) || !within_limits(line, &by) || !fits(line, &vault, &by) {
        drop(turn);
        return Ok(super::ask::refuse(line, by, &format!("svault://{vault}/{name}")).await);
    }
    let mut entry = state.entry(Event::Propose);
    entry.caller = who.as_ref().map_or("unknown", CallerName::as_str).to_owned();
    entry.evidence = by.callers.first().map(|c| c.evidence);
    entry.session = by.session().unwrap_or_default().to_owned();
    entry.also = by.also();
    entry.door = Some(line.door);
    entry.secret = format!("{vault}/{name}");
    entry.process = by.process;
    let id = entry.id;
    let new = NewSecret { vault, name, class, created_by: who };
    match super::change::add(line, &turn, &entry, new, &value).await {
        Ok(()) => Ok(FromDaemon::Done { id: Some(id) }.into()),
        Err(_) => Ok(FromDaemon::Denied { id, narrower: None }.into()),
    }
}

/// What a classification has that the defaults of a vault don't give.
fn laxer(class: &Class) -> Option<&'static str> {
    if class.tier < Tier::Medium {
        Some("tier low")
    } else if class.exposure() > Exposure::Env {
        Some("a wider exposure")
    } else if class.require_reason == Some(false) {
        Some("that no reason is needed")
    } else if !class.callers.is_empty() {
        Some("callers")
    } else if class.proposed_by.is_some() {
        Some("who proposed it")
    } else {
        None
    }
}

fn is_new(line: &Line, name: &Name, vault: &VaultName) -> bool {
    let wanted = SecretRef { vault: Some(vault.clone()), name: name.clone() };
    matches!(line.state.store.borrow().find(&wanted), Ok(vault::Found::None))
}

/// Whether one more may wait.
fn fits(line: &Line, vault: &VaultName, by: &Asker) -> bool {
    let most = line.state.policy().limits.proposals;
    has_room(line.state.store.borrow().proposals(), vault, by, most)
}

/// A session is told by its caller's name, which the proposal has. Whoever is unknown may say any name: all count there.
fn has_room<'a>(
    waiting: impl Iterator<Item = (&'a VaultName, &'a CallerName)>,
    vault: &VaultName,
    by: &Asker,
    most: u32,
) -> bool {
    let who = by.callers.first().map(|c| &c.name);
    let unknown = by.session() == Some(UNKNOWN);
    let (mut of_vault, mut of_session) = (0u32, 0u32);
    for (there, proposer) in waiting {
        of_vault += u32::from(there == vault);
        of_session += u32::from(unknown || who == Some(proposer));
    }
    of_vault < most && of_session < most
}

fn within_limits(line: &Line, by: &Asker) -> bool {
    let (policy, now) = (line.state.policy(), line.state.clock.wall());
    line.state.limits.borrow().may_ask(&policy, by, now).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::tests::fake::{claimed, claude};

    const MOST: usize = 64;

    #[test]
    fn so_many_wait_in_a_vault_and_of_a_session() {
        let name = |name: &str| name.parse::<CallerName>().unwrap();
        let vault = |vault: &str| vault.parse::<VaultName>().unwrap();
        let (main, work, here) = (vault("main"), vault("work"), vault("here"));
        let (claude_name, codex, said) = (name("claude"), name("codex"), name("said"));
        let has_room = |waiting: &[(&VaultName, &CallerName, usize)], vault: &VaultName, by: &Asker| {
            let each = waiting.iter().flat_map(|(v, by, n)| std::iter::repeat_n((*v, *by), *n));
            super::has_room(each, vault, by, MOST as u32)
        };
        let by = claude();
        assert!(has_room(&[(&main, &codex, MOST - 1)], &main, &by));
        assert!(!has_room(&[(&main, &codex, MOST)], &main, &by), "the vault is full");
        assert!(has_room(&[(&main, &codex, MOST)], &work, &by), "another is not");
        let own = [(&main, &claude_name, MOST / 2), (&work, &claude_name, MOST / 2)];
        assert!(!has_room(&own, &here, &by), "in all vaults together");
        assert!(has_room(&[(&main, &codex, MOST), (&work, &claude_name, MOST - 1)], &here, &by));
        let many = [(&main, &said, MOST / 2), (&work, &claude_name, MOST / 2)];
        assert!(!has_room(&many, &here, &claimed("other", 1)), "another name said is no other session");
    }

    #[test]
    fn a_proposal_is_never_laxer_than_the_defaults() {
        let plain = Class::new("default".parse().unwrap(), Tier::Medium);
        assert_eq!(laxer(&plain), None);
        let cases: [fn(&mut Class); 5] = [
            |c| c.tier = Tier::Low,
            |c| c.expose = Some(Exposure::Value),
            |c| c.require_reason = Some(false),
            |c| c.callers.push("claude-code".parse().unwrap()),
            |c| c.proposed_by = Some("somebody".parse().unwrap()),
        ];
        for change in cases {
            let mut class = plain.clone();
            change(&mut class);
            assert!(laxer(&class).is_some(), "{class:?}");
        }
    }
}
