//! Somebody else on the other side, who has proved nothing: what he says does not decide where a value goes, and reaches
//! no terminal.

use super::*;
use std::os::unix::net::UnixStream;

/// A listener that has proved nothing: it answers the hello, then with this, and a value for each granted.
fn listener(answer: impl Fn() -> FromDaemon + Send + 'static) -> Connection {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    std::thread::spawn(move || {
        let mut next = || {
            let message = frame::read_control::<ToDaemon>(&mut theirs).ok().flatten()?;
            let (answer, mut values) = (answer(), 0);
            match (&message, &answer) {
                (ToDaemon::Hello { .. }, _) => {
                    let hello = FromDaemon::Hello { version: VERSION, pid: 1, store: "0".repeat(16) };
                    return frame::write_control(&mut theirs, &hello).ok();
                }
                (ToDaemon::Scan { .. }, _) => drop(frame::read_raw(&mut theirs).ok()?),
                (_, FromDaemon::Released { items, .. }) => values = items.len(),
                _ => {}
            }
            frame::write_control(&mut theirs, &answer).ok()?;
            (0..values).try_for_each(|_| frame::write(&mut theirs, Kind::Raw, b"sk-test-theirs")).ok()
        };
        while next().is_some() {}
    });
    Connection::over(ours, Door::Cli, None).unwrap()
}

#[test]
fn where_a_value_goes_is_said_by_who_asked() {
    let item = |secret: &str, env: &str| AskItem::env(secret.parse().unwrap(), env.parse().unwrap());
    let granted = |items: &[AskItem]| {
        let items = items.iter().map(|i| Granted { secret: i.secret.clone(), way: i.way.clone() }).collect();
        FromDaemon::Released { id: Id::from_bits(1), items }
    };
    let asked = [item("A", "FIRST"), item("B", "SECOND")];
    let ask = Ask {
        items: asked.to_vec(),
        scope: None,
        reason: None,
        argv: vec!["/bin/true".into()],
        cwd: "/".into(),
        wait: 0,
        client: String::new(),
        sets: String::new(),
    };
    let tries = |items: &[AskItem]| {
        let (one, other) = (items.to_vec(), items.to_vec());
        let open = listener(move || granted(&one)).ask(&ask, |_| {});
        let window = listener(move || granted(&other)).want(Want::Run(ask.clone()));
        assert_eq!(open.is_ok(), window.is_ok());
        open
    };
    assert!(matches!(tries(&asked), Ok(Answer::Released { .. })));
    for other in [
        vec![item("A", "LD_PRELOAD"), asked[1].clone()],
        vec![asked[1].clone(), asked[0].clone()],
        vec![asked[0].clone()],
        vec![asked[0].clone(), asked[1].clone(), item("A", "LD_PRELOAD")],
        vec![AskItem::value("A".parse().unwrap()), asked[1].clone()],
    ] {
        assert!(matches!(tries(&other), Err(Error::Unexpected)), "{other:?}");
    }
}

#[test]
fn a_label_is_a_name() {
    for (label, shown) in
        [("DB_URL", "DB_URL"), ("\u{1b}]0;x\u{7}", "secret"), ("a\nb", "secret"), ("", "secret")]
    {
        let answer = move || {
            let hits = vec![ScanHit { start: 0, end: 1, label: label.into() }];
            FromDaemon::Scanned { hits, decided: 1, rules_only: false }
        };
        assert_eq!(listener(answer).scan(b"x", true).unwrap().hits[0].label, shown);
    }
}

/// It greets, and then says nothing: the human is told, and waits no longer than for anything else.
#[test]
fn a_lock_that_nothing_answers_comes_to_an_end() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    std::thread::spawn(move || {
        let hello = FromDaemon::Hello { version: VERSION, pid: 1, store: "0".repeat(16) };
        frame::read_control::<ToDaemon>(&mut theirs).unwrap();
        frame::write_control(&mut theirs, &hello).unwrap();
        while frame::read_control::<ToDaemon>(&mut theirs).is_ok_and(|read| read.is_some()) {}
    });
    let mut told = 0;
    let said = Connection::over(ours, Door::Cli, None).unwrap().lock(&mut |_| told += 1);
    assert!(matches!(said, Err(Error::NoAnswer { .. })), "{said:?}");
    assert_eq!(told, 1);
}
