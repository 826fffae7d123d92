//! What the store's folder looks like from outside: owners, modes, slots, files set aside, room.

use super::Check;
use crate::output::command_line;
use client::StoreHeader;
use client::paths::{self, StoreDir};
use std::path::{Path, PathBuf};

/// Less room than this on the disk is worth a word.
const ROOM: u64 = 64 * 1024 * 1024;

pub(super) fn checks() -> Vec<Check> {
    let folder = "store folder";
    let dir = match paths::store_dir() {
        Ok(dir) => dir,
        Err(e) => return vec![Check::broken(folder, e.to_string(), "set HOME or SVAULT_HOME")],
    };
    let store = match StoreDir::open(&dir) {
        Ok(store) => store,
        Err(paths::Error::Missing(_)) => {
            return vec![Check::ok(folder, format!("none yet at {}", dir.display()))];
        }
        Err(e) => {
            return vec![Check::broken(folder, e.to_string(), folder_fix(&e, &dir))];
        }
    };
    if !store.file().exists() {
        return vec![Check::ok(folder, format!("{}, no store in it yet", store.real().display()))];
    }
    let mut all = vec![Check::ok(folder, format!("{}, yours alone", store.real().display()))];
    let files = files(store.real());
    all.push(present(store.real(), &files));
    all.push(modes(&files));
    all.push(slots(&store));
    all.push(aside(&files));
    all.extend(policy_left(&store));
    all.push(socket(&store));
    all.extend(room(store.real()));
    all
}

/// What mends a store's folder that is not taken.
fn folder_fix(e: &paths::Error, dir: &Path) -> String {
    match e {
        paths::Error::Open { .. } => fix(dir, |dir| format!("chmod 700 {dir}")),
        paths::Error::NotOurs(_) => {
            fix(dir, |dir| format!("run svault as its owner, or: sudo chown -R \"$USER\" {dir}"))
        }
        paths::Error::Not { .. } => "move it away, or set SVAULT_HOME to another folder".into(),
        _ => fix(dir, |dir| format!("see why with: ls -ld {dir}; or set SVAULT_HOME to another folder")),
    }
}

/// Every file of the store, without following links.
fn files(top: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in [top.to_owned(), top.join("vaults"), top.join("trail"), top.join("state")] {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        found.extend(entries.flatten().map(|e| e.path()));
    }
    found.sort();
    found
}

/// What every store has, whatever is in it. Which vaults and which files of the trail there must be, the store alone knows,
/// with its key: unlocking says that.
fn present(store: &Path, files: &[PathBuf]) -> Check {
    let name = "store's parts";
    let empty = |path: &Path| path.metadata().is_ok_and(|meta| meta.len() == 0);
    let sealed = |path: &&PathBuf| path.extension().is_some_and(|e| e == "svault");
    let fix =
        "put it back from a backup; 'svault unlock' names all that is not as it was, and what can be done";
    let heads = store.join("state").join("heads");
    if !files.contains(&heads) || empty(&heads) {
        return Check::broken(name, format!("{} is missing or empty", heads.display()), fix);
    }
    let trail = store.join("trail");
    let segments = files.iter().filter(|p| p.parent() == Some(&trail)).filter(sealed).count();
    if segments == 0 {
        return Check::broken(name, format!("no file of the trail is in {}", trail.display()), fix);
    }
    if let Some(path) = files.iter().filter(sealed).find(|path| empty(path)) {
        return Check::broken(name, format!("{} is empty", path.display()), fix);
    }
    let vaults = files.iter().filter(|p| p.parent() == Some(&store.join("vaults"))).filter(sealed).count();
    Check::ok(name, format!("vaults: {vaults}, files of the trail: {segments}"))
}

#[cfg(unix)]
fn modes(files: &[PathBuf]) -> Check {
    use std::os::unix::fs::MetadataExt;
    let name = "store files";
    for path in files {
        let Ok(meta) = path.symlink_metadata() else { continue };
        let shown = path.display();
        if meta.is_symlink() {
            return Check::broken(name, format!("{shown} is a link"), "put the file itself there");
        }
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return Check::broken(
                name,
                format!("{shown} belongs to another user"),
                fix(path, |file| format!("chown it: sudo chown $USER {file}")),
            );
        }
        if meta.mode() & 0o077 != 0 {
            return Check::broken(
                name,
                format!("{shown} can be read by others"),
                fix(path, |file| format!("chmod go-rwx {file}")),
            );
        }
        if meta.is_file() && meta.nlink() > 1 {
            return Check::broken(
                name,
                format!("{shown} has a second name"),
                fix(path, |file| {
                    format!("with the store locked: cp -p {file} {file}.new && mv {file}.new {file}")
                }),
            );
        }
    }
    Check::ok(name, format!("{} files and folders, yours alone", files.len()))
}

/// A command about a file, as it can be pasted into a shell: who may write here may also choose a name that does something
/// there.
fn fix(path: &Path, command: impl Fn(&str) -> String) -> String {
    command(&command_line(&[path.to_string_lossy().into_owned()]))
}

#[cfg(not(unix))]
fn modes(files: &[PathBuf]) -> Check {
    Check::ok("store files", format!("{} files and folders", files.len()))
}

fn slots(store: &StoreDir) -> Check {
    let name = "ways to open";
    let header = match StoreHeader::read(store) {
        Ok(header) => header,
        Err(e) => {
            return Check::broken(
                name,
                e.to_string(),
                format!("put {} back from a backup, then svault unlock", store.file().display()),
            );
        }
    };
    let shown: Vec<String> = header.slots().map(crate::card::factors).collect();
    let cheap = header
        .slots()
        .filter_map(seal::SlotSpec::passphrase)
        .any(|c| c.m_kib < seal::KdfParams::DEFAULT.m_kib);
    if cheap {
        return Check::weak(
            name,
            format!("{}: cheap to guess", shown.join(", ")),
            "svault passphrase change",
        );
    }
    Check::ok(name, shown.join(", "))
}

fn aside(files: &[PathBuf]) -> Check {
    let name = "files set aside";
    let found: Vec<String> = files
        .iter()
        .filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().contains(".aside-")))
        .map(|p| p.display().to_string())
        .collect();
    if found.is_empty() {
        return Check::ok(name, "none");
    }
    let fix = "they hold what followed the last good byte after a crash; remove them when nothing is missing";
    Check::weak(name, found.join(", "), fix)
}

/// What a `policy edit` left that was killed.
fn policy_left(store: &StoreDir) -> Option<Check> {
    let left = crate::editing::left(store);
    let shown: Vec<String> = left.iter().map(|path| path.display().to_string()).collect();
    let detail = format!("a killed 'policy edit' left it in the clear: {}", shown.join(", "));
    let fix = "svault lock, or svault unlock, removes it";
    (!shown.is_empty()).then(|| Check::weak("policy", detail, fix))
}

fn socket(store: &StoreDir) -> Check {
    let name = "socket";
    for socket in store.sockets() {
        match socket.check() {
            Ok(true) => return Check::ok(name, socket.path().display().to_string()),
            Ok(false) => {}
            Err(e) => {
                let fix = "remove what is there; the daemon makes its own with mode 0700";
                return Check::broken(name, e.to_string(), fix);
            }
        }
    }
    Check::ok(name, "none, as nothing listens")
}

#[cfg(unix)]
fn room(at: &Path) -> Option<Check> {
    let name = "room on the disk";
    let stat = rustix::fs::statvfs(at).ok()?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if free < ROOM {
        let detail = format!(
            "{} MiB: without room nothing can be recorded, so nothing is released",
            free / 1024 / 1024
        );
        return Some(Check::weak(name, detail, format!("free some space on the disk of {}", at.display())));
    }
    Some(Check::ok(name, format!("{} MiB", free / 1024 / 1024)))
}

#[cfg(not(unix))]
fn room(_: &Path) -> Option<Check> {
    let _ = ROOM;
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_command_is_one_word_of_a_shell() {
        let fixed = |name: &str| fix(Path::new(name), |file| format!("chmod 700 {file}"));
        assert_eq!(fixed("/home/me/store"), "chmod 700 /home/me/store");
        for name in ["/s/x;echo ran|sh", "/s/a'$(echo ran)'b", "/s/two words", "/s/`echo ran`", "/s/a'b"] {
            let line = fixed(name).replacen("chmod 700", "printf %s", 1);
            let said = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&said.stdout), name, "{line}");
        }
        assert!(!fixed("/s/a\nrm b").contains('\n'));
    }
}
