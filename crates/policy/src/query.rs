//! What the policy is asked, and what it answers.

use crate::cause::Cause;
use words::{CallerName, Class, Door, Evidence, Exposure, Name, Scope, SecretRef, VaultName, Way};

/// A caller's name and what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Named {
    /// The name.
    pub name: CallerName,
    /// What stands behind it.
    pub evidence: Evidence,
}

/// A secret as the policy sees it: no value, no key.
#[derive(Debug, Clone, Copy)]
pub struct SecretFacts<'a> {
    /// Its vault.
    pub vault: &'a VaultName,
    /// Its name.
    pub name: &'a Name,
    /// Its classification. It is a proposal while `proposed_by` is set.
    pub class: &'a Class,
}

/// What the vault found under the name that was asked for.
#[derive(Debug, Clone, Copy)]
pub enum Lookup<'a> {
    /// This one.
    Found(SecretFacts<'a>),
    /// None: as asked.
    Unknown(&'a SecretRef),
    /// Several vaults have it: as asked.
    Ambiguous(&'a SecretRef),
}

/// Whether a human stands behind a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// No: it comes from a program.
    None,
    /// From a shell's window, for a command that the human has said yes to before: serves no high tier, and
    /// nothing that shows a value.
    Window,
    /// The human has proved to be there and said yes to exactly this.
    Act,
}

/// One question: may this secret be released so?
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// Every name that the request stands under, empty for `unknown`. Rights are those that all of them have.
    pub callers: &'a [Named],
    /// The capability that is used.
    pub scope: Option<&'a Scope>,
    /// Why.
    pub reason: Option<&'a str>,
    /// Where it came in.
    pub door: Door,
    /// Whether a human stands behind it. That stands for scope, reason, callers, windows, commands, exposure
    /// and asking; not for a forbid, a proposal or a guarded variable.
    pub presence: Presence,
    /// Which secret.
    pub secret: Lookup<'a>,
    /// How it shall travel.
    pub way: &'a Way,
    /// The command that gets it, empty for exposure `value`.
    pub argv: &'a [String],
    /// The folder of the command, absolute.
    pub cwd: &'a str,
    /// Whether the user cannot change the program `argv[0]`: only asked where the command is one that the secret is
    /// pinned to.
    pub program_fixed: bool,
    /// Now, in the store's zone.
    pub now: &'a jiff::ZonedDateTime,
}

/// What a query comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Allow,
    /// A human is asked.
    Ask,
    /// No.
    Deny(Cause),
}

/// An answer, with the rule that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    /// Yes, no, or ask.
    pub verdict: Verdict,
    /// How far it may travel: as asked, where it is not denied.
    pub exposure: Exposure,
    /// The rule that made it, such as `callers.claude-code.scopes`.
    pub rule: String,
    /// It was denied for its exposure alone, and this one would do.
    pub narrower: Option<Exposure>,
}

impl Decision {
    /// The same where there is no proxy: nothing is used through it.
    pub fn without_proxy(self, exposure: Exposure) -> Self {
        match (exposure, self.denied()) {
            (Exposure::Proxy, None) => {
                Self { verdict: Verdict::Deny(Cause::NoProxy), rule: "no proxy".into(), ..self }
            }
            _ => self,
        }
    }

    /// The cause, where it is denied.
    #[must_use]
    pub fn denied(&self) -> Option<Cause> {
        match self.verdict {
            Verdict::Deny(cause) => Some(cause),
            Verdict::Allow | Verdict::Ask => None,
        }
    }
}
