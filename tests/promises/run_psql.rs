//! `psql` under `svault run`, on a terminal, with a real server that wants the password.

use crate::run_terminal::{VALUE, house};
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use svault_tests::need;
use svault_tests::sandbox::Sandbox;
use svault_tests::scratch::Scratch;
use svault_tests::terminal::{MARK, Terminal};

/// A server of PostgreSQL that listens in a folder alone; its user `app` has the value as password.
struct Server {
    child: Child,
    folder: Scratch,
}

impl Server {
    fn start(sandbox: &Sandbox) -> Self {
        let folder = Scratch::new(user());
        let path = folder.path();
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("permissions");
        std::fs::write(path.join("password"), VALUE).expect("write");
        let made = ["-D", "data", "-U", "app", "--auth=scram-sha-256", "--pwfile=password", "--no-sync"];
        let made = program("initdb", path).args(made).output().expect("initdb");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let args = ["-D", "data", "-c", "listen_addresses=", "-c", "fsync=off", "-k"];
        let child = program("postgres", path).args(args).arg(path).spawn().expect("postgres");
        let server = Self { child, folder };
        sandbox.wait_for("the server", || server.folder.path().join(".s.PGSQL.5432").exists());
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = pid.map(|pid| kill_process(pid, Signal::INT));
        let _ = self.child.wait();
    }
}

/// The server refuses to be root, and to be somebody without a name.
fn user() -> u32 {
    const NOBODY: u32 = 65_534;
    let me = rustix::process::geteuid();
    if me.is_root() { NOBODY } else { me.as_raw() }
}

fn program(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(need::postgres().expect("a server").join(name));
    command.current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if rustix::process::geteuid().is_root() {
        command.uid(user()).gid(user());
    }
    command
}

#[test]
fn a_database_client_logs_in_shows_masks_and_is_interrupted() {
    need!(Linux, Script, Postgres);
    let sandbox = house();
    let server = Server::start(&sandbox);
    let client = format!("psql -X -h '{}' -U app postgres", server.folder.path().display());
    let plain = sandbox.shell(&format!("{client} -w -c 'select 1'")).run();
    assert!(plain.code != 0 && plain.err.contains("no password supplied"), "{}", plain.all());

    let mut shell = Terminal::shell(&sandbox);
    shell.runs("stty rows 40 cols 120");
    shell.types(&format!("svault run --env PGPASSWORD=svault://main/KEY -- {client}{MARK}"));
    shell.types_passphrase();
    shell.waits_for("postgres=# ");
    shell.types("\\getenv key PGPASSWORD\n");
    shell.types("select 'raw ' || :'key';\n");
    shell.waits_for("raw [svault:KEY]");
    shell.types("select encode(:'key', 'base64') || ' is ba' || 'se64';\n");
    shell.waits_for("[svault:KEY] is base64");
    shell.types("select 'hex ' || encode(:'key', 'hex');\n");
    shell.waits_for("hex [svault:KEY]");
    // A page of it, and back.
    shell.types("\\setenv PAGER 'less -P @prompt@'\n");
    shell.types("select n, :'key' from generate_series(1, 200) n;\n");
    shell.waits_for("[svault:KEY]");
    shell.waits_for("@prompt@");
    shell.types("q");
    shell.waits_for("postgres=# ");
    shell.types("\\pset pager off\n");
    shell.waits_for("postgres=# ");
    // The key reaches the client, which asks the server to stop, and goes on.
    shell.types("select 'it ' || 'waits'; select pg_sleep(60);\n");
    shell.waits_for("it waits");
    std::thread::sleep(std::time::Duration::from_millis(300));
    shell.types("\u{3}");
    shell.waits_for("canceling statement due to user request");
    shell.types("\\q\n");
    shell.waits_for("=0=");
    assert!(!shell.seen().contains(VALUE), "{}", shell.seen());
}
