//! Why something was denied: one stable word each. Goes to the trail and to humans, never to a caller.

use std::{fmt, str::FromStr};
use words::BadWord;

macro_rules! causes {
    ($($variant:ident = $word:literal, $line:literal;)+) => {
        /// Why a request was denied.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Cause { $(#[doc = $line] $variant),+ }

        impl Cause {
            /// Every cause.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The stable word, such as `unknown_name`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
            /// One line for people who may know.
            #[must_use]
            pub fn line(self) -> &'static str {
                match self { $(Self::$variant => $line),+ }
            }
        }
    };
}

causes! {
    Forbidden = "forbidden", "a [[forbid]] rule names this";
    Suspended = "suspended", "the session is suspended until a human opens it";
    Sealed = "sealed", "the session is sealed off from this secret until a human opens it";
    UnknownName = "unknown_name", "there is no secret of this name";
    Ambiguous = "ambiguous", "the name is in several vaults: name one";
    Unconfirmed = "unconfirmed", "it is a proposal that no human has confirmed";
    UnknownCaller = "unknown_caller", "the caller is not registered";
    NotMatched = "not_matched", "the caller's name was only said, and its executable is not among the process and its parents (after an update of it: 'svault install')";
    NotVerified = "not_verified", "the caller must be launched with 'svault agent start'";
    NoScope = "no_scope", "no scope was named";
    WrongScope = "wrong_scope", "the secret has another scope";
    ScopeNotHeld = "scope_not_held", "the caller does not hold the scope";
    NotCaller = "not_caller", "the secret is for other callers";
    NoReason = "no_reason", "no reason was given";
    ShortReason = "short_reason", "the reason is too short";
    LongReason = "long_reason", "the reason is too long";
    OutsideWindow = "outside_window", "it may not be used at this time";
    WiderExposure = "wider_exposure", "it may not travel so far";
    BadCommand = "bad_command", "a command is missing, or named where none belongs, or its folder is not absolute";
    CommandNotPinned = "command_not_pinned", "it may not be given to this command";
    CommandWritable = "command_writable", "the user can change the program that it is pinned to";
    BadEnvName = "bad_env_name", "it may not be put into this variable";
    NoProxy = "no_proxy", "there is no proxy to use it through";
    Rate = "rate", "the caller's rate is used up";
    Burst = "burst", "too many requests of this session in a short time";
    SecretBurst = "secret_burst", "the secret was released too often in a short time";
    Judged = "judged", "the judge did not accept the reason";
    AsksEachTime = "asks_each_time", "a human is asked for it each time: a window is not enough";
    Refused = "refused", "a human said no";
    Cancelled = "cancelled", "it was taken back";
    Expired = "expired", "no human decided in time";
    QueueFull = "queue_full", "too many requests wait for a human already";
    Changed = "changed", "the secret, the policy or the yes to it was changed or taken back meanwhile";
    PeerChanged = "peer_changed", "the process that asked ended or became another";
    NotYours = "not_yours", "it is about a request of somebody else, or of nobody";
    NotAll = "not_all", "another secret of the same request was denied";
    TooMany = "too_many", "no secret, too many, one variable twice in one request, or too many callers";
    TooLong = "too_long", "it asks for more than a human can be shown at once";
    Locked = "locked", "the store was locked meanwhile";
    NoRecord = "no_record", "it could not be recorded";
    NoValue = "no_value", "the value could not be read";
    NoMemory = "no_memory", "there is no locked memory for the value";
}

impl Cause {
    /// Whether it counts towards a seal: everything that the caller asked for and did not get, but not what
    /// only stood beside it in a request, what was taken back or was about no secret, nor the house's own faults.
    #[must_use]
    pub fn counts(self) -> bool {
        use Cause as C;
        let house = matches!(self, C::Locked | C::NoRecord | C::NoValue | C::NoMemory);
        !house && !matches!(self, C::NotYours | C::NotAll | C::Cancelled)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Cause {
    type Err = BadWord;
    fn from_str(s: &str) -> Result<Self, BadWord> {
        Self::ALL
            .iter()
            .copied()
            .find(|c| c.as_str() == s)
            .ok_or(BadWord { what: "cause", rule: "a word such as unknown_name" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_round_trip() {
        for c in Cause::ALL {
            assert_eq!(c.as_str().parse::<Cause>().unwrap(), *c);
        }
        let mut words: Vec<_> = Cause::ALL.iter().map(|c| c.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Cause::ALL.len());
    }
}
