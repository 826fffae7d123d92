//! Acts: what the daemon would do against what was asked. Every field that differs is noticed.

// Helpers of tests may unwrap like tests do.
#![allow(clippy::unwrap_used)]

use svault_wire as wire;
use wire::act::{Act, Error, Facts, Label, MAX, RequestFacts, Resolved};
use wire::{Ask, AskItem, FromDaemon, HexBytes, ImportItem, Known, Lasts, Want};
use words::{Class, Exposure, Id, SecretRef, Tier, Way};

fn resolved(vault: &str, name: &str, version: Option<u64>) -> Resolved {
    Resolved { vault: vault.parse().unwrap(), name: name.parse().unwrap(), version }
}

fn secret(text: &str) -> SecretRef {
    text.parse().unwrap()
}

fn class() -> Class {
    let mut c = Class::new("db".parse().unwrap(), Tier::High);
    c.expose = Some(Exposure::Value);
    c.require_reason = Some(true);
    c.description = "the main database".into();
    c.destinations = vec!["db.example.com".into()];
    c.commands = vec![vec!["/usr/bin/psql".into(), "-c".into()]];
    c.windows = vec!["mon-fri 09:00-18:00".into()];
    c.callers = vec!["claude-code".parse().unwrap()];
    c
}

fn ask() -> Ask {
    Ask {
        client: String::new(),
        sets: String::new(),
        items: vec![
            AskItem::env(secret("DB_URL"), "DB_URL".parse().unwrap()),
            AskItem::file(secret("svault://work/KEY"), "KEY_FILE".parse().unwrap()),
        ],
        scope: None,
        reason: None,
        argv: vec!["make".into(), "deploy now".into()],
        cwd: "/home/u/p".into(),
        wait: 0,
    }
}

fn id() -> Id {
    "7K2MQ9XA".parse().unwrap()
}

/// Every want, with the facts that fit it.
fn all() -> Vec<(Want, Facts)> {
    let one = |name| Facts { secrets: vec![resolved("main", name, Some(3))], ..facts() };
    let request = RequestFacts {
        items: vec![
            (resolved("main", "DB_URL", Some(3)), Way::Env("DB_URL".parse().unwrap())),
            (resolved("main", "CERT", None), Way::File("CERT_PATH".parse().unwrap())),
        ],
        scope: "db".into(),
        reason: "run the migration".into(),
        argv: vec!["make".into()],
        cwd: "/p".into(),
    };
    let about = || Facts { request: Some(request.clone()), ..facts() };
    let new = || Facts { secrets: vec![resolved("main", "NEW", None)], ..facts() };
    let (name, vault) = ("NEW".parse().unwrap(), "main".parse().unwrap());
    let both = Facts {
        secrets: vec![resolved("main", "DB_URL", Some(3)), resolved("work", "KEY", Some(1))],
        ..facts()
    };
    vec![
        (Want::Window, facts()),
        (Want::Show { secret: secret("DB_URL") }, one("DB_URL")),
        (Want::Run(ask()), both),
        (Want::List, facts()),
        (Want::Add { name, vault, class: class() }, new()),
        (Want::Replace { secret: secret("svault://main/K") }, one("K")),
        (Want::Remove { secret: secret("K") }, one("K")),
        (Want::Edit { secret: secret("K"), class: class(), was: None }, one("K")),
        (import(&["A", "B"], class()), Facts { exists: Known(vec![(1, 4)]).text(), ..facts() }),
        (Want::VaultCreate { name: "work".parse().unwrap() }, facts()),
        (Want::VaultList, facts()),
        (Want::Pending, facts()),
        (Want::Approve { id: id(), lasts: Lasts::Seconds(900) }, about()),
        (Want::Deny { id: id() }, about()),
        (Want::CancelAny { id: id() }, about()),
        (Want::Seals, facts()),
        (Want::Unseal { id: id() }, facts()),
        (Want::PolicyShow, facts()),
        (Want::PolicySet { toml: "[medium]\nask = true\n".into(), was: None }, facts()),
        (Want::SettingsShow, facts()),
        (Want::SettingsSet { zone: Some("Asia/Tokyo".into()), notify: None }, facts()),
        (Want::SettingsSet { zone: None, notify: Some(String::new()) }, facts()),
        (Want::Explain { id: id() }, facts()),
        (Want::Callers, facts()),
        (
            Want::AgentStart {
                caller: "codex".parse().unwrap(),
                argv: vec!["codex".into(), "a b".into()],
                cwd: "/p".into(),
            },
            facts(),
        ),
        (Want::AuditList(audit::Filter { last: Some(5), ..audit::Filter::default() }), facts()),
        (Want::AuditShow { id: id() }, facts()),
        (Want::Slots { epoch: 2, slots: vec![HexBytes(vec![0, 1, 255]), HexBytes(vec![7])] }, facts()),
    ]
}

fn import(names: &[&str], class: Class) -> Want {
    let item = |name: &&str| ImportItem { name: name.parse().unwrap(), class: class.clone() };
    Want::Import { vault: "main".parse().unwrap(), update: false, items: names.iter().map(item).collect() }
}

/// A card that shows other names than what would be stored is not agreed to.
#[test]
fn an_import_of_anything_else_has_another_digest() {
    let asked = import(&["A", "B"], class());
    let act = |want: &Want| Act::build(want, &facts()).unwrap();
    act(&asked).agrees_with(&asked).unwrap();
    let mut lower = class();
    lower.tier = Tier::Low;
    for other in [
        import(&["A", "C"], class()),
        import(&["B", "A"], class()),
        import(&["A", "B"], lower),
        import(&["A", "B"], Class { description: String::new(), ..class() }),
    ] {
        let differs = act(&other).agrees_with(&asked).unwrap_err();
        assert_eq!(differs.label, Label::Digest);
    }
    assert_eq!(act(&import(&["A"], class())).agrees_with(&asked).unwrap_err().label, Label::Count);
    let Want::Import { vault, items, .. } = asked.clone() else { return };
    let update = Want::Import { vault, update: true, items };
    assert_eq!(act(&update).agrees_with(&asked).unwrap_err().label, Label::Update);
}

fn facts() -> Facts {
    Facts {
        who: "unknown (claimed)".into(),
        process: vec!["77 /usr/bin/bash".into()],
        new: vec!["main/STRIPE_LIVE".into()],
        notes: vec!["wider than its tier gives".into()],
        ..Facts::default()
    }
}

#[test]
fn every_act_agrees_with_its_want_and_with_no_other() {
    let all = all();
    for (i, (want, facts)) in all.iter().enumerate() {
        let act = Act::build(want, facts).unwrap();
        let bytes = act.encode().unwrap();
        let back = Act::decode(&bytes).unwrap();
        assert_eq!(back, act);
        assert_eq!(back.encode().unwrap(), bytes, "one form only");
        for (j, (other, _)) in all.iter().enumerate() {
            assert_eq!(back.agrees_with(other).is_ok(), i == j, "{} as {}", want.word(), other.word());
        }
    }
}

/// Takes an act apart and puts it together with one field changed, left out, twice, or added.
fn twisted(act: &Act) -> Vec<(String, Vec<u8>)> {
    let fields: Vec<(String, Vec<u8>)> =
        act.fields().iter().map(|f| (f.label.as_str().to_owned(), f.value.clone())).collect();
    let encode = |fields: &[(String, Vec<u8>)]| {
        let mut out = wire::act::MAGIC.to_vec();
        out.extend((fields.len() as u16).to_le_bytes());
        for (label, value) in fields {
            out.push(label.len() as u8);
            out.extend(label.as_bytes());
            out.extend((value.len() as u32).to_le_bytes());
            out.extend(value);
        }
        out
    };
    assert_eq!(encode(&fields), act.encode().unwrap());
    let mut out = Vec::new();
    for i in 1..fields.len() {
        let mut changed = fields.clone();
        changed[i].1.push(b'x');
        out.push((format!("{} changed", fields[i].0), encode(&changed)));
        let mut less = fields.clone();
        less.remove(i);
        out.push((format!("{} left out", fields[i].0), encode(&less)));
        let mut twice = fields.clone();
        twice.insert(i, fields[i].clone());
        out.push((format!("{} twice", fields[i].0), encode(&twice)));
    }
    for label in Label::ALL.iter().filter(|l| **l != Label::Act) {
        let mut more = fields.clone();
        more.push((label.as_str().to_owned(), b"main/OTHER".to_vec()));
        out.push((format!("{} added", label.as_str()), encode(&more)));
    }
    out
}

#[test]
fn any_field_that_the_client_named_is_noticed_when_it_differs() {
    // What only the daemon knows may be anything; the rest may not.
    let facts = ["who", "session", "door", "asked", "process", "new", "note"];
    let of_request = ["secret", "version", "exposure", "env", "file", "scope", "argv", "cwd", "reason"];
    for (want, f) in all() {
        let act = Act::build(&want, &f).unwrap();
        let about_request = matches!(
            want,
            Want::Approve { .. } | Want::Deny { .. } | Want::CancelAny { .. } | Want::Unseal { .. }
        );
        for (what, bytes) in twisted(&act) {
            let (label, how) = what.split_once(' ').unwrap();
            let free = facts.contains(&label) || (about_request && of_request.contains(&label));
            // The version is the daemon's to say, but it says at most one.
            let free = free || (label == "exists" && matches!(want, Want::Import { .. }));
            let free = free || (label == "version" && (how == "changed" || how == "left out"));
            let agrees = Act::decode(&bytes).is_ok_and(|a| a.agrees_with(&want).is_ok());
            // A secret that is not there yet has no version; the daemon may say so of the last one.
            let may =
                free || (label == "version" && how == "added" && !act.values(Label::Version).any(|_| true));
            if may && label == "version" {
                continue;
            }
            assert_eq!(agrees, may, "{}: {what}", want.word());
        }
    }
}

#[test]
fn an_unqualified_name_may_be_found_in_a_vault_but_a_named_vault_is_kept() {
    let act = |vault| {
        let want = Want::Show { secret: secret("K") };
        Act::build(&want, &Facts { secrets: vec![resolved(vault, "K", Some(1))], ..Facts::default() })
            .unwrap()
    };
    assert!(act("main").agrees_with(&Want::Show { secret: secret("K") }).is_ok());
    assert!(act("main").agrees_with(&Want::Show { secret: secret("svault://main/K") }).is_ok());
    assert!(act("work").agrees_with(&Want::Show { secret: secret("svault://main/K") }).is_err());
    assert!(act("main").agrees_with(&Want::Show { secret: secret("L") }).is_err());
    // The daemon can't build an act about another secret than was asked for.
    let want = Want::Show { secret: secret("svault://main/K") };
    for secrets in [vec![], vec![resolved("work", "K", None)], vec![resolved("main", "L", None)]] {
        assert_eq!(Act::build(&want, &Facts { secrets, ..Facts::default() }), Err(Error::Malformed));
    }
}

#[test]
fn swapped_variables_are_noticed() {
    let (want, f) = all().into_iter().find(|(w, _)| w.word() == "run").unwrap();
    let act = Act::build(&want, &f).unwrap();
    let mut other = ask();
    let (a, b) = (other.items[0].way.clone(), other.items[1].way.clone());
    (other.items[0].way, other.items[1].way) = (b, a);
    assert_eq!(act.agrees_with(&Want::Run(other)).unwrap_err().label, Label::Exposure);
    for (item, label) in [(0, Label::Env), (1, Label::File)] {
        let mut other = ask();
        let name = "OTHER".parse().unwrap();
        other.items[item].way = if item == 0 { Way::Env(name) } else { Way::File(name) };
        assert_eq!(act.agrees_with(&Want::Run(other)).unwrap_err().label, label);
    }
    let mut other = ask();
    other.items[1].way = Way::Value;
    assert_eq!(act.agrees_with(&Want::Run(other)).unwrap_err().label, Label::Exposure);
    let mut other = ask();
    other.items.reverse();
    assert!(act.agrees_with(&Want::Run(other)).is_err());
    let mut other = ask();
    other.argv = vec!["make".into(), "deploy".into(), "now".into()];
    assert_eq!(act.agrees_with(&Want::Run(other)).unwrap_err().label, Label::Argv);
}

#[test]
fn damaged_bytes_are_no_act() {
    let act = Act::build(&Want::Deny { id: id() }, &facts()).unwrap();
    let bytes = act.encode().unwrap();
    for n in 0..bytes.len() {
        assert_eq!(Act::decode(&bytes[..n]), Err(Error::Malformed), "{n}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(Act::decode(&longer), Err(Error::Malformed));
    let unknown = [&wire::act::MAGIC[..], &[1, 0, 4], b"evil", &[0, 0, 0, 0]].concat();
    assert_eq!(Act::decode(&unknown), Err(Error::Unknown("evil".into())));
    let huge = Act::build(&Want::PolicySet { toml: "x".repeat(MAX), was: None }, &Facts::default());
    assert!(matches!(huge, Err(Error::TooLong { .. })));
}

/// Requests of every shape, each with as much as it may ask for.
fn largest() -> Vec<Ask> {
    let long = |text: &str| SecretRef { vault: None, name: text.repeat(128).parse().unwrap() };
    let env = |n: usize| format!("{:a<128}", format!("V{n}_")).parse().unwrap();
    let of = |items: Vec<AskItem>| Ask {
        items,
        scope: Some("s".repeat(64).parse().unwrap()),
        reason: Some("r".repeat(512)),
        ..ask()
    };
    let short: Vec<AskItem> = (0..wire::MOST_ITEMS)
        .map(|n| AskItem::env(format!("S{n}").parse().unwrap(), format!("S{n}").parse().unwrap()))
        .collect();
    let wide: Vec<AskItem> = (0..190).map(|n| AskItem::file(long("N"), env(n))).collect();
    let one = vec![AskItem::env(long("N"), env(0))];
    let mut all = Vec::new();
    for items in [one, short, wide] {
        for word in ["", "x", "\u{1}", "\u{7f}", "\"", "\u{1d11e}"] {
            let mut ask = of(items.clone());
            ask.argv = vec!["/bin/echo".into()];
            while ask.fits() {
                ask.argv.extend(vec![word.to_owned(); 1 + (wire::act::MOST_ASKED - ask.size()) / 20]);
            }
            while !ask.fits() {
                ask.argv.pop();
            }
            all.push(ask.clone());
            ask.argv.truncate(1);
            ask.argv.push(String::new());
            let room = wire::act::MOST_ASKED - ask.size();
            let each = if word.as_bytes().first().is_some_and(u8::is_ascii_control) { 3 } else { word.len() };
            ask.argv[1] = word.repeat(room.checked_div(each).unwrap_or(0));
            assert!(ask.fits());
            // To the last byte.
            ask.cwd.push_str(&"x".repeat(wire::act::MOST_ASKED - ask.size()));
            assert_eq!(ask.size(), wire::act::MOST_ASKED);
            all.push(ask);
        }
    }
    all
}

/// What a human can be asked at all is what a human can be shown, and what the trail can be asked for.
#[test]
fn whatever_may_be_asked_for_can_be_approved_denied_and_taken_back() {
    for ask in largest() {
        let vault = "v".repeat(64);
        let seen = |i: &AskItem| (resolved(&vault, i.secret.name.as_str(), Some(u64::MAX)), i.way.clone());
        let request = RequestFacts {
            items: ask.items.iter().map(seen).collect(),
            scope: ask.scope.as_ref().unwrap().to_string(),
            reason: ask.reason.clone().unwrap(),
            argv: ask.argv.clone(),
            cwd: ask.cwd.clone(),
        };
        let facts = Facts {
            new: ask.items.iter().map(|i| format!("{vault}/{}", i.secret.name)).collect(),
            request: Some(request),
            who: format!("{} (launched)", "c".repeat(64)),
            session: format!("launched:{}", "c".repeat(64)),
            door: "desktop".into(),
            process: vec!["p".repeat(180); 12],
            notes: vec!["n".repeat(100); 4],
            ..Facts::default()
        };
        for want in [
            Want::Approve { id: id(), lasts: Lasts::Seconds(u32::MAX) },
            Want::Deny { id: id() },
            Want::CancelAny { id: id() },
        ] {
            let act = Act::build(&want, &facts).unwrap();
            assert!(act.agrees_with(&want).is_ok());
            let message = FromDaemon::Act { id: id(), act: HexBytes(act.encode().unwrap()) };
            assert!(wire::frame::control(&message).is_ok());
        }
        let entry =
            r#"{"seq":18446744073709551615,"id":"7K2MQ9XA","at":"2026-01-02T03:04:05Z","event":"allow"}"#;
        let mut entry: audit::Entry = serde_json::from_str(entry).unwrap();
        (entry.argv, entry.cwd, entry.reason) = (ask.argv.clone(), ask.cwd.clone(), ask.reason.unwrap());
        entry.process = facts.process.clone();
        entry.client = "\u{1}".repeat(320);
        let report = FromDaemon::Report(Box::new(wire::Report::Entries(vec![entry])));
        assert!(wire::frame::control(&report).is_ok());
    }
}

#[test]
fn one_byte_more_may_not_be_asked_for() {
    for mut ask in largest().into_iter().filter(|ask| ask.size() == wire::act::MOST_ASKED) {
        assert!(ask.fits());
        ask.cwd.push('x');
        assert!(!ask.fits());
    }
}

#[test]
fn the_same_run_is_the_same_and_any_difference_is_another() {
    let facts = |v| Facts {
        secrets: vec![resolved("main", "DB_URL", Some(v)), resolved("work", "KEY", Some(1))],
        ..facts()
    };
    let key = |ask: Ask, v| Act::build(&Want::Run(ask), &facts(v)).unwrap().run_key();
    let base = key(ask(), 3);
    let mut same = ask();
    (same.reason, same.wait) = (Some("again".into()), 9);
    assert_eq!(key(same, 3), base, "the reason is no part of it");
    assert_ne!(key(ask(), 4), base, "a new version");
    let twists: [fn(&mut Ask); 4] = [
        |a| a.argv.push("x".into()),
        |a| a.cwd.push('x'),
        |a| a.items[0].way = Way::File("DB_URL".parse().unwrap()),
        |a| a.items[0].way = Way::Env("OTHER".parse().unwrap()),
    ];
    for twist in twists {
        let mut other = ask();
        twist(&mut other);
        assert_ne!(key(other, 3), base);
    }
}

#[test]
fn a_card_shows_every_byte() {
    let want = Want::AgentStart {
        caller: "codex".parse().unwrap(),
        argv: vec!["sh".into(), "-c".into(), "echo \u{202e}hi\x1b[2J".into()],
        cwd: "/p".into(),
    };
    let card = Act::build(&want, &facts()).unwrap().card();
    assert_eq!(card.act, "agent_start");
    let lines: Vec<_> = card.lines.iter().map(|l| (l.label, l.text.as_str())).collect();
    assert_eq!(lines[0], ("caller", "codex"));
    assert_eq!(lines[1], ("command", "sh -c \"echo \\u{202e}hi\\u{1b}[2J\""));
    let policy = Act::build(&Want::PolicySet { toml: "a = 1\n\tb = 2".into(), was: None }, &Facts::default())
        .unwrap()
        .card();
    let lines: Vec<_> = policy.lines.iter().map(|l| (l.label, l.text.as_str())).collect();
    assert_eq!(lines, [("policy", "a = 1"), ("", "\\tb = 2")]);
}
