//! Every message both ways through JSON: what is sent is what is understood.

// Helpers of tests may unwrap like tests do.
#![allow(clippy::unwrap_used, clippy::panic)]

use serde::{Serialize, de::DeserializeOwned};
use svault_wire as wire;
use wire::*;
use words::{Class, Door, Evidence, Exposure, Id, Tier, Way};

fn same<T: Serialize + DeserializeOwned>(message: &T) -> String {
    let json = serde_json::to_string(message).unwrap();
    let back: T = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{json}: {e}"));
    assert_eq!(serde_json::to_string(&back).unwrap(), json);
    json
}

fn id() -> Id {
    "7K2MQ9XA".parse().unwrap()
}

fn class() -> Class {
    let mut c = Class::new("db".parse().unwrap(), Tier::High);
    c.commands = vec![vec!["/bin/sh".into()]];
    c.proposed_by = Some("codex".parse().unwrap());
    c
}

fn ask() -> Ask {
    Ask {
        client: String::new(),
        sets: String::new(),
        items: vec![
            AskItem::env("A".parse().unwrap(), "A".parse().unwrap()),
            AskItem::file("svault://main/B".parse().unwrap(), "B_PATH".parse().unwrap()),
            AskItem::value("C".parse().unwrap()),
        ],
        scope: Some("db".parse().unwrap()),
        reason: Some("run the migration".into()),
        argv: vec!["make".into()],
        cwd: "/p".into(),
        wait: 120,
    }
}

#[test]
fn from_clients() {
    let name = || "A".parse().unwrap();
    let vault = || "main".parse().unwrap();
    let want = |w| ToDaemon::Want(Box::new(w));
    let filter = audit::Filter {
        since: Some("2026-01-02T03:04:05Z".parse().unwrap()),
        last: Some(3),
        ..audit::Filter::default()
    };
    for message in [
        ToDaemon::Hello { version: VERSION, door: Door::Cli, caller: Some("codex".parse().unwrap()) },
        ToDaemon::Hello { version: VERSION, door: Door::Mcp, caller: None },
        ToDaemon::Status,
        ToDaemon::Ask(ask()),
        ToDaemon::Cancel { id: id() },
        ToDaemon::Propose { name: name(), vault: vault(), class: class() },
        ToDaemon::Mine { scope: None },
        ToDaemon::Mine { scope: Some("db".parse().unwrap()) },
        ToDaemon::RequestSecret { name: name(), scope: "db".parse().unwrap(), why: "it is missing".into() },
        ToDaemon::Scan { end: true },
        ToDaemon::Lock,
        ToDaemon::VerifyTrail,
        ToDaemon::ProveBegin { slot: Hex([1; 8]), nonce: Hex([2; 32]) },
        ToDaemon::ProveEnd { mac: Hex([3; 32]) },
        ToDaemon::Yes { act: id(), mac: Hex([4; 32]) },
        ToDaemon::Items { items: vec![ImportItem { name: name(), class: class() }] },
        want(Want::Import { vault: vault(), update: true, items: Vec::new() }),
        want(Want::Window),
        want(Want::Show { secret: "A".parse().unwrap() }),
        want(Want::Run(ask())),
        want(Want::List),
        want(Want::Add { name: name(), vault: vault(), class: class() }),
        want(Want::Edit {
            secret: "svault://main/A".parse().unwrap(),
            class: class(),
            was: Some(Box::new(class())),
        }),
        want(Want::Approve { id: id(), lasts: Lasts::Seconds(900) }),
        want(Want::Approve { id: id(), lasts: Lasts::Once }),
        want(Want::policy_set("a = \"\u{e4}\"\n".into(), "b = 1\n")),
        want(Want::AgentStart { caller: "codex".parse().unwrap(), argv: vec![], cwd: "/".into() }),
        want(Want::AuditList(filter)),
        want(Want::AuditList(audit::Filter::default())),
        want(Want::Slots { epoch: u64::MAX, slots: vec![HexBytes(vec![1, 2])] }),
    ] {
        same(&message);
    }
    let json = same(&want(Want::Show { secret: "A".parse().unwrap() }));
    assert_eq!(json, r#"{"type":"want","want":"show","secret":{"vault":null,"name":"A"}}"#);
}

/// Every want, with all the fields that it can have.
fn wants() -> Vec<Want> {
    let (name, secret) = (|| "A".parse().unwrap(), || "svault://main/A".parse().unwrap());
    let vault = || "main".parse().unwrap();
    let filter = audit::Filter {
        since: Some("2026-01-02T03:04:05Z".parse().unwrap()),
        until: Some("2026-01-03T03:04:05Z".parse().unwrap()),
        caller: Some("codex".into()),
        secret: Some("main/A".into()),
        events: vec![audit::Event::Deny],
        door: Some(Door::Mcp),
        session: Some("s".into()),
        last: Some(3),
    };
    let run = Ask { client: "claude".into(), sets: "00".repeat(32), ..ask() };
    vec![
        Want::Window,
        Want::Show { secret: secret() },
        Want::Render { secrets: vec![secret()] },
        Want::Run(run),
        Want::List,
        Want::Add { name: name(), vault: vault(), class: class() },
        Want::Replace { secret: secret() },
        Want::Remove { secret: secret() },
        Want::Edit { secret: secret(), class: class(), was: Some(Box::new(class())) },
        Want::Import { vault: vault(), update: true, items: Vec::new() },
        Want::VaultCreate { name: vault() },
        Want::VaultList,
        Want::Pending,
        Want::Approve { id: id(), lasts: Lasts::Session },
        Want::Deny { id: id() },
        Want::CancelAny { id: id() },
        Want::Seals,
        Want::Unseal { id: id() },
        Want::PolicyShow,
        Want::policy_set("a = 1\n".into(), "b = 1\n"),
        Want::SettingsShow,
        Want::SettingsSet { zone: Some("Asia/Tokyo".into()), notify: Some("/bin/tell".into()) },
        Want::Explain { id: id() },
        Want::Callers,
        Want::AgentStart { caller: "codex".parse().unwrap(), argv: vec![], cwd: "/".into() },
        Want::AuditList(filter),
        Want::AuditShow { id: id() },
        Want::Slots { epoch: 2, slots: vec![HexBytes(vec![1])] },
    ]
}

/// What stands in backticks.
fn words(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_specification_has_the_fields_of_every_want() {
    let spec = include_str!("../../../spec/wire-v1.md");
    let (_, table) = spec.split_once("| want | its fields in JSON").unwrap();
    let rows = table.lines().skip(2).map_while(|line| line.strip_prefix("| "));
    let rows: Vec<(Vec<&str>, Vec<&str>)> = rows
        .map(|row| {
            let mut cells = row.split(" | ").map(words);
            (cells.next().unwrap(), cells.next().unwrap())
        })
        .collect();
    let mut named: Vec<&str> = rows.iter().flat_map(|(wants, _)| wants.clone()).collect();
    let all = wants();
    let mut there: Vec<&str> = all.iter().map(Want::word).collect();
    for want in &all {
        let json = serde_json::to_value(want).unwrap();
        let mut fields: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        fields.retain(|f| *f != "want");
        fields.sort_unstable();
        let (_, said) = rows.iter().find(|(wants, _)| wants.contains(&want.word())).unwrap();
        let mut said = said.clone();
        said.sort_unstable();
        assert_eq!(said, fields, "{}", want.word());
    }
    named.sort_unstable();
    there.sort_unstable();
    assert_eq!(named, there);
}

#[test]
fn names_are_checked_where_they_come_in() {
    for bad in [
        r#"{"type":"cancel","id":"short"}"#,
        r#"{"type":"prove_end","mac":"00"}"#,
        r#"{"type":"want","want":"show","secret":{"vault":null,"name":"../x"}}"#,
        r#"{"type":"want","want":"vault_create","name":"../x"}"#,
        r#"{"type":"want","want":"show","secret":{"vault":null,"name":"A"},"exposure":"value"}"#,
        r#"{"type":"hello","version":1,"door":"window","caller":null}"#,
        r#"{"type":"ask","items":[{"secret":{"vault":null,"name":"A"}}],"scope":null,"reason":null,"wait":0}"#,
        r#"{"type":"ask","items":[{"secret":{"vault":null,"name":"A"},"way":{"env":"A","file":"B"}}],"scope":null,"reason":null,"wait":0}"#,
        r#"{"type":"ask","items":[{"secret":{"vault":null,"name":"A"},"way":"env"}],"scope":null,"reason":null,"wait":0}"#,
    ] {
        assert!(serde_json::from_str::<ToDaemon>(bad).is_err(), "{bad}");
    }
}

#[test]
fn from_the_daemon() {
    let entry = audit::Entry::new(id(), "2026-01-02T03:04:05Z".parse().unwrap(), audit::Event::Allow);
    let secret = SecretRow {
        name: "A".parse().unwrap(),
        vault: "main".parse().unwrap(),
        class: class(),
        exposure: Exposure::Env,
        wider: false,
        version: 3,
        changed: "2026-01-02T03:04:05Z".into(),
        seen: true,
    };
    let status = StatusReport {
        pid: 1,
        since: String::new(),
        locks_in: 900,
        waiting: 0,
        own_waiting: vec![id()],
        trail_ok: true,
        vaults_shut: 0,
        trail_lost: vec!["trail/000001.svault".into()],
        trail_damage: None,
        memory_locked: true,
        caller: "unknown".into(),
        evidence: Evidence::Claimed,
        rules_only: true,
        protection: vec![ProtectionRow { name: "not dumpable".into(), holds: true }],
    };
    let granted = Granted { secret: "A".parse().unwrap(), way: Way::File("A".parse().unwrap()) };
    let mine = MineRow {
        name: "A".parse().unwrap(),
        vault: "main".parse().unwrap(),
        scope: "db".parse().unwrap(),
        tier: Tier::Low,
        exposure: Exposure::Value,
        description: "the orders database".into(),
    };
    let report = |r| FromDaemon::Report(Box::new(r));
    for message in [
        FromDaemon::Hello { version: VERSION, pid: 1, store: "0123456789abcdef".into() },
        FromDaemon::Status(status),
        FromDaemon::Waiting { id: id() },
        FromDaemon::Pending { id: id() },
        FromDaemon::Released { id: id(), items: vec![granted] },
        FromDaemon::Denied { id: id(), narrower: Some(Exposure::Env) },
        FromDaemon::Done { id: None },
        FromDaemon::Scanned {
            hits: vec![ScanHit { start: 1, end: u64::MAX, label: "secret".into() }],
            decided: 7,
            rules_only: false,
        },
        FromDaemon::Locked(LastLock {
            last_lock: "2026-01-01T00:00:00Z".into(),
            entries: u64::MAX,
            policy_date: "2026-01-01T00:00:00Z".into(),
            word_pair: "one two".into(),
        }),
        FromDaemon::Verified { ok: true, why: None, lost: vec!["trail/000001.svault".into()] },
        FromDaemon::Verified {
            ok: false,
            why: Some("trail/000001.svault: cut off".into()),
            lost: Vec::new(),
        },
        FromDaemon::ProveChallenge {
            nonce: Hex([1; 32]),
            peer: Peer { pid: 1, start: u64::MAX, parent: 3, tty: u32::MAX },
            mac: Hex([2; 32]),
        },
        FromDaemon::Proved,
        FromDaemon::Act { id: id(), act: HexBytes(vec![1]) },
        FromDaemon::Error(Failure::new("late", 4, "too late").hint("again")),
        report(Report::Secrets(vec![secret])),
        report(Report::Entries(vec![entry.clone()])),
        report(Report::Explained(Box::new(ExplainRow { entry, steps: vec!["forbid: none".into()] }))),
        report(Report::Settings(SettingsRow { zone: "UTC".into(), notify: None })),
        report(Report::Policy(PolicyRow { toml: String::new(), since: String::new(), zone: String::new() })),
        report(Report::Seals(vec![])),
        report(Report::Mine(vec![mine])),
    ] {
        same(&message);
    }
    assert_eq!(
        same(&FromDaemon::Denied { id: id(), narrower: None }),
        r#"{"type":"denied","id":"7K2MQ9XA"}"#,
        "nothing but the id"
    );
}

#[test]
fn of_the_hand_over() {
    for rollback in [
        Rollback::Refuse,
        Rollback::Show,
        Rollback::Accept { vaults: vec![], seen: Seen { store: Hex([1; 32]), trail: None } },
        Rollback::Accept {
            vaults: vec!["main".parse().unwrap()],
            seen: Seen { store: Hex([1; 32]), trail: Some(Hex([2; 32])) },
        },
    ] {
        same(&ToChild::Open { slot: Hex([1; 8]), rollback, weak_memory: false, bell: true });
    }
    same(&ToChild::Create {
        file_id: Hex([1; 16]),
        slots: vec![HexBytes(vec![])],
        zone: "Europe/Berlin".into(),
        weak_memory: true,
        bell: false,
    });
    let file =
        RollbackFile { path: "vaults/main.svault".into(), state: "older".into(), detail: String::new() };
    for message in [
        FromChild::Locked { header: None },
        FromChild::Locked { header: Some(HexBytes(vec![0; 70_000])) },
        FromChild::Busy { pid: Some(1) },
        FromChild::RolledBack {
            files: vec![file],
            error: Failure::new("rolled_back", 5, "older"),
            seen: None,
        },
        FromChild::Failed(Failure::new("x", 1, "y")),
    ] {
        same(&message);
        assert!(frame::control(&message).is_ok(), "it fits a frame");
    }
}
