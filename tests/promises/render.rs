//! `svault render`: a template with values in it, for a human who has proved to be there, or nothing at all.

use crate::import::{ENV, file, human, read};
use crate::snapshot::shown;
use serde_json::Value;
use std::path::PathBuf;
use svault_tests::sandbox::{PASSPHRASE, Sandbox};
use svault_tests::{Output, need};

const TEMPLATE: &str =
    "db:\n  url: svault://main/DB_URL\n  again: \"svault://main/DB_URL\"\nkey: svault://main/API_KEY\n";

fn house() -> Sandbox {
    let sandbox = Sandbox::ready();
    sandbox.add("DB_URL", "postgres://shop:sk-test-db@db/shop", &["--scope", "db"]);
    sandbox.add("API_KEY", "sk-test-api", &["--tier", "high"]);
    sandbox
}

fn template(sandbox: &Sandbox, text: &str) -> PathBuf {
    file(sandbox, text).with_file_name(".env")
}

#[track_caller]
fn nothing(said: &Output, code: i32) {
    assert_eq!(said.code, code, "{}", said.all());
    assert!(!said.all().contains("sk-test"), "{}", said.all());
}

#[test]
fn references_are_filled_with_one_yes_and_each_release_is_recorded() {
    let sandbox = house();
    let path = template(&sandbox, TEMPLATE);
    let said = human(&sandbox, &["render", ".env"]).ok();
    let url = "postgres://shop:sk-test-db@db/shop";
    assert_eq!(said.text(), format!("db:\n  url: {url}\n  again: \"{url}\"\nkey: sk-test-api\n"));
    insta::assert_snapshot!("render", shown(&sandbox, &said));
    assert_eq!(read(&path), TEMPLATE, "the file stays as it is");
    let trail = sandbox.trail();
    let released: Vec<&Value> = trail.iter().filter(|e| e["event"] == "allow").collect();
    assert_eq!(released.len(), 2, "{trail:?}");
    for entry in &released {
        let what = ["caller", "door", "exposure"].map(|key| entry[key].as_str().unwrap_or_default());
        assert_eq!(what, ["human", "cli", "value"], "{entry}");
        assert_eq!(entry["id"], released[0]["id"], "one request for all");
    }
    let json = human(&sandbox, &["render", ".env", "--json"]).ok();
    assert_eq!(json.json()["value"], said.text());
    insta::assert_snapshot!("render_json", shown(&sandbox, &json));
}

#[test]
fn one_that_is_missing_or_denied_leaves_all_of_it_out() {
    let sandbox = house();
    let _ = template(&sandbox, &format!("{TEMPLATE}x: svault://main/NO_SUCH\n"));
    let said = human(&sandbox, &["render", ".env"]);
    nothing(&said, 4);
    insta::assert_snapshot!("render_missing", shown(&sandbox, &said));
    let _ = template(&sandbox, &format!("{TEMPLATE}x: svault://nowhere/API_KEY\n"));
    nothing(&human(&sandbox, &["render", ".env"]), 4);
    let _ = template(&sandbox, TEMPLATE);
    sandbox.set_policy("[[forbid]]\nsecret = \"API_KEY\"\n");
    let said = human(&sandbox, &["render", ".env"]);
    nothing(&said, 4);
    assert_eq!(said.text(), "");
}

#[test]
fn what_is_no_template_is_told_by_its_place() {
    let sandbox = house();
    for (text, code, part) in [
        ("a: svault://main/DB_URL\nb: svault://Main/sk-test-x\n", 1, "line 2"),
        ("no reference\n", 2, "no reference"),
    ] {
        let _ = template(&sandbox, text);
        let said = human(&sandbox, &["render", ".env"]).says(part);
        nothing(&said, code);
    }
    let values: String = (0..257).map(|i| format!("K{i}=sk-test-many-{i}\n")).collect();
    let _ = template(&sandbox, &values);
    let _ = human(&sandbox, &["import", ".env"]).ok();
    let many: String = (0..257).map(|i| format!("svault://main/K{i}\n")).collect();
    let _ = template(&sandbox, &many);
    nothing(&human(&sandbox, &["render", ".env"]).says("1 to 256"), 2);
    nothing(&human(&sandbox, &["render", "."]), 1);
    nothing(&human(&sandbox, &["render", "missing"]), 1);
}

#[test]
fn a_comment_that_only_speaks_of_references_stays_as_it_is() {
    let sandbox = house();
    let _ = template(&sandbox, "# how: svault://VAULT/NAME\nKEY=svault://main/API_KEY # svault://\n");
    let said = human(&sandbox, &["render", ".env"]).ok();
    assert_eq!(said.text(), "# how: svault://VAULT/NAME\nKEY=sk-test-api # svault://\n");
    for text in [
        "# x\nKEY=svault://VAULT/NAME\n",
        "KEY=\"\n# svault://VAULT/NAME\"\n",
        "no env\n  # svault://\nkey: svault://main/API_KEY\n",
    ] {
        let _ = template(&sandbox, text);
        nothing(&human(&sandbox, &["render", ".env"]).says("line 2").says("not a reference"), 1);
    }
}

#[test]
fn an_imported_file_comes_out_as_it_was_until_a_value_or_the_file_is_another() {
    let sandbox = Sandbox::ready();
    let path = file(&sandbox, ENV);
    let _ = human(&sandbox, &["import", ".env", "--replace"]).ok();
    let references = read(&path);
    let render = || human(&sandbox, &["render", ".env"]).ok().text();
    assert_eq!(render(), ENV);
    assert_eq!(read(&path), references);
    // What somebody wrote into the file since is kept, and the values are those of the vault.
    std::fs::write(&path, format!("{references}\nNEW=1\n")).expect("write");
    let changed = render();
    assert!(changed.ends_with("\nNEW=1\n") && changed.contains("sk_live_sk-test-stripe"), "{changed}");
    std::fs::write(&path, &references).expect("write");
    let new = sandbox.svault(&["replace", "STRIPE_SECRET_KEY"]).secret("--passphrase-fd", PASSPHRASE);
    let _ = new.stdin("sk_live_sk-test-rotated").run().ok();
    let rotated = render();
    assert!(rotated.contains("\nSTRIPE_SECRET_KEY=sk_live_sk-test-rotated\n"), "{rotated}");
    assert!(!rotated.contains("sk-test-stripe"), "{rotated}");
}

#[test]
fn a_name_that_is_in_a_file_twice_comes_out_with_both_its_values() {
    let sandbox = Sandbox::ready();
    let text = "A_SECRET=sk-test-first-1111\nB=x\nA_SECRET=sk-test-second-222\n";
    let path = file(&sandbox, text);
    let _ = human(&sandbox, &["import", ".env", "--replace"]).ok();
    assert_eq!(read(&path).matches("svault://main/A_SECRET").count(), 2);
    assert_eq!(human(&sandbox, &["render", ".env"]).ok().text(), text);
    let new = sandbox.svault(&["replace", "A_SECRET"]).secret("--passphrase-fd", PASSPHRASE);
    let _ = new.stdin("sk-test-first-1111").run().ok();
    // The first line's old value is not what was taken in: both lines are the vault's now.
    let rotated = human(&sandbox, &["render", ".env"]).ok().text();
    assert_eq!(rotated, text.replace("sk-test-second-222", "sk-test-first-1111"));
}

#[test]
fn nobody_but_a_human_has_a_template_filled() {
    need!(Linux);
    let sandbox = house();
    let path = template(&sandbox, TEMPLATE);
    let path = path.to_str().expect("text");
    nothing(&sandbox.run(&["render", path]), 4);
    let wrong = sandbox.svault(&["render", path]).secret("--passphrase-fd", "wrong").run();
    nothing(&wrong, 1);
    // With the passphrase in its hands, but an agent among its parents.
    let agent = sandbox.path("claude");
    std::fs::copy("/bin/bash", &agent).expect("copy");
    let line = format!("'{}' render '{path}' --passphrase-fd 0\n:", sandbox.binary().display());
    let under = sandbox.program(agent.to_str().expect("text"), &["--norc", "-c", &line]);
    let said = under.stdin(format!("{PASSPHRASE}\n")).run();
    assert!(said.err.contains("agent"), "{}", said.all());
    assert!(!said.all().contains("sk-test"), "{}", said.all());
    sandbox.lock();
    nothing(&human(&sandbox, &["render", path]), 3);
}
