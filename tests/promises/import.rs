//! From a `.env` file into the vault and back: all or nothing, byte for byte, and no value on the way.

use crate::snapshot::shown;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use svault_tests::sandbox::GOOD_REASON;
use svault_tests::scratch::own;
use svault_tests::socket::Raw;
use svault_tests::{Output, Sandbox};

pub const ENV: &str = "# the shop\r\n\
    export DATABASE_URL = \"postgres://shop:sk-test-db@db/shop\" # main\r\n\
    STRIPE_SECRET_KEY=sk_live_sk-test-stripe\n\
    DEV_API_KEY='sk-test-dev #1'\n\
    TLS_KEY=\"-----BEGIN\nsk-test-tls\n-----END\"\n\
    AUTH_HEADER=\"Bearer ${DEV_API_KEY}\"\n\
    PORT=3000\n\
    NODE_ENV=production\n\
    PATH=/opt/bin:/bin\n\
    EMPTY=\n\
    # STRIPE_OLD_KEY=sk-test-old";

const REPLACED: &str = "# the shop\r\n\
    export DATABASE_URL = \"svault://main/DATABASE_URL\" # main\r\n\
    STRIPE_SECRET_KEY=svault://main/STRIPE_SECRET_KEY\n\
    DEV_API_KEY='svault://main/DEV_API_KEY'\n\
    TLS_KEY=\"svault://main/TLS_KEY\"\n\
    AUTH_HEADER=\"svault://main/AUTH_HEADER\"\n\
    PORT=3000\n\
    NODE_ENV=production\n\
    PATH=/opt/bin:/bin\n\
    EMPTY=\n\
    # STRIPE_OLD_KEY=sk-test-old";

const SECRETS: [(&str, &str); 5] = [
    ("DATABASE_URL", "postgres://shop:sk-test-db@db/shop"),
    ("STRIPE_SECRET_KEY", "sk_live_sk-test-stripe"),
    ("DEV_API_KEY", "sk-test-dev #1"),
    ("TLS_KEY", "-----BEGIN\nsk-test-tls\n-----END"),
    ("AUTH_HEADER", "Bearer sk-test-dev #1"),
];

/// A file of the sandbox's user, in a folder of its own.
pub fn file(sandbox: &Sandbox, text: impl AsRef<[u8]>) -> PathBuf {
    let folder = sandbox.home().join("shop");
    std::fs::create_dir_all(&folder).expect("a folder");
    own(&folder, sandbox.uid());
    let path = folder.join(".env");
    std::fs::write(&path, text).expect("the file");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).expect("mode");
    own(&path, sandbox.uid());
    path
}

pub fn human(sandbox: &Sandbox, args: &[&str]) -> Output {
    sandbox.svault(args).cwd(&sandbox.home().join("shop")).human().run()
}

pub fn read(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).expect("the file")
}

/// The names in the vault, without backups.
pub fn names(sandbox: &Sandbox) -> Vec<String> {
    let list = sandbox.human(&["list", "--json"]).ok().json();
    let all = list["secrets"].as_array().expect("secrets").iter();
    let all = all.filter_map(|s| s["name"].as_str()).filter(|n| !n.starts_with("env-backup"));
    all.map(str::to_owned).collect()
}

/// Output without what differs from run to run in the name and the date of a backup.
fn calm(said: &Output) -> Output {
    let without = |text: &str, mark: &str, instead: &str| {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(mark) {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(after.len());
            out.push_str(&format!("{before}{instead}"));
            rest = &after[end..];
        }
        out + rest
    };
    let calm = |text: &str| without(&without(text, "env-backup.", "[backup]"), "(backup ", "(backup [date]");
    Output { out: calm(&said.text()).into_bytes(), err: calm(&said.err), ..said.clone() }
}

#[track_caller]
fn no_values(said: &Output) {
    assert!(!said.all().contains("sk-test"), "{}", said.all());
}

#[test]
fn the_file_keeps_references_and_comes_back_byte_for_byte() {
    let sandbox = Sandbox::ready();
    let path = file(&sandbox, ENV);
    let said = human(&sandbox, &["import", ".env", "--replace"]).ok();
    no_values(&said);
    insta::assert_snapshot!("import_replace", shown(&sandbox, &calm(&said)));
    let left = read(&path);
    assert_eq!(left, REPLACED);
    let mode = std::fs::metadata(&path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
    assert_eq!(names(&sandbox).len(), SECRETS.len());
    for (name, value) in SECRETS {
        assert_eq!(sandbox.human(&["show", name]).ok().text(), value);
        assert!(left.contains(&format!("svault://main/{name}")), "{name}");
    }
    no_values(&sandbox.human(&["audit", "list", "--json"]).ok());
    let undone = human(&sandbox, &["import", "--undo", ".env"]).ok();
    no_values(&undone);
    insta::assert_snapshot!("import_undo", shown(&sandbox, &calm(&undone)));
    assert_eq!(read(&path), ENV);
    assert_eq!(std::fs::metadata(&path).expect("the file").permissions().mode() & 0o7777, 0o640);
    let there: Vec<_> = std::fs::read_dir(path.parent().expect("a folder")).expect("a folder").collect();
    assert_eq!(there.len(), 1, "nothing is left beside the file");
}

#[test]
fn a_secret_that_callers_want_is_no_longer_wanted_once_it_is_imported() {
    let sandbox = Sandbox::open_to_all("");
    file(&sandbox, ENV);
    for name in ["DEV_API_KEY", "NOT_IN_IT_KEY"] {
        let mut raw = Raw::hello(&sandbox.socket(), Some("tester"));
        raw.send(&json!({"type": "request_secret", "name": name, "scope": "db", "why": GOOD_REASON}));
        assert_eq!(raw.control()["type"], "done");
    }
    let _ = human(&sandbox, &["import", ".env"]).ok();
    let left = sandbox.human(&["pending", "--json"]).ok().json()["pending"].clone();
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{left}");
    assert!(left.to_string().contains("NOT_IN_IT_KEY"), "{left}");
}

#[test]
fn a_dry_run_needs_no_store_and_writes_nothing() {
    let sandbox = Sandbox::empty();
    let path = file(&sandbox, ENV);
    let dry = |args: &[&str]| {
        let args = [&["import", ".env", "--dry-run"], args].concat();
        sandbox.svault(&args).cwd(&sandbox.home().join("shop")).run().ok()
    };
    let said = dry(&[]);
    no_values(&said);
    insta::assert_snapshot!("import_dry_run", shown(&sandbox, &said));
    let json = dry(&["--json", "--tier", "high", "--scope", "shop", "--vault", "work"]);
    no_values(&json);
    let json: Value = json.json();
    let plan = json["plan"].as_array().expect("a plan");
    assert_eq!(plan.iter().filter(|row| row["stays"] == true).count(), 4, "{json}");
    let taken = plan.iter().filter(|row| row["stays"] == false);
    assert!(taken.clone().all(|r| r["tier"] == "high" && r["scope"] == "shop" && r["vault"] == "work"));
    assert_eq!(taken.count(), SECRETS.len());
    assert_eq!(read(&path), ENV);
    assert!(!sandbox.store().exists());
}

#[test]
fn names_that_exist_are_reused_refused_or_updated() {
    let sandbox = Sandbox::ready();
    sandbox.add("A_KEY", "sk-test-a", &["--scope", "db", "--tier", "high"]);
    sandbox.add("B_KEY", "sk-test-b", &[]);
    let path = file(&sandbox, "A_KEY=sk-test-a\nB_KEY=sk-test-other\nC_KEY=sk-test-c\n");
    let refused = human(&sandbox, &["import", ".env", "--replace"]).exits(1);
    no_values(&refused);
    let refused = refused.says("B_KEY").says("--update");
    assert!(!refused.err.lines().any(|l| l.starts_with("error") && l.contains("A_KEY")), "{}", refused.err);
    assert_eq!(names(&sandbox), ["A_KEY", "B_KEY"], "nothing was imported");
    assert!(read(&path).contains("sk-test-other"));
    let _ = human(&sandbox, &["import", ".env", "--replace", "--update"]).ok();
    assert_eq!(names(&sandbox), ["A_KEY", "B_KEY", "C_KEY"]);
    assert_eq!(sandbox.human(&["show", "B_KEY"]).ok().text(), "sk-test-other");
    let list = sandbox.human(&["list", "--json"]).ok().json();
    let row = |name: &str| {
        let mut rows = list["secrets"].as_array().expect("secrets").iter();
        rows.find(|r| r["name"] == name).cloned().expect("a row")
    };
    assert_eq!((&row("A_KEY")["version"], &row("B_KEY")["version"]), (&1.into(), &2.into()));
    assert_eq!(row("A_KEY")["tier"], "high", "what exists keeps its classification");
    // Done again: there is nothing left to import.
    let again = human(&sandbox, &["import", ".env", "--replace", "--json"]).ok().json();
    assert_eq!(again["imported"], 0);
}

#[test]
fn undo_keeps_what_was_changed_since() {
    let sandbox = Sandbox::ready();
    let path = file(&sandbox, "A_KEY=sk-test-a\nPORT=1\n");
    let _ = human(&sandbox, &["import", "--undo", ".env"]).exits(1).says("no backup");
    let _ = human(&sandbox, &["import", ".env", "--replace"]).ok();
    std::fs::write(&path, "A_KEY=svault://main/A_KEY\nPORT=2\n").expect("write");
    let _ = human(&sandbox, &["import", "--undo", ".env"]).exits(1).says("has changed");
    assert_eq!(read(&path), "A_KEY=svault://main/A_KEY\nPORT=2\n");
    let _ = human(&sandbox, &["import", "--undo", ".env", "--force"]).ok();
    assert_eq!(read(&path), "A_KEY=sk-test-a\nPORT=1\n");
    std::fs::remove_file(&path).expect("remove");
    let _ = human(&sandbox, &["import", "--undo", ".env"]).ok();
    assert_eq!(read(&path), "A_KEY=sk-test-a\nPORT=1\n");
    assert_eq!(std::fs::metadata(&path).expect("the file").permissions().mode() & 0o7777, 0o600);
}

#[test]
fn ten_thousand_lines_go_in_at_once_and_come_back() {
    let sandbox = Sandbox::ready();
    let long = "N".repeat(100);
    let mut text = String::new();
    for i in 0..10_000 {
        text.push_str(&format!("{long}_{i}_KEY=sk-test-{i}\n"));
    }
    let path = file(&sandbox, &text);
    let said = human(&sandbox, &["import", ".env", "--replace", "--json"]).ok().json();
    assert_eq!(said["imported"], 10_000);
    assert_eq!(names(&sandbox).len(), 10_000);
    assert_eq!(sandbox.human(&["show", &format!("{long}_9999_KEY")]).ok().text(), "sk-test-9999");
    assert!(!read(&path).contains("sk-test"));
    let id = said["id"].as_str().expect("an id");
    assert_eq!(sandbox.entry(id)["entry"]["act"], "import");
    let backup = said["backup"].as_array().expect("a backup").len();
    assert!(backup > 1, "{backup}");
    let _ = human(&sandbox, &["import", "--undo", ".env"]).ok();
    assert!(read(&path) == text, "byte for byte");
}
