//! What limits are asked, and what they answer.

use jiff::Timestamp;
use policy::Cause;
use serde::{Deserialize, Serialize};
use words::Id;

/// A (session, secret) pair that is closed, or a whole session that is suspended, until a human opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Its id.
    pub id: Id,
    /// Which session.
    pub session: String,
    /// Which name, without its vault: a pair is the same whether or not there is such a secret, or seals would
    /// tell. None: the whole session.
    pub secret: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

/// A seal that must be made durable. It holds already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Which session.
    pub session: String,
    /// Which name; none: the whole session.
    pub secret: Option<String>,
}

/// As what a request would count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// It is denied, or counted already: nothing more has to fit.
    Nothing,
    /// A request that waits for a human.
    Ask,
    /// A request that is released.
    Release,
    /// A release after it has waited: the request was counted when it was asked.
    ReleaseAfterAsk,
}

/// What stands against a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blame {
    /// `Suspended`, `Sealed`, `Rate`, `Burst` or `SecretBurst`.
    pub cause: Cause,
    /// Which item; none: the whole request.
    pub item: Option<usize>,
}
