//! `svault import FILE.env`.

use crate::app::App;
use crate::args::Proof;
use crate::report::Outcome;
use clap::Args;
use std::path::PathBuf;
use words::{Scope, Tier, VaultName};

#[cfg(unix)]
mod forward;
#[cfg(unix)]
mod undo;

/// Bring the secrets of a .env file into a vault
///
/// Reads the file as the common loaders do; nothing in it is run. Settings such as PORT or LOG_LEVEL stay in it. Shows
/// what goes where, never a value, and asks; a passphrase by --passphrase-fd is a yes too. All or nothing. With --replace the file keeps references in place of the
/// values, its old text goes into the vault as a backup, and programs are started with 'svault run' from then on.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  svault import .env --dry-run\n  svault import .env --replace\n  svault import --undo .env\n  svault import --undo .env --dry-run"
)]
pub struct Import {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Put references into the file, and its old text into the vault
    #[arg(long)]
    replace: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Give names that exist with another value a new version
    #[arg(long)]
    update: bool,
    /// Bring the file back as it was before --replace, byte for byte; with --dry-run: show the backups there are
    #[arg(long, conflicts_with_all = ["replace", "update", "scope", "tier"])]
    undo: bool,
    /// With --undo: the backup of this date, as --undo --dry-run shows it [default: the newest]
    #[arg(long, value_name = "DATE", requires = "undo")]
    backup: Option<String>,
    /// With --undo: also where the file was changed since
    #[arg(long, requires = "undo")]
    force: bool,
    /// Ask nothing; presence is proved all the same
    #[arg(long)]
    yes: bool,
    /// The vault
    #[arg(long, default_value = "main")]
    vault: VaultName,
    /// The scope of all, instead of what their names say
    #[arg(long)]
    scope: Option<Scope>,
    /// The tier of all, instead of what their names say
    #[arg(long)]
    tier: Option<Tier>,
    #[command(flatten)]
    proof: Proof,
}

impl Import {
    /// Runs it.
    #[cfg(unix)]
    pub fn run(self, app: &App) -> Outcome {
        if self.undo { undo::run(&self, app) } else { forward::run(&self, app) }
    }

    /// The command that brings the file back.
    #[cfg(unix)]
    fn way_back(&self) -> String {
        let vault = match self.vault.as_str() {
            "main" => String::new(),
            other => format!(" --vault {other}"),
        };
        let file = crate::output::command_line(&[self.file.display().to_string()]);
        format!("svault import --undo {file}{vault}")
    }

    /// Files are held open by their folder, which is a thing of Unix.
    #[cfg(not(unix))]
    pub fn run(self, _: &App) -> Outcome {
        Err(crate::report::Error::usage("import works on Linux and macOS only")
            .hint("svault add NAME < FILE"))
    }
}
