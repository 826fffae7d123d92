//! `svault init`.

use super::unlock::bell;
use crate::app::App;
use crate::new_keys::{self, CodeTo, NewKeys};
use crate::report::{Error, Outcome};
use clap::Args;
use client::paths::{self, StoreDir};
use client::{How, NewStore, Unlocked};
use seal::{FileId, OsRandom};
use serde_json::json;
use words::Door;

/// Make a store and a first vault, and leave it unlocked
///
/// Asks for a passphrase twice, measures this machine, and shows a recovery code once.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault init")]
pub struct Init {
    /// The store's time zone, for rules with hours [default: this machine's]
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Read the new passphrase from this open file descriptor, to the first newline
    #[arg(long, value_name = "N", display_order = 800)]
    passphrase_fd: Option<i32>,
    /// Write the recovery code to this open file descriptor instead of the screen
    #[arg(long, value_name = "N", display_order = 801)]
    recovery_out_fd: Option<i32>,
}

impl Init {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let dir = paths::store_dir().map_err(client::Error::from)?;
        if dir.join("store.svault").exists() {
            return Err(client::Error::Exists(dir).into());
        }
        client::may_type()?;
        // Whatever the shell's mask is, the store's folders are for their owner to use.
        #[cfg(unix)]
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
        let zone = zone(self.zone.as_deref())?;
        let code_to = CodeTo::of(self.recovery_out_fd)?;
        // Where it can't be made nothing is asked for.
        let new = !dir.exists();
        let store = StoreDir::create(&dir).map_err(client::Error::from)?;
        let passphrase = new_keys::passphrase("--passphrase-fd", self.passphrase_fd, "New passphrase: ")
            .inspect_err(|_| {
                if new {
                    drop(std::fs::remove_dir(store.real()));
                }
            })?;
        let params = new_keys::calibrate(&app.out)?;
        let file_id = FileId::random(&mut OsRandom)?;
        let keys = NewKeys::make(file_id, 1, params, &passphrase)?;
        drop(passphrase);
        let how =
            How { weak_memory: secret::is_weak(), bell: bell(), door: Some(Door::Cli), ..How::default() };
        let made = client::init(&store, NewStore { file_id, slots: keys.slots, zone: zone.clone() }, &how)?;
        code_to.show(&keys.code)?;
        let Unlocked::Now { report, .. } = made else { return Err(crate::app::unexpected()) };
        for note in &report.notes {
            app.out.note(&format!("note: {note}"));
        }
        let place = store.real().display().to_string();
        app.out.answer(
            json!({"store": place, "zone": zone, "vaults": report.vaults, "pid": report.pid}),
            |_| {
                format!(
                    "made a store in {}, with the vault main; it is unlocked\n\nNext:\n{NEXT}",
                    crate::output::shown(&place)
                )
            },
        )?;
        Ok(wire::exit::DONE)
    }
}

/// What most people do first.
const NEXT: &str =
    "  svault import .env --replace          the secrets of a .env file, which keeps references
  svault add DB_URL --scope database    one secret
  svault install                        the agents on this machine
  svault doctor                         whether all is as it should be
";

fn zone(named: Option<&str>) -> Result<String, Error> {
    let Some(name) = named else {
        return Ok(jiff::tz::TimeZone::system().iana_name().unwrap_or("UTC").to_owned());
    };
    match jiff::tz::TimeZone::get(name) {
        Ok(zone) => Ok(zone.iana_name().unwrap_or("UTC").to_owned()),
        Err(_) => Err(Error::usage(format!("'{}' is no time zone", crate::output::foreign(name, 60)))
            .hint("use an IANA name such as Europe/Berlin")),
    }
}
