//! What a human accepts with `unlock --accept-rollback` is what was shown, whoever changes files meanwhile.

use std::path::PathBuf;
use svault_tests::need;
use svault_tests::sandbox::{GOOD_REASON, OPEN_POLICY, PASSPHRASE, Sandbox};
use svault_tests::socket::{Raw, ask};
use svault_tests::terminal::{MARK, Terminal};

const OLD: &str = "sk-test-rollback-old";
const NEW: &str = "sk-test-rollback-new";

/// A locked store with a strict policy, and a copy of how it was with a lax one.
struct House {
    sandbox: Sandbox,
    old: PathBuf,
}

impl House {
    fn new() -> Self {
        let sandbox = Sandbox::ready();
        sandbox.set_policy(OPEN_POLICY);
        sandbox.add("A", OLD, &["--tier", "low", "--scope", "db"]);
        sandbox.lock();
        let old = sandbox.copy_store("old");
        let _ = sandbox.unlock();
        let _ = sandbox.svault(&["replace", "A"]).human().stdin(NEW).run().ok();
        sandbox.set_policy("");
        let _ = sandbox.get("A").exits(4);
        sandbox.lock();
        Self { sandbox, old }
    }

    /// Puts a file of the older copy in its place, as an agent of the same user can.
    fn takes_back(&self, file: &str) {
        std::fs::copy(self.old.join(file), self.sandbox.store().join(file)).expect("copy");
    }

    /// The human at `unlock --accept-rollback`, up to the question.
    fn asks(&self) -> (Terminal, String) {
        let mut shell = Terminal::shell(&self.sandbox);
        shell.types("svault unlock --accept-rollback; echo \"=$?=\"\n");
        shell.waits_for("assphrase");
        shell.types(&format!("{PASSPHRASE}\n"));
        let table = shell.waits_for("Go back to these files?");
        (shell, table)
    }

    fn segment(&self) -> String {
        let names = std::fs::read_dir(self.sandbox.store().join("trail")).expect("trail").flatten();
        let newest = names.map(|e| e.file_name().to_string_lossy().into_owned()).max();
        format!("trail/{}", newest.expect("a segment"))
    }
}

#[test]
fn files_swapped_at_the_question_are_not_accepted() {
    need!(Linux);
    let house = House::new();
    let whole = house.sandbox.copy_store("whole");
    house.takes_back("vaults/main.svault");
    let (mut shell, table) = house.asks();
    assert!(table.contains("vaults/main.svault") && !table.contains("store.svault"), "{table}");
    // The policy lies in the store's own file, of which nothing was said.
    house.takes_back("store.svault");
    shell.types("y\n");
    let (said, code) = shell.ends();
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("have changed since they were shown"), "{said}");
    // Nothing of it has been accepted: with the store's file put right all is as it was.
    std::fs::copy(whole.join("store.svault"), house.sandbox.store().join("store.svault")).expect("copy");
    let said = house.sandbox.human(&["unlock"]).ok();
    assert!(said.all().contains("main"), "the vault is still named\n{}", said.all());
    assert!(!house.sandbox.trail().iter().any(|e| e["event"] == "accept_rollback"));
    let _ = house.sandbox.get("A").exits(4);
}

#[test]
fn a_vault_that_is_as_it_was_left_can_not_be_gone_back_to() {
    let house = House::new();
    let tries = |names: &[&str]| house.sandbox.human(&[&["unlock", "--accept-rollback"], names].concat());
    assert!(tries(&["no-such"]).exits(1).err.contains("nothing to go back to for vault no-such"));
    assert!(tries(&["main"]).exits(1).err.contains("nothing to go back to for vault main"));
    house.takes_back("vaults/main.svault");
    assert!(tries(&["main", "no-such"]).exits(1).err.contains("for vault no-such"));
    // Nothing of it was accepted or recorded.
    assert!(house.sandbox.human(&["unlock"]).ok().err.contains("vault main stays shut"));
    house.sandbox.lock();
    let _ = tries(&["main"]).ok();
    let accepted = house.sandbox.trail().iter().filter(|e| e["event"] == "accept_rollback").count();
    assert_eq!(accepted, 1);
}

#[test]
fn another_version_of_a_file_that_was_shown_is_not_accepted() {
    need!(Linux);
    let house = House::new();
    let middle = house.sandbox.copy_store("middle");
    let _ = house.sandbox.unlock();
    let _ = house.sandbox.svault(&["replace", "A"]).human().stdin("sk-test-rollback-newest").run().ok();
    house.sandbox.lock();
    std::fs::copy(middle.join("vaults/main.svault"), house.sandbox.store().join("vaults/main.svault"))
        .expect("copy");
    let (mut shell, _) = house.asks();
    house.takes_back("vaults/main.svault");
    shell.types("y\n");
    let (said, code) = shell.ends();
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("have changed since they were shown"), "{said}");
}

#[test]
fn a_trail_swapped_at_the_question_is_shown_before_it_is_accepted() {
    need!(Linux);
    let house = House::new();
    let segment = house.segment();
    let (there, aside) = (house.sandbox.store().join(&segment), house.sandbox.path("aside"));
    house.takes_back("store.svault");
    let (mut shell, table) = house.asks();
    assert!(table.contains("store.svault"), "{table}");
    std::fs::rename(&there, &aside).expect("rename");
    shell.types("y\n");
    let table = shell.waits_for("Go back to these files?");
    assert!(table.contains(&segment), "what came to light is shown as well: {table}");
    shell.types("n\n");
    let (said, code) = shell.ends();
    assert_ne!(code, 0, "{said}");
    // The store was accepted with the first yes: that is recorded by whichever unlock comes to its end.
    std::fs::rename(&aside, &there).expect("rename");
    let _ = house.sandbox.human(&["unlock", "--accept-rollback"]).ok();
    let entries = house.sandbox.trail();
    let accepted: Vec<_> = entries.iter().filter(|e| e["event"] == "accept_rollback").collect();
    assert_eq!(accepted.len(), 1);
    assert!(accepted[0]["note"].as_str().is_some_and(|n| n.contains("store.svault older")), "{accepted:?}");
}

#[test]
fn a_flipped_bit_in_an_old_segment_of_the_trail_is_told_by_status_and_by_name() {
    let house = House::new();
    let old = house.segment();
    house.takes_back("vaults/main.svault");
    let _ = house.sandbox.human(&["unlock", "--accept-rollback"]).ok();
    house.sandbox.lock();
    assert_ne!(house.segment(), old, "what was accepted begins another segment");
    let path = house.sandbox.store().join(&old);
    let mut bytes = std::fs::read(&path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).expect("write");
    // Unlocking reads no old segment through; what it starts does.
    let _ = house.sandbox.unlock();
    let broken = || house.sandbox.run(&["status"]).ok().text();
    house.sandbox.wait_for("the trail's reading", || broken().contains("broken"));
    assert!(broken().contains(&old), "{}", broken());
    assert_eq!(house.sandbox.run(&["status", "--json"]).ok().json()["trail_ok"], false);
    let said = house.sandbox.run(&["audit", "verify"]).exits(5);
    assert!(said.err.contains(&old), "{}", said.all());
    let doctor = house.sandbox.run(&["doctor"]).exits(1);
    assert!(doctor.all().contains(&old), "{}", doctor.all());
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).expect("write");
    let _ = house.sandbox.run(&["audit", "verify"]).ok();
    assert!(!broken().contains("broken"), "{}", broken());
}

/// A session whose entries go on into a second segment; the trail's files of then.
fn long_session(sandbox: &Sandbox) -> Vec<PathBuf> {
    let files = || {
        let found = std::fs::read_dir(sandbox.store().join("trail")).expect("trail").flatten();
        let mut files: Vec<PathBuf> = found.map(|e| e.path()).collect();
        files.sort();
        files
    };
    let reason = format!("{GOOD_REASON} {}", "again ".repeat(70));
    let name = serde_json::json!({"vault": "main", "name": "A"});
    let mut raw = Raw::hello(&sandbox.socket(), Some("tester"));
    for asked in 0.. {
        assert!(asked < 10_000, "no second segment");
        raw.send(&ask(name.clone(), Some("db"), Some(&reason), "value"));
        assert_eq!(raw.control()["type"], "released");
        let _ = raw.frame_in();
        // Under a thousand a second, which is all that its rate gives.
        std::thread::sleep(std::time::Duration::from_micros(1200));
        if files().len() == 2 {
            return files();
        }
    }
    unreachable!()
}

#[test]
fn what_is_lost_of_the_last_session_shuts_no_store_and_is_told_ever_after() {
    let sandbox = Sandbox::ready();
    sandbox.set_policy(OPEN_POLICY);
    sandbox.add("A", NEW, &["--tier", "low", "--scope", "db"]);
    let old = long_session(&sandbox).remove(0);
    sandbox.lock();
    let whole = std::fs::read(&old).expect("read");
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&old, &bytes).expect("write");
    let said = sandbox.unlock();
    assert!(said.all().contains("leave out trail/000001.svault"), "{}", said.all());
    let status = || sandbox.run(&["status"]).ok().text();
    sandbox.wait_for("the trail's reading", || status().contains("broken"));
    assert_eq!(sandbox.get("A").text(), NEW);
    sandbox.lock();

    // Shorter than it was: refused until a human has accepted it; after that it stays told, whatever becomes of the rest.
    std::fs::write(&old, &whole[..whole.len() - 1]).expect("write");
    let _ = sandbox.human(&["unlock"]).exits(5);
    let _ = sandbox.human(&["unlock", "--accept-rollback"]).ok();
    let told = || {
        sandbox.wait_for("the trail's reading", || status().contains("ok but for trail/000001.svault"));
        let said = sandbox.run(&["audit", "verify"]).ok();
        assert!(said.text().contains("but for trail/000001.svault"), "{}", said.all());
        assert!(sandbox.human(&["audit", "list"]).ok().err.contains("but for trail/000001.svault"));
        assert!(sandbox.run(&["doctor"]).text().contains("but for trail/000001.svault"));
    };
    told();
    sandbox.lock();
    std::fs::remove_file(&old).expect("remove");
    let _ = sandbox.unlock();
    told();
    sandbox.lock();
    // Put back, it is whole again.
    std::fs::write(&old, &whole).expect("write");
    svault_tests::scratch::own(&old, sandbox.uid());
    let _ = sandbox.unlock();
    sandbox
        .wait_for("the trail's reading", || sandbox.run(&["audit", "verify"]).ok().text() == "trail: ok\n");
}

/// A vault that stays shut keeps its old key; everything else has new ones. The code that opens the store from now on is
/// shown all the same: it is shown once.
#[test]
fn a_new_recovery_code_is_shown_also_where_a_vault_can_not_be_rotated() {
    need!(Linux, Script);
    let house = House::new();
    let sandbox = &house.sandbox;
    house.takes_back("vaults/main.svault");
    assert!(sandbox.human(&["unlock"]).ok().err.contains("vault main stays shut"));
    let mut shell = Terminal::shell(sandbox);
    shell.types(&format!("svault passphrase change{MARK}"));
    shell.types_passphrase();
    let new = "nine quiet otters mend 17 umbrellas";
    for prompt in ["New passphrase", "Again"] {
        shell.waits_for(prompt);
        shell.types(&format!("{new}\n"));
    }
    shell.waits_for("Replace every way to open this store");
    std::thread::sleep(std::time::Duration::from_millis(1200));
    shell.types("y\n");
    let screen = shell.waits_for("Enter when you have it");
    let code = screen.split("the passphrase.").nth(1).and_then(|rest| rest.split_whitespace().next());
    let code = code.expect("a code").to_owned();
    std::thread::sleep(std::time::Duration::from_millis(1200));
    shell.types("\n");
    let (said, exit) = shell.ends();
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("the new ones open the store; but vault 'main'"), "{said}");
    sandbox.lock();
    let _ = sandbox.human(&["unlock"]).exits(1);
    let recover =
        sandbox.svault(&["recover"]).secret("--code-fd", &code).secret("--new-passphrase-fd", PASSPHRASE);
    let said = recover.writes_to("--recovery-out-fd", &sandbox.path("code")).run();
    assert!(said.code == 0 || said.err.contains("the new ones open the store"), "{}", said.all());
    sandbox.lock();
    let _ = sandbox.human(&["unlock"]).ok();
}

/// The trail as it was at the last lock looks whole: it ends with that lock. But the store has seen the unlock since.
#[test]
fn a_trail_of_before_the_last_unlock_is_not_taken_for_todays() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("A", OLD, &["--tier", "low", "--scope", "db"]);
    sandbox.lock();
    let old = sandbox.copy_store("old");
    let _ = sandbox.unlock();
    let _ = sandbox.get("A").ok();
    sandbox.kill_daemon();
    let trail = sandbox.store().join("trail");
    for file in std::fs::read_dir(old.join("trail")).expect("trail").flatten() {
        std::fs::copy(file.path(), trail.join(file.file_name())).expect("copy");
    }
    std::fs::copy(old.join("state/heads"), sandbox.store().join("state/heads")).expect("copy");
    let _ = sandbox.human(&["unlock"]).exits(5).says("trail/000001.svault");
    let _ = sandbox.get("A").exits(3);

    // Accepted, it is named ever after: what came after it is gone, and what is left can be read.
    let said = sandbox.human(&["unlock", "--accept-rollback"]).ok();
    assert!(!said.err.contains("not locked last time") && !said.err.contains("unfinished"), "{}", said.all());
    assert!(
        !said.text().contains("trail      ok") && said.text().contains("not all of it"),
        "{}",
        said.all()
    );
    for _ in 0..2 {
        let verified = sandbox.run(&["audit", "verify"]).ok();
        assert!(verified.text().contains("ok but for trail/000001.svault"), "{}", verified.all());
        let list = sandbox.human(&["audit", "list"]).ok();
        assert!(list.err.contains("but for trail/000001.svault"), "{}", list.all());
        assert!(list.text().contains("add") && list.text().contains("accept"), "{}", list.all());
        sandbox.lock();
        let _ = sandbox.unlock();
    }
}

/// One byte that is changed decides how far the store's file goes back: who accepts that is told to which policy.
#[test]
fn a_damaged_store_says_how_old_it_would_be() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    sandbox.lock();
    let file = sandbox.store().join("store.svault");
    let before = std::fs::metadata(&file).expect("metadata").len();
    let _ = sandbox.unlock();
    sandbox.set_policy("# another one, of later\n");
    sandbox.lock();
    let mut bytes = std::fs::read(&file).expect("read");
    bytes[usize::try_from(before).expect("small") + 40] ^= 1;
    std::fs::write(&file, bytes).expect("write");
    let said = sandbox.human(&["unlock"]).exits(5);
    assert!(said.all().contains("damaged at byte"), "{}", said.all());
    let said = sandbox.human(&["unlock", "--accept-rollback"]).ok();
    let (_, left) = said.err.split_once("what is left of it: policy of ").expect("how old");
    assert!(left.starts_with("20") && left.contains("last lock 20"), "{}", said.all());
    assert!(!sandbox.human(&["policy", "show"]).ok().text().contains("of later"), "it went back");
}
