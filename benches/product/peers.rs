//! The same job with other programs, where they are installed: read one secret, whole process.

use crate::requests::{pause, store};
use crate::table::{Bar, Run, note, row, timed};
use std::path::Path;
use std::process::{Command, Stdio};
use svault_tests::Sandbox;
use svault_tests::sandbox::GOOD_REASON;

/// A program's way to one secret: made ready, then the command that prints it.
type Ready = fn(&Sandbox) -> Option<Command>;

/// All that are here.
pub fn peers(run: &Run) {
    for (name, ready) in [("pass", pass as Ready), ("age", age), ("gopass", gopass)] {
        let sandbox = store();
        let Some(mut theirs) = ready(&sandbox) else {
            note(&format!("{name}: not here, or it can't be set up (Debian: apt-get install {name})"));
            continue;
        };
        let mut ours = Command::new(sandbox.binary());
        ours.args(["get", "LOW", "--caller", "tester", "--scope", "db", "--reason", GOOD_REASON]);
        ours.env_clear().envs(sandbox.env());
        let (mut took, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..run.of(100, 20) {
            floor.push(timed(|| quiet(&mut theirs)));
            took.push(timed(|| quiet(&mut ours)));
            pause();
        }
        row(&format!("read one secret: svault against {name}"), &mut took, &mut floor, Bar::Open);
    }
}

fn quiet(command: &mut Command) {
    let done = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(done.expect("a program").success(), "{command:?}");
}

fn of(sandbox: &Sandbox, program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).env_clear().envs(sandbox.env()).env("GNUPGHOME", sandbox.path("gnupg"));
    command.current_dir(sandbox.path("home")).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn ok(mut command: Command, input: &str) -> Option<()> {
    use std::io::Write;
    let mut child = command.stdin(Stdio::piped()).spawn().ok()?;
    child.stdin.take()?.write_all(input.as_bytes()).ok()?;
    child.wait().ok()?.success().then_some(())
}

/// A key without a passphrase: no agent asks, so the time is the program's own.
fn gpg_key(sandbox: &Sandbox) -> Option<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(sandbox.path("gnupg")).ok()?;
    let key = [
        "--batch",
        "--passphrase",
        "",
        "--quick-gen-key",
        "bench@example.invalid",
        "default",
        "default",
        "never",
    ];
    ok(of(sandbox, "gpg", &key), "")
}

fn pass(sandbox: &Sandbox) -> Option<Command> {
    gpg_key(sandbox)?;
    ok(of(sandbox, "pass", &["init", "bench@example.invalid"]), "")?;
    ok(of(sandbox, "pass", &["insert", "--multiline", "LOW"]), "sk-test-bench-value\n")?;
    Some(of(sandbox, "pass", &["show", "LOW"]))
}

/// Old and new versions begin differently and keep their files elsewhere. The value is put there by gpg: the old one takes
/// values from terminals only.
fn gopass(sandbox: &Sandbox) -> Option<Command> {
    const KEY: &str = "bench@example.invalid";
    gpg_key(sandbox)?;
    let begin = |args: &[&str]| ok(of(sandbox, "gopass", args), "");
    begin(&["--yes", "init", "--crypto", "gpgcli", "--storage", "fs", KEY])
        .or_else(|| begin(&["init", KEY]))?;
    let home = sandbox.path("home");
    let stores = [".local/share/gopass/stores/root", ".password-store"].map(|store| home.join(store));
    let file = stores.iter().find(|store| store.is_dir())?.join("LOW.gpg");
    let seal = ["--batch", "--yes", "--encrypt", "--recipient", KEY, "--output", file.to_str()?];
    ok(of(sandbox, "gpg", &seal), "sk-test-bench-value\n")?;
    Some(of(sandbox, "gopass", &["show", "LOW"]))
}

fn age(sandbox: &Sandbox) -> Option<Command> {
    let key = sandbox.path("age-key");
    let text = |path: &Path| path.to_str().map(str::to_owned);
    ok(of(sandbox, "age-keygen", &["-o", &text(&key)?]), "")?;
    let line = std::fs::read_to_string(&key).ok()?;
    let recipient = line.lines().find_map(|l| l.strip_prefix("# public key: "))?.to_owned();
    let file = sandbox.path("LOW.age");
    ok(of(sandbox, "age", &["-r", &recipient, "-o", &text(&file)?]), "sk-test-bench-value")?;
    Some(of(sandbox, "age", &["-d", "-i", &text(&key)?, &text(&file)?]))
}
