//! A user of their own: a home, a store, the product's processes. Everything of it ends with the test.

use crate::command::{Cmd, Output};
use crate::processes;
use crate::scratch::{Scratch, ordinary, own};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The passphrase of every sandbox.
pub const PASSPHRASE: &str = "seven dull ferrets juggle 41 lanterns";

/// A folder with a home and a store in it.
pub struct Sandbox {
    scratch: Scratch,
    uid: u32,
    binary: PathBuf,
}

impl Sandbox {
    /// A home without a store, and the test binary.
    #[must_use]
    pub fn empty() -> Self {
        Self::with(crate::bin::cheap())
    }

    /// A home without a store, and this binary.
    #[must_use]
    pub fn with(binary: PathBuf) -> Self {
        let uid = ordinary();
        let scratch = Scratch::new(uid);
        for folder in ["home", "run"] {
            let path = scratch.path().join(folder);
            use std::os::unix::fs::DirBuilderExt;
            std::fs::DirBuilder::new().mode(0o700).create(&path).expect("a folder");
            own(&path, uid);
        }
        Self { scratch, uid, binary }
    }

    /// A store, unlocked, as `init` leaves it.
    #[must_use]
    pub fn ready() -> Self {
        let sandbox = Self::empty();
        let _ = sandbox.init();
        sandbox
    }

    /// A store in which whoever calls himself `tester` has the scopes `db` and `api`, with room for many requests.
    /// `more` is added to the policy.
    #[must_use]
    pub fn open_to_all(more: &str) -> Self {
        let sandbox = Self::ready();
        sandbox.set_policy(&format!("{OPEN_POLICY}{more}"));
        sandbox
    }

    /// Makes the store; gives the recovery code.
    #[must_use]
    pub fn init(&self) -> String {
        let code = self.path("recovery-code");
        let done = self.svault(&["init"]).human().writes_to("--recovery-out-fd", &code).run();
        let _ = done.ok();
        std::fs::read_to_string(code).expect("the recovery code").trim().to_owned()
    }

    /// A path in the sandbox.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// The home.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// The store's folder.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// The user it runs as.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// The binary it runs.
    #[must_use]
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The environment of every process in it.
    #[must_use]
    pub fn env(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("HOME", self.home()),
            ("SVAULT_HOME", self.store()),
            ("XDG_RUNTIME_DIR", self.path("run")),
            ("PATH", "/usr/local/bin:/usr/bin:/bin".into()),
            ("LANG", "C.UTF-8".into()),
            ("TERM", "xterm".into()),
            ("RUST_BACKTRACE", "1".into()),
        ]
    }

    /// `svault ARGS`.
    #[must_use]
    pub fn svault(&self, args: &[&str]) -> Cmd {
        Cmd::new(&self.binary, self).args(args)
    }

    /// Another program.
    #[must_use]
    pub fn program(&self, program: &str, args: &[&str]) -> Cmd {
        Cmd::new(Path::new(program), self).args(args)
    }

    /// A shell command line; `$SVAULT` is the binary.
    #[must_use]
    pub fn shell(&self, line: &str) -> Cmd {
        self.program("/bin/sh", &["-c", line]).env("SVAULT", &self.binary)
    }

    /// `svault ARGS` as nobody in particular.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Output {
        self.svault(args).run()
    }

    /// `svault ARGS` by somebody who calls himself `tester`: for `get` and `run`.
    #[must_use]
    pub fn asks(&self, args: &[&str]) -> Output {
        let at = args.iter().position(|a| *a == "--").unwrap_or(args.len());
        self.run(&[&args[..at], &["--caller", "tester"], &args[at..]].concat())
    }

    /// `svault ARGS` by the human, who gives the passphrase.
    #[must_use]
    pub fn human(&self, args: &[&str]) -> Output {
        self.svault(args).human().run()
    }

    /// Adds a secret as the human. `options` such as `--scope db --tier low`.
    #[track_caller]
    pub fn add(&self, name: &str, value: &str, options: &[&str]) {
        let _ = self.svault(&[&["add", name], options].concat()).human().stdin(value).run().ok();
    }

    /// Sets the whole policy, through `policy edit` with an editor that writes it.
    #[track_caller]
    pub fn set_policy(&self, toml: &str) {
        let _ = self.try_policy(toml).ok();
    }

    /// As [`Self::set_policy`], whatever comes of it.
    #[must_use]
    pub fn try_policy(&self, toml: &str) -> Output {
        let text = self.path("policy.toml");
        std::fs::write(&text, toml).expect("write");
        own(&text, self.uid);
        let editor = self.script("editor", &format!("#!/bin/sh\ncat '{}' > \"$1\"\n", text.display()));
        self.svault(&["policy", "edit"]).env("EDITOR", editor).human().run()
    }

    /// An executable script in the sandbox.
    #[must_use]
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        std::fs::write(&path, text).expect("write");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("chmod");
        own(&path, self.uid);
        path
    }

    /// A request for a value as `tester`, with scope `db` and a fair reason, which doesn't wait.
    #[must_use]
    pub fn get(&self, name: &str) -> Output {
        self.asks(&["get", name, "--scope", "db", "--reason", GOOD_REASON, "--wait", "0"])
    }

    /// Locks and waits until the daemon is gone.
    #[track_caller]
    pub fn lock(&self) {
        let pid = self.daemon();
        let _ = self.run(&["lock"]).ok();
        self.wait_for("the daemon's end", || pid.is_none_or(|pid| !processes::lives(pid)));
    }

    /// Unlocks.
    #[track_caller]
    pub fn unlock(&self) -> Output {
        self.human(&["unlock"]).ok()
    }

    /// The daemon's process id.
    #[must_use]
    pub fn daemon(&self) -> Option<i32> {
        let store = self.store();
        processes::with_argument(&store)
            .into_iter()
            .find(|p| processes::arguments(*p).iter().any(|a| a == "daemon"))
    }

    /// Kills the daemon as a power cut would, and waits until it is gone.
    pub fn kill_daemon(&self) {
        let pid = self.daemon().expect("a daemon");
        processes::kill(pid);
        self.wait_for("the daemon's death", || !processes::lives(pid));
    }

    /// Where the daemon listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        let state = self.store().join("state");
        let mut found = std::fs::read_dir(&state).expect("state").filter_map(|e| Some(e.ok()?.path()));
        found
            .find(|p| p.extension().is_some_and(|e| e == "sock"))
            .expect("a socket in the store's state folder")
    }

    /// Waits until something is so.
    #[track_caller]
    pub fn wait_for(&self, what: &str, so: impl Fn() -> bool) {
        let since = Instant::now();
        while !so() {
            assert!(since.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Copies the store's folder as it is.
    #[must_use]
    pub fn copy_store(&self, name: &str) -> PathBuf {
        let to = self.path(name);
        let done = std::process::Command::new("cp").arg("-a").arg(self.store()).arg(&to).status();
        assert!(done.expect("cp").success());
        to
    }

    /// Puts a copied folder in the store's place.
    pub fn restore_store(&self, from: &Path) {
        std::fs::remove_dir_all(self.store()).expect("remove");
        let done = std::process::Command::new("cp").arg("-a").arg(from).arg(self.store()).status();
        assert!(done.expect("cp").success());
    }

    /// The trail's entries, newest first, as the human sees them.
    #[track_caller]
    #[must_use]
    pub fn trail(&self) -> Vec<serde_json::Value> {
        let listed = self.human(&["audit", "list", "--json"]).ok().json();
        listed["entries"].as_array().expect("entries").clone()
    }

    /// One entry of the trail by the id that its caller was told.
    #[track_caller]
    #[must_use]
    pub fn entry(&self, id: &str) -> serde_json::Value {
        self.human(&["audit", "show", id, "--json"]).ok().json()
    }
}

/// A reason that no policy of these tests finds too short.
pub const GOOD_REASON: &str = "checking the schema of the orders table";

/// See [`Sandbox::open_to_all`].
pub const OPEN_POLICY: &str = r#"
[callers.tester]
scopes = ["db", "api"]
rate = "1000/1s"

[limits]
burst_per_session = "1000/1s"
burst_per_secret = "1000/1s"
proposals = 10000
seal_after = "20 denials/1s"

[reason]
min_chars = 10

[medium]
ask = true
"#;

impl Drop for Sandbox {
    fn drop(&mut self) {
        for pid in processes::with_argument(&self.store()) {
            processes::kill(pid);
        }
    }
}
