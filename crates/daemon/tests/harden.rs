//! What the daemon can no longer do, tried in a process of its own.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Command;
use svault_daemon::harden;

/// Not a test: the hardened process.
#[test]
fn hardened() {
    if std::env::var_os("SV_HARDENED").is_none() {
        return;
    }
    let holds = harden::process();
    assert!(holds.iter().all(|p| !p.name.is_empty()));
    assert!(harden::system_calls().holds);
    // What it needs still works.
    assert_eq!(std::thread::spawn(|| 7).join().unwrap(), 7);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(async { tokio::task::spawn_blocking(|| 8).await }).unwrap(), 8);
    UnixStream::pair().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    std::fs::File::open(folder.path().join("file")).unwrap().sync_data().unwrap();
    assert_eq!(std::fs::metadata(folder.path().join("file")).unwrap().permissions().mode() & 0o777, 0o600);
    secret::Bytes::random(100).unwrap();
    // What it must not do doesn't.
    let refused =
        |what: &str, e: std::io::Error| assert_eq!(e.raw_os_error(), Some(libc::EPERM), "{what}: {e}");
    refused("another program", Command::new("/bin/true").status().unwrap_err());
    refused("the network", TcpListener::bind("127.0.0.1:0").unwrap_err());
    refused("datagrams", UdpSocket::bind("127.0.0.1:0").unwrap_err());
    assert!(!secret::set_dumpable(true), "it stays unreadable");
    assert_eq!(rustix::process::chroot("/"), Err(rustix::io::Errno::PERM));
    let parent = rustix::process::getppid().unwrap();
    let parent = rustix::process::pidfd_open(parent, rustix::process::PidfdFlags::empty()).unwrap();
    let theirs = rustix::process::pidfd_getfd(&parent, 0, rustix::process::PidfdGetfdFlags::empty());
    assert_eq!(theirs.unwrap_err(), rustix::io::Errno::PERM);
    // Skips the harness, so that its own word is no proof.
    std::process::exit(77);
}

#[test]
fn the_daemon_can_start_nothing_and_reach_nobody() {
    let me = std::env::current_exe().unwrap();
    let said = Command::new(me)
        .args(["--exact", "hardened", "--nocapture"])
        .env("SV_HARDENED", "1")
        .output()
        .unwrap();
    assert_eq!(said.status.code(), Some(77), "{}", String::from_utf8_lossy(&said.stderr));
}
