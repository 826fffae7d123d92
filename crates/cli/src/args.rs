//! The command line as a whole: global flags, and groups of options that several commands share.

use crate::commands::Command;
use crate::report::Error;
use clap::{Args, Parser};
use serde_json::{Value, json};
use words::{CallerName, Exposure, Id, SecretRef, VaultName};

/// A local encrypted vault, with a gate in front of it for AI agents.
#[derive(Debug, Parser)]
#[command(
    name = "svault",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "First steps:\n  svault init\n  svault add DB_URL --scope database\n  svault caller add claude-code --exe \
                  \"$(command -v claude)\" --scope database\n\nExit codes: 0 done, 1 failed, 2 usage, 3 locked or no \
                  store, 4 denied, 5 damaged, 6 waiting for a human"
)]
pub struct Cli {
    /// Answer with one JSON object on stdout
    #[arg(long, global = true, display_order = 900)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How a human proves to be there, where the prompt is not the way.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Proof {
    /// Read the passphrase from this open file descriptor, to the first newline
    #[arg(long, value_name = "N", display_order = 800)]
    pub passphrase_fd: Option<i32>,
}

impl Proof {
    /// Refuses fd 0 where stdin is read for something else.
    ///
    /// # Errors
    /// A usage error.
    pub fn not_stdin(self, because: &str) -> Result<Self, Error> {
        if self.passphrase_fd == Some(0) {
            return Err(Error::usage(format!("--passphrase-fd 0 can't be: {because}"))
                .hint("use another descriptor: --passphrase-fd 3 3<FILE"));
        }
        Ok(self)
    }
}

/// Which secret.
#[derive(Debug, Clone, Args)]
pub struct Which {
    /// Its name, or svault://VAULT/NAME
    #[arg(value_name = "NAME")]
    pub secret: SecretRef,
    /// Its vault, where several vaults have that name
    #[arg(long)]
    pub vault: Option<VaultName>,
}

impl Which {
    /// The reference, with the vault from either place.
    ///
    /// # Errors
    /// When the two name different vaults.
    pub fn reference(&self) -> Result<SecretRef, Error> {
        in_vault(&self.secret, self.vault.as_ref())
    }
}

/// A reference, with the vault of `--vault` where it names none.
///
/// # Errors
/// When the two name different vaults.
pub fn in_vault(secret: &SecretRef, vault: Option<&VaultName>) -> Result<SecretRef, Error> {
    match (&secret.vault, vault) {
        (Some(a), Some(b)) if a != b => Err(Error::usage(format!("{secret} is not in vault {b}"))),
        (None, Some(v)) => Ok(SecretRef { vault: Some(v.clone()), name: secret.name.clone() }),
        _ => Ok(secret.clone()),
    }
}

/// What a change of a secret answers in JSON. The vault is there where it was named.
pub fn changed(id: Option<Id>, secret: &SecretRef) -> Value {
    let mut object = json!({"id": id, "name": secret.name});
    if let (Value::Object(keys), Some(vault)) = (&mut object, &secret.vault) {
        keys.insert("vault".into(), json!(vault));
    }
    object
}

/// What a caller says with a request.
#[derive(Debug, Clone, Args)]
pub struct Asking {
    /// The capability that is used
    #[arg(long)]
    pub scope: Option<words::Scope>,
    /// Why, for the human and the trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who asks, where svault can't see it (a claim: it wins nothing)
    #[arg(long, value_name = "CALLER")]
    pub caller: Option<CallerName>,
    /// How long to wait for a human; 0: not at all
    #[arg(long, value_name = "SECONDS", default_value_t = 120, hide_default_value = false)]
    pub wait: u32,
}

/// What the error for a narrower exposure says.
#[must_use]
pub fn narrower_hint(exposure: Exposure, name: &words::Name) -> String {
    match exposure {
        Exposure::Env => format!("use: svault run --env {name} -- CMD"),
        other => format!("use: exposure {other}"),
    }
}
