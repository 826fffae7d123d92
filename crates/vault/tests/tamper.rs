//! Files taken back, cut, deleted, swapped and altered, one against the others: each is noticed, each with its own error;
//! `--accept-rollback` is the way on. What all files together can't tell, the line about the last lock does.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use audit::{Event, Filter};
use common::{Copy, House, How, Opener, all_files, at, bytes, dir, new};
use daemon::state::segments::Lent;
use seal::Disk;
use seal::sim::SimDisk;
use std::path::{Path, PathBuf};
use svault_vault as vault;
use vault::{LastLock, SealRecord};
use words::Id;

const STORE: &str = "store.svault";
const VAULTS: &str = "vaults";
const TRAIL: &str = "trail";
const HEADS: &str = "state/heads";

/// A store that was locked, went on, and was locked again; and a copy of it from the first lock.
struct Past {
    disk: SimDisk,
    opener: Opener,
    copy: Copy,
    first: LastLock,
    last: LastLock,
}

fn past() -> Past {
    let mut house = House::new(&SimDisk::new());
    house.store.vault_create(&"work".parse().unwrap(), at(2)).unwrap();
    house.add("DB_URL", "sk-test-old");
    house.release(1);
    let (disk, opener, first) = house.lock(100);
    let copy = Copy::of(&disk);
    let mut house = open(&disk, opener, &How::Refuse);
    let secret = house.add("API_KEY", "sk-test-new");
    house.store.mark_seen(&secret.key).unwrap();
    house.release(2);
    house.store.put_seal(&seal()).unwrap();
    house.release(3);
    house.add("LAST", "sk-test-last");
    let (disk, opener, last) = house.lock(200);
    Past { disk, opener, copy, first, last }
}

fn seal() -> SealRecord {
    let (id, session) = (Id::from_bits(77), "unknown".into());
    SealRecord { id, session, secret: Some("main/DB_URL".into()), since: at(150) }
}

fn open(disk: &SimDisk, opener: Opener, how: &How) -> House {
    House::open(disk, opener, how).map_err(|(e, _)| format!("{e:?}")).unwrap().house
}

/// The error, or which vaults stay shut, or that all is well; then the way back, which must hold.
fn verdict(disk: &SimDisk, opener: Opener) -> (String, Opener) {
    match House::open(disk, opener, &How::Refuse) {
        Ok(opened) if opened.report.refused.is_empty() => ("opens".into(), opened.house.opener),
        Ok(opened) => {
            let files: Vec<_> =
                opened.report.files.iter().map(|f| (f.path.as_str(), f.state.as_str())).collect();
            (format!("shut {files:?}"), opened.house.opener)
        }
        Err((e, opener)) => (e.name(), opener),
    }
}

/// After an accepted rollback everything works on, and the next unlock asks nothing.
fn accepted(disk: &SimDisk, opener: Opener) -> (House, usize) {
    let opened = House::open(disk, opener, &How::AcceptAll).map_err(|(e, _)| format!("{e:?}")).unwrap();
    let mut house = opened.house;
    let reader = house.trail.reader(&mut Lent(&mut house.store)).unwrap();
    reader.verify().unwrap();
    let newest = reader.query(&Filter { last: Some(1), ..Filter::default() }).unwrap();
    assert_eq!(newest[0].event, Event::AcceptRollback, "the new segment's first entry says so");
    let shut = opened.report.refused.len();
    house.release(40);
    if shut == 0 {
        house.add("AFTER", "sk-test-after");
    }
    let (disk, opener, _) = house.lock(300);
    let opened = House::open(&disk, opener, &How::Refuse).map_err(|(e, _)| format!("{e:?}")).unwrap();
    assert_eq!(opened.report.refused.len(), shut, "{:?}", opened.report.files);
    (opened.house, shut)
}

#[test]
fn every_set_of_files_taken_back_is_noticed() {
    let expected = |set: &[&str]| match set {
        // Nothing is lost: store and checkpoint know better than old heads.
        [HEADS] => "opens",
        // The only set that nothing on this disk can tell; the line about the last lock can.
        [STORE, VAULTS, TRAIL, HEADS] => "opens",
        [VAULTS] | [VAULTS, HEADS] => r#"shut [("vaults/main.svault", "older")]"#,
        [TRAIL] | [VAULTS, TRAIL] | [TRAIL, HEADS] | [VAULTS, TRAIL, HEADS] => "trail:RolledBack",
        [STORE] | [STORE, VAULTS] | [STORE, TRAIL] | [STORE, VAULTS, TRAIL] => "store:RolledBack",
        [STORE, HEADS] | [STORE, TRAIL, HEADS] => "store:StoreBehind",
        [STORE, VAULTS, HEADS] => "trail:StoreBehind",
        _ => panic!("{set:?}"),
    };
    for bits in 1..16 {
        let past = past();
        let set: Vec<&str> = [STORE, VAULTS, TRAIL, HEADS]
            .into_iter()
            .enumerate()
            .filter_map(|(n, f)| (bits >> n & 1 == 1).then_some(f))
            .collect();
        past.copy.restore(&past.disk, &set);
        let (found, opener) = verdict(&past.disk, past.opener);
        assert_eq!(found, expected(&set), "{set:?}");
        let (house, shut) = accepted(&past.disk, opener);
        assert_eq!(shut, 0, "{set:?}");
        assert_eq!(house.value("DB_URL"), "sk-test-old");
        let seals = house.store.seals().unwrap();
        assert_eq!(
            seals.len(),
            usize::from(!set.contains(&STORE)),
            "seals stay unless the store itself went back"
        );
    }
}

/// The same, with `state/heads` deleted: nothing can be told, so nothing is opened without a human.
#[test]
fn without_heads_nothing_opens() {
    for set in [&[][..], &[VAULTS], &[TRAIL], &[STORE], &[STORE, VAULTS, TRAIL]] {
        let past = past();
        past.copy.restore(&past.disk, set);
        past.disk.remove(&dir().join(HEADS)).unwrap();
        let (found, opener) = verdict(&past.disk, past.opener);
        assert_eq!(found, "store:NoHeads", "{set:?}");
        let (house, _) = accepted(&past.disk, opener);
        assert_eq!(house.store.seals().unwrap().len(), usize::from(!set.contains(&STORE)));
    }
}

#[test]
fn altered_heads_are_no_heads() {
    let past = past();
    let path = dir().join(HEADS);
    let whole = past.disk.bytes(&path).unwrap();
    let mut heads = whole.clone();
    // One slot alone may be torn by a power cut: the other one counts, and says the same.
    heads[100] ^= 1;
    past.disk.put(&path, &heads);
    let (found, opener) = verdict(&past.disk, past.opener);
    assert_eq!(found, "opens");
    heads = whole;
    heads[100] ^= 1;
    heads[81_920 + 100] ^= 1;
    past.disk.put(&path, &heads);
    assert_eq!(verdict(&past.disk, opener).0, "store:NoHeads");
}

/// Everything goes back together: no file can tell, the line can.
#[test]
fn the_line_about_the_last_lock_changes_when_everything_goes_back() {
    let past = past();
    assert_ne!(past.first.word_pair, past.last.word_pair);
    let opened = House::open(&past.disk, past.opener, &How::Refuse).map_err(|(e, _)| e.name()).unwrap();
    assert_eq!(opened.report.last_lock.as_ref(), Some(&past.last));
    past.copy.restore(&past.disk, &[STORE, VAULTS, TRAIL, HEADS]);
    let opened =
        House::open(&past.disk, opened.house.opener, &How::Refuse).map_err(|(e, _)| e.name()).unwrap();
    let line = opened.report.last_lock.unwrap();
    assert_eq!(line, past.first);
    assert!(
        line.at < past.last.at && line.entries < past.last.entries && line.word_pair != past.last.word_pair
    );
}

/// With heads and all files of one kind taken back to a moment between two checkpoints of a running daemon, nothing
/// goes back behind the last checkpoint.
#[test]
fn heads_and_trail_together_go_back_to_the_last_checkpoint_at_most() {
    for checkpoint in [false, true] {
        let mut house = House::new(&SimDisk::new());
        for n in 1..=20 {
            house.release(n);
        }
        house.store.sync_heads().unwrap();
        let copy = Copy::of(&house.disk);
        for n in 21..=30 {
            house.release(n);
        }
        if checkpoint {
            house.store.put_seal(&seal()).unwrap();
        }
        let disk = house.disk.killed();
        copy.restore(&disk, &[TRAIL, HEADS]);
        let (found, opener) = verdict(&disk, house.opener);
        // Since the last checkpoint only heads know how far the trail was: the documented limit of a plain install.
        assert_eq!(found, if checkpoint { "trail:RolledBack" } else { "opens" });
        if checkpoint {
            assert_eq!(accepted(&disk, opener).0.store.seals().unwrap(), [seal()]);
        }
    }
}

#[test]
fn missing_files_are_missing() {
    let files = [
        ("vaults/main.svault", r#"shut [("vaults/main.svault", "missing")]"#),
        ("trail/000001.svault", "trail:Missing"),
    ];
    for (file, expected) in files {
        for heads_too in [false, true] {
            let past = past();
            past.disk.remove(&dir().join(file)).unwrap();
            if heads_too {
                past.copy.restore(&past.disk, &[HEADS]);
            }
            let (found, opener) = verdict(&past.disk, past.opener);
            assert_eq!(found, expected);
            let (house, shut) = accepted(&past.disk, opener);
            assert_eq!(
                shut,
                usize::from(file.starts_with("vaults")),
                "an accepted vault that is gone stays listed"
            );
            assert_eq!(house.store.seals().unwrap(), [seal()]);
        }
    }
    let past = past();
    past.disk.remove(&dir().join(STORE)).unwrap();
    assert_eq!(verdict(&past.disk, past.opener).0, "store:NoStore");
}

/// A vault that was taken back is accepted by its name, and the rest as it always is.
#[test]
fn one_vault_is_accepted_alone() {
    let past = past();
    past.copy.restore(&past.disk, &[VAULTS]);
    let only = |name: &str| How::Accept(vec![name.parse().unwrap()]);
    let opened = House::open(&past.disk, past.opener, &only("work")).map_err(|(e, _)| e.name()).unwrap();
    assert_eq!(opened.report.refused.len(), 1);
    assert!(
        opened.house.store.find(&"DB_URL".parse().unwrap()).is_ok_and(|found| found == vault::Found::None)
    );
    let opened =
        House::open(&past.disk, opened.house.opener, &only("main")).map_err(|(e, _)| e.name()).unwrap();
    assert!(opened.report.refused.is_empty());
    assert_eq!((opened.report.files.len(), opened.report.files[0].state.as_str()), (1, "older"));
    let (disk, opener, _) = opened.house.lock(400);
    let house = open(&disk, opener, &How::Refuse);
    assert_eq!(house.value("DB_URL"), "sk-test-old");
    // The trail isn't accepted with it.
    let (disk, opener, _) = house.lock(500);
    past.copy.restore(&disk, &[VAULTS, TRAIL]);
    let refused = House::open(&disk, opener, &only("main")).map(|_| ()).unwrap_err().0;
    assert!(refused.name().starts_with("trail:"), "{}", refused.name());
}

/// What a human is shown before accepting: every file of the store, its vaults and its trail.
#[test]
fn the_refusal_lists_every_file() {
    let past = past();
    past.copy.restore(&past.disk, &[STORE, VAULTS, TRAIL]);
    let shut = House::open(&past.disk, past.opener, &How::Refuse).map(|_| ()).unwrap_err().0;
    let mut files = shut.files();
    files.sort();
    let expected =
        [("store.svault", "older"), ("trail/000001.svault", "older"), ("vaults/main.svault", "older")];
    assert_eq!(files, expected.map(|(path, state)| (path.to_owned(), state)));
}

#[test]
fn vaults_can_not_stand_in_for_one_another() {
    let past = past();
    let [main, work] = ["vaults/main.svault", "vaults/work.svault"].map(|name| dir().join(name));
    let (a, b) = (past.disk.bytes(&main).unwrap(), past.disk.bytes(&work).unwrap());
    past.disk.put(&main, &b);
    past.disk.put(&work, &a);
    let (found, _) = verdict(&past.disk, past.opener);
    assert_eq!(found, r#"shut [("vaults/main.svault", "beside"), ("vaults/work.svault", "beside")]"#);
}

#[test]
fn closed_segments_are_checked_at_unlock_and_read_by_verify() {
    let mut house = House::new(&SimDisk::new());
    for n in 1..=3 {
        house.release(n);
        house.begin(b"counters", None);
    }
    house.release(4);
    let (disk, mut opener, _) = house.lock(100);
    let second = dir().join("trail/000002.svault");
    let whole = disk.bytes(&second).unwrap();
    let mut cases: Vec<(Option<Vec<u8>>, &str)> = vec![
        (None, "trail:Missing"),
        (Some(whole[..whole.len() - 1].to_vec()), "trail:RolledBack"),
        (Some([whole.clone(), vec![0]].concat()), "trail:Beside"),
        (Some(disk.bytes(&dir().join("trail/000003.svault")).unwrap()), "trail:Beside"),
    ];
    let mut end = whole.clone();
    *end.last_mut().unwrap() ^= 1;
    cases.push((Some(end), "trail:Beside"));
    for (bytes, expected) in cases {
        let disk = disk.killed();
        match bytes {
            Some(bytes) => disk.put(&second, &bytes),
            None => disk.remove(&second).unwrap(),
        }
        let (found, back) = verdict(&disk, opener);
        assert_eq!(found, expected);
        let (house, _) = accepted(&disk, back);
        opener = house.opener;
    }
    // Inside a closed segment only `audit verify` looks.
    let mut middle = whole.clone();
    middle[whole.len() / 2] ^= 1;
    disk.put(&second, &middle);
    let mut house = open(&disk, opener, &How::Refuse);
    let reader = house.trail.reader(&mut Lent(&mut house.store)).unwrap();
    assert_eq!(reader.verify().unwrap_err().name(), "Damaged");
    assert!(reader.query(&Filter::default()).is_err());
    assert_eq!(reader.query(&Filter { last: Some(1), ..Filter::default() }).unwrap().len(), 1);
}

#[test]
fn a_segment_that_the_store_does_not_know_means_an_older_store() {
    let past = past();
    let known = past.disk.bytes(&dir().join("trail/000001.svault")).unwrap();
    past.disk.put(&dir().join("trail/000002.svault"), &known);
    let (found, opener) = verdict(&past.disk, past.opener);
    assert_eq!(found, "trail:Unknown");
    let (house, _) = accepted(&past.disk, opener);
    assert_eq!(house.store.segments().unwrap().last().unwrap().number, 3, "no file is written over");
}

/// Every byte of a cleanly locked store, one bit of each: refused, or the vault is shut. A value is ciphertext until it is
/// asked for: then it isn't given.
#[test]
fn no_bit_can_be_flipped() {
    let mut house = House::new(&SimDisk::new());
    house.add("DB_URL", "sk-test-one");
    house.release(1);
    let (disk, mut opener, _) = house.lock(100);
    for file in [STORE, "vaults/main.svault", "trail/000001.svault"] {
        let path = dir().join(file);
        let whole = disk.bytes(&path).unwrap();
        for at in 0..whole.len() {
            let copy = disk.killed();
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            copy.put(&path, &bytes);
            let (found, back) = verdict(&copy, opener);
            opener = back;
            if file.starts_with("vaults") && found == "opens" {
                let house = open(&copy, opener, &How::Refuse);
                let secret = house.store.list().unwrap().remove(0);
                let value = house.store.open_value(&secret.key, secret.version);
                assert_eq!(value.unwrap_err().name(), "Damaged", "byte {at} of {file}");
                opener = house.opener;
                continue;
            }
            assert_ne!(found, "opens", "byte {at} of {file}");
            if !file.starts_with("vaults") {
                let kinds = [
                    "BadMagic",
                    "Version",
                    "Bounds",
                    "Slot",
                    "Kdf",
                    "WrongKey",
                    "HeaderMac",
                    "Damaged",
                    "Beside",
                ];
                let (_, name) = found.split_once(':').unwrap();
                assert!(kinds.contains(&name), "byte {at} of {file}: {found}");
            }
        }
    }
}

/// The same by cutting: at every length.
#[test]
fn no_file_can_be_cut() {
    let past = past();
    let mut opener = past.opener;
    for file in [STORE, "vaults/main.svault", "trail/000001.svault"] {
        let path = dir().join(file);
        let whole = past.disk.bytes(&path).unwrap();
        for len in (0..whole.len()).step_by(7) {
            let copy = past.disk.killed();
            copy.put(&path, &whole[..len]);
            let (found, back) = verdict(&copy, opener);
            opener = back;
            assert_ne!(found, "opens", "{file} cut at {len}");
        }
    }
}

/// Refusing changes nothing: what a human may still need is all there.
#[test]
fn a_refusal_leaves_every_file_as_it_was() {
    let past = past();
    past.copy.restore(&past.disk, &[STORE]);
    let files = |disk: &SimDisk| -> Vec<(PathBuf, Vec<u8>)> {
        let heads = dir().join(HEADS);
        let all = all_files(disk).into_iter().filter(|path: &PathBuf| *path != heads);
        all.map(|path| (path.clone(), disk.bytes(Path::new(&path)).unwrap())).collect()
    };
    let before = files(&past.disk);
    assert_eq!(verdict(&past.disk, past.opener).0, "store:RolledBack");
    assert_eq!(files(&past.disk), before);
}

#[test]
fn a_value_added_after_an_accepted_rollback_is_not_taken_for_newer_than_the_store() {
    let past = past();
    past.copy.restore(&past.disk, &[STORE, HEADS]);
    let mut house = open(&past.disk, past.opener, &How::AcceptAll);
    house.store.add(new("work", "X"), &bytes("sk-test-x"), at(300)).unwrap();
    house.release(50);
    // A crash, no lock.
    let disk = house.disk.killed();
    let house = open(&disk, house.opener, &How::Refuse);
    assert_eq!(house.value("X"), "sk-test-x");
}

#[test]
fn an_accepted_rollback_is_remembered_until_it_is_recorded() {
    let past = past();
    past.copy.restore(&past.disk, &[STORE]);
    let first = open(&past.disk, past.opener, &How::AcceptAll);
    assert_eq!(first.store.accepted().as_deref(), Some("store.svault older"));
    let mut next = open(&first.disk.killed(), first.opener, &How::Refuse);
    assert_eq!(next.store.accepted().as_deref(), Some("store.svault older"));
    next.store.accepted_is_recorded().unwrap();
    assert_eq!(next.store.accepted(), None);
}

/// A file whose number is out of all reach is none of the trail's, and leaves room for the segments to come.
#[test]
fn the_number_of_a_planted_segment_is_not_the_last_one() {
    for number in [u64::MAX, u64::MAX - 1, 5_000_000] {
        let past = past();
        past.disk.put(&dir().join(format!("trail/{number:06}.svault")), b"");
        let mut house = open(&past.disk, past.opener, &How::Refuse);
        for _ in 0..3 {
            house.release(7);
            house.begin(b"counters", None);
        }
        house.release(8);
        let total = house.trail.total();
        let (disk, opener, _) = house.lock(300);
        let house = open(&disk, opener, &How::Refuse);
        assert_eq!(house.trail.total(), total, "{number}");
        assert!(house.store.segments().unwrap().last().unwrap().number < 10, "{number}");
    }
}
