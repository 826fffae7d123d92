//! Where things are, and what is refused.

use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

fn env(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<OsString> {
    move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v))
}

fn folder(mode: u32) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    dir
}

#[test]
fn the_store_folder_follows_the_environment() {
    let home = || Some(PathBuf::from("/home/u"));
    let dir = |pairs, home| store_dir_from(env(pairs), home);
    assert_eq!(dir(&[], home()).unwrap(), Path::new("/home/u/.local/share/svault"));
    assert_eq!(dir(&[("XDG_DATA_HOME", "/d")], home()).unwrap(), Path::new("/d/svault"));
    assert_eq!(dir(&[("XDG_DATA_HOME", "d")], home()).unwrap(), Path::new("/home/u/.local/share/svault"));
    assert_eq!(dir(&[("SVAULT_HOME", "/s"), ("XDG_DATA_HOME", "/d")], home()).unwrap(), Path::new("/s"));
    assert_eq!(dir(&[("SVAULT_HOME", "")], home()).unwrap(), Path::new("/home/u/.local/share/svault"));
    assert!(matches!(dir(&[("SVAULT_HOME", "s")], home()), Err(Error::Relative(_))));
    assert!(matches!(dir(&[], None), Err(Error::NoHome)));
    // A runtime folder named by the environment is never asked.
    assert!(matches!(dir(&[("XDG_RUNTIME_DIR", "/r")], None), Err(Error::NoHome)));
}

#[test]
fn a_folder_must_be_there_ours_and_closed() {
    let dir = folder(0o700);
    let store = StoreDir::open(dir.path()).unwrap();
    assert_eq!(store.id().len(), 16);
    assert!(matches!(StoreDir::open(&dir.path().join("x")), Err(Error::Missing(_))));
    for mode in [0o750, 0o701, 0o770, 0o707, 0o777, 0o1777] {
        let open = folder(mode);
        assert!(matches!(StoreDir::open(open.path()), Err(Error::Open { .. })), "{mode:o}");
    }
    let of_the_system = StoreDir::open(Path::new("/usr"));
    if rustix::process::geteuid().is_root() {
        assert!(matches!(of_the_system, Err(Error::Open { .. })));
    } else {
        assert!(matches!(of_the_system, Err(Error::NotOurs(_))));
    }
    std::fs::write(dir.path().join("file"), b"").unwrap();
    assert!(matches!(StoreDir::open(&dir.path().join("file")), Err(Error::Not { .. })));
}

#[test]
fn a_store_behind_a_link_is_the_same_store() {
    let dir = folder(0o700);
    let real = StoreDir::create(&dir.path().join("a/b")).unwrap();
    assert_eq!(std::fs::metadata(dir.path().join("a")).unwrap().permissions().mode() & 0o7777, 0o700);
    symlink(dir.path().join("a/b"), dir.path().join("link")).unwrap();
    assert_eq!(StoreDir::open(&dir.path().join("link")).unwrap(), real);
}

#[test]
fn sockets_in_open_folders_and_things_that_are_none_are_refused() {
    let dir = folder(0o700);
    let store = StoreDir::open(dir.path()).unwrap();
    let socket = store.socket(store.state());
    assert!(!socket.check().unwrap(), "no folder yet");
    os::make_folder(&store.state()).unwrap();
    assert!(!socket.check().unwrap(), "no socket yet");
    std::fs::write(socket.path(), b"").unwrap();
    assert!(matches!(socket.check(), Err(Error::Not { .. })), "a file");
    std::fs::remove_file(socket.path()).unwrap();
    let _listener = UnixListener::bind(dir.path().join("other")).unwrap();
    symlink(dir.path().join("other"), socket.path()).unwrap();
    assert!(matches!(socket.check(), Err(Error::Not { .. })), "a link to a socket");
    std::fs::remove_file(socket.path()).unwrap();
    let _listener = UnixListener::bind(socket.path()).unwrap();
    assert!(socket.check().unwrap());
    std::fs::set_permissions(store.state(), std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(socket.check(), Err(Error::Open { .. })));
    std::fs::remove_file(socket.path()).unwrap();
    std::fs::remove_dir(store.state()).unwrap();
    symlink(dir.path(), store.state()).unwrap();
    assert!(matches!(socket.check(), Err(Error::Not { .. })), "a link to a folder");
}

#[test]
#[cfg(target_os = "linux")]
fn a_path_too_long_for_an_address_goes_through_its_folder() {
    let dir = folder(0o700);
    let store = StoreDir::create(&dir.path().join("x".repeat(120))).unwrap();
    let socket = store.listen_at().unwrap();
    let socket =
        if socket.path().starts_with(store.real()) { socket } else { store.socket(store.real().into()) };
    let listener = socket.with_address(|at| UnixListener::bind(at)).unwrap();
    assert!(socket.check().unwrap());
    let client = socket.with_address(|at| std::os::unix::net::UnixStream::connect(at));
    assert!(client.is_ok());
    assert!(listener.accept().is_ok());
}
