//! How a secret is classified: tier, exposure, and what else its record says about its use.

use crate::{BadWord, CallerName, Scope};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

macro_rules! choice {
    ($(#[$doc:meta])* $type:ident, $what:literal, $rule:literal, { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $type { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $type {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The word as text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl FromStr for $type {
            type Err = BadWord;
            fn from_str(s: &str) -> Result<Self, BadWord> {
                Self::ALL.iter().copied().find(|v| v.as_str() == s)
                    .ok_or(BadWord { what: $what, rule: $rule })
            }
        }
    };
}

choice!(
    /// How carefully a secret is handed out. Ordered: a later tier is stricter.
    Tier, "tier", "one of low, medium, high", {
        /// An agent may read it.
        Low = "low",
        /// An agent may use it.
        Medium = "medium",
        /// A human is asked every single time.
        High = "high",
    }
);

choice!(
    /// How far a value travels. Ordered: a later exposure is wider.
    Exposure, "exposure", "one of proxy, env, file, value", {
        /// Only the proxy sees it.
        Proxy = "proxy",
        /// In the environment of a child process.
        Env = "env",
        /// In a file or pipe of a child process.
        File = "file",
        /// The value itself is the answer.
        Value = "value",
    }
);

choice!(
    /// Where a request came in.
    Door, "door", "one of cli, mcp, tui, desktop, proxy, hook", {
        /// The command line.
        Cli = "cli",
        /// The MCP server.
        Mcp = "mcp",
        /// The terminal interface.
        Tui = "tui",
        /// The desktop app.
        Desktop = "desktop",
        /// The credential-injecting proxy.
        Proxy = "proxy",
        /// An agent's hook.
        Hook = "hook",
    }
);

choice!(
    /// What stands behind a caller's name. Ordered: a later one is stronger.
    Evidence, "evidence", "one of claimed, matched, launched", {
        /// It said so.
        Claimed = "claimed",
        /// An ancestor's executable is the registered one, by inode.
        Matched = "matched",
        /// A human started it through svault.
        Launched = "launched",
    }
);

/// What a secret's record says about its use: everything but name and value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// The one capability a caller must hold.
    pub scope: Scope,
    /// How carefully it is handed out.
    pub tier: Tier,
    /// How far it travels, where that differs from what the tier gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expose: Option<Exposure>,
    /// Whether callers must say why. `None`: as the policy says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_reason: Option<bool>,
    /// For people and agents: what it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Hosts it may be sent to by the proxy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<String>,
    /// Commands it may be given to: absolute path and exact arguments. Empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<Vec<String>>,
    /// When it may be used, such as `mon-fri 09:00-18:00`, in the store's zone. Empty: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<String>,
    /// Who may ask. Empty: every caller that holds the scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callers: Vec<CallerName>,
    /// Who proposed it, until a human has confirmed its classification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed_by: Option<CallerName>,
}

impl Class {
    /// A classification with nothing but a scope and a tier.
    #[must_use]
    pub fn new(scope: Scope, tier: Tier) -> Self {
        Self {
            scope,
            tier,
            expose: None,
            require_reason: None,
            description: String::new(),
            destinations: Vec::new(),
            commands: Vec::new(),
            windows: Vec::new(),
            callers: Vec::new(),
            proposed_by: None,
        }
    }

    /// The widest exposure that is granted: what the record says, else what the tier gives
    /// (low `value`, else `proxy` where destinations are set, else `env`).
    #[must_use]
    pub fn exposure(&self) -> Exposure {
        self.expose.unwrap_or(self.default_exposure())
    }

    /// What the tier gives without an override.
    #[must_use]
    pub fn default_exposure(&self) -> Exposure {
        match self.tier {
            Tier::Low => Exposure::Value,
            _ if !self.destinations.is_empty() => Exposure::Proxy,
            _ => Exposure::Env,
        }
    }

    /// Whether an override makes it travel further than its tier would.
    #[must_use]
    pub fn is_wider_than_tier(&self) -> bool {
        self.exposure() > self.default_exposure()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exposure_follows_the_tier() {
        let mut c = Class::new("db".parse().unwrap(), Tier::Low);
        assert_eq!(c.exposure(), Exposure::Value);
        c.tier = Tier::High;
        assert_eq!(c.exposure(), Exposure::Env);
        c.destinations.push("api.example.com".into());
        assert_eq!(c.exposure(), Exposure::Proxy);
        c.expose = Some(Exposure::Value);
        assert!(c.is_wider_than_tier());
    }
}
