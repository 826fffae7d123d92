//! What the daemon says when it can't open: the stable word, the exit code and what to do, for each error below it.

use super::Refusal;
use wire::{Failure, RollbackFile, exit};

/// An error of the sealed file.
#[must_use]
pub fn of_seal(e: &seal::Error) -> Failure {
    named(seal_name(e), wire::one_line(e))
}

/// As [`seal::Error::name`], with the refusals of the operating system that a human can mend.
fn seal_name(e: &seal::Error) -> &'static str {
    match e {
        seal::Error::Io { source, .. } => match source.kind() {
            // Ours, and not the system's: the file is of a kind that svault does not open.
            std::io::ErrorKind::PermissionDenied if source.raw_os_error().is_none() => "Refused",
            std::io::ErrorKind::PermissionDenied => "Denied",
            std::io::ErrorKind::NotADirectory => "Link",
            std::io::ErrorKind::ReadOnlyFilesystem => "ReadOnly",
            _ if source.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => "Link",
            _ => "Io",
        },
        e => e.name(),
    }
}

/// An error of the trail.
#[must_use]
pub fn of_audit(e: audit::Error) -> Refusal {
    let failure = named(audit_name(&e), wire::one_line(&e));
    let files = match e {
        audit::Error::Refused { files, .. } => {
            files.into_iter().map(|f| row(f.path, f.state.as_str(), f.detail)).collect()
        }
        _ => Vec::new(),
    };
    Refusal { files, store: None, failure }
}

/// An error of the store.
#[must_use]
pub fn of_vault(e: vault::Error) -> Refusal {
    let failure = named(vault_name(&e), wire::one_line(&e));
    match e {
        vault::Error::Refused { files, seen, .. } => {
            Refusal { files: rows(files), store: Some(Box::new(seen)), failure }
        }
        _ => failure.into(),
    }
}

/// Files that are not what they were, as they go over the wire.
#[must_use]
pub fn rows(files: Vec<vault::FileState>) -> Vec<RollbackFile> {
    files.into_iter().map(|f| row(f.path, f.state.as_str(), f.detail)).collect()
}

fn row(path: String, state: &str, detail: String) -> RollbackFile {
    RollbackFile { path, state: state.to_owned(), detail }
}

/// The stable name of an error of the store.
#[must_use]
pub fn vault_name(e: &vault::Error) -> &'static str {
    match e {
        vault::Error::Seal(e) => seal_name(e),
        vault::Error::Refused { source, .. } => vault_name(source),
        e => e.name(),
    }
}

fn audit_name(e: &audit::Error) -> &'static str {
    match e {
        // Its key is a record of the store, and that is open: it isn't the passphrase that is wrong.
        audit::Error::Seal(seal::Error::WrongKey { .. }) => "Altered",
        audit::Error::Seal(e) => seal_name(e),
        audit::Error::Refused { source, .. } => audit_name(source),
        e => e.name(),
    }
}

/// A failure by the stable name that the crates below give their errors.
#[must_use]
pub fn named(name: &str, message: impl Into<String>) -> Failure {
    const ROLLBACK: &str = "'svault unlock --accept-rollback' shows what it would go back to, and asks";
    const BACKUP: &str = "restore this file from a backup";
    let (code, exit, hint) = match name {
        "BadMagic" => ("bad_magic", exit::DAMAGED, BACKUP),
        "Version" => (
            "version",
            exit::DAMAGED,
            "a newer svault may have written it; if none did, restore this file from a backup",
        ),
        "Bounds" => ("bounds", exit::DAMAGED, BACKUP),
        "Kdf" => ("kdf_bounds", exit::DAMAGED, BACKUP),
        "Slot" | "Slots" => ("slot", exit::DAMAGED, BACKUP),
        "HeaderMac" => ("header_mac", exit::DAMAGED, BACKUP),
        "Damaged" => ("damaged", exit::DAMAGED, BACKUP),
        "Record" => ("record", exit::DAMAGED, BACKUP),
        "RolledBack" | "StoreBehind" | "Unknown" | "NotAsShown" => ("rolled_back", exit::DAMAGED, ROLLBACK),
        "Beside" | "Order" | "NoneOpen" => ("beside", exit::DAMAGED, ROLLBACK),
        "Missing" => ("missing", exit::DAMAGED, ROLLBACK),
        "Heads" | "NoHeads" => ("heads", exit::DAMAGED, ROLLBACK),
        "WrongKey" => ("wrong_passphrase", exit::FAILED, "the passphrase is the one that was set last"),
        "NoStore" => {
            ("no_store", exit::LOCKED, "run 'svault init', or set SVAULT_HOME to the store's folder")
        }
        "StoreExists" => {
            ("exists", exit::FAILED, "unlock it with 'svault unlock', or set SVAULT_HOME to another folder")
        }
        "Leftovers" => {
            ("leftovers", exit::FAILED, "restore store.svault from a backup, or move the other files away")
        }
        "Full" => ("disk_full", exit::FAILED, "free some disk space and try again"),
        "InUse" => ("in_use", exit::FAILED, "wait for the other process, or end it"),
        "Memory" => ("no_locked_memory", exit::FAILED, "raise 'ulimit -l', or unlock with --weak-memory"),
        "Denied" => {
            ("no_permission", exit::FAILED, "run svault as the store's owner; 'svault doctor' shows more")
        }
        "Link" => ("link", exit::FAILED, "svault follows no links: put the file or folder itself there"),
        "Refused" => (
            "not_a_file",
            exit::FAILED,
            "svault follows no links and opens no file with a second name: put the file or folder itself there",
        ),
        "VaultExists" => ("exists", exit::FAILED, "choose another name"),
        "VaultShut" => ("vault_shut", exit::DAMAGED, ROLLBACK),
        "TooBig" => ("too_big", exit::FAILED, "keep what is bigger elsewhere, and its key here"),
        "Altered" => ("altered", exit::DAMAGED, BACKUP),
        "ReadOnly" => {
            ("read_only", exit::FAILED, "the store's disk must be writable: every use is recorded first")
        }
        "Poisoned" | "Overfull" => ("disk", exit::FAILED, "check the disk, then lock and unlock again"),
        _ => ("failed", exit::FAILED, "'svault doctor' shows what this machine lacks"),
    };
    Failure::new(code, exit, message).hint(hint)
}

/// A folder or socket that is not to be trusted.
#[must_use]
pub fn of_path(e: wire::paths::Error) -> Failure {
    let name = match e {
        wire::paths::Error::Missing(_) => "NoStore",
        wire::paths::Error::Not { .. } => "Refused",
        _ => "Denied",
    };
    named(name, e.to_string())
}

/// A failure of the operating system about a path.
#[must_use]
pub fn of_io(path: &std::path::Path, doing: &'static str, e: std::io::Error) -> Failure {
    of_seal(&seal::Error::io(path, doing, e))
}
