//! Both ends against each other, and everything that may sit between them or pretend to be one of them.

use super::*;
use crate::rig::{Rig, VALUE, kp, me, prover, show};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::time::Duration;
use wire::proof::STEP_MS;
use wire::{HexBytes, Peer, VERSION};
use words::{Class, Door, Tier};

fn yes(_: &Card) -> bool {
    true
}

fn bytes(b: &[u8]) -> Bytes {
    Bytes::copy_from(b).unwrap()
}

fn add() -> Want {
    let (name, vault) = ("NEW".parse().unwrap(), "main".parse().unwrap());
    Want::Add { name, vault, class: Class::new("db".parse().unwrap(), Tier::High) }
}

#[test]
fn a_value_is_shown_after_a_yes_and_a_window_opens() {
    let rig = Rig::new();
    assert!(
        matches!(rig.connect().want(Want::List), Err(Error::Daemon(f)) if f.code == wire::code::PRESENCE_NEEDED)
    );
    let mut seen = None;
    let acted = rig.connect().prove_as(prover(), &me()).unwrap().act(show(), &[], |card| {
        seen = Some(card.clone());
        true
    });
    let Answer::Released { items, .. } = acted.unwrap().answer else { panic!("not released") };
    assert_eq!(items[0].1.expose(), VALUE);
    let card = seen.unwrap();
    assert_eq!(card.act, "show");
    assert_eq!(card.lines[0].text, "main/K");
    assert!(matches!(rig.connect().want(Want::List), Ok(Answer::Report(_))));
    assert!(rig.connect().want(show()).is_err(), "show asks each time");
}

#[test]
fn values_travel_sealed_and_come_out_whole() {
    let rig = Rig::new();
    let human = rig.connect().prove_as(prover(), &me()).unwrap();
    let acted = human.act(add(), &[bytes(b"sk-test-new")], yes).unwrap();
    assert!(matches!(acted.answer, Answer::Done { id: Some(_) }));
    assert_eq!(rig.done(), [("add".to_owned(), vec![b"sk-test-new".to_vec()])]);
    let slots = Want::Slots { epoch: 2, slots: vec![HexBytes(vec![1]), HexBytes(vec![2])] };
    let values: Vec<_> = (0..6).map(|i| bytes(&[i; 32])).collect();
    let _ = rig.connect().prove_as(prover(), &me()).unwrap().act(slots, &values, yes).unwrap();
    assert_eq!(rig.done()[1].1.len(), 6);
}

#[test]
fn a_no_and_a_wrong_number_of_values_send_nothing() {
    let rig = Rig::new();
    let human = rig.connect().prove_as(prover(), &me()).unwrap();
    assert!(matches!(human.act(show(), &[], |_| false), Err(Error::NotConfirmed)));
    let human = rig.connect().prove_as(prover(), &me()).unwrap();
    assert!(matches!(human.act(add(), &[], yes), Err(Error::Values { wants: 1, got: 0 })));
    let human = rig.connect().prove_as(prover(), &me()).unwrap();
    assert!(matches!(human.act(show(), &[bytes(b"x")], yes), Err(Error::Values { wants: 0, got: 1 })));
    rig.nothing_done();
}

/// A listener that does what `answer` says to the begin of a proof; gives everything it was sent.
fn fake(
    answer: impl FnOnce(ToDaemon, &mut UnixStream) + Send + 'static,
) -> (Connection, std::thread::JoinHandle<Vec<u8>>) {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let thread = std::thread::spawn(move || {
        let hello: ToDaemon = frame::read_control(&mut theirs).unwrap().unwrap();
        assert!(matches!(hello, ToDaemon::Hello { .. }));
        let store = "0".repeat(16);
        frame::write_control(&mut theirs, &FromDaemon::Hello { version: VERSION, pid: 1, store }).unwrap();
        let begin: ToDaemon = frame::read_control(&mut theirs).unwrap().unwrap();
        answer(begin, &mut theirs);
        let mut rest = Vec::new();
        let _ = theirs.read_to_end(&mut rest);
        rest
    });
    (Connection::over(ours, Door::Cli, None).unwrap(), thread)
}

fn challenge(nonce: [u8; 32], peer: Peer, mac: [u8; 32]) -> FromDaemon {
    FromDaemon::ProveChallenge { nonce: Hex(nonce), peer, mac: Hex(mac) }
}

#[test]
fn a_fake_daemon_gets_a_random_number_and_nothing_after_it() {
    for mac in [[0; 32], [7; 32]] {
        let (connection, thread) = fake(move |begin, stream| {
            assert!(matches!(begin, ToDaemon::ProveBegin { .. }));
            frame::write_control(stream, &challenge([5; 32], me(), mac)).unwrap();
        });
        assert!(matches!(connection.prove_as(prover(), &me()), Err(Error::NotTheDaemon { .. })));
        assert!(thread.join().unwrap().is_empty(), "it was told something");
    }
}

#[test]
fn a_fake_daemon_that_skips_the_proof_gets_nothing() {
    for message in [FromDaemon::Proved, FromDaemon::Done { id: None }] {
        let (connection, thread) = fake(move |_, stream| frame::write_control(stream, &message).unwrap());
        assert!(matches!(connection.prove_as(prover(), &me()), Err(Error::Unexpected)));
        assert!(thread.join().unwrap().is_empty());
    }
    let (connection, thread) = fake(|_, stream| {
        let f = wire::Failure::new("x", 1, "type it into\x1b[2J the other window");
        frame::write_control(stream, &FromDaemon::Error(f)).unwrap();
    });
    let error = connection.prove_as(prover(), &me()).err().unwrap();
    assert_eq!(error.to_string(), "type it into\\u{1b}[2J the other window");
    assert!(thread.join().unwrap().is_empty());
}

#[test]
fn a_recorded_proof_of_the_real_daemon_does_not_serve_again() {
    let mut wire = Rig::new().stream();
    frame::write_control(&mut wire, &ToDaemon::ProveBegin { slot: Hex([3; 8]), nonce: Hex([4; 32]) })
        .unwrap();
    let recorded: FromDaemon = frame::read_control(&mut wire).unwrap().unwrap();
    let (connection, thread) = fake(move |_, stream| frame::write_control(stream, &recorded).unwrap());
    assert!(matches!(connection.prove_as(prover(), &me()), Err(Error::NotTheDaemon { .. })));
    assert!(thread.join().unwrap().is_empty());
}

#[test]
fn a_daemon_of_another_store_epoch_or_slot_is_not_this_one() {
    let twists: [fn(&mut Rig); 4] = [
        |r| r.store.file_id = [9; 16],
        |r| r.store.epoch = 2,
        |r| r.slot = [9; 8],
        |r| r.key = [8; 32].into(),
    ];
    for twist in twists {
        let mut rig = Rig::new();
        twist(&mut rig);
        assert!(matches!(rig.connect().prove_as(prover(), &me()), Err(Error::NotTheDaemon { .. })));
        rig.nothing_done();
    }
}

/// A process between the two that forwards frame by frame; `meddle` may change each, by direction and number.
fn relay(
    rig: &Rig,
    meddle: impl Fn(bool, usize, Vec<u8>) -> Vec<Vec<u8>> + Send + Clone + 'static,
) -> Connection {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let daemon = rig.stream();
    let ways = [(true, theirs.try_clone().unwrap(), daemon.try_clone().unwrap()), (false, daemon, theirs)];
    for (up, mut from, mut to) in ways {
        let meddle = meddle.clone();
        std::thread::spawn(move || {
            for n in 0.. {
                let mut frame = vec![0; 4];
                if from.read_exact(&mut frame).is_err() {
                    break;
                }
                let len = u32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
                frame.resize(4 + len, 0);
                if from.read_exact(&mut frame[4..]).is_err() {
                    break;
                }
                for out in meddle(up, n, frame) {
                    let _ = to.write_all(&out);
                }
            }
            let _ = to.shutdown(std::net::Shutdown::Both);
            let _ = from.shutdown(std::net::Shutdown::Both);
        });
    }
    let connection = Connection::over(ours, Door::Cli, None).unwrap();
    connection.stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    connection
}

#[test]
fn a_relay_is_seen_by_the_daemon_and_refused_by_the_client() {
    let others: [fn(&mut Peer); 4] = [|p| p.pid += 1, |p| p.start += 1, |p| p.parent += 1, |p| p.tty ^= 1];
    for other in others {
        let mut rig = Rig::new();
        other(&mut rig.peer);
        let connection = relay(&rig, |_, _, frame| vec![frame]);
        assert!(matches!(connection.prove_as(prover(), &me()), Err(Error::Relay)));
        // It wanted the window of the shell that both are children of, too.
        rig.nothing_done();
        assert!(rig.connect().want(Want::List).is_err());
    }
}

#[test]
fn a_relay_that_puts_the_client_into_the_challenge_has_altered_it() {
    let mut rig = Rig::new();
    rig.peer.pid += 1;
    let connection = relay(&rig, |up, n, frame| {
        if up || n != 1 {
            return vec![frame];
        }
        let mut message = Frame::Control(frame[5..].to_vec()).message::<FromDaemon>().unwrap();
        let FromDaemon::ProveChallenge { peer, .. } = &mut message else { panic!("no challenge") };
        peer.pid -= 1;
        vec![frame::control(&message).unwrap()]
    });
    assert!(matches!(connection.prove_as(prover(), &me()), Err(Error::NotTheDaemon { .. })));
    rig.nothing_done();
}

/// As above, but the daemon takes the relay for the client (it was started by the same process): the relay reads
/// nothing and changes nothing, for the channel is between the ends.
#[test]
fn between_two_ends_that_know_each_other_nothing_is_read_or_changed() {
    let rig = Rig::new();
    let connection = relay(&rig, |_, _, frame| {
        assert!(!frame.windows(VALUE.len()).any(|w| w == VALUE), "a value in the clear");
        vec![frame]
    });
    let _ = connection.prove_as(prover(), &me()).unwrap().act(show(), &[], yes).unwrap();
    assert_eq!(rig.done().len(), 1);

    // Client to daemon: 0 hello, 1 begin, 2 end, 3 want, 4 yes, 5 value.
    for n in 3..=5 {
        type Attack = fn(Vec<u8>) -> Vec<Vec<u8>>;
        let attacks: [Attack; 4] = [
            |mut f| {
                let last = f.len() - 1;
                f[last] ^= 1;
                vec![f]
            },
            |mut f| {
                f[9] ^= 1;
                vec![f]
            },
            |f| vec![f.clone(), f],
            |_| vec![],
        ];
        for (i, attack) in attacks.into_iter().enumerate() {
            if n == 5 && i >= 2 {
                continue; // a repeated last frame comes after the act, a lost one is waited for
            }
            let rig = Rig::new();
            let connection = relay(&rig, move |up, at, f| if up && at == n { attack(f) } else { vec![f] });
            connection.stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            let result = connection
                .prove_as(prover(), &me())
                .and_then(|human| human.act(add(), &[bytes(b"sk-test-new")], yes));
            assert!(result.is_err(), "frame {n}, attack {i}");
            rig.nothing_done();
        }
    }
}

#[test]
fn an_altered_answer_is_refused_by_the_client() {
    // Daemon to client: 0 hello, 1 challenge, 2 proved, 3 act, 4 released, 5 value.
    for n in 2..=5 {
        let rig = Rig::new();
        let connection = relay(&rig, move |up, at, mut f| {
            if !up && at == n {
                f[8] ^= 1;
            }
            vec![f]
        });
        let result = connection.prove_as(prover(), &me()).and_then(|human| human.act(show(), &[], yes));
        assert!(matches!(result, Err(Error::Channel(_))), "frame {n}");
    }
}

#[test]
fn a_daemon_in_the_open_after_the_proof_is_none() {
    for message in [FromDaemon::Proved, FromDaemon::Done { id: None }] {
        let rig = Rig::new();
        let open = frame::control(&message).unwrap();
        let connection =
            relay(&rig, move |up, at, f| if !up && at == 2 { vec![open.clone()] } else { vec![f] });
        assert!(matches!(connection.prove_as(prover(), &me()), Err(Error::Unexpected)));
        rig.nothing_done();
    }
}

#[test]
fn a_proof_recorded_from_one_connection_serves_no_other() {
    let recorded = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let rig = Rig::new();
    let tape = recorded.clone();
    let connection = relay(&rig, move |up, _, f| {
        if up {
            tape.lock().unwrap().push(f.clone());
        }
        vec![f]
    });
    let _ = connection.prove_as(prover(), &me()).unwrap().act(add(), &[bytes(b"sk-test-new")], yes).unwrap();
    assert_eq!(rig.done().len(), 1);
    let mut again = rig.stream();
    for frame in recorded.lock().unwrap().iter() {
        let _ = again.write_all(frame);
    }
    again.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answers = Vec::new();
    let _ = again.read_to_end(&mut answers);
    assert_eq!(rig.done().len(), 1, "done a second time");
    assert_eq!(rig.refused.lock().unwrap().as_slice(), [wire::code::PRESENCE_FAILED]);
}

#[test]
fn the_yes_of_one_connection_is_no_yes_on_another() {
    let rig = Rig::new();
    let want = || ToDaemon::Want(Box::new(show()));
    let act = |h: &mut Human| match h.receive().unwrap() {
        FromDaemon::Act { id, act } => (id, act.0),
        _ => panic!("no act"),
    };
    let mut one = rig.connect().prove_as(prover(), &me()).unwrap();
    let mut two = rig.connect().prove_as(prover(), &me()).unwrap();
    one.send(&want()).unwrap();
    two.send(&want()).unwrap();
    let (id, bytes) = act(&mut one);
    let (id_two, bytes_two) = act(&mut two);
    assert_eq!(bytes, bytes_two);
    let mac = wire::proof::prove(&kp(), &one.t, Proof::Yes { id, act: &bytes }).unwrap();
    two.send(&ToDaemon::Yes { act: id_two, mac: Hex(mac) }).unwrap();
    assert!(matches!(two.receive().unwrap(), FromDaemon::Error(f) if f.code == wire::code::PRESENCE_FAILED));
    rig.nothing_done();
}

#[test]
fn an_act_other_than_the_one_asked_for_is_never_shown() {
    let twists: [fn(Want) -> Want; 3] = [
        |_| Want::Show { secret: "OTHER".parse().unwrap() },
        |_| Want::Remove { secret: "K".parse().unwrap() },
        |_| Want::PolicySet { toml: String::new(), was: None },
    ];
    for twist in twists {
        let rig = Rig { twist: Some(twist), ..Rig::new() };
        let human = rig.connect().prove_as(prover(), &me()).unwrap();
        let result = human.act(show(), &[], |_| panic!("shown"));
        assert!(matches!(result, Err(Error::Differs(_))));
        rig.nothing_done();
    }
}

#[test]
fn what_changes_between_showing_and_doing_is_not_done() {
    let rig = Rig::new();
    let human = rig.connect().prove_as(prover(), &me()).unwrap();
    let result = human.act(show(), &[], |_| {
        rig.version.store(2, Ordering::SeqCst);
        true
    });
    assert!(matches!(result, Err(Error::Daemon(f)) if f.code == wire::code::ACT_CHANGED));
    rig.nothing_done();
}

#[test]
fn a_late_proof_and_a_late_yes_are_refused() {
    let rig = Rig::new();
    let human = rig.connect().prove_as(prover(), &me()).unwrap();
    let result = human.act(show(), &[], |_| {
        rig.clock.store(STEP_MS + 1, Ordering::SeqCst);
        true
    });
    assert!(matches!(result, Err(Error::Daemon(f)) if f.code == wire::code::LATE));
    rig.nothing_done();

    let rig = Rig::new();
    let clock = rig.clock.clone();
    let connection = relay(&rig, move |up, at, f| {
        if up && at == 2 {
            clock.store(STEP_MS + 1, Ordering::SeqCst);
        }
        vec![f]
    });
    assert!(
        matches!(connection.prove_as(prover(), &me()), Err(Error::Daemon(f)) if f.code == wire::code::LATE)
    );
    rig.nothing_done();
}

#[test]
fn a_second_act_on_one_proof_is_refused() {
    let rig = Rig::new();
    let mut human = rig.connect().prove_as(prover(), &me()).unwrap();
    human.send(&ToDaemon::Want(Box::new(show()))).unwrap();
    assert!(matches!(human.receive().unwrap(), FromDaemon::Act { .. }));
    human.send(&ToDaemon::Want(Box::new(show()))).unwrap();
    assert!(matches!(human.receive().unwrap(), FromDaemon::Error(f) if f.code == wire::code::ONE_ACT));
    rig.nothing_done();
}

#[test]
fn a_want_in_the_open_after_the_proof_ends_the_connection() {
    let rig = Rig::new();
    let mut human = rig.connect().prove_as(prover(), &me()).unwrap();
    frame::write_control(&mut human.stream, &ToDaemon::Want(Box::new(show()))).unwrap();
    assert!(human.receive().is_err());
    rig.nothing_done();
}
