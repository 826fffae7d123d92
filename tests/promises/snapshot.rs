//! Output made comparable: what differs from run to run or from machine to machine is replaced by a word in brackets.

use svault_tests::{Output, Sandbox};

/// Exit code and both streams, with paths, ids, times, pids and what hangs on the machine replaced.
pub fn shown(sandbox: &Sandbox, said: &Output) -> String {
    let binary = sandbox.binary().display().to_string();
    let folder = sandbox.path("");
    let folder = folder.to_str().expect("path").trim_end_matches('/');
    let text = said.all().replace(&binary, "[svault]").replace(folder, "[sandbox]");
    let text = text.replace(&sandbox.uid().to_string(), "[uid]");
    let text: Vec<String> = text.lines().filter(|l| !l.starts_with("missing  ")).map(line).collect();
    let mut text = text.join("\n");
    if said.all().ends_with('\n') {
        text.push('\n');
    }
    text
}

/// A line: what follows a known word, then word by word.
fn line(line: &str) -> String {
    let mut line = line.to_owned();
    for (before, word) in
        [("word pair  ", "[two words]"), ("\"word_pair\": \"", "[two words]"), ("\"zone\": \"", "[zone]")]
    {
        if let Some((front, rest)) = line.split_once(before) {
            let end =
                rest.find(|c: char| c != ' ' && !c.is_ascii_lowercase() && !(word == "[zone]" && c != '"'));
            let rest = rest[end.unwrap_or(rest.len())..].trim_start().to_owned();
            line = format!("{front}{before}{word}{}{rest}", if rest.starts_with('(') { "  " } else { "" });
        }
    }
    let words = words(&line);
    let mut out = String::new();
    for (i, (word, gap)) in words.iter().enumerate() {
        let before = i.checked_sub(1).map_or("", |b| words[b].0.as_str());
        let after = words.get(i + 1).map_or("", |w| w.0.as_str());
        out.push_str(&replaced(word, before, after));
        out.push_str(gap);
    }
    out
}

/// The words of a line, each with what stands between it and the next.
fn words(line: &str) -> Vec<(String, String)> {
    let in_word = |c: char| c.is_alphanumeric() || "-:.+_[]/".contains(c);
    let mut words = vec![(String::new(), String::new())];
    for c in line.chars() {
        let last = words.last_mut().expect("one");
        // A colon belongs to a time, not to a key.
        match (in_word(c) && (c != ':' || last.1.is_empty()), last.1.is_empty()) {
            (true, true) => last.0.push(c),
            (true, false) => words.push((c.to_string(), String::new())),
            (false, _) => last.1.push(c),
        }
    }
    words
}

fn replaced(word: &str, before: &str, after: &str) -> String {
    let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let time =
        ["0000-00-00T00:00:00", "0000-00-00", "00:00:00", "00:00"].iter().any(|t| shape.starts_with(t));
    let id = word.len() == 8 && word.bytes().all(|c| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&c));
    let number = !word.is_empty() && word.bytes().all(|c| c.is_ascii_digit());
    let pid = matches!(before, "process" | "pid" | "pid:")
        || after.starts_with('/')
        || after == "svault"
        || after.starts_with("[s");
    let pid = pid || after.starts_with("demo/");
    let hex = |w: &str| w.len() >= 16 && w.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    if time {
        "[time]".into()
    } else if id {
        "[id]".into()
    } else if number && pid {
        "[pid]".into()
    } else if number && (word.len() > 3 || before.starts_with("locks_in")) {
        "[n]".into()
    } else if hex(word) {
        "[hex]".into()
    } else if let Some((front, name)) =
        word.rsplit_once('/').filter(|(_, name)| hex(name.trim_end_matches(".sock")))
    {
        format!("{front}/[hex]{}", if name.ends_with(".sock") { ".sock" } else { "" })
    } else {
        word.to_owned()
    }
}

#[test]
fn only_what_differs_is_replaced() {
    let text = "error: 7K2MQ9XA at 2026-08-04T10:00:00.5Z in [sandbox]/home, 12 of MAIN_KEY 0123456789abcdef";
    assert_eq!(line(text), "error: [id] at [time] in [sandbox]/home, 12 of MAIN_KEY [hex]");
    assert_eq!(line("  word pair  captain kale  (is this)"), "  word pair  [two words]  (is this)");
    assert_eq!(line("\"zone\": \"Etc/UTC\","), "\"zone\": \"[zone]\",");
    assert_eq!(line("process   72 [svault] < 68 demo/x"), "process   [pid] [svault] < [pid] demo/x");
    assert_eq!(line("\"pid\": 77, \"locks_in\": 899"), "\"pid\": [pid], \"locks_in\": [n]");
    assert_eq!(
        line("[sandbox]/state/7313aa06e63a1c66.sock 5555 bytes"),
        "[sandbox]/state/[hex].sock [n] bytes"
    );
}
