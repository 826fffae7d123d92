//! `svault render FILE`.

use crate::app::{App, Consent, Human};
use crate::args::Proof;
use crate::report::{Error, Outcome};
use crate::template::Template;
use crate::value;
use clap::Args;
use secret::Bytes;
use std::path::{Path, PathBuf};
use wire::{Granted, Want, exit};
use words::SecretRef;
use zeroize::Zeroizing;

#[cfg(unix)]
mod original;

/// Fill the svault://VAULT/NAME references in a file, to stdout
///
/// For a human: takes presence each time, shows which values will be released, asks once for all of them, and is
/// recorded. Values go into the text as they are, nothing is escaped. A file that 'svault import --replace' rewrote
/// comes out as it was before, byte for byte, as long as its values are those of the import. The file stays as it is;
/// 'svault import --undo' is what writes the old text back into it.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  svault render config.yaml.tmpl | kubectl apply -f -\n  svault render .env | docker run --env-file /dev/stdin IMAGE"
)]
pub struct Render {
    /// The file, of up to 4 MiB and 256 different secrets
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    proof: Proof,
}

/// What is asked for: the secrets in the text, and behind them the parts of its backup.
struct Asked {
    secrets: Vec<SecretRef>,
    backup: usize,
}

impl Render {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let text = read(&self.file)?;
        let template = Template::parse(&text)?;
        let mut asked = Asked { secrets: template.references(), backup: 0 };
        if asked.secrets.is_empty() {
            return Err(Error::usage("there is no reference in the file").hint("svault://VAULT/NAME"));
        }
        let mut human = app.human(self.proof);
        human.ready()?;
        add_backup(&mut human, &self.file, &text, &mut asked)?;
        let want = Want::Render { secrets: asked.secrets.clone() };
        let consent = Consent::Card("Write these values to stdout?");
        let (id, values) =
            human.act(want, Vec::new(), consent).and_then(|done| done.released()).map_err(missing)?;
        let (values, parts) = values.split_at(values.len().saturating_sub(asked.backup));
        let of = |r: &SecretRef| values.iter().find(|(g, _)| g.secret == *r).map(|(_, value)| value);
        let whole = match original(&text, values, parts)? {
            Some(old) => old,
            None => template.filled(of)?,
        };
        value::write(&app.out, id, &whole)?;
        Ok(exit::DONE)
    }
}

/// Nothing comes out where one is not there.
fn missing(e: Error) -> Error {
    if matches!(e.code.as_ref(), "no_secret" | "no_vault") { e.exits(exit::DENIED) } else { e }
}

/// The file may hold values of its own.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    const MOST: u64 = 4 << 20;
    let io = |e: &std::io::Error| Error::io("read", path, e);
    let meta = path.metadata().map_err(|e| io(&e))?;
    if !meta.is_file() || meta.len() > MOST {
        let what = "it is no file, or a very long one";
        return Err(Error::failed(format!("can't read {}", path.display()), what)
            .hint("give a template's file, of at most 4 MiB"));
    }
    std::fs::read(path).map(Zeroizing::new).map_err(|e| io(&e))
}

#[cfg(unix)]
fn add_backup(human: &mut Human<'_>, path: &Path, text: &[u8], asked: &mut Asked) -> Result<(), Error> {
    let parts = original::backup(human, path, text)?;
    asked.backup = parts.len();
    asked.secrets.extend(parts);
    Ok(())
}

#[cfg(unix)]
fn original(
    text: &[u8],
    values: &[(Granted, Bytes)],
    parts: &[(Granted, Bytes)],
) -> Result<Option<Bytes>, Error> {
    original::whole(text, values, parts)
}

#[cfg(not(unix))]
fn add_backup(_: &mut Human<'_>, _: &Path, _: &[u8], _: &mut Asked) -> Result<(), Error> {
    Ok(())
}

/// Only Unix has `svault import`.
#[cfg(not(unix))]
fn original(_: &[u8], _: &[(Granted, Bytes)], _: &[(Granted, Bytes)]) -> Result<Option<Bytes>, Error> {
    Ok(None)
}
