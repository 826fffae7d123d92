//! What a human reads: names, requests, seals, policy, callers, the trail. Never a value.

use super::acts::{entry, note};
use super::answer::Reply;
use super::connection::Line;
use super::facts;
use crate::approve::Waiting;
use crate::clock::Clock;
use audit::{Entry, Event, Filter};
use policy::{Lookup, Named, Presence, Query, SecretFacts};
use vault::Found;
use wire::{
    CallerRow, ExplainRow, Failure, FromDaemon, PendingItem, PendingRow, PolicyRow, Report, SealRow,
    SecretRow, VaultRow, Want, exit,
};
use words::{Id, SecretRef, Way};

/// Bytes of a command in a row of a list.
const ROW: usize = 2048;

/// Answers a want that reads.
///
/// # Errors
/// Where it can't be recorded or read.
pub(crate) async fn serve(line: &Line, want: Want) -> Result<Reply, Failure> {
    note(line, &entry(line, want.word()))?;
    let report = match want {
        Want::List => Report::Secrets(secrets(line)?),
        Want::VaultList => Report::Vaults(vaults(line)),
        Want::Pending => {
            let mut rows: Vec<PendingRow> =
                line.state.approvals.waiting().iter().map(|w| pending(line, w)).collect();
            let mut wishes = line.state.wishes.borrow_mut();
            rows.extend(wishes.all(line.state.now_ms()).iter().map(super::wanted::Wish::row));
            Report::Pending(rows)
        }
        Want::Seals => Report::Seals(seals(line)),
        Want::PolicyShow => {
            let text = line.state.store.borrow().policy().map_err(|e| facts::failure(&e))?;
            let zone = line.state.rules.borrow().zone.iana_name().unwrap_or("UTC").to_owned();
            Report::Policy(PolicyRow { toml: text.toml, since: text.changed.to_string(), zone })
        }
        Want::SettingsShow => Report::Settings(super::settings::shown(line)?),
        Want::Explain { id } => Report::Explained(Box::new(explained(line, id).await?)),
        Want::Callers => Report::Callers(callers(line)),
        Want::AuditList(filter) => Report::Entries(entries(line, filter).await?),
        Want::AuditShow { id } => Report::Entries(entries_of(line, id).await?),
        other => {
            let text = format!("'{}' is no act that reads", other.word());
            return Err(Failure::new("bad_act", exit::FAILED, text));
        }
    };
    Ok(FromDaemon::Report(Box::new(report)).into())
}

fn secrets(line: &Line) -> Result<Vec<SecretRow>, Failure> {
    let list = line.state.store.borrow().list().map_err(|e| facts::failure(&e))?;
    let mut rows: Vec<SecretRow> = list
        .into_iter()
        .map(|s| SecretRow {
            name: s.name,
            vault: s.key.vault,
            exposure: s.class.exposure(),
            wider: s.class.is_wider_than_tier(),
            class: s.class,
            version: s.version,
            changed: s.changed.to_string(),
            seen: s.seen,
        })
        .collect();
    rows.sort_by(|a, b| (&a.vault, &a.name).cmp(&(&b.vault, &b.name)));
    Ok(rows)
}

fn vaults(line: &Line) -> Vec<VaultRow> {
    let row = |v: vault::VaultInfo| VaultRow {
        name: v.name,
        secrets: v.secrets,
        state: v.shut.map_or_else(|| "open".into(), |shut| shut.why),
    };
    line.state.store.borrow().vaults().into_iter().map(row).collect()
}

fn pending(line: &Line, w: &Waiting) -> PendingRow {
    let (req, now) = (&w.req, line.state.now_ms());
    let wall = line.state.clock.wall();
    let at = |ms: u64| {
        let off = i64::try_from(ms).unwrap_or(0) - i64::try_from(now).unwrap_or(0);
        wall.checked_add(jiff::SignedDuration::from_millis(off)).unwrap_or(wall).to_string()
    };
    PendingRow {
        id: req.id,
        asked: w.asked.to_string(),
        expires: at(w.expires_ms),
        caller: req.caller().to_owned(),
        evidence: req.evidence().unwrap_or(words::Evidence::Claimed),
        session: req.session().unwrap_or_default().to_owned(),
        door: req.by.door,
        items: req.items.iter().map(|i| PendingItem { secret: i.shown(), way: i.way.clone() }).collect(),
        argv: short(&req.argv),
        cwd: short(std::slice::from_ref(&req.cwd)).concat(),
        new_here: new_here(line, req),
        reason: req.reason.clone().unwrap_or_default(),
        rule: w.rule.clone(),
        process: req.by.process.clone(),
        wanted: None,
    }
}

fn new_here(line: &Line, req: &crate::gate::Frozen) -> Vec<String> {
    let secrets = super::folders::of_request(req);
    match super::folders::standing(line, &req.cwd, &req.argv, &secrets) {
        vault::Standing::Other(new) if !req.argv.is_empty() => new,
        _ => Vec::new(),
    }
}

fn seals(line: &Line) -> Vec<SealRow> {
    let row = |s: crate::limits::Seal| SealRow {
        id: s.id,
        session: s.session,
        secret: s.secret,
        since: s.since.to_string(),
    };
    line.state.limits.borrow().seals().into_iter().map(row).collect()
}

fn callers(line: &Line) -> Vec<CallerRow> {
    let policy = line.state.policy();
    let row = |(name, c): (&words::CallerName, &policy::Caller)| CallerRow {
        name: name.clone(),
        exe: c.exe.clone(),
        scopes: c.scopes.iter().map(ToString::to_string).collect(),
        rate: c.rate.as_ref().map(ToString::to_string),
        verified: c.verified,
    };
    policy.callers.iter().map(row).collect()
}

fn broken(e: &audit::Error) -> Failure {
    Failure::new("trail", exit::DAMAGED, format!("the trail can't be read: {e}")).hint("svault audit verify")
}

async fn entries(line: &Line, filter: Filter) -> Result<Vec<Entry>, Failure> {
    let reader = line.state.reader().map_err(|e| broken(&e))?;
    let read = tokio::task::spawn_blocking(move || reader.query(&filter)).await;
    let mut entries =
        read.map_err(|e| Failure::new("trail", exit::FAILED, e.to_string()))?.map_err(|e| broken(&e))?;
    for entry in &mut entries {
        entry.argv = short(&entry.argv);
        entry.cwd = short(std::slice::from_ref(&entry.cwd)).concat();
    }
    Ok(entries)
}

/// Words of a caller as a row of a list has room for them, so that a few long commands can't make a list too long to
/// be sent. All of it is in the act before a yes, and in the one entry of the trail.
fn short(words: &[String]) -> Vec<String> {
    let mut room = ROW;
    let mut out = Vec::new();
    for word in words {
        if word.len() >= room {
            out.push(format!("{}…", &word[..word.floor_char_boundary(room)]));
            break;
        }
        room -= word.len() + 1;
        out.push(word.clone());
    }
    out
}

/// What the trail has under an id, newest first.
async fn entries_of(line: &Line, id: Id) -> Result<Vec<Entry>, Failure> {
    let reader = line.state.reader().map_err(|e| broken(&e))?;
    let read = tokio::task::spawn_blocking(move || reader.show(id)).await;
    let entries =
        read.map_err(|e| Failure::new("trail", exit::FAILED, e.to_string()))?.map_err(|e| broken(&e))?;
    if entries.is_empty() {
        return Err(Failure::new("no_entry", exit::FAILED, format!("the trail has no entry {id}"))
            .hint("svault audit list shows the latest; of a burst of denials it has a count, as 'folded'"));
    }
    Ok(entries)
}

/// What decided then, and what today's policy says to the same.
async fn explained(line: &Line, id: Id) -> Result<ExplainRow, Failure> {
    let mut entries = entries_of(line, id).await?;
    let mut entry = entries.swap_remove(deciding(&entries));
    // Of a request for several secrets one entry has the command.
    let has_it = |e: &&mut Entry| e.event == entry.event && !e.argv.is_empty();
    if entry.argv.is_empty()
        && let Some(first) = entries.iter_mut().find(has_it)
    {
        (entry.argv, entry.cwd) = (std::mem::take(&mut first.argv), std::mem::take(&mut first.cwd));
    }
    let mut steps = vec![then(&entry)];
    if matches!(entry.event, Event::Allow | Event::Deny | Event::Ask) && !entry.secret.is_empty() {
        if is_cut(&entry) {
            steps.push(
                "its record has not all of the question, so it can't be asked again under the policy of now"
                    .into(),
            );
        } else {
            steps.push("the same question under the policy of now:".into());
            steps.extend(now(line, &entry));
        }
    }
    Ok(ExplainRow { entry, steps })
}

/// Which of an id's entries, newest first, says why it was decided so: of a request for several secrets not one that only
/// stood beside that. The newest, where nothing is decided.
fn deciding(entries: &[Entry]) -> usize {
    let is_decided = |e: &&Entry| matches!(e.event, Event::Allow | Event::Deny);
    let Some(event) = entries.iter().find(is_decided).map(|e| e.event) else { return 0 };
    let of_it = |with_others: bool| {
        let says = |e: &Entry| e.event == event && (with_others || e.cause != policy::Cause::NotAll.as_str());
        entries.iter().rposition(says)
    };
    of_it(false).or_else(|| of_it(true)).unwrap_or(0)
}

fn then(entry: &Entry) -> String {
    let what = match entry.event {
        Event::Allow => "allowed",
        Event::Deny => "denied",
        Event::Ask => "waited for a human",
        Event::Approve => "approved by a human",
        Event::Refuse => "refused by a human",
        Event::Cancel => "taken back",
        _ => "recorded",
    };
    let cause = entry.cause.parse::<policy::Cause>().map(policy::Cause::line).unwrap_or_default();
    let why = if cause.is_empty() { String::new() } else { format!(": {cause}") };
    let rule = if entry.rule.is_empty() { String::new() } else { format!(" (rule: {})", entry.rule) };
    format!("{what}{why}{rule}")
}

fn now(line: &Line, entry: &Entry) -> Vec<String> {
    let name = entry.secret.split_once('/').map_or_else(
        || entry.secret.parse::<SecretRef>(),
        |(vault, name)| format!("svault://{vault}/{name}").parse(),
    );
    let Ok(asked) = name else { return Vec::new() };
    let found = line.state.store.borrow().find(&asked);
    let lookup = match &found {
        Ok(Found::One(s)) => {
            Lookup::Found(SecretFacts { vault: &s.key.vault, name: &s.name, class: &s.class })
        }
        Ok(Found::Ambiguous(_)) => Lookup::Ambiguous(&asked),
        Ok(Found::None) | Err(_) => Lookup::Unknown(&asked),
    };
    let callers: Vec<Named> = entry
        .caller
        .parse()
        .ok()
        .filter(|_| entry.caller != "unknown" && entry.caller != "human")
        .map(|name| Named { name, evidence: entry.evidence.unwrap_or(words::Evidence::Claimed) })
        .into_iter()
        .collect();
    let scope = entry.scope.parse().ok();
    let way = entry.exposure.and_then(|e| Way::of(e, entry.variable.parse().ok())).unwrap_or(Way::Value);
    let rules = line.state.rules.borrow();
    let query = Query {
        callers: &callers,
        scope: scope.as_ref(),
        reason: Some(entry.reason.as_str()).filter(|r| !r.is_empty()),
        door: entry.door.unwrap_or(line.door),
        presence: if entry.caller == "human" { Presence::Act } else { Presence::None },
        secret: lookup,
        way: &way,
        argv: &entry.argv,
        cwd: &entry.cwd,
        program_fixed: entry.argv.first().is_some_and(|p| crate::program::is_fixed(std::path::Path::new(p))),
        now: &entry.at.to_zoned_datetime(rules.zone.clone()),
    };
    let mut steps = policy::explain(&rules.policy, &query);
    if way == Way::Proxy {
        steps.push(format!("deny: {}", policy::Cause::NoProxy.line()));
    }
    steps
}

/// Whether an entry has not all that was decided by: a denial's record has room for so much.
fn is_cut(entry: &Entry) -> bool {
    let words = entry.argv.iter().chain([&entry.cwd, &entry.variable]);
    words.into_iter().any(|word| word.ends_with('…')) || entry.other_names().next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_that_says_why_is_explained() {
        let entry = |event, cause: &str| {
            let mut e = Entry::new(Id::from_bits(1), jiff::Timestamp::UNIX_EPOCH, event);
            e.cause = cause.into();
            e
        };
        let asked = [entry(Event::Ask, ""), entry(Event::Ask, "")];
        assert_eq!(deciding(&asked), 0);
        let mut denied = vec![entry(Event::Deny, "not_all"), entry(Event::Deny, "wrong_scope")];
        assert_eq!(deciding(&denied), 1);
        denied.swap(0, 1);
        denied.extend(asked);
        assert_eq!(deciding(&denied), 0);
        let allowed = [entry(Event::Allow, ""), entry(Event::Allow, ""), entry(Event::Approve, "")];
        assert_eq!(deciding(&allowed), 1, "the first of the request");
        assert_eq!(deciding(&[entry(Event::Deny, "not_all")]), 0);
    }

    #[test]
    fn a_long_command_is_cut_in_a_list_and_says_so() {
        let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let plain = words(&["/bin/psql", "", "-c", "select 1"]);
        assert_eq!(short(&plain), plain);
        for long in [words(&["/bin/echo", &"ü".repeat(9000), "after"]), vec![String::new(); 9000]] {
            let cut = short(&long);
            assert!(cut.iter().map(String::len).sum::<usize>() <= ROW + '…'.len_utf8());
            assert!(cut.len() < ROW + 2 && cut.last().unwrap().ends_with('…'), "{}", cut.len());
        }
        assert_eq!(short(&[]), Vec::<String>::new());
    }
}
