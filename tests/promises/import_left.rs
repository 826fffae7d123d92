//! What `svault import` leaves in the file is never a secret that nobody was told of.

use crate::import::{file, human, names, read};
use serde_json::{Value, json};
use svault_tests::Sandbox;

const KEY: &str = "sk-test-5f0e1c9a77d2b3";

#[test]
fn a_key_under_a_name_of_a_setting_is_taken() {
    let sandbox = Sandbox::ready();
    let path = file(&sandbox, format!("PORT={KEY}\nLOG_LEVEL=info\n"));
    let _ = human(&sandbox, &["import", ".env", "--replace"]).ok();
    assert_eq!(read(&path), "PORT=svault://main/PORT\nLOG_LEVEL=info\n");
    assert_eq!(sandbox.human(&["show", "PORT"]).ok().text(), KEY);
}

#[test]
fn a_key_that_stays_is_named_in_the_plan_and_in_the_result() {
    let sandbox = Sandbox::ready();
    let text = format!(
        "TLS=\"-----BEGIN\nx\n-----END\"\nLD_SDK_KEY={KEY}\nmy-key.a=hunter2\nmy.port=3000\n# was {KEY}\nOK_KEY=sk-test-1\n"
    );
    let path = file(&sandbox, &text);
    let dry = human(&sandbox, &["import", ".env", "--dry-run", "--json"]).ok();
    assert!(!dry.all().contains(KEY) && !dry.all().contains("hunter2"), "{}", dry.all());
    let left = json!([
        {"line": 4, "name": "LD_SDK_KEY", "looks": "openai-key"},
        {"line": 5, "name": "my-key.a", "looks": "a secret"},
        {"line": 7, "name": null, "looks": "openai-key"},
    ]);
    assert_eq!(dry.json()["left"], left);
    let said = human(&sandbox, &["import", ".env", "--replace"]).ok();
    assert!(!said.all().contains(KEY) && !said.all().contains("hunter2"), "{}", said.all());
    assert_eq!(names(&sandbox), ["OK_KEY", "TLS"]);
    assert!(read(&path).contains("\nmy-key.a=hunter2\n"), "what svault run can't set stays");
    for part in
        ["LD_SDK_KEY (line 4), looks like openai-key", "my-key.a (line 5), looks like a secret", "line 7"]
    {
        assert!(said.err.contains(&format!("left in clear: {part}")), "{part}\n{}", said.err);
    }
    // The old value of TLS had three lines; the file has one now.
    for part in
        ["LD_SDK_KEY (line 2), looks like openai-key", "my-key.a (line 3), looks like a secret", "line 5"]
    {
        assert!(said.text().contains(&format!("left in clear: {part}")), "{part}\n{}", said.text());
    }
    assert!(said.text().contains("give the variable another one, of A-Z 0-9 _"), "{}", said.text());
    // Whoever runs the file has no trouble with what stays.
    let run = human(&sandbox, &["run", "--", "printenv", "OK_KEY"]).ok();
    assert_eq!(run.text(), "[svault:OK_KEY]\n");
}

#[test]
fn the_object_says_whether_it_was_a_dry_run() {
    let sandbox = Sandbox::ready();
    let _ = file(&sandbox, "A_KEY=svault://main/A_KEY\nPORT=1\n");
    let said = |args: &[&str]| -> Value { human(&sandbox, args).ok().json() };
    let json = said(&["import", ".env", "--replace", "--json"]);
    assert_eq!((&json["dry_run"], &json["imported"]), (&json!(false), &json!(0)));
    assert_eq!(said(&["import", ".env", "--dry-run", "--json"])["dry_run"], true);
}

#[test]
fn a_file_that_is_not_there_is_said_to_be() {
    let sandbox = Sandbox::ready();
    let _ = file(&sandbox, "");
    let said = human(&sandbox, &["import", "none.env"]).exits(1).says("cause: no such file");
    assert!(!said.err.contains("entity"), "{}", said.err);
}

#[test]
fn a_reference_under_a_name_that_no_variable_has_is_refused_with_what_to_do() {
    let sandbox = Sandbox::ready();
    sandbox.add("my-key.a", "sk-test-1", &[]);
    let _ = file(&sandbox, "A=1\nmy-key.a=svault://main/my-key.a\n");
    let _ = human(&sandbox, &["run", "--", "true"]).exits(1).says("line 2").says("another name in the file");
}

#[test]
fn a_line_without_a_sign_is_named() {
    let sandbox = Sandbox::ready();
    let path = file(&sandbox, format!("A_KEY={KEY}\nMFRGGZDFMZTWQ2LK\n"));
    let said = human(&sandbox, &["import", ".env", "--replace"]).ok();
    assert!(said.err.contains("no '=' there, so it is kept as it is: line 2"), "{}", said.all());
    assert!(!said.all().contains("MFRGG"), "{}", said.all());
    assert_eq!(read(&path), "A_KEY=svault://main/A_KEY\nMFRGGZDFMZTWQ2LK\n");
}
