//! One look at a request as things are at this moment: who asks, what is there, policy, limits. Instant.

use super::frozen::{Frozen, FrozenItem};
use super::house::House;
use crate::approve::{Given, Lasting};
use crate::limits::{Blame, Counts, UNKNOWN};
use policy::{Cause, Decision, Presence, Query, Verdict};
use std::collections::HashSet;
use words::{Exposure, Tier};

/// Secrets of one request.
pub const MAX_ITEMS: usize = wire::MOST_ITEMS;

/// A human's yes, as far as there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Yes {
    /// None, or none is needed.
    NotGiven,
    /// Given before.
    Before(Given),
    /// Given while this waited.
    Now(Given),
}

impl Yes {
    /// As what the release counts.
    pub fn counts(self) -> Counts {
        match self {
            Yes::NotGiven | Yes::Before(_) => Counts::Release,
            Yes::Now(_) => Counts::ReleaseAfterAsk,
        }
    }
}

/// Nothing stands against it.
pub(super) struct Look {
    /// A human must be asked, by this rule: the first one that asks.
    pub asks: Option<String>,
    /// The rule for each item.
    pub rules: Vec<String>,
}

/// Something stands against it: a cause and a rule for each item.
pub(super) struct No {
    /// One for each item, or a single one for a request of none or too many.
    pub causes: Vec<(Cause, String)>,
    /// An exposure with which policy would allow all of it.
    pub narrower: Option<Exposure>,
}

impl No {
    /// The same for every item.
    pub fn all(req: &Frozen, cause: Cause, rule: &str) -> Self {
        let shown = if req.items.len() > MAX_ITEMS { 1 } else { req.items.len().max(1) };
        Self { causes: vec![(cause, rule.into()); shown], narrower: None }
    }

    /// What a human is told.
    pub fn why(&self) -> (Cause, String) {
        let first = self.causes.iter().find(|(c, _)| *c != Cause::NotAll);
        first.cloned().unwrap_or((Cause::NotAll, String::new()))
    }

    fn by_limit(req: &Frozen, blame: Blame) -> Self {
        let mut no = Self::all(req, Cause::NotAll, "limits");
        for (i, (cause, _)) in no.causes.iter_mut().enumerate() {
            if blame.item.is_none_or(|item| item == i) {
                *cause = blame.cause;
            }
        }
        no
    }

    fn by_policy(decisions: Vec<Decision>) -> Self {
        let denied = decisions.iter().filter(|d| d.denied().is_some());
        let each = denied.map(|d| d.narrower.filter(|e| *e != Exposure::Proxy));
        let narrower = each.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().min());
        let cause = |d: Decision| (d.denied().unwrap_or(Cause::NotAll), d.rule);
        Self { causes: decisions.into_iter().map(cause).collect(), narrower }
    }
}

/// Looks. Every part runs whatever the others say; a forbid is stronger than a seal, a seal than the rest.
pub(super) fn look(house: &impl House, req: &Frozen, yes: Yes, counts: Counts) -> Result<Look, No> {
    let there = house.still_there(req, counts == Counts::Nothing);
    let same = req.items.iter().all(|item| house.find(&item.asked) == item.found);
    let decisions = decide_all(house, req);
    let denied = decisions.iter().any(|d| d.denied().is_some());
    let limits = house.check(req, if denied { Counts::Nothing } else { counts });

    let forbidden = decisions.iter().any(|d| d.denied() == Some(Cause::Forbidden));
    let sealed = matches!(limits, Err(Blame { cause: Cause::Suspended | Cause::Sealed, .. }));
    if let Err(blame) = limits
        && !forbidden
        && (sealed || !denied)
    {
        return Err(No::by_limit(req, blame));
    }
    if let Some(cause) = misshapen(req) {
        return Err(No::all(req, cause, "request"));
    }
    if denied {
        return Err(No::by_policy(decisions));
    }
    if !there {
        return Err(No::all(req, Cause::PeerChanged, "peer"));
    }
    if matches!(yes, Yes::Before(given) | Yes::Now(given) if !house.still_given(req, given)) {
        return Err(No::all(req, Cause::Changed, "yes"));
    }
    let asks = decisions.iter().find(|d| d.verdict == Verdict::Ask).map(|d| d.rule.clone());
    // Asked for now, but not when it was first looked at: it has not waited, so it must be asked anew.
    if !same || (asks.is_some() && yes == Yes::NotGiven && counts == Counts::Nothing) {
        return Err(No::all(req, Cause::Changed, "vault or policy"));
    }
    Ok(Look { asks, rules: decisions.into_iter().map(|d| d.rule).collect() })
}

/// Why what waits is denied now, whatever a human says to it: by policy, or by a seal that was made meanwhile.
pub fn despite_a_yes(house: &impl House, req: &Frozen) -> Option<(Cause, String)> {
    let denied = decide_all(house, req).into_iter().find_map(|d| d.denied().map(|cause| (cause, d.rule)));
    denied.or_else(|| house.check(req, Counts::Nothing).err().map(|b| (b.cause, "limits".to_owned())))
}

fn decide_all(house: &impl House, req: &Frozen) -> Vec<Decision> {
    let policy = house.policy();
    let now = house.wall().to_zoned_datetime(house.zone());
    // A look at the disk takes a time: for another command than one that a secret is pinned to it would tell that there
    // is such a secret, and nothing is decided by it.
    let pinned = |i: &FrozenItem| i.seen().is_some_and(|s| s.class.commands.contains(&req.argv));
    let program = req.argv.first().filter(|_| req.items.iter().take(MAX_ITEMS).any(pinned));
    let program_fixed = program.is_some_and(|path| house.program_fixed(path));
    let decide = |item: &FrozenItem| {
        let query = Query {
            callers: &req.by.callers,
            scope: req.scope.as_ref(),
            reason: req.reason.as_deref(),
            door: req.by.door,
            presence: req.presence(),
            secret: item.lookup(),
            way: &item.way,
            argv: &req.argv,
            cwd: &req.cwd,
            program_fixed,
            now: &now,
        };
        policy::decide(&policy, &query).without_proxy(item.way.exposure())
    };
    req.items.iter().take(MAX_ITEMS).map(decide).collect()
}

/// No items, too many, or one variable twice (the later would silently win).
fn misshapen(req: &Frozen) -> Option<Cause> {
    let mut variables = HashSet::new();
    let twice = req.items.iter().filter_map(|i| i.way.variable()).any(|e| !variables.insert(e.as_str()));
    let count = req.items.len();
    (count == 0 || count > MAX_ITEMS || twice).then_some(Cause::TooMany)
}

impl Frozen {
    /// How long a human's yes to this may last.
    #[must_use]
    pub fn lasting(&self) -> Lasting {
        let high = self.items.iter().any(|i| i.tier() == Tier::High);
        let nobody = self.session().is_none_or(|s| s == UNKNOWN);
        if high || nobody || self.presence() != Presence::None { Lasting::Once } else { Lasting::Session }
    }
}
