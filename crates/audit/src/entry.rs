//! One entry of the trail, and the filter that finds entries.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use words::{Door, Evidence, Exposure, Id};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A release: durable before the value leaves.
    Allow,
    /// A refusal; `cause` and `rule` say why.
    Deny,
    /// A request began to wait for a human.
    Ask,
    /// A human said yes to a request.
    Approve,
    /// A human said no to a request.
    Refuse,
    /// A request was taken back.
    Cancel,
    /// A request or its approval ran out.
    Expire,
    /// A human's act that releases nothing: `act` says which.
    Act,
    /// A proposal of a new secret.
    Propose,
    /// A caller read the names that it may ask for.
    Read,
    /// A caller asked a human for a secret that it says is missing.
    Wanted,
    /// A (session, secret) pair was sealed.
    Seal,
    /// A session was suspended.
    Suspend,
    /// A human opened a seal or ended a suspension.
    Unseal,
    /// The store was unlocked.
    Unlock,
    /// The store was locked.
    Lock,
    /// Files were taken back to an older state by a human.
    AcceptRollback,
    /// Denials folded into one: `count` of them.
    Folded,
    /// A value was found in text that a session sent for redaction: it had been printed.
    Exposed,
    /// A session has sent so much text for redaction, or so many values were in it, that values are not looked for in
    /// more of it for a time: `cause` says which.
    Metered,
}

/// One entry. Empty strings and `None` are left out of the stored form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the trail, from 1, without gaps.
    pub seq: u64,
    /// The id its caller was told.
    pub id: Id,
    /// When, wall clock, milliseconds.
    pub at: Timestamp,
    /// What.
    pub event: Event,
    /// The caller's name as it counts, or `unknown`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub caller: String,
    /// What stands behind the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Other registered callers that it runs below, or is: limits hang on them, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The session that limits hang on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// Where it came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door: Option<Door>,
    /// `vault/name`, or the name as asked where there is no such secret.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub secret: String,
    /// Version of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The scope as asked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The reason as given; not checked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The exposure granted, or as asked where denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,
    /// The variable that the value, or the path to it, went into.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variable: String,
    /// The rule that decided.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
    /// Why it was denied, a stable word such as `unknown_name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// The human's act, such as `policy_set`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub act: String,
    /// The command. Of a request for several secrets the first entry alone has it, and the folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
    /// Its folder.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cwd: String,
    /// The process that asked, then its parents, as `pid exe`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub process: Vec<String>,
    /// What the caller's client says of itself; not checked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub client: String,
    /// How many, for folded denials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Anything else worth knowing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// How the note of a request begins that also goes under other names.
const ALSO: &str = "also goes as ";

/// How the note of an entry begins that takes back what was recorded under its id.
const NOT_DONE: &str = "not done: ";

impl Entry {
    /// The entry that says that this one, though recorded, did not come to pass.
    #[must_use]
    pub fn undone(&self, at: Timestamp, why: &str) -> Self {
        let mut note = format!("{NOT_DONE}{why}");
        note.truncate(note.floor_char_boundary(256));
        Self { event: Event::Act, at, note, ..self.clone() }
    }

    /// Says under which other names it goes.
    pub fn also_goes_as(&mut self, names: &[&str]) {
        if !names.is_empty() {
            self.note = format!("{ALSO}{}", names.join(", "));
        }
    }

    /// Those names.
    pub fn other_names(&self) -> impl Iterator<Item = &str> {
        self.note.strip_prefix(ALSO).into_iter().flat_map(|names| names.split(", "))
    }

    /// Whether it is such an entry.
    #[must_use]
    pub fn is_undone(&self) -> bool {
        self.event == Event::Act && self.note.starts_with(NOT_DONE)
    }

    /// An entry with nothing but id, time and event; `seq` is set when it is appended.
    #[must_use]
    pub fn new(id: Id, at: Timestamp, event: Event) -> Self {
        Self {
            seq: 0,
            id,
            at,
            event,
            caller: String::new(),
            evidence: None,
            also: Vec::new(),
            session: String::new(),
            door: None,
            secret: String::new(),
            version: None,
            scope: String::new(),
            reason: String::new(),
            exposure: None,
            variable: String::new(),
            rule: String::new(),
            cause: String::new(),
            act: String::new(),
            argv: Vec::new(),
            cwd: String::new(),
            process: Vec::new(),
            client: String::new(),
            count: None,
            note: String::new(),
        }
    }
}

/// Which entries: all that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Not before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Not at or after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// This caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// This secret: `vault/name`, or a name in any vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// These events; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// This door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door: Option<Door>,
    /// This session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// At most so many, newest first; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<usize>,
}

impl Filter {
    /// Whether an entry is one of them (`last` is the reader's business).
    #[must_use]
    pub fn matches(&self, e: &Entry) -> bool {
        let named = |want: &Option<String>, is: &str| want.as_deref().is_none_or(|w| w == is);
        let called = |w: &str| w == e.caller || e.other_names().any(|name| name == w);
        let short = |name: &str| name.split_once('/').map(|(_, short)| short.to_owned());
        // Some entries have a name without its vault, and those of an import several.
        let about = |w: &str| {
            let is =
                |one: &str| one == w || short(one).as_deref() == Some(w) || short(w).as_deref() == Some(one);
            w == e.secret || e.secret.split(", ").any(is)
        };
        self.since.is_none_or(|t| e.at >= t)
            && self.until.is_none_or(|t| e.at < t)
            && self.caller.as_deref().is_none_or(called)
            && named(&self.session, &e.session)
            && self.secret.as_deref().is_none_or(about)
            && (self.events.is_empty() || self.events.contains(&e.event))
            && self.door.is_none_or(|d| e.door == Some(d))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(secret: &str) -> Entry {
        let mut e = Entry::new(Id::from_bits(1), Timestamp::UNIX_EPOCH, Event::Act);
        e.secret = secret.into();
        e
    }

    #[test]
    fn every_entry_about_a_secret_is_found() {
        let finds = |wanted: &str, secret: &str| {
            Filter { secret: Some(wanted.into()), ..Filter::default() }.matches(&about(secret))
        };
        for (wanted, secret) in [
            ("B", "main/B"),
            ("main/B", "main/B"),
            ("main/B", "B"),
            ("B", "A, B, C"),
            ("main/C", "A, B, C"),
            ("main/B", "main/A, main/B"),
            ("A, B", "A, B"),
        ] {
            assert!(finds(wanted, secret), "{wanted} {secret}");
        }
        for (wanted, secret) in [("main/B", "work/B"), ("B", "main/BB"), ("B", ""), ("B", "A, BB")] {
            assert!(!finds(wanted, secret), "{wanted} {secret}");
        }
    }

    #[test]
    fn a_caller_is_found_under_each_of_its_names() {
        let mut e = about("main/B");
        e.caller = "first".into();
        e.also_goes_as(&["second", "third"]);
        let finds = |name: &str| Filter { caller: Some(name.into()), ..Filter::default() }.matches(&e);
        assert!(finds("first") && finds("second") && finds("third") && !finds("thir"));
    }
}
