//! A house for tests: real policy, limits and approvals over vaults and a trail in memory. It writes down each step,
//! and it checks by itself that no value is opened before its record is durable.

use crate::approve::{Answer, Approvals, Given, Lasting};
use crate::clock::{Clock, FakeClock};
use crate::gate::*;
use crate::limits::{Blame, Counts, Due, Limits, Seal};
use audit::{Entry, Event};
use jiff::Timestamp;
use policy::{Named, Policy};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use words::{Class, Door, Evidence, Exposure, Id, SecretRef, Tier, Way};

pub(crate) const POLICY: &str = "
[callers.claude]
exe = ['/opt/claude']
scopes = ['database']
[callers.codex]
scopes = ['database']
";

/// What a human says at once: yes, for once.
pub(crate) fn yes() -> Answer {
    Answer::Yes(Given { by: Id::from_bits(5), lasts: false })
}

type Hook = Box<dyn FnOnce(&Fake)>;

pub(crate) struct Fake {
    pub steps: RefCell<Vec<&'static str>>,
    pub rules: RefCell<Rc<Policy>>,
    pub clock: FakeClock,
    pub limits: RefCell<Limits>,
    pub approvals: Approvals,
    pub secrets: RefCell<BTreeMap<String, Vec<Seen>>>,
    pub trail: RefCell<Vec<Entry>>,
    pub durable: Cell<usize>,
    pub seals: RefCell<Vec<Seal>>,
    pub append_fails: Cell<bool>,
    pub sync_fails: Cell<bool>,
    pub open_fails: Cell<bool>,
    pub peer_gone: Cell<bool>,
    pub judge_says: RefCell<Option<String>>,
    /// What a human says at once; none: nobody is there, the real thing waits.
    pub human_says: Cell<Option<Answer>>,
    /// What happens while something is waited for: `judge`, `human` or `disk`.
    pub hooks: RefCell<BTreeMap<&'static str, Hook>>,
    ids: Cell<u64>,
}

impl Fake {
    pub fn new() -> Self {
        Self::with(POLICY)
    }

    pub fn with(policy: &str) -> Self {
        let fake = Self {
            steps: RefCell::default(),
            rules: RefCell::new(Rc::new(Policy::parse(policy).unwrap())),
            clock: FakeClock::at("2026-11-23T11:00:00Z".parse().unwrap()),
            limits: RefCell::default(),
            approvals: Approvals::default(),
            secrets: RefCell::default(),
            trail: RefCell::default(),
            durable: Cell::new(0),
            seals: RefCell::default(),
            append_fails: Cell::new(false),
            sync_fails: Cell::new(false),
            open_fails: Cell::new(false),
            peer_gone: Cell::new(false),
            judge_says: RefCell::default(),
            human_says: Cell::new(None),
            hooks: RefCell::default(),
            ids: Cell::new(1 << 30),
        };
        fake.add("main", "LOW", class(Tier::Low));
        fake.add("main", "MEDIUM", class(Tier::Medium));
        fake.add("main", "HIGH", class(Tier::High));
        fake
    }

    pub fn add(&self, vault: &str, name: &str, class: Class) {
        let record = u128::from(self.ids.get()).to_le_bytes();
        self.ids.set(self.ids.get() + 1);
        let id = SecretId { vault: vault.parse().unwrap(), record };
        let seen = Seen { id, name: name.parse().unwrap(), version: 1, class };
        self.secrets.borrow_mut().entry(name.into()).or_default().push(seen);
    }

    pub fn change(&self, name: &str, f: impl FnOnce(&mut Seen)) {
        let mut secrets = self.secrets.borrow_mut();
        f(&mut secrets.get_mut(name).unwrap()[0]);
    }

    pub fn set_policy(&self, text: &str) {
        *self.rules.borrow_mut() = Rc::new(Policy::parse(text).unwrap());
    }

    /// While `what` is waited for, this happens.
    pub fn while_waiting(&self, what: &'static str, f: impl FnOnce(&Fake) + 'static) {
        self.hooks.borrow_mut().insert(what, Box::new(f));
    }

    pub fn freeze(&self, ask: wire::Ask, by: Asker) -> Rc<Frozen> {
        Rc::new(Frozen::new(self, self.fresh_id(), ask, by))
    }

    pub async fn ask(&self, name: &str) -> Outcome {
        self.ask_by(wanting(&[name]), claude()).await
    }

    pub async fn ask_by(&self, ask: wire::Ask, by: Asker) -> Outcome {
        let req = self.freeze(ask, by);
        decide_and_release(self, &req).await
    }

    /// The entries, as `event secret cause`.
    pub fn told(&self) -> Vec<String> {
        let line = |e: &Entry| format!("{:?} {} {}", e.event, e.secret, e.cause).trim_end().to_owned();
        self.trail.borrow().iter().map(line).collect()
    }

    /// The cause of the last denial.
    pub fn cause(&self) -> String {
        let trail = self.trail.borrow();
        trail.iter().rev().find(|e| e.event == Event::Deny).map(|e| e.cause.clone()).unwrap_or_default()
    }

    /// The causes of the last request that was denied, one for each of its secrets.
    pub fn causes(&self) -> Vec<String> {
        let trail = self.trail.borrow();
        let last = trail.iter().rev().find(|e| e.event == Event::Deny).map(|e| e.id);
        let of_it = trail.iter().filter(|e| e.event == Event::Deny && Some(e.id) == last);
        of_it.map(|e| e.cause.clone()).collect()
    }

    pub fn take_steps(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.steps.borrow_mut())
    }

    fn step(&self, step: &'static str) {
        self.steps.borrow_mut().push(step);
    }

    async fn waits(&self, what: &'static str) {
        let hook = self.hooks.borrow_mut().remove(what);
        tokio::task::yield_now().await;
        if let Some(hook) = hook {
            hook(self);
        }
    }
}

pub(crate) fn class(tier: Tier) -> Class {
    let mut class = Class::new("database".parse().unwrap(), tier);
    class.expose = Some(Exposure::Env);
    class
}

/// Asks for these secrets in the environment of a command.
pub(crate) fn wanting(names: &[&str]) -> wire::Ask {
    let item = |(i, name): (usize, &&str)| wire::AskItem {
        secret: name.parse().unwrap(),
        way: Way::Env(format!("V{i}").parse().unwrap()),
    };
    wire::Ask {
        client: String::new(),
        sets: String::new(),
        items: names.iter().enumerate().map(item).collect(),
        scope: Some("database".parse().unwrap()),
        reason: Some("run the nightly migration".into()),
        argv: vec!["/usr/bin/psql".into()],
        cwd: "/home/u/p".into(),
        wait: 120,
    }
}

/// The registered caller, matched.
pub(crate) fn claude() -> Asker {
    Asker {
        account: Account::Session("matched:claude".into()),
        callers: vec![Named { name: "claude".parse().unwrap(), evidence: Evidence::Matched }],
        anchor: Anchor::Process { pid: 100, start: 7 },
        connection: 1,
        peer: (200, 8),
        door: Door::Cli,
        process: vec!["200 /usr/bin/svault".into(), "100 /opt/claude".into()],
    }
}

/// The same name, only claimed.
pub(crate) fn claimed(name: &str, connection: u64) -> Asker {
    Asker {
        account: Account::Session("unknown".into()),
        callers: vec![Named { name: name.parse().unwrap(), evidence: Evidence::Claimed }],
        anchor: Anchor::Connection(connection),
        connection,
        ..claude()
    }
}

pub(crate) fn human() -> Asker {
    Asker {
        account: Account::Human,
        callers: vec![],
        anchor: Anchor::Connection(9),
        connection: 9,
        ..claude()
    }
}

impl Rules for Fake {
    fn policy(&self) -> Rc<Policy> {
        self.step("policy");
        self.rules.borrow().clone()
    }
    fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get("Europe/Berlin").unwrap()
    }
    fn program_fixed(&self, path: &str) -> bool {
        self.step("program");
        path.starts_with("/usr/")
    }
}

impl Limiter for Fake {
    fn check(&self, req: &Frozen, counts: Counts) -> Result<(), Blame> {
        self.step("limits");
        self.limits.borrow().check(&self.rules.borrow(), req, counts, self.clock.wall())
    }
    fn folds(&self, denials: &[Entry]) -> bool {
        self.step("folds");
        self.limits.borrow_mut().folds(&self.rules.borrow(), denials, self.clock.wall())
    }
    fn count(&self, entry: &Entry) -> Vec<Due> {
        self.step("count");
        self.limits.borrow_mut().count(&self.rules.borrow(), entry)
    }
}

impl Judge for Fake {
    async fn judge(&self, _: &Frozen) -> Result<(), String> {
        self.step("judge");
        self.waits("judge").await;
        self.judge_says.borrow().clone().map_or(Ok(()), Err)
    }
}

impl Approver for Fake {
    fn take_yes(&self, req: &Frozen, lasting: Lasting) -> Option<Given> {
        self.step("take yes");
        self.approvals.take_yes(req, lasting, self.clock.boot_ms())
    }
    fn still_given(&self, req: &Frozen, given: Given) -> bool {
        self.approvals.still_given(req, given, self.clock.boot_ms())
    }
    async fn ask(&self, req: &Rc<Frozen>, lasting: Lasting, rule: &str) -> Answer {
        self.step("human");
        self.waits("human").await;
        match self.human_says.get() {
            Some(answer) => answer,
            None => self.approvals.ask(req, lasting, rule, &self.clock, |_, _| ()).await,
        }
    }
}

impl Trail for Fake {
    type Ticket = usize;

    fn append(&self, entries: &[Entry]) -> Result<usize, NoRecord> {
        self.step("append");
        if self.append_fails.get() {
            return Err(NoRecord);
        }
        let mut trail = self.trail.borrow_mut();
        for entry in entries {
            let seq = trail.len() as u64 + 1;
            trail.push(Entry { seq, ..entry.clone() });
        }
        Ok(trail.len())
    }
    async fn durable(&self, upto: usize) -> Result<(), NoRecord> {
        self.step("durable");
        self.waits("disk").await;
        if self.sync_fails.get() {
            return Err(NoRecord);
        }
        self.durable.set(self.durable.get().max(upto));
        Ok(())
    }
    fn fresh_id(&self) -> Id {
        self.ids.set(self.ids.get() + 1);
        Id::from_bits(self.ids.get())
    }
}

impl Vault for Fake {
    fn find(&self, name: &SecretRef) -> Found {
        self.step("find");
        let secrets = self.secrets.borrow();
        let all = secrets.get(name.name.as_str()).map(Vec::as_slice).unwrap_or_default();
        let fits = |s: &&Seen| match &name.vault {
            Some(vault) => *vault == s.id.vault,
            None => s.class.proposed_by.is_none(),
        };
        let fitting: Vec<&Seen> = all.iter().filter(fits).collect();
        match fitting.as_slice() {
            [] => Found::None,
            [one] => Found::One(Box::new((*one).clone())),
            _ => Found::Ambiguous,
        }
    }
    fn open(&self, id: &SecretId, version: u64) -> Result<secret::Bytes, NoValue> {
        self.step("open");
        let durable = self.durable.get() as u64;
        let secrets = self.secrets.borrow();
        let seen = secrets
            .values()
            .flatten()
            .find(|s| s.id == *id && s.version == version)
            .ok_or(NoValue::Unread)?;
        let shown = format!("{}/{}", seen.id.vault, seen.name);
        let recorded = |e: &Entry| e.event == Event::Allow && e.secret == shown && e.seq <= durable;
        assert!(self.trail.borrow().iter().any(recorded), "opened before its record was durable");
        if self.open_fails.get() {
            return Err(NoValue::Unread);
        }
        secret::Bytes::copy_from(format!("sk-test-{}", seen.name).as_bytes()).map_err(|_| NoValue::NoMemory)
    }
    fn keep_seal(&self, seal: &Seal) -> Result<(), NoRecord> {
        self.step("keep seal");
        self.seals.borrow_mut().push(seal.clone());
        Ok(())
    }
}

impl Peers for Fake {
    fn still_there(&self, _: &Frozen, recorded: bool) -> bool {
        self.step(if recorded { "peer and namespaces" } else { "peer" });
        !self.peer_gone.get()
    }
}

impl Clock for Fake {
    fn wall(&self) -> Timestamp {
        self.clock.wall()
    }
    fn boot_ms(&self) -> u64 {
        self.clock.boot_ms()
    }
}

/// What comes out, for comparing.
pub(crate) fn values(outcome: Outcome) -> Vec<Vec<u8>> {
    match outcome {
        Outcome::Released(released) => {
            let (_, granted, values) = released.into_parts();
            assert_eq!(granted.len(), values.len());
            values.iter().map(|v| v.expose().to_vec()).collect()
        }
        Outcome::Denied(d) => panic!("denied: {d:?}"),
        Outcome::Pending(id) => panic!("waits: {id}"),
    }
}

pub(crate) fn denied(outcome: Outcome) -> Denied {
    match outcome {
        Outcome::Denied(denied) => denied,
        Outcome::Released(_) => panic!("released"),
        Outcome::Pending(id) => panic!("waits: {id}"),
    }
}
