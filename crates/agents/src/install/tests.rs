//! Install and uninstall for every client, over files as people have them.

mod lost;

use super::{Failed, Plan, Record, Trouble, Wish, commit, install, uninstall};
use crate::clients::Place;
use crate::{Client, Machine, Svault, System};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

struct Rig {
    _dir: tempfile::TempDir,
    home: PathBuf,
    machine: Machine,
    svault: Svault,
}

fn user(clients: &[Client]) -> Wish<'_> {
    Wish { place: Place::User, clients, trust_codex: false }
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap();
        let machine = Machine::new(home.clone(), System::Linux, []);
        let svault = Svault::new(Path::new("/opt/it's/svault"), None, System::Linux).unwrap();
        Self { _dir: dir, home, machine, svault }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.home.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.home.join(path)).unwrap()
    }

    fn record(&self) -> Record {
        Record::open(&self.machine.state()).unwrap()
    }

    fn plan(&self, place: Place<'_>, clients: &[Client]) -> Plan {
        install(&self.machine, &self.svault, &self.record(), Wish { place, clients, trust_codex: false })
    }

    #[track_caller]
    fn install(&self, place: Place<'_>, clients: &[Client]) {
        let plan = self.plan(place, clients);
        assert!(plan.troubles.is_empty(), "{:?}", plan.troubles);
        assert_eq!(commit(&plan, &mut self.record()).len(), 0);
    }

    #[track_caller]
    fn uninstall(&self, place: Place<'_>, clients: &[Client]) -> Plan {
        let plan = uninstall(&self.machine, &self.svault, &self.record(), place, clients);
        assert!(plan.troubles.is_empty(), "{:?}", plan.troubles);
        assert_eq!(commit(&plan, &mut self.record()).len(), 0);
        plan
    }

    /// Every file and folder but svault's own, with modes.
    fn tree(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut all = BTreeMap::new();
        let mut folders = vec![self.home.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path == self.home.join(".local") {
                    continue;
                }
                let meta = path.symlink_metadata().unwrap();
                let bytes = if meta.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
                if meta.is_dir() {
                    folders.push(path.clone());
                }
                all.insert(path, (meta.permissions().mode(), bytes));
            }
        }
        all
    }

    fn shown(&self, before: &BTreeMap<PathBuf, (u32, Vec<u8>)>) -> String {
        let mut text = String::new();
        for (path, now) in self.tree() {
            if before.get(&path) != Some(&now) && path.is_file() {
                let name = path.strip_prefix(&self.home).unwrap().display();
                let _ =
                    write!(text, "=== {name} {:04o}\n{}", now.0 & 0o7777, String::from_utf8_lossy(&now.1));
            }
        }
        text.replace(&*self.home.to_string_lossy(), "HOME")
    }
}

const SETTINGS: &str = "// mine\n{\n\t\"theme\" : \"dark\", /* at night */ \"list\": [1,2 , 3],\n\t\"mcpServers\": {\n\t\t// the other one\n\t\t\"other\": {\"command\":\"x\", \"env\": {\"TOKEN\": \"sk-test-theirs\"}},\n\t},\n\t\"hooks\": {\"PreToolUse\": [ {\"matcher\": \"Bash\", \"hooks\": [{\"type\":\"command\",\"command\":\"lint\"}]} ]},\n}\n// end";
const STRICT: &str = "{\"numStartups\":12,\"projects\":{\"/a\":{\"mcpServers\":{}}},\"permissions\":{\"deny\":[\"Read(**/.env)\"],\"allow\":[]}}";
const TOML: &str = "# mine\nmodel = \"o9\"   # best\n[mcp_servers.other]\ncommand = 'x'\n\n[hooks.state]\n\"a:b\" = { trusted_hash = 'z' }\n";
const YAML: &str = "# mine\nmodel: x   # best\nread:\n  - A.md\n\ndark-mode: true\n";

/// Files as somebody might have them.
fn lived_in(rig: &Rig) {
    for path in [
        ".claude/settings.json",
        ".copilot/mcp-config.json",
        ".config/Code/User/mcp.json",
        ".cursor/mcp.json",
        ".gemini/settings.json",
        ".config/opencode/opencode.jsonc",
        ".qwen/settings.json",
        ".cline/data/settings/cline_mcp_settings.json",
        ".config/zed/settings.json",
    ] {
        rig.write(path, SETTINGS);
    }
    rig.write(".claude.json", STRICT);
    rig.write(".codeium/windsurf/mcp_config.json", "");
    rig.write(".cursor/hooks.json", "{\r\n  \"version\": 1,\r\n  \"hooks\": {}\r\n}\r\n");
    rig.write(".codex/config.toml", TOML);
    rig.write(
        ".codex/hooks.json",
        "{\"hooks\": {\"PreToolUse\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"lint\"}]}]}}\n",
    );
    rig.write(".aider.conf.yml", YAML);
}

/// In, once more, and out again.
fn round(client: Client, fill: fn(&Rig), project: bool) -> String {
    let rig = Rig::new();
    fill(&rig);
    let folder = rig.home.clone();
    let place = if project { Place::Project(&folder) } else { Place::User };
    let before = rig.tree();
    rig.install(place, &[client]);
    let shown = rig.shown(&before);
    let again = rig.plan(place, &[client]);
    assert!(again.changes.iter().all(|c| !c.changes()), "{client}: a second run changes something");
    rig.install(place, &[client]);
    assert_eq!(rig.shown(&before), shown);
    rig.uninstall(place, &[client]);
    assert_eq!(rig.tree(), before, "{client}: not as before");
    assert!(rig.record().files().is_empty());
    shown
}

#[test]
fn every_client_on_a_new_machine() {
    for client in Client::ALL {
        insta::assert_snapshot!(format!("new_{client}"), round(client, |_| (), false));
    }
}

#[test]
fn every_client_beside_what_people_have() {
    for client in Client::ALL {
        insta::assert_snapshot!(format!("lived_in_{client}"), round(client, lived_in, false));
    }
}

#[test]
fn every_client_in_a_project() {
    for client in Client::ALL {
        insta::assert_snapshot!(format!("project_{client}"), round(client, |_| (), true));
    }
}

#[test]
fn what_the_user_wrote_since_stays_and_ours_goes() {
    let rig = Rig::new();
    lived_in(&rig);
    rig.install(Place::User, &Client::ALL);
    let theirs = "\t\"new\": {\"mine\": true}, // since\n";
    for path in [".claude/settings.json", ".gemini/settings.json", ".qwen/settings.json"] {
        rig.write(path, &rig.read(path).replacen("\t\"theme\"", &format!("{theirs}\t\"theme\""), 1));
    }
    rig.write(".codex/config.toml", &format!("{}\n[tui]\nx = 1\n", rig.read(".codex/config.toml")));
    rig.write(".aider.conf.yml", &rig.read(".aider.conf.yml").replace("A.md", "A.md\n  - B.md"));
    rig.uninstall(Place::User, &Client::ALL);
    for (path, _) in rig.tree() {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(!text.contains("svault"), "{}:\n{text}", path.display());
    }
    let with = SETTINGS.replacen("\t\"theme\"", &format!("{theirs}\t\"theme\""), 1);
    for path in [".claude/settings.json", ".gemini/settings.json", ".qwen/settings.json"] {
        assert_eq!(rig.read(path), with, "{path}");
    }
    assert_eq!(rig.read(".codex/config.toml"), format!("{TOML}\n[tui]\nx = 1\n"));
    assert_eq!(rig.read(".aider.conf.yml"), YAML.replace("A.md", "A.md\n  - B.md"));
}

#[test]
fn a_block_of_one_line_stays_one_where_somebody_changed_another_place_since() {
    let one = "{\n  \"mcpServers\": {\"other\": {\"command\": \"x\"}}, \"permissions\": {\"deny\": [\"A\"], \"allow\": []},\n  \"model\": \"o9\"\n}\n";
    for (text, was, is) in [(one, "\"o9\"", "\"o10\""), (STRICT, "12", "13"), (STRICT, "\"/a\"", "\"/b\"")] {
        let rig = Rig::new();
        let files = [".claude/settings.json", ".claude.json", ".gemini/settings.json"];
        files.iter().for_each(|path| rig.write(path, text));
        rig.install(Place::User, &[Client::Claude, Client::Gemini]);
        files.iter().for_each(|path| {
            assert!(rig.read(path).contains("svault"), "{path}");
            rig.write(path, &rig.read(path).replacen(was, is, 1));
        });
        rig.uninstall(Place::User, &[Client::Claude, Client::Gemini]);
        for path in files {
            assert_eq!(rig.read(path), text.replacen(was, is, 1), "{path}");
        }
    }
}

#[test]
fn a_file_that_was_changed_and_installed_to_again_goes_back_to_the_users_last_word() {
    let rig = Rig::new();
    rig.write(".gemini/settings.json", "{}\n");
    rig.install(Place::User, &[Client::Gemini]);
    rig.write(
        ".gemini/settings.json",
        &rig.read(".gemini/settings.json").replacen('{', "{\n  \"mine\": 1,", 1),
    );
    let moved = Svault::new(Path::new("/usr/bin/svault"), None, System::Linux).unwrap();
    let plan = install(&rig.machine, &moved, &rig.record(), user(&[Client::Gemini]));
    assert_eq!(commit(&plan, &mut rig.record()).len(), 0);
    assert!(!rig.read(".gemini/settings.json").contains("/opt/"));
    rig.uninstall(Place::User, &[Client::Gemini]);
    let left: serde_json::Value = serde_json::from_str(&rig.read(".gemini/settings.json")).unwrap();
    assert_eq!(left, serde_json::json!({"mine": 1}));
}

#[test]
fn a_file_that_two_clients_share_stays_until_both_are_gone() {
    let rig = Rig::new();
    let before = rig.tree();
    rig.install(Place::User, &[Client::Copilot, Client::VsCode, Client::Claude]);
    let hooks = rig.home.join(".copilot/hooks/svault.json");
    let plan = rig.uninstall(Place::User, &[Client::Copilot]);
    assert!(plan.notes.iter().any(|n| n.contains("vscode uses it too")), "{:?}", plan.notes);
    assert!(hooks.exists());
    assert!(!rig.home.join(".copilot/mcp-config.json").exists());
    rig.uninstall(Place::User, &[Client::VsCode, Client::Claude]);
    assert_eq!(rig.tree(), before);
}

#[test]
fn an_entry_of_the_users_own_comes_back() {
    let cursor = ".cursor/mcp.json";
    for own in [
        r#"{"mcpServers":{"svault":{"command":"svault","args":["mcp"],"timeout":9}}}"#,
        r#"{"mcpServers":{"svault":{"command":"/opt/svault","args":["mcp"],"env":{},"timeout":9}}}"#,
        r#"{"mcpServers":{"svault":{"command":"/opt/svault","args":["mcp","-v"],"env":{}}}}"#,
        r#"{"mcpServers":{"svault":{"command":"svault","args":["mcp"],"env":{}}}}"#,
        r#"{"mcpServers":{"svault":{"command":"/opt/svault","args":["mcp"],"env":{"MINE":"1"}}}}"#,
    ] {
        let rig = Rig::new();
        rig.write(cursor, own);
        rig.install(Place::User, &[Client::Cursor]);
        assert!(rig.read(cursor).contains("/opt/it's/svault"), "{}", rig.read(cursor));
        rig.uninstall(Place::User, &[Client::Cursor]);
        assert_eq!(rig.read(cursor), own);
    }
    // One of install's form is what an install has left whose record was lost.
    let rig = Rig::new();
    rig.write(cursor, r#"{"mcpServers":{"svault":{"command":"/old/svault","args":["mcp"],"env":{}}}}"#);
    rig.install(Place::User, &[Client::Cursor]);
    rig.uninstall(Place::User, &[Client::Cursor]);
    assert!(!rig.read(cursor).contains("svault"), "{}", rig.read(cursor));
}

#[test]
fn without_its_record_uninstall_goes_by_what_it_finds() {
    let rig = Rig::new();
    lived_in(&rig);
    rig.install(Place::User, &Client::ALL);
    std::fs::remove_dir_all(rig.machine.state()).unwrap();
    let plan = rig.uninstall(Place::User, &Client::ALL);
    assert!(plan.notes.iter().any(|n| n.contains("no record")), "{:?}", plan.notes);
    for (path, (_, bytes)) in rig.tree() {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // A list has no mark of whose a line is.
        let list = path.ends_with(".aider.conf.yml");
        assert!(list || !text.contains("svault"), "{}:\n{text}", path.display());
    }
}

#[test]
fn without_its_record_a_file_that_has_only_ours_in_it_starts_nothing() {
    for end in ["\n", "\r\n"] {
        let rig = Rig::new();
        rig.install(Place::User, &Client::ALL);
        std::fs::remove_dir_all(rig.machine.state()).unwrap();
        let config = rig.read(".codex/config.toml").replace('\n', end);
        rig.write(".codex/config.toml", &format!("model = \"o9\"{end}{config}"));
        rig.uninstall(Place::User, &Client::ALL);
        assert_eq!(rig.read(".codex/config.toml"), format!("model = \"o9\"{end}"));
        for (path, (_, bytes)) in rig.tree().iter().filter(|(path, _)| !path.ends_with(".aider.conf.yml")) {
            let text = String::from_utf8_lossy(bytes);
            assert!(!text.contains("svault"), "{}:\n{text}", path.display());
        }
    }
}

#[test]
fn a_broken_file_is_left_alone_and_the_others_are_done() {
    let rig = Rig::new();
    rig.write(".gemini/settings.json", "{\n  \"a\": 1,\n  \"b\" 2\n}\n");
    rig.write(".claude/settings.json", "{\"hooks\": {}, \"hooks\": {\"PreToolUse\": []}}");
    rig.write(".qwen/settings.json", "{\"hooks\": \"none\"}");
    rig.write(".cline/hooks/PreToolUse", "#!/bin/sh\nmine\n");
    let before = rig.tree();
    let plan = rig.plan(Place::User, &Client::ALL);
    let said: Vec<String> = plan.troubles.iter().map(|(c, t)| format!("{c}: {t}")).collect();
    let said = said.join("\n").replace(&*rig.home.to_string_lossy(), "HOME");
    insta::assert_snapshot!(said, @r#"
    claude: HOME/.claude/settings.json: line 1, column 15: the key "hooks" is there twice
    vscode: HOME/.claude/settings.json: line 1, column 15: the key "hooks" is there twice
    gemini: HOME/.gemini/settings.json: line 3, column 7: expected colon after the string or word in object property
    qwen: HOME/.qwen/settings.json: hooks is a text, not an object
    cline: HOME/.cline/hooks/PreToolUse is there already and not svault's; move it away first
    "#);
    assert_eq!(commit(&plan, &mut rig.record()).len(), 0);
    for (path, was) in &before {
        assert_eq!(rig.tree().get(path), Some(was), "{}", path.display());
    }
    assert!(!rig.home.join(".claude.json").exists(), "half a client is no client");
    assert!(rig.home.join(".codex/hooks.json").exists());
}

#[test]
fn a_project_can_not_lead_writes_out_of_it() {
    let rig = Rig::new();
    let project = rig.home.join("work");
    std::fs::create_dir(&project).unwrap();
    rig.write(".bashrc", "mine\n");
    rig.write("elsewhere/hooks.json", "{}");
    symlink(rig.home.join(".bashrc"), project.join(".mcp.json")).unwrap();
    symlink(rig.home.join("elsewhere"), project.join(".cursor")).unwrap();
    symlink(rig.home.join("elsewhere"), project.join(".codex")).unwrap();
    let clients = [Client::Claude, Client::Copilot, Client::Cursor, Client::Codex];
    let plan = rig.plan(Place::Project(&project), &clients);
    assert_eq!(plan.troubles.len(), 4, "{:?}", plan.troubles);
    assert!(plan.troubles.iter().all(|(_, t)| matches!(t, Trouble::Link { .. })), "{:?}", plan.troubles);
    assert!(plan.changes.is_empty());
}

#[test]
fn a_folder_of_the_home_that_leads_out_of_it_is_left_alone() {
    let (rig, out) = (Rig::new(), Rig::new());
    let clients = [Client::Codex, Client::Zed];
    out.write("cx/config.toml", TOML);
    out.write("config/zed/settings.json", SETTINGS);
    for (link, to) in [(".codex", "cx"), (".config", "config")] {
        symlink(out.home.join(to), rig.home.join(link)).unwrap();
    }
    let links = |plan: &Plan| {
        let all = plan.troubles.iter().filter(|(_, t)| matches!(t, Trouble::Link { .. }));
        (all.count(), plan.changes.len())
    };
    let before = out.tree();
    // The home itself may be a link.
    let named = out.home.join("home");
    symlink(&rig.home, &named).unwrap();
    for home in [&rig.home, &named] {
        let machine = Machine::new(home.clone(), System::Linux, []);
        let plan = install(&machine, &rig.svault, &rig.record(), user(&clients));
        assert_eq!(links(&plan), (2, 0), "{:?}", plan.troubles);
        let plan = install(&machine, &rig.svault, &rig.record(), user(&[Client::Gemini]));
        assert_eq!((links(&plan), plan.troubles.len()), ((0, 1), 0));
    }
    std::fs::remove_file(&named).unwrap();
    assert_eq!(out.tree(), before);
    // Put there after an install: uninstall leaves them alone too, with a record and without one.
    std::fs::remove_file(rig.home.join(".codex")).unwrap();
    rig.install(Place::User, &[Client::Codex]);
    std::fs::rename(rig.home.join(".codex"), out.home.join("moved")).unwrap();
    symlink(out.home.join("moved"), rig.home.join(".codex")).unwrap();
    let before = out.tree();
    let plan = uninstall(&rig.machine, &rig.svault, &rig.record(), Place::User, &clients);
    assert_eq!(links(&plan), (2, 0), "{:?}", plan.troubles);
    std::fs::remove_dir_all(rig.machine.state()).unwrap();
    let plan = uninstall(&rig.machine, &rig.svault, &rig.record(), Place::User, &clients);
    assert_eq!((links(&plan), plan.troubles.len()), ((0, 0), 0));
    assert_eq!(out.tree(), before);
    // Who names a folder elsewhere means it.
    let elsewhere = out.home.join("moved").into_os_string();
    let machine = Machine::new(rig.home.clone(), System::Linux, [("CODEX_HOME".to_owned(), elsewhere)]);
    let plan = uninstall(&machine, &rig.svault, &rig.record(), Place::User, &[Client::Codex]);
    assert!(plan.troubles.is_empty() && !plan.changes.is_empty(), "{:?}", plan.troubles);
}

#[test]
fn a_home_that_can_not_be_written_is_said_and_nothing_is_half_done() {
    if rustix::process::geteuid().is_root() {
        return; // root writes anywhere; the product tests have the same as an ordinary user
    }
    let rig = Rig::new();
    rig.write(".gemini/settings.json", "{}");
    let folder = rig.home.join(".gemini");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o500)).unwrap();
    let failed = commit(&rig.plan(Place::User, &[Client::Gemini, Client::Qwen]), &mut rig.record());
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert!(
        matches!(&failed[..], [Failed { clients, trouble: Trouble::Io { .. }, .. }] if clients == &[Client::Gemini]),
        "{failed:?}"
    );
    assert_eq!(rig.read(".gemini/settings.json"), "{}");
    assert!(rig.home.join(".qwen/settings.json").exists());
    assert!(!rig.record().has(Client::Gemini, None));
}

#[test]
fn the_record_is_for_its_owner_alone() {
    let rig = Rig::new();
    lived_in(&rig);
    rig.install(Place::User, &Client::ALL);
    let mut folders = vec![rig.machine.state()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                folders.push(entry.path());
            } else {
                seen += 1;
                assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
            }
        }
    }
    assert!(seen > 10);
}

#[test]
fn settings_follow_the_variables_that_move_them() {
    let rig = Rig::new();
    let moved = [
        ("CLAUDE_CONFIG_DIR", "c", Client::Claude, ["c/.claude.json", "c/settings.json"]),
        ("CODEX_HOME", "x", Client::Codex, ["x/config.toml", "x/hooks.json"]),
        ("COPILOT_HOME", "p", Client::Copilot, ["p/mcp-config.json", "p/hooks/svault.json"]),
        ("GEMINI_CLI_HOME", "g", Client::Gemini, ["g/.gemini/settings.json", ""]),
        (
            "XDG_CONFIG_HOME",
            "o",
            Client::Opencode,
            ["o/opencode/opencode.json", "o/opencode/plugin/svault.js"],
        ),
        ("QWEN_HOME", "q", Client::Qwen, ["q/settings.json", ""]),
    ];
    for (variable, folder, client, files) in moved {
        let value = rig.home.join(folder).into_os_string();
        let machine = Machine::new(rig.home.clone(), System::Linux, [(variable.to_owned(), value)]);
        let plan = install(&machine, &rig.svault, &rig.record(), user(&[client]));
        let paths: Vec<PathBuf> = plan.changes.iter().map(|c| c.found.path.clone()).collect();
        let wanted: Vec<PathBuf> = files.iter().filter(|f| !f.is_empty()).map(|f| rig.home.join(f)).collect();
        assert_eq!(paths, wanted, "{variable}");
    }
}

#[test]
fn codex_takes_hooks_for_trusted_where_the_user_says_so_and_the_notes_go_again() {
    use crate::check::{Trust, codex_trust};
    let rig = Rig::new();
    lived_in(&rig);
    let before = rig.tree();
    rig.install(Place::User, &[Client::Codex]);
    let trust = |trusted, off| Some(Trust { trusted, off, changed: 0, all: 3 });
    assert_eq!(codex_trust(&rig.machine), trust(0, 0));
    let trusting = || {
        let wish = Wish { trust_codex: true, ..user(&[Client::Codex]) };
        install(&rig.machine, &rig.svault, &rig.record(), wish)
    };
    assert_eq!(commit(&trusting(), &mut rig.record()).len(), 0);
    assert_eq!(codex_trust(&rig.machine), trust(3, 0));
    // The one of somebody else stands before ours, and is not trusted by this.
    let config = rig.read(".codex/config.toml");
    let place = format!("{}/.codex/hooks.json:pre_tool_use", rig.home.display());
    assert!(
        config.contains(&format!("{place}:1:0")) && !config.contains(&format!("{place}:0:0")),
        "{config}"
    );
    assert!(trusting().changes.iter().all(|c| !c.changes()), "a second run changes something");
    // What its user has switched off stays off.
    let off = config.replacen("trusted_hash = \"sha256", "enabled = false\ntrusted_hash = \"sha256", 1);
    rig.write(".codex/config.toml", &off);
    assert_eq!(codex_trust(&rig.machine), trust(2, 1));
    assert!(trusting().changes.iter().all(|c| !c.changes()));
    rig.write(".codex/config.toml", &config);
    rig.uninstall(Place::User, &[Client::Codex]);
    assert_eq!(rig.tree(), before);
}
