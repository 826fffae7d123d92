//! The corpus: what each file must be read as. `tests/promises/loaders.rs` holds it against the real loaders.

use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use svault_dotenv as dotenv;

fn corpus() -> Vec<Value> {
    serde_json::from_str(include_str!("corpus.json")).unwrap_or_default()
}

fn read(text: &str) -> Result<BTreeMap<String, String>, dotenv::Error> {
    let file = dotenv::parse(text)?;
    let values = file.values(|_| None)?;
    let named = file.entries().iter().map(|e| e.name.to_owned());
    Ok(named.zip(values.iter().map(|v| v.text.to_string())).collect())
}

#[test]
fn every_case_is_read_as_written_down() {
    let corpus = corpus();
    assert!(corpus.len() > 60);
    for case in corpus {
        let text = case["text"].as_str().expect("text");
        match read(text) {
            Ok(values) => assert_eq!(serde_json::json!(values), case["values"], "{}", case["name"]),
            Err(e) => {
                let got = serde_json::json!([e.line, e.column, format!("{:?}", e.what)]);
                assert_eq!(got, case["error"], "{}", case["name"]);
            }
        }
    }
}

#[test]
fn errors_hold_nothing_of_the_text() {
    for case in corpus().iter().filter(|c| !c["error"].is_null()) {
        let secret = "sk-test-never-shown";
        let text = format!("{}\nZ={secret}\n", case["text"].as_str().expect("text"));
        let text = text.replace("id", secret).replace("this", secret);
        if let Err(e) = read(&text) {
            assert!(!format!("{e} {e:?}").contains(secret), "{}", case["name"]);
        }
    }
}

#[test]
fn what_came_from_entries_above_is_told_by_its_place() {
    let text = "A=one\nE=\nB=\"x${A}y$A\"\nC=${N:-$B}$E$OUT${A:+set}\nA=$A$A\nD='$A'\n";
    let file = dotenv::parse(text).unwrap();
    let values = file.values(|name| (name == "OUT").then(|| "outside".to_owned().into())).unwrap();
    let parts = |i: usize| -> Vec<_> {
        values[i].parts.iter().map(|p| (p.range.start, p.range.end, p.entry)).collect()
    };
    assert_eq!(*values[3].text, "xoneyoneoutsideset");
    assert_eq!((parts(2), parts(3)), (vec![(1, 4, 0), (5, 8, 0)], vec![(0, 8, 2)]));
    assert_eq!((parts(4), parts(5)), (vec![(0, 3, 0), (3, 6, 0)], vec![]));
}

#[test]
fn what_can_be_read_of_a_file_is_read_around_what_can_not() {
    let text = "A=1\nB=$(run)\nC=\"two\nlines\"\nD=\"a\n$(run)\nE=no\" # c\nnot a line\nF='x' y\nG='open\nH=\"i\"\nI=9\nJ=\"z";
    let file = dotenv::parse_readable(text);
    let read: Vec<_> = file.entries().iter().map(|e| (e.name, e.line)).collect();
    assert_eq!(read, [("A", 1), ("C", 3), ("H", 11), ("I", 12)]);
    assert_eq!(*file.values(|_| None).unwrap()[1].text, "two\nlines");
    let text = "A=\"open\nB=\"x\"\nC=1\n";
    assert_eq!(dotenv::parse_readable(text).entries().iter().map(|e| e.name).collect::<Vec<_>>(), ["B", "C"]);
    for case in corpus().iter().filter(|c| c["error"].is_null()) {
        let text = case["text"].as_str().expect("text");
        let (whole, readable) = (dotenv::parse(text).unwrap(), dotenv::parse_readable(text));
        let places = |file: &dotenv::File<'_>| -> Vec<_> {
            file.entries().iter().map(|e| (e.value_at.clone(), e.line)).collect()
        };
        assert_eq!(places(&whole), places(&readable), "{}", case["name"]);
    }
}

#[test]
fn replacing_changes_the_values_and_nothing_else() {
    let old =
        "\u{feff}# one\r\nexport A = old # c\r\nB=\"old\nold\" # d\r\n\r\nC='old'\r\nA=`old`\r\nD=\r\nE= # e";
    let file = dotenv::parse(old).unwrap();
    let news: Vec<_> = (0..file.entries().len()).map(|i| (i, "svault://main/X")).collect();
    let x = "svault://main/X";
    let new = format!(
        "\u{feff}# one\r\nexport A = {x} # c\r\nB=\"{x}\" # d\r\n\r\nC='{x}'\r\nA=`{x}`\r\nD={x}\r\nE={x} # e"
    );
    assert_eq!(*file.replace(&news), new);
}

#[test]
fn a_value_gets_quotes_where_the_old_ones_cannot_hold_it() {
    for (old, new, text) in [
        ("A=x", "a b", "A='a b'"),
        ("A='x'", "it's", "A=\"it's\""),
        ("A=\"x\"", "a$B\"`\\", "A=\"a\\$B\\\"\\`\\\\\""),
        ("A=x", "it's\r", "A=\"it's\\r\""),
        ("A: x", "y", "A: y"),
    ] {
        assert_eq!(*dotenv::parse(old).unwrap().replace(&[(0, new)]), *text);
    }
    assert!(dotenv::quote("a\0b").is_none());
}

#[test]
fn expansion_has_an_end() {
    let mut text = String::from("A0=xxxxxxxxxxxxxxxx\n");
    for i in 1..40 {
        text.push_str(&format!("A{i}=${{A{p}}}${{A{p}}}\n", p = i - 1));
    }
    let e = read(&text).unwrap_err();
    assert_eq!((e.line, e.column, e.what), (14, 11, dotenv::What::Long));
}

#[test]
fn what_is_unset_is_said_and_what_has_a_default_is_not() {
    let file = dotenv::parse("A=$N1 ${N2} ${N3:-x} ${N4+y}\nB=${A}${OUT}\n").unwrap();
    let outside = |name: &str| (name == "OUT").then(|| "o".to_owned().into());
    let values = file.values(outside).unwrap();
    assert_eq!(values[0].unset, ["N1", "N2"]);
    assert!(values[1].unset.is_empty());
    assert_eq!(*values[1].text, *"  x o");
    assert_eq!(file.entries()[0].uses(), ["N1", "N2", "N3", "N4"]);
    assert!(file.entries()[0].has_expansion());
}

#[test]
fn comments_that_look_like_assignments_are_told() {
    let file = dotenv::parse("# A=sk-test-1\n#B=\n## export C = x\n# text\n# a b = c\nD=1 # E=2\n").unwrap();
    let notes: Vec<_> = file.notes().iter().map(|n| (n.line, n.name, n.has_value)).collect();
    assert_eq!(notes, [(1, "A", true), (2, "B", false), (3, "C", true)]);
}

#[test]
fn names_alone_are_told() {
    let file = dotenv::parse("A=1\nBASE32REST\n# C\n\nexport d # e\n").unwrap();
    assert_eq!(file.alone(), [2, 5]);
}

/// Pieces that files are made of, the nasty ones more often.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("A=".to_owned()),
        Just("B: ".to_owned()),
        Just("export C =".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\"".to_owned()),
        Just("'".to_owned()),
        Just("`".to_owned()),
        Just(" #".to_owned()),
        Just("\\".to_owned()),
        Just("${A:-".to_owned()),
        Just("$B".to_owned()),
        Just("}".to_owned()),
        Just("\u{feff}".to_owned()),
        "[ -~]{0,6}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|v| v.concat())
}

proptest! {
    #[test]
    fn replacing_nothing_keeps_every_byte(text in texts()) {
        if let Ok(file) = dotenv::parse(&text) {
            let same = file.replace(&[]);
            prop_assert_eq!(same.as_str(), text.as_str());
        }
    }

    #[test]
    fn places_are_where_things_are(text in texts()) {
        if let Ok(file) = dotenv::parse(&text) {
            for e in file.entries() {
                prop_assert_eq!(&text[e.name_at.clone()], e.name);
                let line = 1 + text[..e.name_at.start].replace("\r\n", "\n").matches(['\n', '\r']).count();
                prop_assert_eq!(line, e.line);
            }
        }
    }

    #[test]
    fn what_is_written_is_read_back(values in prop::collection::vec(any::<String>(), 1..4)) {
        for value in values.iter().filter(|v| !v.contains('\0')) {
            let text = format!("A={}\nB=1\n", *dotenv::quote(value).unwrap());
            let got = read(&text).unwrap();
            prop_assert_eq!((&got["A"], got["B"].as_str()), (value, "1"));
        }
    }

    #[test]
    fn every_value_fits_into_every_place(text in texts(), value in "[ -~\r\n\u{e9}]{0,12}") {
        if let Ok(file) = dotenv::parse(&text) {
            let news: Vec<_> = (0..file.entries().len()).map(|i| (i, value.as_str())).collect();
            let again = file.replace(&news);
            let again = dotenv::parse(&again).unwrap();
            let values = again.values(|_| None).unwrap();
            prop_assert_eq!(values.len(), file.entries().len());
            for v in &values {
                prop_assert_eq!(v.text.as_str(), value.as_str());
            }
        }
    }
}
