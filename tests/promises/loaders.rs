//! What the corpus of `.env` files says of the real loaders is true of those on this machine.

use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use svault_tests::need;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("crates/dotenv/tests")
}

/// The cases that are read at all, and what `loader` makes of each.
fn cases(loader: &str) -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(folder().join("corpus.json")).expect("the corpus");
    let corpus: Vec<Map<String, Value>> = serde_json::from_str(&text).expect("the corpus");
    let good = corpus.into_iter().filter(|c| c.contains_key("values"));
    good.map(|c| {
        let expected = c.get(loader).unwrap_or(&c["values"]).clone();
        (c["text"].as_str().expect("text").to_owned(), expected)
    })
    .collect()
}

/// All cases through one program, which reads a list of texts and writes a list of values.
fn compare(loader: &str, program: &mut Command) {
    let cases = cases(loader);
    let texts: Vec<&str> = cases.iter().map(|c| c.0.as_str()).collect();
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the loader");
    let mut stdin = child.stdin.take().expect("stdin");
    stdin.write_all(json!(texts).to_string().as_bytes()).expect("the texts");
    drop(stdin);
    let said = child.wait_with_output().expect("the loader");
    let got: Vec<Value> = serde_json::from_slice(&said.stdout).expect("a list");
    assert_eq!(got.len(), cases.len());
    for ((text, expected), got) in cases.iter().zip(&got) {
        assert_eq!(got, expected, "{loader} on {text:?}");
    }
}

#[test]
fn python_dotenv_reads_the_corpus_as_written_down() {
    need!(PythonDotenv);
    compare("python", Command::new("python3").arg(folder().join("load.py")));
}

#[test]
fn nodes_dotenv_reads_the_corpus_as_written_down() {
    need!(NodeDotenv);
    compare("node", Command::new("node").arg(folder().join("load.cjs")));
}

/// Where the corpus has null for it, a shell finds no assignment, and would run some word of it. Commands are never
/// among the cases: they are refused, and have no values.
#[test]
fn a_shell_reads_the_corpus_as_written_down() {
    let scratch = svault_tests::scratch::Scratch::new(rustix::process::geteuid().as_raw());
    for (text, expected) in cases("sh").into_iter().filter(|c| !c.1.is_null()) {
        let file = scratch.path().join("env");
        std::fs::write(&file, &text).expect("the file");
        let script = "set -a; . \"$0\" && exec /usr/bin/env -0";
        let mut sh = Command::new("/bin/sh");
        let said = sh.args(["-c", script]).arg(&file).current_dir(scratch.path()).env_clear().output();
        let said = said.expect("sh");
        let got = said.status.success().then(|| {
            let text = String::from_utf8_lossy(&said.stdout).into_owned();
            let pairs = text.split('\0').filter_map(|p| p.split_once('='));
            let own = ["PWD", "OLDPWD", "_", "SHLVL"];
            pairs
                .filter(|p| !own.contains(&p.0))
                .map(|(k, v)| (k.to_owned(), json!(v)))
                .collect::<Map<_, _>>()
        });
        assert_eq!(json!(got), expected, "sh on {text:?}");
    }
}
