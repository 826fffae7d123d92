//! Who may read and write a file: group, permissions, and the access list where it has one.

use rustix::fs::{Gid, Mode, RawMode, Stat, fchmod, fchown, fstat};
use std::fs::File;
use std::io::Result;

/// Those of a file.
pub struct Rights {
    group: u32,
    mode: RawMode,
    list: List,
}

/// An access list as the kernel writes it; none where there is none, or no such lists.
type List = Option<Vec<u8>>;

impl Rights {
    /// Those of an open file.
    ///
    /// # Errors
    /// Where its list can't be read.
    pub fn of(file: &File, stat: &Stat) -> Result<Self> {
        Ok(Self { group: stat.st_gid, mode: stat.st_mode, list: list_of(file)? })
    }
}

/// Gives them to a new file. Where one of them can't be given, its group gets no rights: with a list the group's bits say
/// how much any name of the list may have at most.
///
/// # Errors
/// Where the file's rights can't be set.
pub fn like(file: &File, old: &Rights) -> Result<()> {
    let mut mode = Mode::from_raw_mode(old.mode);
    let group = Some(Gid::from_raw(old.group));
    let grouped = fstat(file)?.st_gid == old.group || fchown(file, None, group).is_ok();
    if !grouped || !listed(file, &old.list) {
        mode &= !Mode::RWXG;
    }
    Ok(fchmod(file, mode)?)
}

#[cfg(target_os = "linux")]
const ACCESS: &str = "system.posix_acl_access";

#[cfg(target_os = "linux")]
fn list_of(file: &File) -> Result<List> {
    use rustix::io::Errno;
    /// More than a list of five hundred names; the kernel allows 64 KiB.
    const ROOM: usize = 64 << 10;
    let mut list = vec![0; ROOM];
    match rustix::fs::fgetxattr(file, ACCESS, &mut list[..]) {
        Ok(len) => {
            list.truncate(len);
            Ok(Some(list))
        }
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Whether it has this list now, and no other: a folder may give one to each new file.
#[cfg(target_os = "linux")]
fn listed(file: &File, list: &List) -> bool {
    match list {
        Some(list) => rustix::fs::fsetxattr(file, ACCESS, list, rustix::fs::XattrFlags::empty()).is_ok(),
        None => rustix::fs::fremovexattr(file, ACCESS).is_ok() || matches!(list_of(file), Ok(None)),
    }
}

#[cfg(not(target_os = "linux"))]
fn list_of(_: &File) -> Result<List> {
    Ok(None)
}

#[cfg(not(target_os = "linux"))]
fn listed(_: &File, _: &List) -> bool {
    true
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// `u::rw-,u:12345:r--,g::---,m::r--,o::---`, as the kernel writes it.
    fn list() -> Vec<u8> {
        let rows: [(u16, u16, u32); 5] =
            [(1, 6, u32::MAX), (2, 4, 12345), (4, 0, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)];
        let mut list = 2u32.to_le_bytes().to_vec();
        for (tag, may, who) in rows {
            list.extend(tag.to_le_bytes());
            list.extend(may.to_le_bytes());
            list.extend(who.to_le_bytes());
        }
        list
    }

    fn mode(file: &File) -> u32 {
        file.metadata().unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn who_was_on_the_list_is_on_it_and_nobody_else_may_more() {
        let (old, new) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        if rustix::fs::fsetxattr(&old, ACCESS, &list(), rustix::fs::XattrFlags::empty()).is_err() {
            return; // this file system has no lists
        }
        assert_eq!(mode(&old), 0o640, "the mask stands where the group's rights do");
        let rights = Rights::of(&old, &fstat(&old).unwrap()).unwrap();
        like(&new, &rights).unwrap();
        assert_eq!(list_of(&new).unwrap(), Some(list()));
        assert_eq!(mode(&new), 0o640);
        // A list that can't be given: nobody but the owner.
        let broken = Rights { list: Some(vec![1, 2, 3]), ..rights };
        let other = tempfile::tempfile().unwrap();
        like(&other, &broken).unwrap();
        assert_eq!(mode(&other), 0o600);
        // What a folder gave the new file goes where the old one had none.
        let none = Rights { list: None, ..broken };
        like(&new, &none).unwrap();
        assert_eq!((list_of(&new).unwrap(), mode(&new)), (None, 0o640));
    }
}
