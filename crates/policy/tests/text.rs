//! The policy's text: what is accepted, what is refused and where, and edits that keep the rest.

#![allow(clippy::unwrap_used)] // helpers of tests are no tests to clippy

use svault_policy::{
    Caller, EditError, Policy, add_caller, add_scopes, default_toml, match_caller, remove_caller,
};

fn error(text: &str) -> (usize, usize, String) {
    let e = Policy::parse(text).unwrap_err();
    assert!(!e.hint.is_empty());
    (e.line, e.column, e.message)
}

#[test]
fn the_first_policy_is_what_the_contract_says() {
    let p = Policy::parse(default_toml()).unwrap();
    assert!(p.callers.is_empty() && p.forbid.is_empty());
    assert_eq!(p.limits.burst_per_session.to_string(), "5/10s");
    assert_eq!(p.limits.burst_per_secret.to_string(), "10/10s");
    assert_eq!(p.limits.seal_after.to_string(), "5 denials/5min");
    assert_eq!((p.min_reason_chars, p.ask_medium), (10, true));
    assert_eq!((p.lock.idle_ms, p.lock.hard_ms), (900_000, 28_800_000));
}

#[test]
fn what_is_left_out_is_not_laxer() {
    assert_eq!(Policy::parse("").unwrap(), Policy::parse(default_toml()).unwrap());
}

#[test]
fn the_example_in_the_first_policy_is_valid() {
    let text: String =
        default_toml().lines().skip(3).map(|l| l.strip_prefix("# ").unwrap_or(l).to_owned() + "\n").collect();
    let p = Policy::parse(&text).unwrap();
    assert_eq!(p.callers.len(), 1);
    assert_eq!(p.forbid.len(), 1);
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let cases: &[(&str, (usize, usize), &str)] = &[
        ("[limits]\nburst_per_sesion = '5/10s'\n", (2, 1), "unknown field"),
        ("[reason]\nmin_chars = 'x'\n", (2, 13), "invalid type"),
        ("[callers.x]\nscopes = ['Data base']\n", (2, 10), "not a valid scope"),
        ("[callers.X]\n", (1, 10), "not a valid caller name"),
        ("[callers.unknown]\nscopes = ['a']\n", (1, 10), "can't be given rights"),
        ("[callers.human]\n", (1, 10), "can't be given rights"),
        ("[callers.x]\nexe = ['claude']\n", (2, 7), "absolute path"),
        ("[callers.x]\nrate = '20/fortnight'\n", (2, 8), "not a valid rate"),
        ("[limits]\nseal_after = '1000/5min'\n", (2, 14), "at most 20 denials"),
        ("[lock]\nidle = '0s'\n", (2, 8), "not a valid duration"),
        ("[lock]\nhard = '9s'\n", (2, 8), "at least 10s"),
        ("[[forbid]]\n", (1, 1), "must name"),
        ("[[forbid]]\ndoor = 'window'\n", (2, 8), "unknown variant"),
        ("[[forbid]]\nsecret = '../x'\n", (2, 10), "not a valid secret name"),
        ("[reason]\nmin_chars = 257\n", (2, 13), "at most 256"),
        ("[medium\n", (1, 8), ""),
        ("x = 1\n", (1, 1), "unknown field"),
        ("# ä ö ü\n[medium]\nask = 1\n", (3, 7), "invalid type"),
    ];
    for (text, (line, column), message) in cases {
        let (l, c, m) = error(text);
        assert_eq!((l, c), (*line, *column), "{text}: {m}");
        assert!(m.contains(message), "{text}: {m}");
    }
}

#[test]
fn too_many_callers_are_refused() {
    let text: String = (0..65).map(|i| format!("[callers.c{i}]\n")).collect();
    assert!(error(&text).2.contains("at most 64"));
}

const GUIDE: &str = include_str!("../../../docs/guide/policy.md");

/// The indented blocks of the guide that are TOML.
fn guide_blocks() -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in GUIDE.lines() {
        match (line.strip_prefix("    "), blocks.last_mut()) {
            (Some(code), Some(block)) => *block += &format!("{code}\n"),
            _ if line.is_empty() => {}
            _ => blocks.push(String::new()),
        }
    }
    blocks.retain(|block| block.starts_with('['));
    blocks
}

#[test]
fn the_examples_of_the_guide_are_valid_and_its_defaults_are_the_defaults() {
    let blocks = guide_blocks();
    let policies: Vec<&String> = blocks.iter().filter(|b| !b.starts_with("[[case]]")).collect();
    assert_eq!(policies.len(), 3, "{blocks:?}");
    for text in &policies {
        assert!(Policy::parse(text).is_ok(), "{text}\n{:?}", Policy::parse(text));
    }
    assert!(policies[0].contains("[lock]") && policies[0].contains("proposals"), "{}", policies[0]);
    assert_eq!(Policy::parse(policies[0]).unwrap(), Policy::parse("").unwrap());
}

#[test]
fn the_guide_names_every_key() {
    for table in ["", "[callers.x]\n", "[limits]\n", "[reason]\n", "[medium]\n", "[lock]\n", "[[forbid]]\n"] {
        // What is said of a key that is none names all that there are.
        let (.., message) = error(&format!("{table}none = 1\n"));
        let keys: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
        assert!(!keys.is_empty(), "{message}");
        for key in keys {
            let named = [format!("`{key}`"), format!("[{key}]"), format!("[{key}.")];
            assert!(named.iter().any(|name| GUIDE.contains(name)), "{table}{key}");
        }
    }
}

fn caller() -> Caller {
    Caller {
        exe: vec!["/opt/claude".into()],
        scopes: vec!["database".parse().unwrap()],
        rate: Some("20/hour".parse().unwrap()),
        verified: true,
    }
}

#[test]
fn adding_a_caller_keeps_every_line_and_removing_it_too() {
    let name = "claude-code".parse().unwrap();
    let added = add_caller(default_toml(), &name, &caller()).unwrap();
    for line in default_toml().lines() {
        assert!(added.contains(line), "{line}");
    }
    assert_eq!(Policy::parse(&added).unwrap().callers[&name], caller());
    assert_eq!(add_caller(&added, &name, &caller()), Err(EditError::Exists(name.clone())));

    let other = "codex".parse().unwrap();
    let both = add_caller(&added, &other, &Caller { rate: None, verified: false, ..caller() }).unwrap();
    assert_eq!(Policy::parse(&both).unwrap().callers.len(), 2);
    let removed = remove_caller(&both, &name).unwrap();
    assert_eq!(Policy::parse(&removed).unwrap().callers.keys().collect::<Vec<_>>(), [&other]);
    for line in default_toml().lines() {
        assert!(removed.contains(line), "{line}");
    }
    assert_eq!(remove_caller(&removed, &name), Err(EditError::Missing(name)));
}

#[test]
fn removing_a_caller_takes_its_own_comment_and_no_other() {
    let top = "# The policy of this house.\n";
    let robot = "\n# the robot\n[callers.robot]\nscopes = [\"db\"]\n";
    let section = "\n# Limits: ask before you change them.\n";
    let other = "\n# the other,\n# of two lines\n[callers.other]\nscopes = [\"db\"]\n";
    let rules = "\n# reasons\n[reason]\nmin_chars = 10\n";
    let tight = "[reason]\nmin_chars = 10\n";
    let remove = |text: &[&str], name: &str| remove_caller(&text.concat(), &name.parse().unwrap()).unwrap();
    let all = [top, robot, section, other, rules];
    assert_eq!(remove(&all, "robot"), [top, section, other, rules].concat());
    assert_eq!(remove(&all, "other"), [top, robot, section, rules].concat());
    assert_eq!(remove(&[top, rules, section, other], "other"), [top, rules, section].concat());
    assert_eq!(remove(&[robot, section, other, tight], "other"), [robot, section, "\n", tight].concat());
    assert_eq!(
        remove(&[top, rules, section, other, "\n# end\n"], "other"),
        [top, rules, section, "\n# end\n"].concat()
    );
    let forbid = "\n# never\n[[forbid]]\nsecret = \"X\"\n";
    let text = [top, robot, section, other, forbid, forbid];
    assert_eq!(remove(&text, "other"), [top, robot, section, forbid, forbid].concat());
}

#[test]
fn edits_of_unusual_shapes() {
    let name = "x".parse().unwrap();
    assert_eq!(add_caller("callers = { y = {} }\n", &name, &caller()), Err(EditError::Shape));
    let gone = remove_caller("callers = { x = {} }\n", &name).unwrap();
    assert!(Policy::parse(&gone).unwrap().callers.is_empty());
    assert!(matches!(add_caller("x = 1", &name, &caller()), Err(EditError::Parse(_))));
    let bad = Caller { exe: vec!["relative".into()], ..caller() };
    assert!(matches!(add_caller("", &name, &bad), Err(EditError::Parse(_))));
}

#[test]
fn a_caller_gets_executables_and_scopes_beside_what_it_has() {
    let name = "claude-code".parse().unwrap();
    let exe = |p: &str| vec![p.to_owned()];
    let new = match_caller(default_toml(), &name, &exe("/a/claude")).unwrap();
    let known = Policy::parse(&new).unwrap().callers[&name].clone();
    assert_eq!((known.exe, known.scopes), (exe("/a/claude"), Vec::new()), "no scopes by itself");
    assert_eq!(match_caller(&new, &name, &exe("/a/claude")).unwrap(), new);
    let moved = match_caller(&new, &name, &exe("/b/claude")).unwrap();
    let wide = add_scopes(&moved, &name, &["db".parse().unwrap()]).unwrap();
    assert_eq!(add_scopes(&wide, &name, &["db".parse().unwrap()]).unwrap(), wide);
    let known = Policy::parse(&wide).unwrap().callers[&name].clone();
    assert_eq!(known.exe, ["/a/claude", "/b/claude"]);
    assert_eq!(known.scopes, ["db".parse().unwrap()]);
    let launched = add_caller(default_toml(), &name, &Caller { verified: true, ..caller() }).unwrap();
    assert_eq!(
        match_caller(&launched, &name, &exe("/c")).unwrap(),
        launched,
        "launched only: no match added"
    );
    assert_eq!(add_scopes("", &name, &[]), Err(EditError::Missing(name)));
}
