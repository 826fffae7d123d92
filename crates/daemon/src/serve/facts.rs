//! What the daemon knows about an act before it is shown: the secrets as they are, the request as it was frozen, and
//! what a human should know. Errors here may name things: whoever reads them has proved presence, or is in a window.

use super::connection::Line;
use super::folders;
use crate::approve::Waiting;
use crate::gate::{Frozen, MAX_ITEMS};
use jiff::Timestamp;
use policy::Policy;
use vault::Found;
use wire::act::{Act, Facts, RequestFacts, Resolved};
use wire::{Ask, Failure, Want, code, exit};
use words::{Class, Exposure, Id, Name, SecretRef, VaultName};

/// The act of a want, as it would be done now.
///
/// # Errors
/// Where it can't be done, and why.
pub(crate) fn act(line: &Line, want: &Want) -> Result<Act, Failure> {
    let mut facts = Facts { secrets: secrets(line, want)?, ..Facts::default() };
    match want {
        Want::Approve { id, lasts } => {
            let waiting = line.state.approvals.can_approve(*id, *lasts).map_err(|e| cant_approve(&e))?;
            let policy = line.state.policy();
            let gone = waiting.req.names().find(|name| policy.caller(name).is_none());
            if let Some(name) = gone.filter(|name| name.as_str() != "unknown") {
                let text =
                    format!("'{name}' is not a registered caller any more: a yes would give it nothing");
                return Err(Failure::new("no_caller", exit::FAILED, text).hint(format!("svault deny {id}")));
            }
            request(line, &mut facts, &waiting);
        }
        Want::Deny { id } if line.state.wishes.borrow().get(*id).is_some() => wish(line, *id, &mut facts),
        Want::Deny { id } | Want::CancelAny { id } => {
            let waiting = line.state.approvals.get(*id).ok_or_else(|| no_request(*id))?;
            request(line, &mut facts, &waiting);
        }
        Want::Unseal { id } => unseal(line, *id, &mut facts)?,
        Want::PolicySet { toml, was } => {
            let now = line.state.store.borrow().policy().map_err(|e| failure(&e))?;
            if was.is_some_and(|was| was != wire::policy_digest(&now.toml)) {
                return Err(changed_before("the policy"));
            }
            policy(line, toml, &mut facts)?;
        }
        Want::SettingsSet { zone, notify } => {
            super::settings::facts(line, zone.as_deref(), notify.as_deref(), &mut facts)?;
        }
        Want::AgentStart { caller, .. } if line.state.policy().caller(caller).is_none() => {
            let text = format!("'{caller}' is not a registered caller");
            return Err(Failure::new("no_caller", exit::FAILED, text)
                .hint(format!("svault caller add {caller} --exe PATH --scope SCOPE")));
        }
        Want::VaultCreate { name } => free_vault(line, name)?,
        Want::Add { vault, .. } => open_vault(line, vault)?,
        Want::Import { vault, items, .. } => super::import::facts(line, vault, items, &mut facts)?,
        Want::Edit { secret, class, was } => {
            let now = found(line, secret)?.class;
            if was.as_ref().is_some_and(|was| now != **was) {
                return Err(changed_before(&secret.to_string()));
            }
            edited(&now, class, &mut facts)?;
        }
        Want::Replace { secret } => replaced(line, secret, &mut facts)?,
        Want::Remove { .. } => facts.notes.push("its value can't be had back".into()),
        Want::Render { secrets } if secrets.is_empty() || secrets.len() > MAX_ITEMS => {
            let text = format!("a template has 1 to {MAX_ITEMS} secrets, and this one has {}", secrets.len());
            return Err(Failure::new("too_many", exit::USAGE, text).hint("split it"));
        }
        Want::Run(ask) => run(line, want, ask, &mut facts)?,
        Want::Slots { .. } => super::slots::check(line, want, &mut facts)?,
        _ => {}
    }
    Act::build(want, &facts).map_err(|e| Failure::new("bad_act", exit::FAILED, e.to_string()))
}

/// What a human is to know before a run.
fn run(line: &Line, want: &Want, ask: &Ask, facts: &mut Facts) -> Result<(), Failure> {
    if !ask.sets.is_empty() && wire::hex::decode(&ask.sets).is_none_or(|digest| digest.len() != 32) {
        return Err(Failure::new(code::BAD_MESSAGE, exit::FAILED, "what the files set is told by a SHA-256"));
    }
    let secrets = folders::of_act(&facts.secrets, ask);
    folders::told(line, &ask.cwd, &ask.argv, &secrets, facts);
    for item in &ask.items {
        let pinned = &found(line, &item.secret)?.class.commands;
        if !pinned.is_empty() && !pinned.contains(&ask.argv) {
            facts.notes.push(format!("{} is pinned to other commands than this", item.secret.name));
        }
    }
    facts.notes.extend(high(line, want)?.then(|| "tier high: asked each time".into()));
    Ok(())
}

/// Whether the act of a want is still the one that was shown.
///
/// # Errors
/// Where it is not, or can't be done any more.
pub(crate) fn still(line: &Line, want: &Want, shown: &Act) -> Result<(), Failure> {
    if act(line, want)? == *shown { Ok(()) } else { Err(super::acts::changed()) }
}

/// What an act was made from is not what is there.
fn changed_before(what: &str) -> Failure {
    let text = format!("{what} was changed meanwhile; nothing was done");
    Failure::new(wire::code::ACT_CHANGED, exit::FAILED, text).hint("look again and repeat it")
}

fn no_request(id: Id) -> Failure {
    Failure::new("no_request", exit::FAILED, format!("no request {id} waits"))
        .hint("svault pending lists what waits")
}

/// The secrets of a want as the store has them.
fn secrets(line: &Line, want: &Want) -> Result<Vec<Resolved>, Failure> {
    if let Want::Add { name, vault, .. } = want {
        let wanted = SecretRef { vault: Some(vault.clone()), name: name.clone() };
        let there = line.state.store.borrow().find(&wanted).map_err(|e| failure(&e))?;
        if !matches!(there, Found::None) {
            return Err(exists(&there, name, vault));
        }
        return Ok(vec![Resolved { vault: vault.clone(), name: name.clone(), version: None }]);
    }
    want.secrets().iter().map(|wanted| found(line, wanted).map(|s| resolved(&s))).collect()
}

/// Why a name can't be added: what there is of it. A proposal is looked at before it is used.
fn exists(there: &Found, name: &Name, vault: &VaultName) -> Failure {
    let (text, hint) = match there {
        Found::One(vault::Secret { class: Class { proposed_by: Some(by), .. }, .. }) => (
            format!("{by} has proposed a secret {name} in vault '{vault}'"),
            format!(
                "svault edit {name} --vault {vault} shows it and confirms it, svault remove {name} --vault {vault} takes it away"
            ),
        ),
        _ => (
            format!("there is a secret {name} in vault '{vault}' already"),
            format!("svault replace {name} --vault {vault}"),
        ),
    };
    Failure::new("exists", exit::FAILED, text).hint(hint)
}

fn resolved(s: &vault::Secret) -> Resolved {
    Resolved { vault: s.key.vault.clone(), name: s.name.clone(), version: Some(s.version) }
}

/// Why a request can't be approved, or not any more.
pub(super) fn cant_approve(e: &crate::approve::CantApprove) -> Failure {
    Failure::new("cant_approve", exit::FAILED, e.to_string()).hint("svault pending lists what waits")
}

/// One secret by its reference.
///
/// # Errors
/// No such secret, or several.
pub(crate) fn found(line: &Line, wanted: &SecretRef) -> Result<vault::Secret, Failure> {
    match line.state.store.borrow().find(wanted).map_err(|e| failure(&e))? {
        Found::One(secret) => Ok(secret),
        Found::None => {
            if let Some(vault) = &wanted.vault {
                open_vault(line, vault)?;
            }
            let hint = match shut(line).as_slice() {
                [] => {
                    "svault list shows what there is; a proposal is found by its vault's name only".to_owned()
                }
                names => format!(
                    "it may be in a vault that is shut: {}; svault vault list says why",
                    names.join(", ")
                ),
            };
            Err(Failure::new("no_secret", exit::FAILED, format!("there is no secret {wanted}")).hint(hint))
        }
        Found::Ambiguous(vaults) => {
            let names = vaults.iter().map(VaultName::to_string).collect::<Vec<_>>().join(", ");
            let text = format!("{wanted} is in several vaults: {names}");
            Err(Failure::new("ambiguous", exit::FAILED, text).hint("name one with --vault"))
        }
    }
}

/// The vaults that can't be opened.
fn shut(line: &Line) -> Vec<String> {
    let vaults = line.state.store.borrow().vaults();
    vaults.iter().filter(|v| v.shut.is_some()).map(|v| v.name.to_string()).collect()
}

/// What the store says, for a human.
pub(crate) fn failure(e: &vault::Error) -> Failure {
    crate::life::failure::named(crate::life::failure::vault_name(e), e.to_string())
}

/// Whether a vault is there and open.
///
/// # Errors
/// Where it is not.
pub(super) fn open_vault(line: &Line, vault: &VaultName) -> Result<(), Failure> {
    let vaults = line.state.store.borrow().vaults();
    match vaults.iter().find(|v| v.name == *vault) {
        Some(v) => match &v.shut {
            None => Ok(()),
            Some(shut) => {
                let text = format!("vault '{vault}' is shut: {}", shut.why);
                let hint = if shut.acceptable {
                    format!(
                        "restore it from a backup, or: svault lock, then svault unlock --accept-rollback {vault}"
                    )
                } else {
                    "restore its file from a backup, then svault lock and svault unlock".to_owned()
                };
                Err(Failure::new("vault_shut", exit::DAMAGED, text).hint(hint))
            }
        },
        None => Err(Failure::new("no_vault", exit::FAILED, format!("there is no vault '{vault}'"))
            .hint(format!("svault vault list shows what there is; svault vault create {vault} makes it"))),
    }
}

fn free_vault(line: &Line, name: &VaultName) -> Result<(), Failure> {
    if line.state.store.borrow().vaults().iter().any(|v| v.name == *name) {
        return Err(Failure::new("exists", exit::FAILED, format!("there is a vault '{name}' already"))
            .hint("choose another name"));
    }
    Ok(())
}

/// A request that waits, as it was frozen.
fn request(line: &Line, facts: &mut Facts, waiting: &Waiting) {
    let req = &waiting.req;
    if !req.argv.is_empty() {
        folders::told(line, &req.cwd, &req.argv, &folders::of_request(req), facts);
    }
    facts.request = Some(request_facts(req));
    facts.who = match req.evidence() {
        Some(evidence) => format!("{} ({evidence})", req.caller()),
        None => req.caller().to_owned(),
    };
    facts.session = req.session().unwrap_or_default().to_owned();
    facts.door = req.by.door.to_string();
    facts.asked = whole_seconds(waiting.asked);
    facts.process.clone_from(&req.by.process);
    facts.notes.push(format!("rule: {}", waiting.rule));
    if req.exposure() > Some(Exposure::Proxy) {
        facts.notes.push("it counts as seen: a program of the same user can read it there".into());
    }
}

/// A secret that is to be said no to.
fn wish(line: &Line, id: Id, facts: &mut Facts) {
    let wishes = line.state.wishes.borrow();
    let Some(wish) = wishes.get(id) else { return };
    facts.request = Some(RequestFacts {
        scope: wish.scope.to_string(),
        reason: wish.why.clone(),
        ..RequestFacts::default()
    });
    facts.who = wish.who();
    facts.session = wish.by.session().unwrap_or_default().to_owned();
    facts.door = wish.by.door.to_string();
    facts.asked = whole_seconds(wish.asked);
    facts.process.clone_from(&wish.by.process);
    facts.notes.push(format!("wanted: a secret {}", wish.name));
}

/// A time as a card has it.
fn whole_seconds(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

fn request_facts(req: &Frozen) -> RequestFacts {
    let seen = |i: &crate::gate::FrozenItem| {
        let vault = i.seen().map(|s| s.id.vault.clone()).or_else(|| i.asked.vault.clone());
        let name = i.seen().map_or_else(|| i.asked.name.clone(), |s| s.name.clone());
        let secret = Resolved { vault: vault?, name, version: i.seen().map(|s| s.version) };
        Some((secret, i.way.clone()))
    };
    RequestFacts {
        items: req.items.iter().filter_map(seen).collect(),
        scope: req.scope.as_ref().map(ToString::to_string).unwrap_or_default(),
        reason: req.reason.clone().unwrap_or_default(),
        argv: req.argv.clone(),
        cwd: req.cwd.clone(),
    }
}

fn unseal(line: &Line, id: Id, facts: &mut Facts) -> Result<(), Failure> {
    let seal = line.state.limits.borrow().seal(id).ok_or_else(|| {
        Failure::new("no_seal", exit::FAILED, format!("there is no seal {id}"))
            .hint("svault seals lists them")
    })?;
    facts.session = seal.session;
    facts.notes.push(match seal.secret {
        Some(secret) => format!("opens {secret} to this session again"),
        None => "ends the suspension of the whole session".into(),
    });
    Ok(())
}

fn policy(line: &Line, toml: &str, facts: &mut Facts) -> Result<(), Failure> {
    let new = Policy::parse(toml).map_err(|e| {
        let text = format!("the policy, line {}, column {}: {}", e.line, e.column, e.message);
        let failure = Failure::new("bad_policy", exit::USAGE, text);
        if e.hint.is_empty() { failure } else { failure.hint(e.hint) }
    })?;
    let old = line.state.policy();
    if let Some(name) = line.state.sessions.agents_above(&line.peer, &new.callers).first() {
        let text = format!("caller {name} is a program that this command runs under");
        return Err(Failure::new("own_parent", exit::FAILED, text)
            .hint("below a registered program svault takes no passphrase: register the agent's own program, from a terminal that does not run below it"));
    }
    facts.notes.extend(callers(&old, &new));
    Ok(())
}

/// Notes of a new policy.
const MOST_NOTES: usize = 64;

/// What a new policy changes about who may ask.
fn callers(old: &Policy, new: &Policy) -> Vec<String> {
    let mut notes = Vec::new();
    for (name, now) in &new.callers {
        let Some(was) = old.caller(name) else {
            notes.push(format!("a new caller: {name}"));
            continue;
        };
        let holds = match was.scopes.as_slice() {
            [] => "no scope".to_owned(),
            [scope] => format!("scope {scope}"),
            all => format!("{} scopes", all.len()),
        };
        notes.extend(more(&was.exe, &now.exe).map(|exe| format!("{name}, which has {holds}, is also {exe}")));
        notes.extend(more(&now.exe, &was.exe).map(|exe| format!("{name} is no longer {exe}")));
        notes.extend(more(&was.scopes, &now.scopes).map(|scope| format!("{name} also has scope {scope}")));
        if was.verified && !now.verified {
            notes.push(format!("{name} need not be launched by a human any more"));
        }
    }
    notes.extend(
        old.callers.keys().filter(|n| new.caller(n).is_none()).map(|n| format!("no longer a caller: {n}")),
    );
    if let Some(more @ 1..) = notes.len().checked_sub(MOST_NOTES) {
        notes.truncate(MOST_NOTES);
        notes.push(format!("{more} more changes of callers: see the policy"));
    }
    notes
}

/// What is in the second and not in the first.
fn more<'a, T: PartialEq>(first: &'a [T], second: &'a [T]) -> impl Iterator<Item = &'a T> {
    second.iter().filter(|one| !first.contains(one))
}

/// A new value confirms a proposal, so its classification is shown: somebody without presence chose it.
fn replaced(line: &Line, wanted: &SecretRef, facts: &mut Facts) -> Result<(), Failure> {
    let class = found(line, wanted)?.class;
    let Some(by) = &class.proposed_by else { return Ok(()) };
    facts.notes.push(format!("confirms what {by} proposed:"));
    facts.notes.push(format!("scope {}, tier {}, exposure {}", class.scope, class.tier, class.exposure()));
    let mut note = |what: &str, values: &[String]| {
        facts.notes.extend(values.iter().map(|value| format!("{what}: {value}")));
    };
    note("destination", &class.destinations);
    note("window", &class.windows);
    note("command", &class.commands.iter().map(|c| format!("{c:?}")).collect::<Vec<_>>());
    if !class.description.is_empty() {
        note("description", std::slice::from_ref(&class.description));
    }
    Ok(())
}

fn edited(was: &Class, class: &Class, facts: &mut Facts) -> Result<(), Failure> {
    if class.proposed_by.is_some() {
        return Err(Failure::new(
            "bad_class",
            exit::USAGE,
            "a human's edit confirms a secret; it can't make a proposal",
        ));
    }
    if let Some(by) = &was.proposed_by {
        facts.notes.push(format!("confirms what {by} proposed"));
    }
    let mut change = |what: &str, from: String, to: String| {
        if from != to {
            facts.notes.push(format!("{what}: was {from}"));
        }
    };
    change("scope", was.scope.to_string(), class.scope.to_string());
    change("tier", was.tier.to_string(), class.tier.to_string());
    change("exposure", was.exposure().to_string(), class.exposure().to_string());
    if class.is_wider_than_tier() {
        facts.notes.push("wider than its tier gives".into());
    }
    Ok(())
}

/// Whether a secret of tier high is among those of a want.
pub(crate) fn high(line: &Line, want: &Want) -> Result<bool, Failure> {
    let mut any = false;
    for wanted in want.secrets() {
        any |= found(line, &wanted)?.class.tier == words::Tier::High;
    }
    Ok(any)
}
