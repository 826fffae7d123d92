//! `svault policy test FILE`: cases against the policy in force, without asking for anything.

use crate::app::{App, unexpected};
use crate::args::Proof;
use crate::output::{Out, foreign};
use crate::report::{Error, Outcome};
use ::policy::{Cause, Decision, Lookup, Named, Policy, Presence, Query, SecretFacts, Verdict, decide};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::json;
use std::path::{Path, PathBuf};
use wire::{Report, SecretRow, Want};
use words::{CallerName, Door, Evidence, Exposure, Scope, SecretRef, Way};

/// Test the policy with cases from a file
///
/// The file is TOML, with [[case]] tables: caller, secret, scope, reason, door, at (RFC 3339), expect (allow, ask, deny,
/// or a cause such as wrong_scope). Limits and seals are not part of it. Exit code 1 when a case comes out differently.
#[derive(Debug, Args)]
#[command(
    after_help = "Example of a file:\n  [[case]]\n  caller = \"claude-code\"\n  secret = \"DB_URL\"\n  scope = \"database\"\n  \
                  reason = \"run the migration\"\n  expect = \"ask\"\n\nExample:\n  svault policy test cases.toml"
)]
pub struct Test {
    /// The file with the cases
    file: PathBuf,
    /// Test this policy instead of the one in force
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    proof: Proof,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    #[serde(default)]
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// None: `unknown`. `human`: somebody who has proved to be there, as a forbid's `human` is.
    caller: Option<CallerName>,
    secret: String,
    scope: Option<Scope>,
    reason: Option<String>,
    /// None: `cli`.
    door: Option<Door>,
    /// RFC 3339; none: now.
    at: Option<String>,
    #[serde(deserialize_with = "expected")]
    expect: String,
}

/// `allow`, `ask`, `deny`, or the word of a cause.
fn expected<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let word = String::deserialize(from)?;
    if ["allow", "ask", "deny"].contains(&word.as_str()) || word.parse::<Cause>().is_ok() {
        return Ok(word);
    }
    Err(serde::de::Error::custom("expect is allow, ask, deny, or a cause such as wrong_scope"))
}

impl Test {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let cases: Cases = read_toml(&self.file)?;
        let mut human = app.human(self.proof);
        let Report::Policy(in_force) = human.read(Want::PolicyShow)? else { return Err(unexpected()) };
        let toml = match &self.policy {
            Some(path) => std::fs::read_to_string(path).map_err(|e| Error::io("read", path, &e))?,
            None => in_force.toml,
        };
        // Windows are in the store's zone, wherever its human is.
        let zone = TimeZone::get(&in_force.zone)
            .map_err(|e| Error::failed("can't tell the store's time zone", e))?;
        let policy = Policy::parse(&toml).map_err(|e| super::parse_error(&e))?;
        let Report::Secrets(secrets) = human.read(Want::List)? else { return Err(unexpected()) };
        let mut results = Vec::new();
        for case in &cases.case {
            let decision = ask(&policy, &secrets, &zone, case)?;
            let found = word(&decision);
            let passed = case.expect == found || (case.expect == "deny" && decision.denied().is_some());
            results.push((case, found, decision.rule, passed));
        }
        let failed = results.iter().filter(|r| !r.3).count();
        let rows: Vec<_> = results
            .iter()
            .map(|(c, found, rule, passed)| {
                json!({"secret": c.secret, "caller": c.caller, "expect": c.expect, "found": found, "rule": rule, "passed": passed})
            })
            .collect();
        if failed > 0 && app.out.json() {
            let line = format!("{failed} of {} cases came out differently", rows.len());
            return Err(Error::new("cases_failed", wire::exit::FAILED, line).with("cases", json!(rows)));
        }
        app.out.answer(json!({"cases": rows}), |out| text(&results, failed, out))?;
        Ok(if failed == 0 { wire::exit::DONE } else { wire::exit::FAILED })
    }
}

fn read_toml(path: &Path) -> Result<Cases, Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, &e))?;
    toml::from_str(&text).map_err(|e| {
        let before = text.get(..e.span().map_or(0, |s| s.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let place = format!("{}, line {line}, column {column}", path.display());
        Error::new("bad_cases", wire::exit::FAILED, format!("{place}: {}", e.message()))
            .hint("see 'svault policy test --help' for an example")
            .with("line", json!(line))
            .with("column", json!(column))
    })
}

fn ask(policy: &Policy, secrets: &[SecretRow], zone: &TimeZone, case: &Case) -> Result<Decision, Error> {
    let bad = |what: &str| Error::usage(format!("in the case for {}: {what}", foreign(&case.secret, 80)));
    let asked: SecretRef = match case.secret.split_once('/') {
        Some((vault, name)) if !case.secret.starts_with("svault:") => {
            format!("svault://{vault}/{name}").parse()
        }
        _ => case.secret.parse(),
    }
    .map_err(|e: words::BadWord| bad(&e.to_string()))?;
    let at = match &case.at {
        Some(at) => at.parse::<Timestamp>().map_err(|_| bad("'at' is no RFC 3339 time"))?,
        None => Timestamp::now(),
    };
    let now = at.to_zoned_datetime(zone.clone());
    let found: Vec<&SecretRow> = secrets
        .iter()
        .filter(|s| s.name == asked.name && asked.vault.as_ref().is_none_or(|v| *v == s.vault))
        // Nobody finds a proposal without its vault's name.
        .filter(|s| asked.vault.is_some() || s.class.proposed_by.is_none())
        .collect();
    let secret = match found.as_slice() {
        [one] => Lookup::Found(SecretFacts { vault: &one.vault, name: &one.name, class: &one.class }),
        [] => Lookup::Unknown(&asked),
        _ => Lookup::Ambiguous(&asked),
    };
    // What is pinned to a command goes nowhere without one.
    let widest =
        |s: &&SecretRow| if s.class.commands.is_empty() { s.exposure } else { s.exposure.min(Exposure::Env) };
    let exposure = found.first().map_or(Exposure::Env, widest);
    let way = Way::of(exposure, "TEST_CASE".parse().ok()).or_else(|| Way::of(exposure, None));
    let way = way.unwrap_or(Way::Value);
    let argv = found
        .first()
        .and_then(|s| s.class.commands.first().cloned())
        .unwrap_or_else(|| vec!["/bin/true".to_owned()]);
    // Launched is the strongest evidence: what is denied to it is denied to all.
    let named = case.caller.iter().filter(|c| !::policy::is_reserved(c));
    let callers: Vec<Named> =
        named.map(|c| Named { name: c.clone(), evidence: Evidence::Launched }).collect();
    let human = case.caller.as_ref().is_some_and(|c| c.as_str() == "human");
    let decision = decide(
        policy,
        &Query {
            callers: &callers,
            scope: case.scope.as_ref(),
            reason: case.reason.as_deref(),
            door: case.door.unwrap_or(Door::Cli),
            presence: if human { Presence::Act } else { Presence::None },
            secret,
            way: &way,
            argv: if exposure == Exposure::Value { &[] } else { &argv },
            cwd: if exposure == Exposure::Value { "" } else { "/" },
            program_fixed: true,
            now: &now,
        },
    );
    Ok(decision.without_proxy(exposure))
}

fn word(decision: &Decision) -> String {
    match decision.verdict {
        Verdict::Allow => "allow".to_owned(),
        Verdict::Ask => "ask".to_owned(),
        Verdict::Deny(cause) => cause.as_str().to_owned(),
    }
}

fn text(results: &[(&Case, String, String, bool)], failed: usize, out: &Out) -> String {
    let mut text = String::new();
    for (case, found, rule, passed) in results {
        let sign = if *passed { out.style("✓", "32") } else { out.style("✕", "31") };
        let who = case.caller.as_ref().map_or("unknown", CallerName::as_str);
        let expected =
            if *passed { String::new() } else { format!(", expected {}", foreign(&case.expect, 40)) };
        text.push_str(&format!(
            "{sign} {who}, {}: {found} ({}){expected}\n",
            foreign(&case.secret, 80),
            foreign(rule, 120)
        ));
    }
    text.push_str(&format!("{} cases, {failed} differ\n", results.len()));
    text
}
