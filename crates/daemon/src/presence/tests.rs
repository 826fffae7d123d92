//! The state machine attacked step by step, with the client's side done by hand.

use super::*;
use wire::act::{Facts, Resolved};
use wire::proof::{holds, prove};
use words::SecretRef;

const NOW: u64 = 1_000_000;

fn kp() -> Key {
    Key::copy_from(&[7; 32]).unwrap()
}

fn client() -> Client {
    Client { peer: Peer { pid: 10, start: 20, parent: 5, tty: 34816 }, foreign: false, agent: None }
}

fn store() -> StoreIdent {
    StoreIdent { file_id: [1; 16], epoch: 1 }
}

const SLOT: Hex<8> = Hex([3; 8]);
const NONCE: Hex<32> = Hex([4; 32]);

/// A connection after step 2: the machine, and T as the client computes it.
fn challenged(kp: Option<&Key>) -> (Presence, Transcript, Hex<32>) {
    let mut p = Presence::new();
    let FromDaemon::ProveChallenge { nonce, peer, mac } =
        p.begin(store(), SLOT, NONCE, kp, &client(), NOW).unwrap()
    else {
        panic!("no challenge")
    };
    let t = Exchange { store: [1; 16], epoch: 1, slot: SLOT.0, nonce_c: NONCE.0, nonce_d: nonce.0, peer };
    (p, t.transcript(), mac)
}

fn proved() -> (Presence, Transcript) {
    let (mut p, t, mac) = challenged(Some(&kp()));
    assert!(holds(&kp(), &t, Proof::Daemon, &mac.0));
    let mac = prove(&kp(), &t, Proof::Client).unwrap();
    assert!(matches!(p.prove(Hex(mac), &client(), NOW), Ok(FromDaemon::Proved)));
    (p, t)
}

fn show() -> (Want, Act) {
    let want = Want::Show { secret: "K".parse::<SecretRef>().unwrap() };
    let secrets =
        vec![Resolved { vault: "main".parse().unwrap(), name: "K".parse().unwrap(), version: Some(1) }];
    let act = Act::build(&want, &Facts { secrets, ..Facts::default() }).unwrap();
    (want, act)
}

/// A connection that shows an act: the machine, T, the act's id and its bytes.
fn shown() -> (Presence, Transcript, Id, Vec<u8>) {
    let (mut p, t) = proved();
    p.wants(NOW).unwrap();
    let (want, act) = show();
    let FromDaemon::Act { id, act } = p.show(want, act, NOW).unwrap() else { panic!("no act") };
    (p, t, id, act.0)
}

fn yes(t: &Transcript, id: Id, act: &[u8]) -> Hex<32> {
    Hex(prove(&kp(), t, Proof::Yes { id, act }).unwrap())
}

fn code<T>(r: Result<T, Failure>) -> String {
    r.err().expect("refused").code
}

#[test]
fn the_whole_way() {
    let (mut p, t, id, act) = shown();
    assert!(p.is_sealed());
    assert_eq!(p.accept(), Accept::SEALED);
    let agreed = p.yes(id, yes(&t, id, &act), &client(), NOW).unwrap();
    assert_eq!(agreed.act().encode().unwrap(), act);
    assert!(agreed.still(&show().1).is_ok());
    assert!(matches!(agreed.into_want(), Want::Show { .. }));
    assert!(p.seal_raw(b"sk-test-1").is_ok(), "the answer is sealed");
}

#[test]
fn an_unknown_slot_looks_like_another_and_proves_nothing() {
    let (mut p, t, mac) = challenged(None);
    assert!(!holds(&kp(), &t, Proof::Daemon, &mac.0));
    for guess in [[0; 32], [7; 32], mac.0, prove(&kp(), &t, Proof::Client).unwrap()] {
        let (mut q, ..) = challenged(None);
        assert_eq!(code(q.prove(Hex(guess), &client(), NOW)), code::PRESENCE_FAILED);
    }
    assert_eq!(code(p.prove(mac, &client(), NOW)), code::PRESENCE_FAILED);
}

#[test]
fn replayed_altered_and_reflected_proofs_fail_and_end_it() {
    let (_, t, _) = challenged(Some(&kp()));
    let of_another = prove(&kp(), &t, Proof::Client).unwrap();
    let (mut p, t, mac_d) = challenged(Some(&kp()));
    let good = prove(&kp(), &t, Proof::Client).unwrap();
    assert_eq!(code(p.prove(Hex(of_another), &client(), NOW)), code::PRESENCE_FAILED, "replayed");
    assert_eq!(code(p.prove(Hex(good), &client(), NOW)), code::OUT_OF_ORDER, "a second try");
    assert!(!p.is_sealed());

    let (mut p, ..) = challenged(Some(&kp()));
    assert_eq!(code(p.prove(mac_d, &client(), NOW)), code::PRESENCE_FAILED, "the daemon's own, sent back");
    for bit in [0, 7, 128, 255] {
        let (mut p, t, _) = challenged(Some(&kp()));
        let mut mac = prove(&kp(), &t, Proof::Client).unwrap();
        mac[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(code(p.prove(Hex(mac), &client(), NOW)), code::PRESENCE_FAILED, "altered");
    }
}

#[test]
fn the_same_nonce_twice_gives_another_challenge() {
    let (_, a, mac_a) = challenged(Some(&kp()));
    let (_, b, mac_b) = challenged(Some(&kp()));
    assert_ne!(a, b);
    assert_ne!(mac_a, mac_b);
}

#[test]
fn every_step_is_late_after_a_minute() {
    let late = NOW + STEP_MS + 1;
    let (mut p, t, _) = challenged(Some(&kp()));
    let mac = Hex(prove(&kp(), &t, Proof::Client).unwrap());
    assert_eq!(p.deadline(), Some(NOW + STEP_MS));
    assert_eq!(code(p.prove(mac, &client(), late)), code::LATE);
    let (mut p, _) = proved();
    assert_eq!(code(p.wants(late)), code::LATE);
    assert_eq!(code(p.wants(NOW)), code::ONE_ACT, "nothing is taken after that");
    let (mut p, t, id, act) = shown();
    assert_eq!(code(p.yes(id, yes(&t, id, &act), &client(), late)), code::LATE);
    assert_eq!(code(p.yes(id, yes(&t, id, &act), &client(), NOW)), code::OUT_OF_ORDER);
    let (mut p, t, id, act) = shown();
    assert!(p.yes(id, yes(&t, id, &act), &client(), NOW + STEP_MS).is_ok(), "just in time");
}

#[test]
fn a_yes_is_for_one_act_of_one_connection() {
    let (mut p, t, id, act) = shown();
    let mut other = act.clone();
    *other.last_mut().unwrap() ^= 1;
    assert_eq!(code(p.yes(id, yes(&t, id, &other), &client(), NOW)), code::PRESENCE_FAILED, "another act");

    let (mut p, t, id, act) = shown();
    let wrong = Id::from_bits(1);
    assert_eq!(code(p.yes(wrong, yes(&t, wrong, &act), &client(), NOW)), code::PRESENCE_FAILED, "another id");
    assert_eq!(code(p.yes(id, yes(&t, id, &act), &client(), NOW)), code::OUT_OF_ORDER, "ended by it");

    let (_, t, id, act) = shown();
    let (mut elsewhere, _, id_there, act_there) = shown();
    assert_eq!(act, act_there);
    assert_eq!(code(elsewhere.yes(id_there, yes(&t, id, &act), &client(), NOW)), code::PRESENCE_FAILED);
    let (mut open, ..) = challenged(Some(&kp()));
    assert_eq!(code(open.yes(id, yes(&t, id, &act), &client(), NOW)), code::OUT_OF_ORDER, "without a proof");

    let (mut p, t, id, act) = shown();
    let mac = yes(&t, id, &act);
    let _ = p.yes(id, mac, &client(), NOW).unwrap().into_want();
    assert_eq!(code(p.yes(id, mac, &client(), NOW)), code::OUT_OF_ORDER, "twice");
    assert_eq!(code(p.wants(NOW)), code::ONE_ACT);

    // The client's proof of presence is no yes.
    let (mut p, t, id, _) = shown();
    let mac = Hex(prove(&kp(), &t, Proof::Client).unwrap());
    assert_eq!(code(p.yes(id, mac, &client(), NOW)), code::PRESENCE_FAILED);
}

#[test]
fn an_act_that_changed_after_it_was_shown_is_not_done() {
    let (mut p, t, id, act) = shown();
    let agreed = p.yes(id, yes(&t, id, &act), &client(), NOW).unwrap();
    let (want, _) = show();
    let secrets =
        vec![Resolved { vault: "main".parse().unwrap(), name: "K".parse().unwrap(), version: Some(2) }];
    let now = Act::build(&want, &Facts { secrets, ..Facts::default() }).unwrap();
    assert_eq!(code(agreed.still(&now)), code::ACT_CHANGED);
}

#[test]
fn one_want_and_every_other_order_is_refused() {
    let (mut p, _) = proved();
    p.wants(NOW).unwrap();
    assert_eq!(code(p.wants(NOW)), code::ONE_ACT);
    let (want, act) = show();
    assert!(p.show(want, act, NOW).is_err(), "the second want ended it");

    let mut p = Presence::new();
    assert_eq!(code(p.wants(NOW)), code::OUT_OF_ORDER);
    let mut p = Presence::new();
    let (want, act) = show();
    assert_eq!(code(p.show(want, act, NOW)), code::OUT_OF_ORDER);
    assert!(p.seal_raw(b"x").is_err());
    assert!(p.open(Bytes::zeroed(40).unwrap()).is_err());
    let (mut p, ..) = challenged(Some(&kp()));
    assert_eq!(code(p.begin(store(), SLOT, NONCE, Some(&kp()), &client(), NOW)), code::OUT_OF_ORDER);
    let (mut p, _) = proved();
    assert_eq!(code(p.begin(store(), SLOT, NONCE, Some(&kp()), &client(), NOW)), code::OUT_OF_ORDER);
    assert!(p.is_sealed(), "no way back into the open");

    let (mut p, t, id, act) = shown();
    p.spend();
    assert_eq!(code(p.yes(id, yes(&t, id, &act), &client(), NOW)), code::OUT_OF_ORDER);
}

#[test]
fn the_process_must_stay_what_it_was_at_every_step() {
    type Twist = fn(&mut Client);
    let twists: [(Twist, &str); 6] = [
        (|c| c.peer.start += 1, code::PRESENCE_FAILED),
        (|c| c.peer.parent = 1, code::PRESENCE_FAILED),
        (|c| c.peer.tty = 0, code::PRESENCE_FAILED),
        (|c| c.peer.pid = 11, code::PRESENCE_FAILED),
        (|c| c.foreign = true, code::OTHER_NAMESPACE),
        (|c| c.agent = Some("claude-code".into()), code::UNDER_AGENT),
    ];
    for (twist, want) in twists {
        let mut other = client();
        twist(&mut other);
        let (mut p, t, _) = challenged(Some(&kp()));
        let mac = Hex(prove(&kp(), &t, Proof::Client).unwrap());
        assert_eq!(code(p.prove(mac, &other, NOW)), want);
        let (mut p, t, id, act) = shown();
        assert_eq!(code(p.yes(id, yes(&t, id, &act), &other, NOW)), want);
        if want != code::PRESENCE_FAILED {
            let mut p = Presence::new();
            assert_eq!(code(p.begin(store(), SLOT, NONCE, Some(&kp()), &other, NOW)), want);
        }
    }
}

#[test]
fn a_broken_channel_takes_no_yes() {
    let (mut p, t, id, act) = shown();
    let mut channel = Channel::new(End::Client, &kp(), &t).unwrap();
    let _lost = channel.seal_raw(b"1").unwrap();
    assert!(p.open(channel.seal_raw(b"2").unwrap()).is_err(), "a gap");
    assert_eq!(code(p.yes(id, yes(&t, id, &act), &client(), NOW)), code::OUT_OF_ORDER);
    assert!(p.seal_control(&FromDaemon::Proved).is_err());
}

mod windows {
    use super::*;
    use wire::{Ask, AskItem};

    fn evidence() -> WindowEvidence {
        WindowEvidence {
            shell: Some(Shell { pid: 5, start: 9, tty: 34816, exe: (1, 2) }),
            foreground: true,
            own_job: true,
            agent: None,
        }
    }

    fn run(argv: &str, version: u64) -> Act {
        let want = Want::Run(Ask {
            client: String::new(),
            sets: String::new(),
            items: vec![AskItem::env("K".parse().unwrap(), "K".parse().unwrap())],
            scope: None,
            reason: None,
            argv: vec![argv.into()],
            cwd: "/p".into(),
            wait: 0,
        });
        let (vault, name) = ("main".parse().unwrap(), "K".parse().unwrap());
        let secrets = vec![Resolved { vault, name, version: Some(version) }];
        Act::build(&want, &Facts { secrets, ..Facts::default() }).unwrap()
    }

    #[test]
    fn it_serves_reading_for_a_quarter_of_an_hour_and_not_longer() {
        let mut w = Windows::new();
        assert!(!w.serves(&evidence(), &Want::List, NOW), "none is open");
        assert!(w.open(&evidence(), NOW));
        assert!(w.serves(&evidence(), &Want::List, NOW + WINDOW_MS - 1), "use");
        assert!(!w.serves(&evidence(), &Want::List, NOW + WINDOW_MS), "does not prolong it");
        assert_eq!(w.shells().count(), 0);
    }

    #[test]
    fn it_never_serves_what_shows_or_changes() {
        let mut w = Windows::new();
        assert!(w.open(&evidence(), NOW));
        let id = Id::from_bits(1);
        for want in [
            show().0,
            Want::Window,
            Want::Remove { secret: "K".parse().unwrap() },
            Want::Replace { secret: "K".parse().unwrap() },
            Want::PolicySet { toml: String::new(), was: None },
            Want::Approve { id, lasts: wire::Lasts::Once },
            Want::Deny { id },
            Want::CancelAny { id },
            Want::Unseal { id },
            Want::AgentStart { caller: "x".parse().unwrap(), argv: vec![], cwd: String::new() },
            Want::Slots { epoch: 2, slots: vec![] },
            Want::VaultCreate { name: "x".parse().unwrap() },
        ] {
            assert!(!w.serves(&evidence(), &want, NOW), "{}", want.word());
        }
    }

    #[test]
    fn only_direct_children_of_that_shell_in_the_foreground_without_an_agent() {
        let twists: [fn(&mut WindowEvidence); 9] = [
            |e| e.shell = None,
            |e| e.foreground = false,
            |e| e.own_job = false,
            |e| e.agent = Some("codex".into()),
            |e| e.shell.as_mut().unwrap().pid = 6,
            |e| e.shell.as_mut().unwrap().start = 10,
            |e| e.shell.as_mut().unwrap().tty = 34817,
            |e| e.shell.as_mut().unwrap().exe = (1, 3),
            |e| e.shell.as_mut().unwrap().tty = 0,
        ];
        for (i, twist) in twists.iter().enumerate() {
            let mut other = evidence();
            twist(&mut other);
            let mut w = Windows::new();
            assert!(w.open(&evidence(), NOW));
            w.remember_run(&evidence(), &run("make", 1), NOW);
            assert!(!w.serves(&other, &Want::List, NOW), "{i}");
            assert!(!w.serves_run(&other, &run("make", 1), NOW), "{i}");
            let mut w = Windows::new();
            assert_eq!(w.open(&other, NOW), (4..8).contains(&i), "{i}");
        }
    }

    #[test]
    fn a_run_is_repeated_only_as_it_was() {
        let mut w = Windows::new();
        w.remember_run(&evidence(), &run("make", 1), NOW);
        assert!(w.open(&evidence(), NOW));
        assert!(!w.serves_run(&evidence(), &run("make", 1), NOW), "no window, nothing remembered");
        w.remember_run(&evidence(), &run("make", 1), NOW);
        assert!(w.serves_run(&evidence(), &run("make", 1), NOW));
        assert!(!w.serves_run(&evidence(), &run("make", 2), NOW), "a new version");
        assert!(!w.serves_run(&evidence(), &run("sh", 1), NOW), "another command");
        w.remember_run(&evidence(), &show().1, NOW);
        assert!(!w.serves_run(&evidence(), &show().1, NOW), "a show is no run");
        w.close(5, 9);
        assert!(w.open(&evidence(), NOW));
        assert!(!w.serves_run(&evidence(), &run("make", 1), NOW), "gone with the shell");
    }

    #[test]
    fn windows_and_runs_are_few() {
        let mut w = Windows::new();
        for pid in 0..200 {
            let mut e = evidence();
            e.shell.as_mut().unwrap().pid = pid;
            assert!(w.open(&e, NOW));
        }
        assert_eq!(w.shells().count(), 64);
    }
}
