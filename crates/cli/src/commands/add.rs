//! `svault add NAME`.

use crate::app::{App, Consent, refused};
use crate::args::Proof;
use crate::class_args::ClassArgs;
use crate::report::{Error, Outcome};
use crate::{prompt, value};
use clap::Args;
use client::Answer;
use serde_json::json;
use wire::Want;
use words::{Name, VaultName};

/// Add a secret
///
/// The value is typed twice, hidden, or read from stdin; never an argument. A human at a terminal (or with
/// --passphrase-fd) proves to be there. Anybody else makes a proposal: it can't be laxer than the defaults, it is found
/// only with its vault named, its value travels to the daemon unsealed, and the first human who touches it confirms it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  svault add DB_URL --scope database\n  svault add TLS_KEY --tier high < key.pem"
)]
pub struct Add {
    /// Its name
    name: Name,
    /// Its vault
    #[arg(long, default_value = "main")]
    vault: VaultName,
    #[command(flatten)]
    class: ClassArgs,
    /// Keep a final newline of stdin
    #[arg(long)]
    raw: bool,
    /// Only propose it, even at a terminal
    #[arg(long)]
    propose: bool,
    #[command(flatten)]
    proof: Proof,
}

impl Add {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let may_prove =
            self.proof.passphrase_fd.is_some() || (prompt::possible() && client::under_agent().is_none());
        if self.propose || !may_prove { self.propose(app) } else { self.add(app) }
    }

    fn add(self, app: &App) -> Outcome {
        let class = self.class.new_class()?;
        let mut human = app.human(value::not_stdin(self.proof)?);
        human.ready()?;
        let value = value::read(&self.name, self.raw)?;
        let line = format!(
            "added {} to {}: scope {}, {}, {}",
            self.name,
            self.vault,
            class.scope,
            class.tier,
            class.exposure()
        );
        let wide = class.is_wider_than_tier();
        let want = Want::Add { name: self.name.clone(), vault: self.vault.clone(), class };
        let id = human.act(want, vec![value], Consent::Named)?.id();
        self.class.note(app, &mut human);
        if wide {
            app.out.note("note: this exposure is wider than its tier gives; 'svault list' marks it");
        }
        app.out
            .answer(json!({"id": id, "name": self.name, "vault": self.vault, "proposed": false}), |_| {
                format!("{line}\n")
            })?;
        Ok(wire::exit::DONE)
    }

    fn propose(self, app: &App) -> Outcome {
        if self.proof.passphrase_fd.is_some() {
            return Err(Error::usage("--propose and --passphrase-fd exclude each other"));
        }
        self.class.check_proposal()?;
        let class = self.class.new_class()?;
        let mut connection = app.connect(None)?;
        let value = value::read(&self.name, self.raw)?;
        let (name, vault) = (self.name, self.vault);
        match connection.propose(name.clone(), vault.clone(), class, &value)? {
            Answer::Done { id } => {
                let object = json!({"id": id, "name": name, "vault": vault, "proposed": true});
                app.out.answer(object, |_| {
                    format!("proposed {name} to {vault}; a human confirms it with 'svault edit svault://{vault}/{name}'\n")
                })?;
                Ok(wire::exit::DONE)
            }
            other => Err(refused(other)),
        }
    }
}
