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
    /// Go on where no memory can be locked and secrets may reach the swap; init, unlock and recover record it
    #[arg(long, global = true, display_order = 901)]
    pub weak_memory: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// For a process of ours that another one starts: what the human allowed to this one.
#[cfg(unix)]
#[must_use]
pub fn weak_flag() -> Option<&'static str> {
    secret::is_weak().then_some("--weak-memory")
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

impl Asking {
    /// The request for this secret.
    #[must_use]
    pub fn about<'a>(&'a self, secret: &'a SecretRef) -> Asked<'a> {
        Asked { secret, scope: self.scope.as_ref(), caller: self.caller.as_ref() }
    }
}

/// What a request was, as far as a hint repeats it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The secret.
    pub secret: &'a SecretRef,
    /// The capability.
    pub scope: Option<&'a words::Scope>,
    /// Who said to ask.
    pub caller: Option<&'a CallerName>,
}

/// What the error for a narrower exposure says: a command that whoever reads it can run as it stands, but for the
/// reason and what is run. Without a reason it would be a human's run, which no agent can make.
#[must_use]
pub fn narrower_hint(exposure: Exposure, asked: Option<Asked<'_>>) -> String {
    let flag = match exposure {
        Exposure::Env => "--env",
        Exposure::File => "--file",
        other => return format!("use: exposure {other}"),
    };
    let what = asked.map_or_else(|| "NAME".to_owned(), |a| variable_of(a.secret, exposure));
    let scope = asked.and_then(|a| a.scope).map_or("SCOPE", words::Scope::as_str);
    let caller = asked.and_then(|a| a.caller).map_or_else(String::new, |c| format!(" --caller {c}"));
    format!("use: svault run {flag} {what} --scope {scope} --reason '…'{caller} -- CMD")
}

/// A secret behind `--env` or `--file`, in a variable of its own name where it can have one.
fn variable_of(secret: &SecretRef, exposure: Exposure) -> String {
    let fits = |e: &words::EnvName| !policy::is_guarded(e.as_str());
    match secret.name.as_str().parse().ok().filter(fits) {
        Some(e) if secret.vault.is_none() && exposure == Exposure::Env => e.to_string(),
        Some(e) => format!("{e}={secret}"),
        None => format!("VARIABLE={secret}"),
    }
}
