//! `svault run -- CMD`.

use crate::app::{App, Consent, released};
use crate::args::{Asking, Proof, in_vault};
use crate::env_files::{self, EnvFiles};
use crate::report::{Error, Outcome};
use clap::Args;
use run::{Inputs, Job};
use secret::Bytes;
use std::ffi::OsString;
use std::path::PathBuf;
use wire::{AskItem, Granted, Want};
use words::{EnvName, SecretRef, VaultName};

/// Run a command with secrets, and mask them in its output
///
/// Secrets go into its environment (--env), to paths that only it can open (--file), or to where a .env file with
/// svault://VAULT/NAME references wants them (--env-file). Without any of the three ./.env is used, if it has
/// references. All of them are asked for at once.
///
/// With --reason it is a caller's request and goes through the gate. Without, it is a human's: it takes presence, or
/// the window that an earlier proof from this shell has opened for the same command with the same secrets.
///
/// What the command writes comes out with the values, in all their usual forms, masked. The command's exit code is
/// given, 128+n when signal n ended it. With --json what keeps it from starting is one object; once it runs, stdout is
/// its own.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  svault run -- npm run migrate\n  svault run --env DB_URL --scope database --reason 'run the \
                  migration' -- npm run migrate\n  svault run --env PGPASSWORD=DB_PASS -- psql -h db.example.com\n  \
                  svault run --file KUBECONFIG_PATH=KUBE -- sh -c 'kubectl --kubeconfig \"$KUBECONFIG_PATH\" get pods'"
)]
pub struct Run {
    /// The variable, and the secret where it has another name; may be given several times
    #[arg(long, value_name = "NAME[=SECRET]", value_parser = in_env)]
    env: Vec<AskItem>,
    /// The variable that gets the path to a secret; may be given several times
    #[arg(long, value_name = "NAME=SECRET", value_parser = in_file)]
    file: Vec<AskItem>,
    /// A .env file with references; may be given several times, a later one wins [default: .env, if it has references]
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
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

fn in_env(text: &str) -> Result<AskItem, String> {
    let (name, secret) = text.split_once('=').unwrap_or((text, text));
    let (name, secret) = item(name, secret)?;
    Ok(AskItem::env(secret, name))
}

fn in_file(text: &str) -> Result<AskItem, String> {
    let (name, secret) = text.split_once('=').ok_or("NAME=SECRET")?;
    let (name, secret) = item(name, secret)?;
    Ok(AskItem::file(secret, name))
}

fn item(name: &str, secret: &str) -> Result<(EnvName, SecretRef), String> {
    let env: EnvName = name.parse().map_err(|e: words::BadWord| e.to_string())?;
    if policy::is_guarded(env.as_str()) {
        return Err(format!(
            "{env} changes how programs run, so no secret is put there; choose another variable"
        ));
    }
    Ok((env, secret.parse().map_err(|e: words::BadWord| e.to_string())?))
}

impl Run {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let here = std::env::current_dir().map_err(|e| Error::failed("can't tell the current folder", e))?;
        let files = self.files(app)?;
        let job = Job::new(&self.command, &here, self.items(&files)?)?;
        let by_caller = self.asking.reason.is_some();
        self.check(by_caller, &job)?;
        let alone = match job.items.as_slice() {
            [one] => Some(self.asking.about(&one.secret)),
            _ => None,
        };
        let from_files = !files.items()?.is_empty();
        let mut ask = job.ask(self.asking.scope.clone(), self.asking.reason.clone(), self.asking.wait)?;
        ask.sets = files.digest();
        let (_, values) = if by_caller {
            let mut connection = app.connect(self.asking.caller.clone())?;
            let answer = connection.ask(&ask, |id| app.out.note(&super::get::waiting(id)))?;
            released(answer, alone)?
        } else {
            // What is in a file was not typed by the human: it is shown before the yes.
            let consent = if from_files { Consent::Card("Run it?") } else { Consent::New("Run it?") };
            let proof = self.proof.not_stdin("the command reads stdin")?;
            let opened = app.human(proof).open_or_prove(Want::Run(ask), consent);
            opened.map_err(or_as_a_caller)?.released()?
        };
        let inputs = inputs(app, &files, values)?;
        let run::Passed { code, lost } = run::pass(&job, inputs)?;
        match lost {
            None => Ok(code.0),
            Some(e) => Err(output_lost(code, e)),
        }
    }

    /// The files that were named, or the one that is there.
    fn files(&self, app: &App) -> Result<EnvFiles, Error> {
        let mut files = EnvFiles::default();
        let mut paths = self.env_file.clone();
        if paths.is_empty() && self.env.is_empty() && self.file.is_empty() {
            let none = || {
                Error::usage("no secret is named, and there is no .env with references here")
                    .hint("give --env NAME, --file NAME=SECRET or --env-file FILE")
            };
            paths.push(env_files::default_file()?.ok_or_else(none)?);
            app.out.note("using the references in .env");
        }
        for path in &paths {
            files.add(path)?;
        }
        for item in self.env.iter().chain(&self.file) {
            item.way.variable().into_iter().for_each(|name| files.forget(name));
        }
        if !files.left_out().is_empty() {
            let names = files.left_out().join(", ");
            app.out.note(&format!("not passed on from the file, as programs act on it: {names}"));
        }
        Ok(files)
    }

    fn items(&self, files: &EnvFiles) -> Result<Vec<AskItem>, Error> {
        let mut items: Vec<AskItem> = files.items()?;
        for item in self.env.iter().chain(&self.file) {
            if items.iter().any(|i| i.way.variable() == item.way.variable()) {
                return Err(Error::usage("the same variable is given twice"));
            }
            let secret = in_vault(&item.secret, self.vault.as_ref())?;
            items.push(AskItem { secret, way: item.way.clone() });
        }
        if items.len() > wire::MOST_ITEMS {
            let text = format!("{} secrets, and {} is the most of one run", items.len(), wire::MOST_ITEMS);
            return Err(Error::usage(text).hint("name a file with fewer references: --env-file FILE"));
        }
        Ok(items)
    }

    fn check(&self, by_caller: bool, job: &Job) -> Result<(), Error> {
        if by_caller && self.proof.passphrase_fd.is_some() {
            return Err(Error::usage("--reason makes it a caller's request, which takes no --passphrase-fd")
                .hint("leave one of them out"));
        }
        if !by_caller && (self.asking.scope.is_some() || self.asking.caller.is_some()) {
            return Err(Error::usage("a caller's request needs --reason").hint("say why: --reason '…'"));
        }
        if job.items.is_empty() {
            return Err(Error::usage("there is no reference in the file")
                .hint("a reference is a whole value: NAME=svault://VAULT/NAME"));
        }
        Ok(())
    }
}

/// A human's run is not for an agent, and whoever reads that may be one: it is told what an agent does.
fn or_as_a_caller(e: Error) -> Error {
    let here = match e.code.as_ref() {
        wire::code::UNDER_AGENT => "you yourself run it in your own terminal",
        wire::code::PRESENCE_NEEDED => "you yourself run it in your own terminal, or with --passphrase-fd",
        _ => return e,
    };
    e.hint(format!("an agent asks with --scope SCOPE --reason '…'; {here}"))
}

/// The command may have done its work; what it said is lost.
fn output_lost(code: run::Code, e: std::io::Error) -> Error {
    Error::failed("can't write the command's output", e)
        .exits(code.0.max(wire::exit::FAILED))
        .hint(format!("the command ran and ended with exit code {}; send its output elsewhere", code.0))
}

/// What the command gets. Values leave locked memory only on their way into it.
fn inputs(app: &App, files: &EnvFiles, values: Vec<(Granted, Bytes)>) -> Result<Inputs, Error> {
    let texts = files.texts(&values)?;
    let mut inputs = Inputs::of(values)?;
    for (name, text) in texts {
        inputs.also(name, &text)?;
    }
    if !inputs.unmasked().is_empty() {
        let names = inputs.unmasked().join(", ");
        app.out.note(&format!("too short to be masked in the output: {names}"));
    }
    Ok(inputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::Way;

    #[test]
    fn a_variable_names_its_secret() {
        let one = in_env("DB_URL").unwrap();
        assert_eq!((one.way.to_string().as_str(), one.secret.to_string().as_str()), ("env DB_URL", "DB_URL"));
        let two = in_env("PGPASSWORD=svault://work/db.pass").unwrap();
        assert_eq!(two.secret.to_string(), "svault://work/db.pass");
        assert_eq!(in_file("CERT=tls.pem").unwrap().way, Way::File("CERT".parse().unwrap()));
        for bad in ["LD_PRELOAD=A", "path=A", "A-B=C", "A=", "=A", "db.pass"] {
            assert!(in_env(bad).is_err() && in_file(bad).is_err(), "{bad}");
        }
        assert!(in_file("CERT").is_err());
    }
}
