//! Opens or makes the store with the keys that were handed over.

use super::handover::{Handed, Task};
use super::{Life, Opened, Refusal, failure};
use crate::peer::Watch;
use std::rc::Rc;
use std::sync::Arc;
use vault::{OpenReport, Settings, Store};
use wire::Rollback;
use wire::paths::StoreDir;

/// The open store. The keys are gone when this returns.
///
/// # Errors
/// [`Refusal`].
pub fn store(
    handed: Handed,
    dir: StoreDir,
    disk: Arc<dyn seal::Disk>,
    watch: Arc<Watch>,
    life: Rc<Life>,
) -> Result<Opened, Refusal> {
    let now = jiff::Timestamp::now();
    let weak_memory = handed.weak_memory && !secret::memory().locked;
    let (store, report, created, rollback) = match handed.task {
        Task::Open { slot, keys, rollback } => {
            let how = match &rollback {
                Rollback::Refuse | Rollback::Show => vault::Rollback::Refuse,
                Rollback::Accept { vaults, seen } if vaults.is_empty() => {
                    vault::Rollback::AcceptAll(seen.store.0)
                }
                Rollback::Accept { vaults, seen } => vault::Rollback::Accept(vaults.clone(), seen.store.0),
            };
            let (store, report) = Store::open(Arc::clone(&disk), dir.real(), &slot, &keys, &how, now)
                .map_err(failure::of_vault)?;
            (store, report, false, rollback)
        }
        Task::Create { file_id, slots, zone } => {
            let settings = Settings { zone, notify: None, other: serde_json::Map::new() };
            let policy = policy::default_toml();
            let store = Store::create(Arc::clone(&disk), dir.real(), file_id, &slots, &settings, policy, now)
                .map_err(failure::of_vault)?;
            (store, OpenReport::default(), true, Rollback::Refuse)
        }
    };
    Ok(Opened { store, report, created, rollback, starter: None, weak_memory, dir, disk, watch, life })
}
