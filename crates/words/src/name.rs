//! Names of secrets, scopes, callers and vaults, and references to secrets.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A word that is not allowed where it stands. Shows the rule, never the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}: {rule}")]
pub struct BadWord {
    /// What the word should have been, such as `scope`.
    pub what: &'static str,
    /// The rule it breaks, for people.
    pub rule: &'static str,
}

const SECRET_RULE: &str = "1 to 128 of A-Z a-z 0-9 _ . - and the first of A-Z a-z 0-9 _";
const LOWER_RULE: &str = "1 to 64 of a-z 0-9 - and the first of a-z 0-9";
const ENV_RULE: &str = "1 to 128 of A-Z a-z 0-9 _ and the first no digit";

fn secret_ok(s: &str) -> bool {
    let b = s.as_bytes();
    (1..=128).contains(&b.len())
        && (b[0].is_ascii_alphanumeric() || b[0] == b'_')
        && b.iter().all(|c| c.is_ascii_alphanumeric() || b"_.-".contains(c))
}

fn lower_ok(s: &str) -> bool {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let b = s.as_bytes();
    (1..=64).contains(&b.len()) && plain(b[0]) && b.iter().all(|&c| plain(c) || c == b'-')
}

fn env_ok(s: &str) -> bool {
    let b = s.as_bytes();
    (1..=128).contains(&b.len())
        && !b[0].is_ascii_digit()
        && b.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'_')
}

macro_rules! word {
    ($(#[$doc:meta])* $type:ident, $what:literal, $ok:ident, $rule:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Box<str>);

        impl $type {
            /// The word as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $type {
            type Error = BadWord;
            fn try_from(s: String) -> Result<Self, BadWord> {
                if $ok(&s) {
                    Ok(Self(s.into()))
                } else {
                    Err(BadWord { what: $what, rule: $rule })
                }
            }
        }
        impl std::str::FromStr for $type {
            type Err = BadWord;
            fn from_str(s: &str) -> Result<Self, BadWord> {
                Self::try_from(s.to_owned())
            }
        }
        impl From<$type> for String {
            fn from(w: $type) -> String {
                w.0.into()
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

word!(
    /// The name of a secret: `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`.
    Name, "secret name", secret_ok, SECRET_RULE
);
word!(
    /// A capability that a caller must hold: `[a-z0-9][a-z0-9-]{0,63}`.
    Scope, "scope", lower_ok, LOWER_RULE
);
word!(
    /// The registered or claimed name of a caller: `[a-z0-9][a-z0-9-]{0,63}`.
    CallerName, "caller name", lower_ok, LOWER_RULE
);
word!(
    /// The name of a vault, which is also its file's name: `[a-z0-9][a-z0-9-]{0,63}`.
    VaultName, "vault name", lower_ok, LOWER_RULE
);
word!(
    /// The name of an environment variable: `[A-Za-z_][A-Za-z0-9_]{0,127}`.
    EnvName, "environment name", env_ok, ENV_RULE
);

/// A reference to a secret: `NAME`, or `svault://VAULT/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SecretRef {
    /// The vault, where the reference names one.
    pub vault: Option<VaultName>,
    /// The secret's name.
    pub name: Name,
}

impl std::str::FromStr for SecretRef {
    type Err = BadWord;
    fn from_str(s: &str) -> Result<Self, BadWord> {
        let Some(rest) = s.strip_prefix("svault://") else {
            return Ok(Self { vault: None, name: s.parse()? });
        };
        let (vault, name) =
            rest.split_once('/').ok_or(BadWord { what: "reference", rule: "svault://VAULT/NAME" })?;
        Ok(Self { vault: Some(vault.parse()?), name: name.parse()? })
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.vault {
            Some(v) => write!(f, "svault://{v}/{}", self.name),
            None => self.name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_hold_at_their_edges() {
        for good in ["A", "_x", "9.a-b", &"a".repeat(128)] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for bad in ["", ".env", "-x", "a b", "ä", "a/b", "a\0", &"a".repeat(129)] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
        for bad in ["", "-a", "A", "a_b", &"a".repeat(65)] {
            assert!(bad.parse::<Scope>().is_err(), "{bad:?}");
        }
        for bad in ["", "1A", "A-B", "A=B"] {
            assert!(bad.parse::<EnvName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn references_round_trip_and_json_checks_the_rule() {
        let r: SecretRef = "svault://main/DB_URL".parse().unwrap();
        assert_eq!(r.to_string(), "svault://main/DB_URL");
        assert_eq!("DB_URL".parse::<SecretRef>().unwrap().vault, None);
        assert!("svault://DB_URL".parse::<SecretRef>().is_err());
    }
}
