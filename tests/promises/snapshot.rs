//! Output made comparable: what differs from run to run is replaced by a word in brackets.

use svault_tests::{Output, Sandbox};

/// Exit code and both streams, with ids, times, pids and paths replaced.
pub fn shown(sandbox: &Sandbox, said: &Output) -> String {
    let path = sandbox.path("");
    let path = path.to_str().expect("path").trim_end_matches('/');
    let mut text = said.all().replace(path, "[sandbox]");
    text = text.replace(&sandbox.uid().to_string(), "[uid]");
    for pid in [sandbox.daemon().unwrap_or(-1), i32::try_from(std::process::id()).unwrap_or(-1)] {
        text = replace_number(&text, pid);
    }
    words(&text)
}

fn replace_number(text: &str, pid: i32) -> String {
    if pid < 2 { text.to_owned() } else { text.replace(&pid.to_string(), "[pid]") }
}

/// Word by word, keeping everything between the words.
fn words(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_alphanumeric() || "-:.+_[]".contains(c) {
            word.push(c);
        } else {
            out.push_str(&replaced(&word));
            word.clear();
            out.push(c);
        }
    }
    out.pop();
    out
}

fn replaced(word: &str) -> String {
    let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let time =
        ["0000-00-00T00:00:00", "0000-00-00", "00:00:00", "00:00"].iter().any(|t| shape.starts_with(t));
    let id = |w: &str| w.len() == 8 && w.bytes().all(|c| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&c));
    let hex = |w: &str| w.len() >= 16 && w.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    if time {
        "[time]".into()
    } else if id(word) {
        "[id]".into()
    } else if hex(word) {
        "[hex]".into()
    } else {
        word.to_owned()
    }
}

#[test]
fn only_what_differs_is_replaced() {
    let text = "error: 7K2MQ9XA at 2026-08-04T10:00:00.5Z in [sandbox]/home, 12 of MAIN_KEY 0123456789abcdef";
    assert_eq!(words(text), "error: [id] at [time] in [sandbox]/home, 12 of MAIN_KEY [hex]");
}
