//! The store as a library: what it keeps comes back, and what must not be possible isn't.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use audit::Event;
use common::{Copy, House, How, Opener, at, bytes, class, dir, new, settings};
use daemon::state::segments::Lent;
use seal::sim::SimDisk;
use seal::{Disk, FileId, OsRandom};
use std::sync::Arc;
use svault_vault as vault;
use svault_vault::{Error, Found, SealRecord, Store};
use words::{Id, SecretRef};

fn reopen(house: House) -> House {
    let (disk, opener, _) = house.lock(100);
    House::open(&disk, opener, &How::Refuse).map_err(|(e, _)| e.name()).unwrap().house
}

#[test]
fn secrets_live_through_lock_and_unlock() {
    let mut house = House::new(&SimDisk::new());
    house.add("DB_URL", "sk-test-one");
    let secret = house.add("API_KEY", "sk-test-two");
    house.store.replace(&secret.key, &bytes("sk-test-three"), at(7)).unwrap();
    house.store.mark_seen(&secret.key).unwrap();
    let mut other = class();
    other.description = "what for".into();
    house.store.edit(&secret.key, other.clone(), at(8)).unwrap();
    let gone = house.add("GONE", "sk-test-gone");
    house.store.remove(&gone.key, at(9)).unwrap();
    let house = reopen(house);
    assert_eq!(house.value("DB_URL"), "sk-test-one");
    assert_eq!(house.value("svault://main/API_KEY"), "sk-test-three");
    let read = house.store.get(&secret.key).unwrap();
    assert_eq!((read.version, read.revision, read.seen, read.class), (2, 3, true, other));
    assert_eq!(read.changed, at(7));
    assert_eq!(house.store.list().unwrap().len(), 2);
    assert!(matches!(house.store.find(&"GONE".parse().unwrap()), Ok(Found::None)));
    assert!(matches!(house.store.open_value(&secret.key, 1), Err(Error::Changed { wanted: 1, found: 2 })));
    assert!(matches!(house.store.open_value(&gone.key, 1), Err(Error::NotFound)));
}

/// What keeps a list of what the vaults hold asks this count alone whether it has to look again.
#[test]
fn the_count_of_changes_never_says_again_what_it_said_before_a_change() {
    let mut house = House::new(&SimDisk::new());
    let secret = house.add("DB_URL", "sk-test-one");
    let mut said = vec![house.store.changes()];
    for (n, checkpoint) in [true, false, true].into_iter().enumerate() {
        if checkpoint {
            house.store.checkpoint().unwrap();
        }
        house.store.replace(&secret.key, &bytes("sk-test-two"), at(n as i64 + 3)).unwrap();
        said.push(house.store.changes());
    }
    assert!(said.is_sorted_by(|a, b| a < b), "{said:?}");
}

#[test]
fn a_name_in_two_vaults_is_ambiguous_and_a_proposal_is_found_only_by_its_vault() {
    let mut house = House::new(&SimDisk::new());
    house.store.vault_create(&"work".parse().unwrap(), at(2)).unwrap();
    house.add("DB_URL", "sk-test-main");
    let mut proposal = new("work", "DB_URL");
    proposal.class.proposed_by = Some("claude-code".parse().unwrap());
    let proposal = house.store.add(proposal, &bytes("sk-test-proposed"), at(3)).unwrap();
    let find = |house: &House, name: &str| house.store.find(&name.parse::<SecretRef>().unwrap()).unwrap();
    assert_eq!(house.value("DB_URL"), "sk-test-main", "the proposal doesn't make it ambiguous");
    assert_eq!(house.value("svault://work/DB_URL"), "sk-test-proposed");
    house.store.edit(&proposal.key, class(), at(4)).unwrap();
    assert!(matches!(find(&house, "DB_URL"), Found::Ambiguous(vaults) if vaults.len() == 2));
    assert!(matches!(house.store.add(new("work", "DB_URL"), &bytes("x"), at(5)), Err(Error::Exists)));
    let house = reopen(house);
    assert!(matches!(find(&house, "DB_URL"), Found::Ambiguous(_)));
    assert_eq!(find(&house, "NOTHING"), Found::None);
    assert_eq!(house.store.vaults().len(), 2);
}

#[test]
fn limits_hold() {
    let mut house = House::new(&SimDisk::new());
    let big = bytes(&"x".repeat(vault::MAX_VALUE + 1));
    assert_eq!(house.store.add(new("main", "BIG"), &big, at(1)).unwrap_err().name(), "TooBig");
    let most = bytes(&"x".repeat(vault::MAX_VALUE));
    house.store.add(new("main", "MOST"), &most, at(1)).unwrap();
    house.store.add(new("main", "EMPTY"), &bytes(""), at(1)).unwrap();
    assert_eq!(house.value("EMPTY"), "");
    assert_eq!(house.value("MOST").len(), vault::MAX_VALUE);
    assert_eq!(house.store.add(new("none", "X"), &most, at(1)).unwrap_err().name(), "NoVault");
    assert_eq!(house.store.set_policy(&"#".repeat(300 << 10), at(1)).unwrap_err().name(), "TooBig");
    assert_eq!(house.store.vault_create(&"main".parse().unwrap(), at(1)).unwrap_err().name(), "VaultExists");
}

#[test]
fn policy_settings_and_seals_are_kept() {
    let mut house = House::new(&SimDisk::new());
    house.store.set_policy("[medium]\nask = false\n", at(11)).unwrap();
    let mut other = settings();
    other.notify = Some("/usr/bin/notify".into());
    other.other.insert("proxy".into(), "http://127.0.0.1:3128".into());
    house.store.set_settings(&other).unwrap();
    let seal = |n, secret: Option<&str>| SealRecord {
        id: Id::from_bits(n),
        session: "unknown".into(),
        secret: secret.map(Into::into),
        since: at(n as i64),
    };
    house.store.put_seal(&seal(2, Some("main/DB_URL"))).unwrap();
    house.store.put_seal(&seal(1, None)).unwrap();
    house.store.put_seal(&seal(3, None)).unwrap();
    assert!(house.store.remove_seal(&Id::from_bits(3)).unwrap());
    assert!(!house.store.remove_seal(&Id::from_bits(3)).unwrap());
    let house = reopen(house);
    let policy = house.store.policy().unwrap();
    assert_eq!((policy.toml.as_str(), policy.changed), ("[medium]\nask = false\n", at(11)));
    assert_eq!(house.store.settings().unwrap(), other);
    assert_eq!(house.store.seals().unwrap(), [seal(1, None), seal(2, Some("main/DB_URL"))]);
}

#[test]
fn a_store_is_never_made_over_another_or_over_what_is_left_of_one() {
    let disk = SimDisk::new();
    let (disk, opener, _) = House::new(&disk).lock(5);
    let arc: Arc<dyn Disk> = Arc::new(disk.clone());
    let make = || {
        let file_id = FileId::random(&mut OsRandom).unwrap();
        let slots = [Opener::new(file_id).slot(1)];
        Store::create(arc.clone(), &dir(), file_id, &slots, &settings(), "", at(0)).map(|_| ())
    };
    assert_eq!(make().unwrap_err().name(), "StoreExists");
    let bytes = disk.bytes(&Store::path(&dir())).unwrap();
    disk.remove(&Store::path(&dir())).unwrap();
    assert_eq!(make().unwrap_err().name(), "Leftovers");
    disk.put(&Store::path(&dir()), &bytes);
    assert!(House::open(&disk, opener, &How::Refuse).is_ok());
}

#[test]
fn history_goes_when_most_of_a_file_is_garbage() {
    let mut house = House::new(&SimDisk::new());
    let secret = house.add("ROTATED", "sk-test-first");
    let keep = house.add("KEPT", "sk-test-kept");
    for n in 0..40 {
        house.store.replace(&secret.key, &bytes(&format!("{n}{}", "x".repeat(60_000))), at(n)).unwrap();
    }
    let path = dir().join("vaults/main.svault");
    let before = house.disk.bytes(&path).unwrap().len();
    house.store.tick(1_000, at(50)).unwrap();
    let after = house.disk.bytes(&path).unwrap().len();
    assert!(before > 2_000_000 && after < 70_000, "{before} {after}");
    assert_eq!(house.store.get(&secret.key).unwrap().version, 41);
    assert!(house.value("ROTATED").starts_with("39x"));
    house.store.replace(&keep.key, &bytes("sk-test-new"), at(60)).unwrap();
    let house = reopen(house);
    assert!(house.value("ROTATED").starts_with("39x"));
    assert_eq!(house.value("KEPT"), "sk-test-new");
}

#[test]
fn the_store_itself_is_compacted_too() {
    let mut house = House::new(&SimDisk::new());
    for n in 0..24 {
        house.store.set_policy(&format!("# {n}\n{}", "#".repeat(100 << 10)), at(n)).unwrap();
    }
    let path = Store::path(&dir());
    let before = house.disk.bytes(&path).unwrap().len();
    house.store.tick(1_000, at(50)).unwrap();
    assert!(house.disk.bytes(&path).unwrap().len() < before / 4);
    house.release(1);
    let house = reopen(house);
    assert!(house.store.policy().unwrap().toml.starts_with("# 23"));
    let mut house = reopen(house);
    house.release(2);
    assert_eq!(house.trail.total(), 2);
}

/// A release is one sync of the trail; every 64th one more, of the store.
#[test]
fn checkpoints_come_at_releases_seals_and_by_time() {
    let mut house = House::new(&SimDisk::new());
    let path = Store::path(&dir());
    let len = |house: &House| house.disk.bytes(&path).unwrap().len();
    let start = len(&house);
    for n in 1..64 {
        house.release(n);
    }
    assert_eq!(len(&house), start);
    house.release(64);
    let after = len(&house);
    assert!(after > start, "the 64th release");
    house.store.tick(1_000, at(70)).unwrap();
    house.release(65);
    house.store.tick(500_000, at(70)).unwrap();
    assert_eq!(len(&house), after, "not before ten minutes");
    house.store.tick(601_000, at(70)).unwrap();
    assert!(len(&house) > after, "ten minutes with activity");
    let after = len(&house);
    for minute in 11..100 {
        house.store.tick(minute * 60_000, at(70)).unwrap();
    }
    assert_eq!(len(&house), after, "nothing without activity");
}

#[test]
fn changed_slots_change_every_key_and_the_old_passphrase_opens_nothing() {
    let mut house = House::new(&SimDisk::new());
    house.store.vault_create(&"work".parse().unwrap(), at(2)).unwrap();
    house.add("DB_URL", "sk-test-one");
    house.release(1);
    let old_copy = Copy::of(&house.disk);
    let old_keks: Vec<_> = [1].map(|n| *house.store.segment_kek(n).unwrap().expose()).to_vec();
    let next = Opener::new(house.opener.file_id);
    let change = house.store.change_slots(&[next.slot(2)], at(20)).unwrap();
    assert_eq!((change.epoch, change.dropped.len(), change.not_rotated.len()), (2, 1, 0));
    assert!(house.store.wants_new_segment());
    house.begin(b"counters", Some(common::entry(2, Event::Act)));
    assert!(!house.store.wants_new_segment());
    assert!(house.store.segments().unwrap().iter().all(|s| s.number == 1 || {
        !old_keks.contains(house.store.segment_kek(s.number).unwrap().expose())
    }));
    assert!(house.store.presence_key(&house.opener.id()).is_none());
    assert!(house.store.presence_key(&next.id()).is_some());
    house.add("AFTER", "sk-test-after");
    let old = std::mem::replace(&mut house.opener, next);
    let (disk, opener, _) = house.lock(30);

    let (e, old) = House::open_in(&disk, old, &How::Refuse, 2).map(|_| ()).unwrap_err();
    assert_eq!(e.name(), "store:Slot");
    // The old store opens with the old passphrase, and nothing written since does: not even for whoever accepts it.
    let stolen = disk.killed();
    old_copy.restore(&stolen, &["store.svault"]);
    let (e, old) = House::open(&stolen, old, &How::Refuse).map(|_| ()).unwrap_err();
    assert_eq!(e.name(), "store:RolledBack");
    let opened = House::open(&stolen, old, &How::AcceptAll).map_err(|(e, _)| e.name()).unwrap();
    assert_eq!(opened.report.refused.len(), 2);
    assert!(opened.house.store.list().unwrap().is_empty());

    let mut house = House::open_in(&disk, opener, &How::Refuse, 2).map_err(|(e, _)| e.name()).unwrap().house;
    assert_eq!((house.value("DB_URL"), house.value("AFTER")), ("sk-test-one".into(), "sk-test-after".into()));
    let all =
        house.trail.reader(&mut Lent(&mut house.store)).unwrap().query(&audit::Filter::default()).unwrap();
    assert_eq!(all.len(), 2, "old segments are still read");
}

#[test]
fn a_slot_is_added_without_a_new_epoch() {
    let mut house = House::new(&SimDisk::new());
    house.add("DB_URL", "sk-test-one");
    let second = Opener::new(house.opener.file_id);
    let (spec, keys) = second.slot(1);
    house.store.add_slot(&spec, &keys, at(3)).unwrap();
    assert_eq!(house.store.add_slot(&spec, &keys, at(3)).unwrap_err().name(), "Slots");
    let (disk, first, _) = house.lock(5);
    let (disk, ..) =
        House::open(&disk, first, &How::Refuse).map_err(|(e, _)| e.name()).unwrap().house.lock(6);
    let house = House::open(&disk, second, &How::Refuse).map_err(|(e, _)| e.name()).unwrap().house;
    assert_eq!((house.value("DB_URL").as_str(), house.store.slots().len()), ("sk-test-one", 2));
}

/// Writes on another thread: the change shows, and counts when the sync was handed back.
#[test]
fn a_failed_sync_shuts_the_vault_until_it_is_opened_again() {
    let mut house = House::new(&SimDisk::new());
    let secret = house.add("DB_URL", "sk-test-one");
    let value = bytes("sk-test-two");
    let write = house.store.write(vault::Change::Replace(&secret.key, &value), at(3)).unwrap();
    house.disk.fail_sync(0);
    let run = std::thread::spawn(move || write.run()).join().unwrap();
    assert!(house.store.written(run).is_err());
    assert_eq!(house.store.open_value(&secret.key, 2).unwrap_err().name(), "Poisoned");
    assert!(house.store.replace(&secret.key, &value, at(4)).is_err());
    let disk = house.disk.killed();
    let house = House::open(&disk, house.opener, &How::Refuse).map_err(|(e, _)| e.name()).unwrap().house;
    assert!(house.value("DB_URL").starts_with("sk-test-"));
}

#[test]
fn what_waits_to_be_confirmed_is_counted_without_reading_all() {
    let mut house = House::new(&SimDisk::new());
    let proposed = |name: &str| {
        let mut new = new("main", name);
        new.class.proposed_by = Some("codex".parse().unwrap());
        new
    };
    house.add("PLAIN", "sk-test-one");
    let secrets: Vec<_> =
        ["A", "B", "C"].map(|name| house.store.add(proposed(name), &bytes("x"), at(1)).unwrap()).into();
    let count = |house: &House| {
        assert!(
            house.store.proposals().all(|(vault, by)| (vault.as_str(), by.as_str()) == ("main", "codex"))
        );
        house.store.proposals().count()
    };
    assert_eq!(count(&house), 3);
    house.store.edit(&secrets[0].key, class(), at(2)).unwrap();
    assert_eq!(count(&house), 2);
    house.store.remove(&secrets[1].key, at(2)).unwrap();
    house.store.replace(&secrets[2].key, &bytes("y"), at(2)).unwrap();
    assert_eq!(count(&house), 1);
    let (disk, opener, _) = house.lock(3);
    let house = House::open(&disk, opener, &How::Refuse).map_err(|(e, _)| format!("{e:?}")).unwrap().house;
    assert_eq!(count(&house), 1);
}

#[test]
fn a_new_value_confirms_a_proposal_in_one_step() {
    let mut house = House::new(&SimDisk::new());
    let mut proposed = new("main", "TOKEN_KEY");
    proposed.class.proposed_by = Some("codex".parse().unwrap());
    let proposal = house.store.add(proposed, &bytes("sk-test-proposed"), at(1)).unwrap();
    house.store.change(svault_vault::Change::Confirm(&proposal.key, &bytes("sk-test-own")), at(2)).unwrap();
    let now = house.store.get(&proposal.key).unwrap();
    assert_eq!((now.version, &now.class.proposed_by), (2, &None));
    assert_eq!(house.store.proposals().count(), 0);
    assert_eq!(house.value("TOKEN_KEY"), "sk-test-own", "it is found without its vault");
    let house = reopen(house);
    assert_eq!(house.value("TOKEN_KEY"), "sk-test-own");
}
