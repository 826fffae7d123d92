//! What a command gets: released values in their variables, other variables, and what is masked in its output.

use crate::{Error, Result};
use scan::Needles;
use secret::Bytes;
use std::sync::Arc;
use wire::Granted;
use words::Way;

/// How a variable's value reaches the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// It is the variable's value.
    Env,
    /// The variable has a path to it.
    File,
}

pub(crate) struct Var {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) value: Bytes,
}

/// Everything that a command gets. The values lie in locked memory and are wiped when the command has them; what is
/// needed to find them in its output is wiped when the output has ended.
pub struct Inputs {
    pub(crate) vars: Vec<Var>,
    needles: Needles,
    unmasked: Vec<String>,
}

impl Inputs {
    /// None: a command without secrets.
    #[must_use]
    pub fn none() -> Self {
        Self { vars: Vec::new(), needles: Needles::new(), unmasked: Vec::new() }
    }

    /// What the gate has released for a command.
    ///
    /// # Errors
    /// [`Error::ZeroByte`]; [`Error::NotForCommands`] where a value was released as such; no locked memory.
    pub fn of(released: Vec<(Granted, Bytes)>) -> Result<Self> {
        let mut made = Self::none();
        for (i, (granted, value)) in released.into_iter().enumerate() {
            let (kind, name) = match &granted.way {
                Way::Env(name) if value.expose().contains(&0) => {
                    return Err(Error::ZeroByte { variable: name.clone() });
                }
                Way::Env(name) => (Kind::Env, name),
                Way::File(name) => (Kind::File, name),
                Way::Proxy | Way::Value => return Err(Error::NotForCommands),
            };
            let label = granted.secret.name.as_str();
            if !made.needles.add(u32::try_from(i).unwrap_or(u32::MAX), label, value.expose())? {
                made.unmasked.push(label.to_owned());
            }
            made.vars.push(Var { name: name.to_string(), kind, value });
        }
        Ok(made)
    }

    /// Another variable of its environment, which is no secret by itself. What is in it of a secret is masked all the
    /// same.
    ///
    /// # Errors
    /// No locked memory.
    pub fn also(&mut self, name: &str, value: &str) -> Result<()> {
        let value = Bytes::copy_from(value.as_bytes())?;
        self.vars.push(Var { name: name.to_owned(), kind: Kind::Env, value });
        Ok(())
    }

    /// Names of secrets whose values are too short to be found in an output: they are not masked.
    #[must_use]
    pub fn unmasked(&self) -> &[String] {
        &self.unmasked
    }

    /// The variables, and what to mask.
    pub(crate) fn split(self) -> (Vec<Var>, Arc<Needles>) {
        (self.vars, Arc::new(self.needles))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(way: Way) -> Granted {
        Granted { secret: "DB_URL".parse().unwrap(), way }
    }

    #[test]
    fn a_value_goes_where_it_was_granted_and_nowhere_else() {
        let name = || "V".parse().unwrap();
        let one = |way, value: &[u8]| Inputs::of(vec![(granted(way), Bytes::copy_from(value).unwrap())]);
        let env = one(Way::Env(name()), b"sk-test-0123456789").unwrap();
        assert_eq!((env.vars[0].name.as_str(), env.vars[0].kind), ("V", Kind::Env));
        assert!(env.unmasked().is_empty());
        let file = one(Way::File(name()), b"a\0b").unwrap();
        assert_eq!((file.vars[0].kind, file.unmasked()), (Kind::File, ["DB_URL".to_owned()].as_slice()));
        assert!(matches!(one(Way::Env(name()), b"a\0b"), Err(Error::ZeroByte { .. })));
        for way in [Way::Value, Way::Proxy] {
            assert!(matches!(one(way, b"sk-test"), Err(Error::NotForCommands)));
        }
    }
}
