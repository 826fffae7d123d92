//! `psql` under `svault run`, on a terminal, with a real server that wants the password.

use crate::run_terminal::{VALUE, house, says_yes};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use svault_tests::command::Running;
use svault_tests::need;
use svault_tests::sandbox::Sandbox;
use svault_tests::terminal::Terminal;

/// A server of PostgreSQL that listens in a folder alone; its user `app` has the value as password.
struct Server {
    running: Option<Running>,
    folder: PathBuf,
}

impl Server {
    fn start(sandbox: &Sandbox) -> Self {
        let bin = need::postgres().expect("a server");
        let program = |name: &str, args: &[&str]| {
            let path = bin.join(name);
            sandbox.program(path.to_str().expect("path"), args)
        };
        let folder = sandbox.home();
        let password = folder.join("password");
        std::fs::write(&password, VALUE).expect("write");
        let made = ["-D", "data", "-U", "app", "--auth=scram-sha-256", "--pwfile=password", "--no-sync"];
        let _ = program("initdb", &made).run().ok();
        std::fs::remove_file(&password).expect("removed");
        let socket = folder.to_str().expect("path");
        let args = ["-D", "data", "-k", socket, "-c", "listen_addresses=", "-c", "fsync=off"];
        let running = Some(program("postgres", &args).spawn());
        let server = Self { running, folder: folder.clone() };
        sandbox.wait_for("the server", || server.folder.join(".s.PGSQL.5432").exists());
        server
    }

    fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            let _ = Pid::from_raw(running.pid()).map(|pid| kill_process(pid, Signal::INT));
            let _ = running.end();
        }
    }
}

#[test]
fn a_database_client_logs_in_shows_masks_and_is_interrupted() {
    need!(Linux, Script, Postgres);
    let sandbox = house();
    let server = Server::start(&sandbox);
    let client = format!("psql -X -h '{}' -U app postgres", server.folder().display());
    let plain = sandbox.shell(&format!("{client} -w -c 'select 1'")).run();
    assert!(plain.code != 0 && plain.err.contains("no password supplied"), "{}", plain.all());

    let mut shell = Terminal::shell(&sandbox);
    let _ = says_yes(&mut shell, &format!("svault run --env PGPASSWORD=svault://main/KEY -- {client}"));
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
