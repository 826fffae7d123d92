//! Whether a program can be changed by its user: commands are pinned only to programs that can't.

use std::path::Path;

/// Whether nobody but root can change what this absolute path runs: the file, every folder on the way and every
/// link that is followed belong to root and nobody else may write them.
#[must_use]
pub fn is_fixed(path: &Path) -> bool {
    fixed(path)
}

#[cfg(unix)]
fn fixed(path: &Path) -> bool {
    walk(path, 40).unwrap_or(false)
}

#[cfg(not(unix))]
fn fixed(_: &Path) -> bool {
    false
}

/// The longest path, as the kernel takes it.
#[cfg(unix)]
const MOST_BYTES: usize = 4096;
/// Names on the way, those of links too. Each is a look at the disk, for which everybody waits.
#[cfg(unix)]
const MOST_NAMES: u32 = 256;

/// Walks as the kernel does, one name at a time. `None`: something is missing, or goes nowhere, or too far.
#[cfg(unix)]
fn walk(path: &Path, links: u32) -> Option<bool> {
    use std::ffi::OsString;
    use std::os::unix::fs::MetadataExt;
    use std::path::{Component, PathBuf};

    if !path.is_absolute() || path.as_os_str().len() > MOST_BYTES {
        return None;
    }
    let (mut links, mut names) = (links, MOST_NAMES);
    let mut rest: Vec<OsString> = Vec::new();
    let queue = |path: &Path, rest: &mut Vec<OsString>| {
        rest.extend(path.components().rev().map(|c| c.as_os_str().to_owned()));
    };
    queue(path, &mut rest);
    let mut at = PathBuf::from("/");
    while let Some(name) = rest.pop() {
        names = names.checked_sub(1)?;
        match Path::new(&name).components().next()? {
            Component::RootDir | Component::Prefix(_) => at = PathBuf::from("/"),
            Component::CurDir => {}
            Component::ParentDir => drop(at.pop()),
            Component::Normal(name) => at.push(name),
        }
        let meta = std::fs::symlink_metadata(&at).ok()?;
        let writable = if meta.gid() == 0 { 0o002 } else { 0o022 };
        if meta.uid() != 0 || (!meta.is_symlink() && meta.mode() & writable != 0) {
            return Some(false);
        }
        if meta.is_symlink() {
            links = links.checked_sub(1)?;
            queue(&std::fs::read_link(&at).ok()?, &mut rest);
            at.pop();
        }
    }
    Some(std::fs::symlink_metadata(&at).ok()?.is_file())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_system_program_is_fixed_also_through_links() {
        assert!(is_fixed(Path::new("/bin/sh")));
        assert!(is_fixed(Path::new("/usr/../bin/sh")));
    }

    #[test]
    fn a_path_that_goes_round_and_round_is_not_followed_to_its_end() {
        let round = |times| format!("{}/bin/sh", "/usr/..".repeat(times));
        assert!(is_fixed(Path::new(&round(100))));
        for times in [127, 400, 1000] {
            assert!(!is_fixed(Path::new(&round(times))), "{times}");
        }
    }

    #[test]
    fn what_a_user_can_change_is_not() {
        // Below /tmp, which everybody may write: a file of root there can still be replaced by its folder's owner.
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("p");
        std::fs::write(&program, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(!is_fixed(&program));
        let link = dir.path().join("link");
        symlink("/bin/sh", &link).unwrap();
        assert!(!is_fixed(&link));
        let ring = dir.path().join("ring");
        symlink(&ring, &ring).unwrap();
        for bad in [&ring, Path::new("sh"), Path::new("/bin"), Path::new("/no/such"), Path::new("")] {
            assert!(!is_fixed(bad), "{bad:?}");
        }
    }
}
