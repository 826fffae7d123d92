//! Tampering with a copy of the store: noticed.

use super::caller::Saw;
use super::stage::{Stage, well};
use crate::report::Error;
use std::path::{Path, PathBuf};

/// Changes one bit of the trail, then puts back an older vault file.
pub fn play(stage: &mut Stage) -> Result<(), Error> {
    stage.heading("7. Tampering with a copy is noticed");
    lock(stage)?;
    let old = stage.path("old");
    copy(&stage.store(), &old)?;
    well(&["unlock"], stage.human_in(&stage.store(), &["unlock"], None)?)?;
    let saw = stage.human_gives(&["replace", "DOCS_TOKEN"], "sk-test-docs-2b8e")?;
    stage.show("you", &["replace", "DOCS_TOKEN"], &saw, None);
    lock(stage)?;

    stage.remark("one bit of the trail is changed");
    let copied = stage.path("copy");
    copy(&stage.store(), &copied)?;
    flip_last_bit(&newest(&copied.join("trail"))?)?;
    refused(stage, &copied)?;

    stage.remark("the vault's file is put back as it was before the replacement");
    remove(&copied)?;
    copy(&stage.store(), &copied)?;
    let vault = Path::new("vaults").join("main.svault");
    std::fs::copy(old.join(&vault), copied.join(&vault)).map_err(|e| Error::io("copy", &old, &e))?;
    refused(stage, &copied)?;

    stage.remark("the store itself, untouched, opens");
    let saw = well(&["unlock"], stage.human_in(&stage.store(), &["unlock"], None)?)?;
    stage.show("you", &["unlock"], &saw, None);
    lock(stage)?;
    stage.remark("the daemon has ended, and the folder is removed");
    Ok(())
}

fn lock(stage: &mut Stage) -> Result<(), Error> {
    well(&["lock"], stage.anybody(&stage.store(), &["lock"])?)?;
    Ok(())
}

/// Unlocks the copy: it, or the vault, must stay shut.
fn refused(stage: &mut Stage, store: &Path) -> Result<(), Error> {
    let saw = stage.human_in(store, &["unlock"], None)?;
    let shut = saw.exit != 0 || saw.stderr.contains("stays shut");
    stage.show_for("SVAULT_HOME=demo/copy ", "you", &["unlock"], &saw, None);
    stage.anybody(store, &["lock"])?;
    if shut { Ok(()) } else { Err(not_noticed(&saw)) }
}

fn not_noticed(saw: &Saw) -> Error {
    Error::failed("the tampering was not noticed", saw.text()).hint("please report this: it is a bug")
}

/// Files and folders as they are; no links, as a store has none. Sockets are left out.
fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let cannot = |e| Error::io("copy", from, &e);
    std::fs::create_dir(to).map_err(cannot)?;
    std::fs::set_permissions(to, from.metadata().map_err(cannot)?.permissions()).map_err(cannot)?;
    for entry in std::fs::read_dir(from).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let kind = entry.file_type().map_err(cannot)?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target).map_err(cannot)?;
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<(), Error> {
    std::fs::remove_dir_all(folder).map_err(|e| Error::io("remove", folder, &e))
}

fn newest(folder: &Path) -> Result<PathBuf, Error> {
    let cannot = |e| Error::io("read", folder, &e);
    let files = std::fs::read_dir(folder).map_err(cannot)?.flatten().map(|e| e.path());
    files.filter(|p| p.extension().is_some_and(|e| e == "svault")).max().ok_or_else(crate::app::unexpected)
}

fn flip_last_bit(path: &Path) -> Result<(), Error> {
    let mut bytes = std::fs::read(path).map_err(|e| Error::io("read", path, &e))?;
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    std::fs::write(path, bytes).map_err(|e| Error::io("write", path, &e))
}
