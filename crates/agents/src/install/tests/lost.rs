//! What goes wrong on the way: a write that fails, a copy that is lost, a file that is broken when it is to be taken back.

use super::*;
use crate::check;
use crate::config::{Error, Format, read};
use serde_json::{Value, json};

const GEMINI: &str = ".gemini/settings.json";
const MINE: &str = "{\n  \"theme\": \"dark\"\n}\n";

fn moved() -> Svault {
    Svault::new(Path::new("/usr/bin/svault"), None, System::Linux).unwrap()
}

/// The copy of what was there before.
fn copy(rig: &Rig, path: &str) -> PathBuf {
    let hash = rig.record().file(&rig.home.join(path)).unwrap().before.clone().unwrap();
    rig.machine.state().join("files").join(hash)
}

fn json(rig: &Rig, path: &str) -> Value {
    read(Format::Json, &rig.read(path)).unwrap()
}

#[test]
fn a_write_that_fails_leaves_what_the_record_needs() {
    let rig = Rig::new();
    rig.write(GEMINI, MINE);
    rig.install(Place::User, &[Client::Gemini]);
    let plan = install(&rig.machine, &moved(), &rig.record(), user(&[Client::Gemini]));
    rig.write(GEMINI, &rig.read(GEMINI).replacen('{', "{\n  \"mine\": 1,", 1));
    let failed = commit(&plan, &mut rig.record());
    assert!(matches!(&failed[..], [Failed { trouble: Trouble::Changed(_), .. }]), "{failed:?}");
    assert_eq!(failed[0].path.as_deref(), Some(&*rig.home.join(GEMINI)));
    let plan = rig.uninstall(Place::User, &[Client::Gemini]);
    assert!(plan.notes.is_empty(), "{:?}", plan.notes);
    assert_eq!(json(&rig, GEMINI), json!({"mine": 1, "theme": "dark"}));
    let kept = std::fs::read_dir(rig.machine.state().join("files")).unwrap().count();
    assert_eq!(kept, 0, "and nothing that it doesn't");
}

#[test]
fn a_lost_copy_is_not_taken_for_no_file() {
    let rig = Rig::new();
    rig.write(GEMINI, MINE);
    rig.install(Place::User, &[Client::Gemini]);
    std::fs::remove_file(copy(&rig, GEMINI)).unwrap();
    let plan = install(&rig.machine, &moved(), &rig.record(), user(&[Client::Gemini]));
    assert_eq!(commit(&plan, &mut rig.record()).len(), 0);
    rig.uninstall(Place::User, &[Client::Gemini]);
    assert_eq!(json(&rig, GEMINI)["theme"], "dark");
    assert!(!rig.read(GEMINI).contains("svault"));
}

#[test]
fn a_damaged_copy_is_written_again() {
    let rig = Rig::new();
    let record = rig.record();
    let hash = record.keep(b"theirs").unwrap();
    std::fs::write(rig.machine.state().join("files").join(&hash), "other").unwrap();
    assert_eq!(record.kept(&hash), None);
    assert_eq!(record.keep(b"theirs").unwrap(), hash);
    assert_eq!(record.kept(&hash).unwrap(), b"theirs");
}

#[test]
fn a_file_that_is_broken_is_named_and_taken_back_when_it_is_mended() {
    let rig = Rig::new();
    rig.write(GEMINI, MINE);
    rig.install(Place::User, &[Client::Gemini]);
    let whole = rig.read(GEMINI);
    for (bytes, utf8) in [(whole.replacen(':', "", 1).into_bytes(), true), (vec![b'{', 0xff], false)] {
        std::fs::write(rig.home.join(GEMINI), &bytes).unwrap();
        let plan = uninstall(&rig.machine, &rig.svault, &rig.record(), Place::User, &Client::ALL);
        let [(Client::Gemini, trouble)] = &plan.troubles[..] else { panic!("{:?}", plan.troubles) };
        match trouble {
            Trouble::Config { error: Error::Broken { line: 2, .. }, .. } => assert!(utf8),
            Trouble::NotUtf8(_) => assert!(!utf8),
            other => panic!("{other}"),
        }
        assert_eq!(commit(&plan, &mut rig.record()).len(), 0);
        assert_eq!(std::fs::read(rig.home.join(GEMINI)).unwrap(), bytes);
        assert!(rig.record().has(Client::Gemini, None));
    }
    rig.write(GEMINI, &whole);
    rig.uninstall(Place::User, &[Client::Gemini]);
    assert_eq!(rig.read(GEMINI), MINE);
    // Without a record too, where svault is in it; what is broken and none of ours concerns nobody.
    for (text, troubles) in [("{\"svault\" 1}", 1), ("{\"other\" 1}", 0)] {
        rig.write(GEMINI, text);
        let plan = uninstall(&rig.machine, &rig.svault, &rig.record(), Place::User, &Client::ALL);
        assert_eq!(plan.troubles.len(), troubles, "{text}: {:?}", plan.troubles);
    }
}

#[test]
fn hooks_that_the_user_added_since_still_count_afterwards() {
    let rig = Rig::new();
    rig.install(Place::User, &[Client::Cursor]);
    let path = ".cursor/hooks.json";
    let mut now = json(&rig, path);
    let theirs = json!([{"command": "/usr/bin/lint"}]);
    now["hooks"]["afterFileEdit"] = theirs.clone();
    rig.write(path, &now.to_string());
    rig.uninstall(Place::User, &[Client::Cursor]);
    assert_eq!(json(&rig, path), json!({"version": 1, "hooks": {"afterFileEdit": theirs}}));
}

#[test]
fn variables_that_install_does_not_set_do_not_stay_in_codex() {
    let rig = Rig::new();
    let path = ".codex/config.toml";
    rig.install(Place::User, &[Client::Codex]);
    let ours = rig.read(path);
    rig.write(path, &format!("{ours}\n[mcp_servers.svault.env]\nLD_PRELOAD = \"/tmp/x.so\"\n"));
    let files = check::files(&rig.machine, &rig.svault, Client::Codex);
    assert!(files.server.is_none() && files.faults[0].contains("LD_PRELOAD=/tmp/x.so"), "{files:?}");
    rig.install(Place::User, &[Client::Codex]);
    assert!(!rig.read(path).contains("LD_PRELOAD"), "{}", rig.read(path));
    // The same after an install that named a store, and one that doesn't.
    let elsewhere =
        Svault::new(Path::new("/opt/it's/svault"), Some(Path::new("/srv/store")), System::Linux).unwrap();
    let plan = install(&rig.machine, &elsewhere, &rig.record(), user(&[Client::Codex]));
    assert_eq!(commit(&plan, &mut rig.record()).len(), 0);
    assert!(rig.read(path).contains("/srv/store"));
    rig.install(Place::User, &[Client::Codex]);
    assert!(!rig.read(path).contains("/srv/store"), "{}", rig.read(path));
    rig.uninstall(Place::User, &[Client::Codex]);
    assert!(!rig.home.join(path).exists());
}
