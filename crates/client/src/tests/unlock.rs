//! Unlocking against a daemon of one thread: what is handed over, to whom, and what is not.

use super::*;
use crate::rig::{Rig, me};
use seal::{FileKind, KdfParams, Log, OsRandom, RealDisk, RecoveryCode, Root, Slot, SlotSpec};
use secret::Bytes;
use std::cell::{Cell, RefCell};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use wire::{FromDaemon, HexBytes, ToDaemon};

/// A store file with one recovery slot, in a folder of its own.
struct Case {
    folder: tempfile::TempDir,
    store: StoreDir,
    code: Bytes,
}

fn case() -> Case {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let store = StoreDir::open(folder.path()).unwrap();
    std::fs::create_dir(store.state()).unwrap();
    std::fs::set_permissions(store.state(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let code = RecoveryCode::generate(&mut OsRandom).unwrap();
    let text = code.to_text().unwrap();
    make(&store, &[NewSlot::recovery(FileId([1; 16]), 1, &code).unwrap()]);
    Case { folder, store, code: text }
}

fn make(store: &StoreDir, slots: &[NewSlot]) {
    let root = Root::random(&mut OsRandom).unwrap();
    let file_id = FileId([1; 16]);
    let place = seal::SlotPlace { kind: FileKind::Store, file_id: &file_id, epoch: 1 };
    let seal = |s: &NewSlot| {
        let spec = SlotSpec::decode(&s.spec().0).unwrap();
        Slot::seal(&spec, s.keys(), &root, place, &mut OsRandom).unwrap()
    };
    let sealed = slots.iter().map(seal).collect();
    let new = seal::NewFile {
        kind: FileKind::Store,
        file_id,
        epoch: 1,
        generation: 1,
        created: 0,
        parent_chain: [0; 32],
    };
    Log::create(Arc::new(RealDisk), &store.file(), new, root, sealed).unwrap();
}

/// Presents these codes, one after the other.
struct Codes(Vec<Bytes>, bool, RefCell<Vec<String>>);

impl Asker for Codes {
    fn present(&mut self, _: &StoreHeader, attempt: u32) -> Result<Option<Presented>> {
        let text = self.0.get(attempt as usize);
        Ok(text.map(|t| RecoveryCode::parse(t).map(Presented::Recovery)).transpose()?)
    }
    fn accept(&mut self, files: &[RollbackFile]) -> bool {
        self.2.borrow_mut().extend(files.iter().map(|f| f.path.clone()));
        self.1
    }
}

fn asks(codes: Vec<Bytes>) -> Codes {
    Codes(codes, true, RefCell::default())
}

fn report() -> FromChild {
    FromChild::Ready(Box::new(UnlockReport {
        pid: 1,
        vaults: vec![],
        refused: vec![],
        since: None,
        uses: 0,
        denials: 0,
        last_lock: None,
        entries: 0,
        policy_date: String::new(),
        word_pair: String::new(),
        notes: vec![],
    }))
}

/// What a child was handed.
#[derive(Debug, Default)]
struct Handed {
    message: Option<ToChild>,
    values: Vec<Bytes>,
}

type Thread = std::thread::JoinHandle<Handed>;

/// A child that says `first`, takes what comes with it, and says `then`.
fn child(first: FromChild, then: Option<FromChild>) -> (Child, Thread) {
    let (stream, mut theirs) = UnixStream::pair().unwrap();
    let thread = std::thread::spawn(move || {
        let mut handed = Handed::default();
        // A child that the client never came to hears nothing, and its pair may be closed already.
        if frame::write_control(&mut theirs, &first).is_err() {
            return handed;
        }
        let Ok(Some(message)) = frame::read_control::<ToChild>(&mut theirs) else { return handed };
        let slots = if let ToChild::Create { slots, .. } = &message { slots.len() } else { 1 };
        handed.values = (0..3 * slots).map(|_| frame::read_raw(&mut theirs).unwrap()).collect();
        handed.message = Some(message);
        if let Some(then) = then {
            frame::write_control(&mut theirs, &then).unwrap();
        }
        handed
    });
    (Child { stream, process: None }, thread)
}

fn locked(store: &StoreDir) -> FromChild {
    FromChild::Locked { header: std::fs::read(store.file()).ok().map(HexBytes) }
}

/// Runs `what` with these children, started in this order.
fn with<T>(
    store: &StoreDir,
    how: &How,
    children: Vec<(FromChild, Option<FromChild>)>,
    what: impl FnOnce(Way<'_>) -> T,
) -> (T, Vec<Handed>) {
    let (mut ends, mut threads) = (Vec::new(), Vec::new());
    for (first, then) in children {
        let (end, thread) = child(first, then);
        ends.push(Some(end));
        threads.push(thread);
    }
    let (ends, next) = (RefCell::new(ends), Cell::new(0));
    let start = |_: &StoreDir, _: Option<&Path>, _: Option<File>| {
        let n = next.replace(next.get() + 1);
        ends.borrow_mut().get_mut(n).and_then(Option::take).ok_or(Error::Ended)
    };
    let got = what(Way { store, how, start: &start, guard: &|| Ok(()) });
    drop(ends);
    (got, threads.into_iter().map(|t| t.join().unwrap()).collect())
}

fn copy(b: &Bytes) -> Bytes {
    Bytes::copy_from(b.expose()).unwrap()
}

/// Another valid code.
fn other_code() -> Bytes {
    RecoveryCode::generate(&mut OsRandom).unwrap().to_text().unwrap()
}

#[test]
fn the_right_code_hands_over_three_keys_and_never_the_code() {
    let c = case();
    let children = vec![(locked(&c.store), Some(report()))];
    let codes = vec![other_code(), copy(&c.code)];
    let (got, handed) = with(&c.store, &How::default(), children, |way| way.unlock(&mut asks(codes)));
    assert!(matches!(got.unwrap(), Unlocked::Now { proved: false, .. }), "nobody listens in this test");
    assert!(matches!(handed[0].message, Some(ToChild::Open { rollback: Rollback::Refuse, .. })));
    assert_eq!(handed[0].values.len(), 3);
    let code = RecoveryCode::parse(&c.code).unwrap();
    let keys = StoreHeader::read(&c.store).unwrap().open(&Presented::Recovery(code)).unwrap();
    for (value, key) in handed[0].values.iter().zip(keys.values()) {
        assert_eq!(value.expose(), key);
    }
}

#[test]
fn a_wrong_code_or_none_hands_over_nothing() {
    let c = case();
    let one = || vec![(locked(&c.store), Some(report()))];
    let (got, handed) =
        with(&c.store, &How::default(), one(), |way| way.unlock(&mut asks(vec![other_code(), other_code()])));
    assert!(matches!(got, Err(Error::WrongRecoveryCode)));
    assert!(handed[0].message.is_none());
    let (got, handed) = with(&c.store, &How::default(), one(), |way| way.unlock(&mut asks(vec![])));
    assert!(matches!(got, Err(Error::NoWayToAsk)));
    assert!(handed[0].message.is_none());
}

#[test]
fn under_an_agent_nothing_is_asked() {
    let c = case();
    struct Never;
    impl Asker for Never {
        fn present(&mut self, _: &StoreHeader, _: u32) -> Result<Option<Presented>> {
            panic!("asked")
        }
        fn accept(&mut self, _: &[RollbackFile]) -> bool {
            panic!("asked")
        }
    }
    let children = vec![(locked(&c.store), Some(report()))];
    let (got, handed) = with(&c.store, &How::default(), children, |way| {
        Way { guard: &|| Err(Error::UnderAgent("codex".into())), ..way }.unlock(&mut Never)
    });
    assert!(matches!(got, Err(Error::UnderAgent(_))));
    assert!(handed[0].message.is_none());
}

#[test]
fn without_a_store_no_child_is_started() {
    let c = case();
    std::fs::remove_file(c.store.file()).unwrap();
    let (got, _) = with(&c.store, &How::default(), vec![], |way| way.unlock(&mut asks(vec![])));
    let error = got.unwrap_err();
    assert!(matches!(error, Error::NoStore(_)));
    assert_eq!(error.exit(), wire::exit::LOCKED);
}

#[test]
fn a_child_that_fails_or_dies_is_an_error() {
    let c = case();
    let failure = || FromChild::Failed(Failure::new("disk_full", 1, "the disk is full"));
    let all = vec![
        vec![(failure(), None)],
        vec![(locked(&c.store), Some(failure()))],
        vec![(locked(&c.store), None)],
        vec![(FromChild::Locked { header: Some(HexBytes(b"SVAULT\0\x02".to_vec())) }, None)],
        vec![(report(), None)],
    ];
    for (i, children) in all.into_iter().enumerate() {
        let (got, _) =
            with(&c.store, &How::default(), children, |way| way.unlock(&mut asks(vec![copy(&c.code)])));
        let error = got.unwrap_err();
        match i {
            0 | 1 => assert!(matches!(error, Error::Daemon(f) if f.code == "disk_full")),
            2 => assert!(matches!(error, Error::Ended)),
            3 => assert_eq!(error.exit(), wire::exit::DAMAGED, "{error}"),
            _ => assert!(matches!(error, Error::Unexpected)),
        }
    }
}

const SEEN: wire::Seen = wire::Seen { store: wire::Hex([7; 32]), trail: None };

#[test]
fn a_rollback_is_accepted_only_after_it_was_shown() {
    let c = case();
    let behind = || {
        let files = vec![RollbackFile {
            path: "vaults/main.svault".into(),
            state: "older".into(),
            detail: String::new(),
        }];
        FromChild::RolledBack { files, error: Failure::new("rolled_back", 5, "older"), seen: Some(SEEN) }
    };
    let how = How { accept_rollback: Some(vec!["main".parse().unwrap()]), ..How::default() };
    let children = || vec![(locked(&c.store), Some(behind())), (locked(&c.store), Some(report()))];

    let mut asker = asks(vec![copy(&c.code)]);
    let (got, handed) = with(&c.store, &how, children(), |way| way.unlock(&mut asker));
    assert!(got.is_ok());
    assert_eq!(asker.2.into_inner(), ["vaults/main.svault"]);
    let sent = |h: &Handed| match &h.message {
        Some(ToChild::Open { rollback, .. }) => rollback.clone(),
        _ => panic!("not opened"),
    };
    assert_eq!(sent(&handed[0]), Rollback::Show);
    assert_eq!(sent(&handed[1]), Rollback::Accept { vaults: vec!["main".parse().unwrap()], seen: SEEN });

    let mut asker = Codes(vec![copy(&c.code)], false, RefCell::default());
    let (got, handed) = with(&c.store, &how, children(), |way| way.unlock(&mut asker));
    assert!(matches!(got, Err(Error::NotConfirmed)));
    assert!(handed[1].message.is_none());

    // Nothing is behind: nothing is accepted.
    let none = || FromChild::RolledBack {
        files: vec![],
        error: Failure::new("rolled_back", 5, ""),
        seen: Some(SEEN),
    };
    let children = || vec![(locked(&c.store), Some(none())), (locked(&c.store), Some(report()))];
    let all = How { accept_rollback: Some(vec![]), ..How::default() };
    let (_, handed) = with(&c.store, &all, children(), |way| way.unlock(&mut asks(vec![copy(&c.code)])));
    assert_eq!(sent(&handed[1]), Rollback::Refuse);
    // And a vault that was named is not among it.
    let (got, handed) = with(&c.store, &how, children(), |way| way.unlock(&mut asks(vec![copy(&c.code)])));
    assert!(matches!(got, Err(Error::NotBehind(_))));
    assert!(handed[1].message.is_none());

    // Without the option the files are named, and that is all.
    let children = vec![(locked(&c.store), Some(behind()))];
    let (got, _) =
        with(&c.store, &How::default(), children, |way| way.unlock(&mut asks(vec![copy(&c.code)])));
    let error = got.unwrap_err();
    assert_eq!((error.code(), error.exit()), ("rolled_back", wire::exit::DAMAGED));
}

#[test]
fn init_hands_over_the_slots_and_refuses_a_store_that_is_there() {
    let c = case();
    let new = || {
        let code = RecoveryCode::generate(&mut OsRandom).unwrap();
        let slots = (0..2).map(|_| NewSlot::recovery(FileId([1; 16]), 1, &code).unwrap()).collect();
        NewStore { file_id: FileId([1; 16]), slots, zone: "UTC".into() }
    };
    let (got, _) = with(&c.store, &How::default(), vec![], |way| way.init(new()));
    assert!(matches!(got, Err(Error::Exists(_))));
    let header = locked(&c.store);
    std::fs::remove_file(c.store.file()).unwrap();
    let (got, handed) = with(&c.store, &How::default(), vec![(header, None)], |way| way.init(new()));
    assert!(matches!(got, Err(Error::Exists(_))), "made in the meantime");
    assert!(handed[0].message.is_none());
    let children = vec![(FromChild::Locked { header: None }, Some(report()))];
    let (got, handed) = with(&c.store, &How::default(), children, |way| way.init(new()));
    assert!(got.is_ok());
    assert_eq!(handed[0].values.len(), 6);
    let (got, _) = with(&c.store, &How::default(), held(), |way| way.init(new()));
    assert!(matches!(got, Err(Error::Held { pid: Some(7) })));
}

/// Listens where the daemon would, in the store's own folder.
fn listen(c: &Case, serve: impl Fn(UnixStream) + Send + 'static) {
    let at = c.store.state().join(format!("{}.sock", c.store.id()));
    let listener = UnixListener::bind(at).unwrap();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            serve(stream);
        }
    });
}

/// Children that find the lock held, however often it is tried.
fn held() -> Vec<(FromChild, Option<FromChild>)> {
    (0..=super::RETRIES).map(|_| (FromChild::Busy { pid: Some(7) }, None)).collect()
}

fn busy(c: &Case, codes: Vec<Bytes>) -> Result<Unlocked> {
    with(&c.store, &How::default(), held(), |way| way.unlock(&mut asks(codes))).0
}

#[test]
fn a_daemon_that_runs_already_proves_itself() {
    let c = case();
    let code = RecoveryCode::parse(&c.code).unwrap();
    let keys = StoreHeader::read(&c.store).unwrap().open(&Presented::Recovery(code)).unwrap();
    let mut rig = Rig::new();
    rig.slot = keys.slot();
    rig.key = Arc::new(*keys.into_prover().kp.expose());
    let serving = rig.clone();
    listen(&c, move |stream| serving.clone().serve(stream));
    let got = busy(&c, vec![copy(&c.code)]).unwrap();
    assert!(matches!(got, Unlocked::Already { pid: Some(7), proved: true }));
    assert_eq!(rig.done(), [("window".to_owned(), vec![])]);
    // No way to ask: nothing is proved, and that is said.
    let got = busy(&c, vec![]).unwrap();
    assert!(matches!(got, Unlocked::Already { proved: false, .. }));
    assert!(matches!(busy(&c, vec![other_code()]), Err(Error::WrongRecoveryCode)));
}

#[test]
fn a_stranger_who_holds_the_lock_is_named_and_learns_nothing() {
    let c = case();
    assert!(matches!(busy(&c, vec![copy(&c.code)]), Err(Error::Held { pid: Some(7) })), "nobody listens");

    // It listens, too, with the machinery of a daemon and any key but the right one.
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let tape = heard.clone();
    listen(&c, move |stream| {
        let mut rig = Rig::new();
        rig.peer = me();
        tape.lock().unwrap().push(rig.refused.clone());
        rig.serve(stream);
    });
    let error = busy(&c, vec![copy(&c.code)]).unwrap_err();
    assert!(matches!(error, Error::Held { pid: Some(7) }));
    assert_eq!(error.exit(), wire::exit::FAILED);
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 3, "one that asks who listens, one before the code is asked for, one with it");
    assert!(heard.iter().all(|h| h.lock().unwrap().is_empty()), "no proof was ever sent");
}

#[test]
fn a_daemon_of_another_version_is_named_as_that() {
    let c = case();
    listen(&c, |mut stream| {
        let _ = frame::read_control::<ToDaemon>(&mut stream);
        let said = Failure::new(wire::code::VERSION, wire::exit::FAILED, "its own words");
        let _ = frame::write_control(&mut stream, &FromDaemon::Error(said));
    });
    let error = busy(&c, vec![copy(&c.code)]).unwrap_err();
    let Error::Daemon(failure) = &error else { panic!("{error:?}") };
    assert_eq!(failure.code, wire::code::VERSION);
    assert!(
        failure.message.contains("process 7") && !failure.message.contains("its own words"),
        "{failure:?}"
    );
    assert!(failure.hint.as_deref().is_some_and(|hint| hint.contains("svault lock")), "{failure:?}");
}

#[test]
fn a_swapped_store_file_makes_the_right_code_wrong() {
    let c = case();
    let other = case();
    std::fs::copy(other.store.file(), c.store.file()).unwrap();
    assert!(matches!(busy(&c, vec![copy(&c.code)]), Err(Error::WrongRecoveryCode)));
    assert!(c.folder.path().exists());
}

#[test]
fn a_passphrase_opens_its_slot_and_a_wrong_one_is_told_by_the_commitment() {
    let c = case();
    std::fs::remove_file(c.store.file()).unwrap();
    let bounds = KdfParams::bounds();
    let params = KdfParams { m_kib: *bounds.m_kib.start(), t: *bounds.t.start(), p: 1 };
    let right = || Bytes::copy_from(b"correct horse battery staple").unwrap();
    let slot = NewSlot::passphrase(FileId([1; 16]), 1, params, &right()).unwrap();
    make(&c.store, &[slot]);
    let header = StoreHeader::read(&c.store).unwrap();
    assert!(header.open(&Presented::Passphrase(right())).is_ok());
    let wrong = Bytes::copy_from(b"correct horse battery stable").unwrap();
    assert!(matches!(header.open(&Presented::Passphrase(wrong)), Err(Error::WrongPassphrase)));
    let code = RecoveryCode::parse(&c.code).unwrap();
    assert!(matches!(header.open(&Presented::Recovery(code)), Err(Error::NoSlot("recovery code"))));
}
