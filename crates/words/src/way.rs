//! How one value of a request travels: its exposure, with the variable that goes with it.

use crate::{EnvName, Exposure};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a value is wanted, or was granted. `env` and `file` have their variable with them, the others have none: what
/// does not fit together can't be said.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Used by the proxy.
    Proxy,
    /// In this variable of a command's environment.
    Env(EnvName),
    /// Readable at a path that is in this variable of a command's environment.
    File(EnvName),
    /// The value itself is the answer.
    Value,
}

impl Way {
    /// How far that is.
    #[must_use]
    pub fn exposure(&self) -> Exposure {
        match self {
            Way::Proxy => Exposure::Proxy,
            Way::Env(_) => Exposure::Env,
            Way::File(_) => Exposure::File,
            Way::Value => Exposure::Value,
        }
    }

    /// The variable that it goes into, or that its path goes into.
    #[must_use]
    pub fn variable(&self) -> Option<&EnvName> {
        match self {
            Way::Env(name) | Way::File(name) => Some(name),
            Way::Proxy | Way::Value => None,
        }
    }

    /// The way of an exposure and the variable that was recorded with it.
    #[must_use]
    pub fn of(exposure: Exposure, variable: Option<EnvName>) -> Option<Self> {
        match (exposure, variable) {
            (Exposure::Proxy, None) => Some(Way::Proxy),
            (Exposure::Env, Some(name)) => Some(Way::Env(name)),
            (Exposure::File, Some(name)) => Some(Way::File(name)),
            (Exposure::Value, None) => Some(Way::Value),
            _ => None,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.variable() {
            Some(name) => write!(f, "{} {name}", self.exposure()),
            None => self.exposure().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_and_its_parts_are_the_same() {
        let name = || "DB_URL".parse::<EnvName>().unwrap();
        for (way, json) in [
            (Way::Proxy, "\"proxy\""),
            (Way::Env(name()), "{\"env\":\"DB_URL\"}"),
            (Way::File(name()), "{\"file\":\"DB_URL\"}"),
            (Way::Value, "\"value\""),
        ] {
            assert_eq!(serde_json::to_string(&way).unwrap(), json);
            assert_eq!(serde_json::from_str::<Way>(json).unwrap(), way);
            assert_eq!(Way::of(way.exposure(), way.variable().cloned()), Some(way));
        }
        for bad in
            ["{\"env\":\"1A\"}", "{\"env\":\"A\",\"file\":\"B\"}", "\"env\"", "{\"value\":\"A\"}", "{}"]
        {
            assert!(serde_json::from_str::<Way>(bad).is_err(), "{bad}");
        }
        assert_eq!(Way::of(Exposure::Env, None), None);
        assert_eq!(Way::of(Exposure::Value, Some(name())), None);
    }
}
