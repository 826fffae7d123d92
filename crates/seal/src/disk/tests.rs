//! What the real disk refuses.

use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn refused(path: &Path) {
    for how in [Open::Read, Open::Write] {
        let error = RealDisk.open(path, how).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()));
    }
}

#[test]
fn files_and_folders_are_private_from_the_start() {
    let dir = folder();
    let (sub, path) = (dir.path().join("d"), dir.path().join("d/f"));
    RealDisk.mkdir(&sub).unwrap();
    let file = RealDisk.open(&path, Open::CreateNew).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&sub), mode(&path)), (0o700, 0o600));
    // A folder that was there already is made private.
    fs::set_permissions(&sub, fs::Permissions::from_mode(0o755)).unwrap();
    RealDisk.mkdir(&sub).unwrap();
    assert_eq!(mode(&sub), 0o700);

    file.write_at(b"hello", 3).unwrap();
    let mut buf = [9; 10];
    assert_eq!(file.read_at(&mut buf, 0).unwrap(), 8);
    assert_eq!(&buf[..8], b"\0\0\0hello");
    assert!(file.read_exact_at(&mut buf, 0).is_err());
    file.set_len(4).unwrap();
    file.sync_data().unwrap();
    file.sync_all().unwrap();
    RealDisk.sync_dir(&sub).unwrap();
    assert_eq!(RealDisk.stat(&path).unwrap(), Some(Stat { len: 4 }));
    assert!(RealDisk.open(&path, Open::CreateNew).is_err());
    assert!(RealDisk.open(&path, Open::Read).unwrap().write_at(b"x", 0).is_err());

    RealDisk.rename(&path, &sub.join("g")).unwrap();
    assert_eq!(RealDisk.list(&sub).unwrap(), ["g"]);
    RealDisk.remove(&sub.join("g")).unwrap();
    assert_eq!(RealDisk.stat(&path).unwrap(), None);
    assert_eq!(RealDisk.remove(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_link_is_not_followed() {
    let dir = folder();
    let (path, other) = (dir.path().join("link"), dir.path().join("other"));
    fs::write(&other, "x").unwrap();
    symlink(&other, &path).unwrap();
    refused(&path);
    assert!(RealDisk.open(&path, Open::CreateNew).is_err());
    assert!(RealDisk.stat(&path).is_err());
    // Also not when it leads nowhere: creating through it would make a file elsewhere.
    fs::remove_file(&other).unwrap();
    assert!(RealDisk.open(&path, Open::CreateNew).is_err());
    assert!(!other.exists());
    let sub = dir.path().join("sub");
    symlink("/tmp", &sub).unwrap();
    assert!(RealDisk.mkdir(&sub).is_err());
    assert!(RealDisk.sync_dir(&sub).is_err());
}

#[test]
fn what_is_no_file_of_ours_alone_is_refused() {
    let dir = folder();
    let path = dir.path().join("f");
    fs::write(&path, "x").unwrap();
    fs::hard_link(&path, dir.path().join("second")).unwrap();
    refused(&path);
    refused(Path::new("/dev/null"));

    // A fifo with the file's name must neither hang nor be read.
    let fifo = dir.path().join("fifo");
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, kind, rustix::fs::Mode::RWXU, 0).unwrap();
    refused(&fifo);

    if rustix::process::geteuid().is_root() {
        let theirs = dir.path().join("theirs");
        fs::write(&theirs, "x").unwrap();
        chown(&theirs, Some(65_534), None).unwrap();
        refused(&theirs);
        let sub = dir.path().join("sub");
        fs::create_dir(&sub).unwrap();
        chown(&sub, Some(65_534), None).unwrap();
        assert!(RealDisk.mkdir(&sub).is_err());
    }
}

#[test]
fn an_open_file_knows_whether_a_path_names_it() {
    let dir = folder();
    let (path, other) = (dir.path().join("f"), dir.path().join("g"));
    fs::write(&path, "x").unwrap();
    let file = RealDisk.open(&path, Open::Write).unwrap();
    assert!(file.is_at(&path) && !file.is_at(&other));
    fs::rename(&path, &other).unwrap();
    assert!(!file.is_at(&path) && file.is_at(&other));
    // The same bytes under its name are not it, and neither is a link that leads to it.
    fs::write(&path, "x").unwrap();
    assert!(!file.is_at(&path));
    fs::remove_file(&path).unwrap();
    symlink(&other, &path).unwrap();
    assert!(!file.is_at(&path));
    fs::rename(&other, &path).unwrap();
    assert!(file.is_at(&path));
}
