//! `svault scrub`: what comes in goes out, but for secrets.

use svault_tests::need;
use svault_tests::sandbox::Sandbox;

const VALUE: &str = "sk_tst.scrubbed:0Zq7Xw3Kd9Lm";
const LEAK: &str = "sk-test-LEAKED333444555";

fn house() -> Sandbox {
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("DB_URL", VALUE, &["--tier", "medium", "--scope", "db"]);
    sandbox
}

fn scrubbed(sandbox: &Sandbox, text: &[u8], options: &[&str]) -> svault_tests::Output {
    sandbox.svault(&[&["scrub"], options].concat()).stdin(text).run()
}

#[test]
fn values_and_leaks_are_masked_and_the_rest_is_as_it_was() {
    let house = house();
    let text = [b"\x00\xff a ", VALUE.as_bytes(), b" b ", LEAK.as_bytes(), b" c\r\n\xfe"].concat();
    let masked = scrubbed(&house, &text, &[]).ok();
    assert_eq!(masked.out, b"\x00\xff a [svault:secret] b [svault:openai-key] c\r\n\xfe");
    let alone = scrubbed(&house, &text, &["--rules-only"]).ok();
    assert_eq!(alone.out, [b"\x00\xff a ", VALUE.as_bytes(), b" b [svault:openai-key] c\r\n\xfe"].concat());
    assert!(alone.err.is_empty());
}

#[test]
fn a_locked_store_leaves_the_rules_and_says_so_once() {
    let house = house();
    house.lock();
    let masked = scrubbed(&house, format!("a {LEAK} b\n").as_bytes(), &[]).ok();
    assert_eq!(masked.text(), "a [svault:openai-key] b\n");
    assert_eq!(masked.err.lines().count(), 1, "{}", masked.all());
    let none = Sandbox::empty();
    assert_eq!(scrubbed(&none, LEAK.as_bytes(), &[]).ok().text(), "[svault:openai-key]");
}

/// By whatever way a command came to them.
#[test]
fn values_of_env_files_that_lie_there_are_masked_though_no_vault_has_them() {
    let none = Sandbox::empty();
    std::fs::write(none.home().join(".env"), "DB_PASS=hunter2hunter2xx\nPORT=3000\n").expect("write");
    let line = "xargs -a .env | \"$SVAULT\" scrub; base64 .env | \"$SVAULT\" scrub; cut -c3-20 .env | \"$SVAULT\" scrub";
    let said = none.shell(line).run().ok();
    let shown = said.text();
    let first = shown.lines().next();
    assert_eq!(first, Some("DB_PASS=[svault:.env DB_PASS] PORT=3000"), "{}", said.all());
    assert!(
        !shown.contains("aHVudGVyMmh1bnRlcjJ4e") && shown.contains("[svault:.env DB_PASS]"),
        "{}",
        said.all()
    );
    // A part of a value is no value.
    assert!(shown.ends_with("_PASS=hunter2hunte\nRT=3000\n"), "{}", said.all());
}

#[test]
fn a_value_of_several_lines_is_masked_whatever_ends_them() {
    let house = house();
    let key =
        |end: &str| ["-----BEGIN TEST-----", "c2stdGVzdC1saW5lLW9uZQ", "c2stdGVzdC1saW5lLXR3bw"].join(end);
    house.add("PEM", &key("\n"), &["--tier", "medium", "--scope", "db"]);
    house.add("DOS", &key("\r\n").replace("TEST", "OTHER"), &["--tier", "medium", "--scope", "db"]);
    for end in ["\n", "\r\n", "\r\r\n"] {
        let text = format!("a {} b {}{end}c\r\n", key(end), key(end).replace("TEST", "OTHER"));
        let masked = scrubbed(&house, text.as_bytes(), &[]).ok();
        assert_eq!(masked.text(), format!("a [svault:secret] b [svault:secret]{end}c\r\n"));
    }
}

#[test]
fn nothing_of_a_long_value_comes_out_in_any_form() {
    let house = house();
    let mut state = 11u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[(state >> 59) as usize])
    };
    let value: String = (0..40 << 10).map(|_| next()).collect();
    house.add("LONG", &value, &["--tier", "medium", "--scope", "db"]);
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let points: String = value.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    for form in [value, hex, percent, points] {
        let masked = scrubbed(&house, format!("a {form} b\n").as_bytes(), &[]).ok();
        let shown = masked.text();
        assert!(shown == "a [svault:secret] b\n", "{} bytes came out: {shown:.40}", shown.len());
    }
}

#[test]
fn a_large_text_loses_nothing() {
    let house = house();
    let mut state = 7u64;
    let mut text = Vec::new();
    while text.len() < 3 << 20 {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        text.extend_from_slice(&state.to_be_bytes());
        if state.is_multiple_of(97) {
            text.extend_from_slice(VALUE.as_bytes());
        }
    }
    let masked = scrubbed(&house, &text, &[]).ok().out;
    let parts: Vec<Vec<u8>> = split(&text, VALUE.as_bytes());
    assert!(parts.len() > 1000);
    let expected = parts.join(&b"[svault:secret]"[..]);
    let same = masked.iter().zip(&expected).take_while(|(a, b)| a == b).count();
    let near =
        |text: &[u8]| text[same.saturating_sub(40)..text.len().min(same + 40)].escape_ascii().to_string();
    assert!(masked == expected, "at {same}: {} instead of {}", near(&masked), near(&expected));
}

fn split(text: &[u8], by: &[u8]) -> Vec<Vec<u8>> {
    let (mut parts, mut part, mut at) = (Vec::new(), Vec::new(), 0);
    while at < text.len() {
        if text[at..].starts_with(by) {
            parts.push(std::mem::take(&mut part));
            at += by.len();
        } else {
            part.push(text[at]);
            at += 1;
        }
    }
    parts.push(part);
    parts
}

/// What comes late is masked too: the daemon knows where the value began.
#[test]
fn a_value_that_comes_in_two_parts_with_a_pause_does_not_come_out_whole() {
    need!(Linux);
    let house = house();
    let line = format!(
        "(printf 'a %s' '{}'; sleep 0.3; printf '%s b' '{}') | \"$SVAULT\" scrub",
        &VALUE[..10],
        &VALUE[10..]
    );
    let out = house.shell(&line).run().ok().text();
    assert!(out.starts_with("a ") && out.ends_with(" b"), "{out}");
    assert!(!out.contains(&VALUE[10..]) && !out.contains(VALUE), "{out}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure_and_ends_it() {
    need!(Linux);
    let house = house();
    let said = house.shell("(yes | \"$SVAULT\" scrub --rules-only; echo \"exit $?\" >&2) | head -1").run();
    assert_eq!(said.text(), "y\n");
    assert!(said.all().contains("exit 0"), "{}", said.all());
}

#[test]
fn what_can_not_be_read_is_told_apart_from_what_can_not_be_written() {
    need!(Linux);
    let house = house();
    let said = house.shell("\"$SVAULT\" scrub --rules-only <.").run().exits(1);
    assert!(said.err.contains("can't read the input") && said.err.contains("directory"), "{}", said.err);
    assert!(!said.err.contains("answer") && !said.err.contains("room"), "{}", said.err);
    let said = house.shell("echo a | \"$SVAULT\" scrub --rules-only >/dev/full").run().exits(1);
    assert!(said.err.contains("can't write the answer"), "{}", said.err);
}
