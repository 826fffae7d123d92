//! `svault run --env NAME -- CMD`.

use crate::app::{App, released};
use crate::args::{Asking, Proof, in_vault};
use crate::child::{self, Line, Orphans};
use crate::report::{Error, Outcome};
use clap::Args;
use secret::Bytes;
use std::ffi::OsString;
use std::process::Command;
use wire::{Ask, AskItem, Granted, Want};
use words::{EnvName, SecretRef, VaultName, Way};

/// Run a command with secrets in its environment
///
/// With --reason it is a caller's request and goes through the gate. Without, it is a human's: it takes presence, or
/// the window that an earlier proof from this shell has opened for the same command. The command's exit code is given,
/// 128+n when signal n ended it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  svault run --env DB_URL --scope database --reason 'run the migration' -- npm run migrate\n  \
                  svault run --env PGPASSWORD=DB_PASS -- psql -h db.example.com"
)]
pub struct Run {
    /// The variable, and the secret where it has another name; may be given several times
    #[arg(long, value_name = "NAME[=SECRET]", required = true, value_parser = item)]
    env: Vec<AskItem>,
    /// The vault of all secrets that name none
    #[arg(long)]
    vault: Option<VaultName>,
    #[command(flatten)]
    asking: Asking,
    #[command(flatten)]
    proof: Proof,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

fn item(text: &str) -> Result<AskItem, String> {
    let (name, secret) = text.split_once('=').unwrap_or((text, text));
    let env: EnvName = name.parse().map_err(|e: words::BadWord| e.to_string())?;
    if policy::is_guarded(env.as_str()) {
        return Err(format!(
            "{env} changes how programs run, so no secret is put there; choose another variable"
        ));
    }
    let secret: SecretRef = secret.parse().map_err(|e: words::BadWord| e.to_string())?;
    Ok(AskItem::env(secret, env))
}

impl Run {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let line = Line::find(&self.command)?;
        let items = self.items()?;
        let first = items.first().map(|i| i.secret.name.clone());
        let caller = self.asking.caller.clone();
        let by_caller = self.asking.reason.is_some();
        self.check(by_caller)?;
        let ask = Ask {
            items,
            scope: self.asking.scope,
            reason: self.asking.reason,
            argv: line.argv.clone(),
            cwd: line.cwd.clone(),
            wait: self.asking.wait,
        };
        let (_, values) = if by_caller {
            let mut connection = app.connect(caller)?;
            let answer = connection.ask(&ask, |id| app.out.note(&super::get::waiting(id)))?;
            released(answer, first.as_ref())?
        } else {
            app.human(self.proof.not_stdin("the command reads stdin")?)
                .open_or_prove(Want::Run(ask))?
                .released()?
        };
        child::run(with_values(line.command(), values)?, Orphans::Leave)
    }

    fn items(&self) -> Result<Vec<AskItem>, Error> {
        let mut items: Vec<AskItem> = Vec::new();
        for item in &self.env {
            if items.iter().any(|i| i.way == item.way) {
                return Err(Error::usage("the same variable is given twice"));
            }
            items.push(AskItem {
                secret: in_vault(&item.secret, self.vault.as_ref())?,
                way: item.way.clone(),
            });
        }
        Ok(items)
    }

    fn check(&self, by_caller: bool) -> Result<(), Error> {
        if by_caller && self.proof.passphrase_fd.is_some() {
            return Err(Error::usage("--reason makes it a caller's request, which takes no --passphrase-fd")
                .hint("leave one of them out"));
        }
        if !by_caller && (self.asking.scope.is_some() || self.asking.caller.is_some()) {
            return Err(Error::usage("a caller's request needs --reason").hint("say why: --reason '…'"));
        }
        Ok(())
    }
}

/// The command with its values. They leave locked memory here, on their way to the command.
fn with_values(mut command: Command, values: Vec<(Granted, Bytes)>) -> Result<Command, Error> {
    for (granted, value) in values {
        let Way::Env(env) = &granted.way else {
            return Err(crate::app::unexpected());
        };
        if value.expose().contains(&0) {
            return Err(Error::failed(
                format!("{} can't be an environment variable", granted.secret),
                "it has a zero byte",
            )
            .hint("a binary secret is read with 'svault show' or 'svault get'"));
        }
        command.env(env.as_str(), os_text(&granted, value.expose())?);
    }
    Ok(command)
}

#[cfg(unix)]
fn os_text<'a>(_granted: &Granted, bytes: &'a [u8]) -> Result<&'a std::ffi::OsStr, Error> {
    Ok(std::os::unix::ffi::OsStrExt::from_bytes(bytes))
}

#[cfg(not(unix))]
fn os_text<'a>(granted: &Granted, bytes: &'a [u8]) -> Result<&'a std::ffi::OsStr, Error> {
    std::str::from_utf8(bytes).map(std::ffi::OsStr::new).map_err(|_| {
        Error::failed(format!("{} can't be an environment variable", granted.secret), "it is not UTF-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_names_its_secret() {
        let one = item("DB_URL").unwrap();
        assert_eq!((one.way.to_string().as_str(), one.secret.to_string().as_str()), ("env DB_URL", "DB_URL"));
        let two = item("PGPASSWORD=svault://work/db.pass").unwrap();
        assert_eq!(two.secret.to_string(), "svault://work/db.pass");
        for bad in ["LD_PRELOAD=A", "path=A", "A-B=C", "A=", "=A", "db.pass"] {
            assert!(item(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_value_with_a_zero_byte_never_reaches_the_command() {
        let granted = Granted { secret: "A".parse().unwrap(), way: Way::Env("A".parse().unwrap()) };
        let value = |b: &[u8]| vec![(granted.clone(), Bytes::copy_from(b).unwrap())];
        assert!(with_values(Command::new("x"), value(b"a\0b")).is_err());
        let command = with_values(Command::new("x"), value(b"sk-test")).unwrap();
        assert_eq!(command.get_envs().count(), 1);
        let other = Granted { way: Way::Value, ..granted.clone() };
        assert!(with_values(Command::new("x"), vec![(other, Bytes::copy_from(b"x").unwrap())]).is_err());
    }
}
