//! Whose account something goes on. A session is that of the outermost caller; whoever else of the policy's callers is
//! below it keeps the account that it has where it runs by itself, or its rate and its seals would begin anew below each.

use super::{UNKNOWN, state};
use crate::gate::Asker;
use audit::Entry;
use policy::{Cause, Named, Policy};
use words::{CallerName, Evidence};

/// All of who asks: the session's, those of the callers below it, and for the unknown session that of the name it claims.
pub(super) fn of(policy: &Policy, by: &Asker) -> Vec<String> {
    let Some(session) = by.session() else { return Vec::new() };
    let mut all = of_line(by);
    let first = by.callers.first();
    all.extend(first.and_then(|c| claimed(policy, session, c.name.as_str(), Some(c.evidence))));
    all
}

/// The session's and those of the callers below it.
pub(super) fn of_line(by: &Asker) -> Vec<String> {
    let session = by.session().unwrap_or_default();
    std::iter::once(session.to_owned()).chain(own(session, &by.callers).map(|(own, _)| own)).collect()
}

/// Those of the callers below a session, each with its name.
pub(super) fn own<'a>(
    session: &'a str,
    callers: &'a [Named],
) -> impl Iterator<Item = (String, &'a CallerName)> {
    let matched = callers.iter().filter(|c| c.evidence == Evidence::Matched);
    matched.map(|c| (of_name(c.name.as_str()), &c.name)).filter(move |(own, _)| own != session)
}

/// [`of_line`] from an entry.
pub(super) fn line_of(entry: &Entry) -> Vec<String> {
    std::iter::once(entry.session.clone()).chain(own_of(entry)).collect()
}

/// [`own`] from an entry.
pub(super) fn own_of(entry: &Entry) -> Vec<String> {
    let first = (entry.evidence == Some(Evidence::Matched)).then_some(&entry.caller);
    let all = first.into_iter().chain(&entry.also).map(|name| of_name(name));
    all.filter(|own| *own != entry.session).collect()
}

/// Those that a denial counts for. What the session is closed off from by its own doing, or by that of another caller in it,
/// is no attempt of the callers below it.
pub(super) fn of_denial(policy: &Policy, denial: &Entry) -> Vec<String> {
    if !state::counts(denial) {
        return Vec::new();
    }
    let mut all = vec![denial.session.clone()];
    let closed = [Cause::Sealed, Cause::Suspended, Cause::Rate, Cause::Burst];
    if !closed.iter().any(|cause| denial.cause == cause.as_str()) {
        all.extend(own_of(denial));
    }
    all.extend(claimed(policy, &denial.session, &denial.caller, denial.evidence));
    all
}

/// The unknown session's, for the name that it claims.
fn claimed(policy: &Policy, session: &str, caller: &str, evidence: Option<Evidence>) -> Option<String> {
    let registered = || caller.parse::<CallerName>().is_ok_and(|c| policy.callers.contains_key(&c));
    let claims = session == UNKNOWN && evidence == Some(Evidence::Claimed) && registered();
    claims.then(|| of_name(caller))
}

/// Where a caller runs by itself.
fn of_name(caller: &str) -> String {
    format!("matched:{caller}")
}
