//! Promise 6: tampering is noticed. On a cleanly locked store: each field, each frame, each file against the others.

use std::path::{Path, PathBuf};
use svault_tests::sandbox::{OPEN_POLICY, Sandbox};
use svault_tests::sealed::Sealed;
use svault_tests::{Output, need};

const VALUE: &str = "sk-test-tamper-5d0b";

/// A locked store with two vaults of a few secrets each.
struct House {
    sandbox: Sandbox,
    whole: PathBuf,
}

impl House {
    fn new() -> Self {
        let sandbox = Sandbox::ready();
        sandbox.set_policy(OPEN_POLICY);
        let _ = sandbox.human(&["vault", "create", "second"]).ok();
        for name in ["A", "B", "C"] {
            sandbox.add(name, VALUE, &["--tier", "low", "--scope", "db"]);
            sandbox.add(name, VALUE, &["--tier", "low", "--scope", "db", "--vault", "second"]);
        }
        let _ = sandbox.get("A");
        sandbox.lock();
        let whole = sandbox.copy_store("whole");
        Self { sandbox, whole }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.sandbox.store().join(file)
    }

    /// Puts every file back as it was.
    fn mend(&self) {
        // One that refused the store may still be on its way out.
        while let Some(pid) = self.sandbox.daemon() {
            svault_tests::processes::kill(pid);
            self.sandbox.wait_for("the daemon's death", || !svault_tests::processes::lives(pid));
        }
        self.sandbox.restore_store(&self.whole);
    }

    /// Unlocks after one file was replaced, then puts all back. A vault that was tampered with stays shut.
    fn unlock_with(&self, file: &str, bytes: &[u8]) -> Output {
        let (said, denied) = self.try_with(file, bytes);
        assert!(denied.is_none_or(|n| n == 3), "{file} gave a value\n{}", said.all());
        said
    }

    /// The same; for a vault that was unlocked with the rest: how many of its three secrets are denied.
    fn try_with(&self, file: &str, bytes: &[u8]) -> (Output, Option<usize>) {
        std::fs::write(self.path(file), bytes).expect("write");
        let said = self.sandbox.human(&["unlock", "--json"]);
        let vault = Path::new(file).file_stem().and_then(|s| s.to_str()).expect("a vault");
        let reason = "checking the orders table";
        let denied = |secret: &&str| {
            let get = ["get", secret, "--vault", vault, "--scope", "db", "--reason", reason];
            let got = self.sandbox.asks(&get);
            assert!(got.code == 4 || got.text() == VALUE, "another value came\n{}", got.all());
            got.code == 4
        };
        let tried = said.code == 0 && file.starts_with("vaults/");
        let denied = tried.then(|| ["A", "B", "C"].iter().filter(|s| denied(s)).count());
        self.mend();
        (said, denied)
    }
}

/// The newest segment of the trail, relative to the store.
fn trail(house: &House) -> String {
    let mut names: Vec<String> = std::fs::read_dir(house.path("trail"))
        .expect("trail")
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    format!("trail/{}", names.last().expect("a segment"))
}

/// How a refusal is told: the error's code, or for a vault the state it is listed with.
fn verdict(file: &str, said: &Output) -> Option<String> {
    let json = said.json();
    if said.code == 5 {
        return json["error"]["code"].as_str().map(str::to_owned);
    }
    let refused = &json["refused"];
    if said.code == 0 && file.starts_with("vaults/") && refused.as_array().is_some_and(|r| r.len() == 1) {
        return Some(refused[0]["code"].as_str().expect("a code").to_owned());
    }
    None
}

#[test]
fn every_field_of_every_kind_of_file() {
    let house = House::new();
    let mut held = Vec::new();
    let mut let_through = Vec::new();
    for file in ["store.svault", "vaults/main.svault", &trail(&house)] {
        let sealed = Sealed::read(&house.path(file));
        let first = sealed.frames.first().expect("a frame").clone();
        let last = sealed.frames.last().expect("a frame").clone();
        let frames = first.fields.into_iter().map(|(n, r)| (format!("first.{n}"), r));
        let frames = frames.chain(last.fields.into_iter().map(|(n, r)| (format!("last.{n}"), r)));
        for (name, range) in sealed.fields.iter().cloned().chain(frames) {
            let bytes = sealed.flipped(range.end - 1, 0);
            if file.starts_with("vaults/") && name.ends_with("value_ct") {
                // Values are not read before somebody asks: then it shows, and for this one only.
                assert_eq!(house.try_with(file, &bytes).1, Some(1), "{file} {name}");
                continue;
            }
            let said = house.unlock_with(file, &bytes);
            match verdict(file, &said) {
                Some(code) => held.push(format!("{} {name}: {code}", file.split('/').next().unwrap_or(file))),
                // With another salt, id or epoch a passphrase gives other keys: it is the wrong one.
                None if file == "store.svault" && said.code == 1 => {
                    let code = said.json()["error"]["code"].as_str().unwrap_or("").to_owned();
                    assert!(code == "wrong_passphrase" || code == "no_slot", "{name}: {}", said.all());
                    held.push(format!("store.svault {name}: {code}"));
                }
                None => let_through.push(format!("{file} {name}: {}", said.all())),
            }
        }
    }
    assert!(let_through.is_empty(), "{}", let_through.join("\n"));
    insta::assert_snapshot!("tampered_fields", held.join("\n"));
}

#[test]
fn frames_swapped_dropped_repeated_or_moved() {
    let house = House::new();
    let older = {
        let _ = house.sandbox.unlock();
        let _ = house.sandbox.svault(&["replace", "A"]).human().stdin("sk-test-newer").run();
        house.sandbox.lock();
        let newer = house.sandbox.copy_store("newer");
        (house.whole.clone(), newer)
    };
    let house = House { whole: older.1, ..house };
    for file in ["store.svault", "vaults/main.svault", &trail(&house)] {
        let now = Sealed::read(&house.path(file));
        let all: Vec<&[u8]> = (0..now.frames.len()).map(|n| now.frame(n)).collect();
        let last = all.len() - 1;
        assert!(last >= 2, "{file} has too few frames to prove anything");
        let mut harms: Vec<(&str, Vec<u8>)> = Vec::new();
        let mut swapped = all.clone();
        swapped.swap(last - 1, last);
        harms.push(("the last two swapped", now.with_frames(swapped)));
        let mut swapped = all.clone();
        swapped.swap(0, 1);
        harms.push(("the first two swapped", now.with_frames(swapped)));
        harms.push(("the last dropped", now.with_frames(all[..last].iter().copied())));
        harms.push(("the first dropped", now.with_frames(all[1..].iter().copied())));
        harms.push(("all dropped", now.with_frames([])));
        let middle = all.iter().enumerate().filter(|(n, _)| *n != 1).map(|(_, f)| *f);
        harms.push(("one in the middle dropped", now.with_frames(middle)));
        let twice = all[..1].iter().chain(&all[..1]).chain(&all[1..last]).copied();
        harms.push(("the first repeated in place of the last", now.with_frames(twice)));
        let other = if file == "vaults/main.svault" { "vaults/second.svault" } else { "vaults/main.svault" };
        let other = Sealed::read(&house.path(other));
        let moved = all[..last].iter().copied().chain([other.frame(0)]);
        harms.push(("the last from another file", now.with_frames(moved)));
        for (what, bytes) in harms {
            let said = house.unlock_with(file, &bytes);
            assert!(verdict(file, &said).is_some(), "{file}, {what}: let through\n{}", said.all());
        }
        // Beyond the head there is nothing that was acknowledged: it is set aside, and the store opens.
        let more = now.with_frames(all.iter().copied().chain([all[last]]));
        std::fs::write(house.path(file), more).expect("write");
        let _ = house.sandbox.human(&["unlock"]).ok();
        assert_eq!(house.sandbox.human(&["show", "B", "--vault", "main"]).ok().text(), VALUE);
        house.mend();
    }
}

#[test]
fn a_file_taken_back_against_the_others() {
    let house = House::new();
    let _ = house.sandbox.unlock();
    let _ =
        house.sandbox.svault(&["replace", "A", "--vault", "main"]).human().stdin("sk-test-newer").run().ok();
    let _ = house.sandbox.human(&["vault", "create", "third"]).ok();
    house.sandbox.lock();
    let old = house.whole.clone();
    let house = House { whole: house.sandbox.copy_store("newer"), ..house };
    for file in ["store.svault", "vaults/main.svault", &trail(&house)] {
        let bytes = std::fs::read(old.join(file)).expect("the older file");
        let said = house.unlock_with(file, &bytes);
        let code = verdict(file, &said).unwrap_or_else(|| panic!("{file}: let through\n{}", said.all()));
        assert!(code == "rolled_back", "{file}: {code}");
    }
    // Vault and heads together: the checkpoint in the store knows better.
    std::fs::copy(old.join("state/heads"), house.path("state/heads")).expect("copy");
    let bytes = std::fs::read(old.join("vaults/main.svault")).expect("the older file");
    let said = house.unlock_with("vaults/main.svault", &bytes);
    assert!(verdict("vaults/main.svault", &said).is_some(), "{}", said.all());
    // A vault in another's place, and one that is gone.
    let bytes = std::fs::read(house.path("vaults/second.svault")).expect("a vault");
    let said = house.unlock_with("vaults/main.svault", &bytes);
    assert!(verdict("vaults/main.svault", &said).is_some(), "{}", said.all());
    std::fs::remove_file(house.path("vaults/main.svault")).expect("remove");
    let said = house.sandbox.human(&["unlock", "--json"]);
    assert!(verdict("vaults/main.svault", &said).is_some(), "{}", said.all());
    house.mend();
}

#[test]
fn an_accepted_rollback_of_one_vault_leaves_the_rest_alone() {
    let house = House::new();
    let _ = house.sandbox.unlock();
    let _ =
        house.sandbox.svault(&["replace", "A", "--vault", "main"]).human().stdin("sk-test-newer").run().ok();
    house.sandbox.lock();
    std::fs::copy(house.whole.join("vaults/main.svault"), house.path("vaults/main.svault")).expect("copy");
    let said = house.sandbox.human(&["unlock"]).ok();
    assert!(said.all().contains("main"), "a vault that stays shut is named\n{}", said.all());
    assert_eq!(house.sandbox.human(&["show", "A", "--vault", "second"]).ok().text(), VALUE);
    let shut = house.sandbox.human(&["show", "A", "--vault", "main"]).exits(5);
    assert!(shut.all().contains("svault lock, then svault unlock --accept-rollback main"), "{}", shut.all());
    let too_early = house.sandbox.human(&["unlock", "--accept-rollback", "main"]).exits(1);
    assert!(too_early.all().contains("svault lock"), "{}", too_early.all());
    house.sandbox.lock();
    let _ = house.sandbox.human(&["unlock", "--accept-rollback", "main"]).ok();
    assert_eq!(house.sandbox.human(&["show", "A", "--vault", "main"]).ok().text(), VALUE);
    assert!(house.sandbox.trail().iter().any(|e| e["event"] == "accept_rollback"));
}

#[test]
fn damage_to_the_heads_never_takes_anything_back() {
    let house = House::new();
    let heads = std::fs::read(house.path("state/heads")).expect("heads");
    let shown = |house: &House| house.sandbox.human(&["show", "A", "--vault", "main"]).ok().text();
    for at in [0, heads.len() / 4, heads.len() / 2 - 1, heads.len() / 2, heads.len() - 1] {
        let mut bytes = heads.clone();
        bytes[at] ^= 1;
        std::fs::write(house.path("state/heads"), bytes).expect("write");
        let said = house.sandbox.human(&["unlock"]);
        assert!(said.code == 0 || said.code == 5, "{}", said.all());
        if said.code == 0 {
            assert_eq!(shown(&house), VALUE);
        }
        house.mend();
    }
    for bytes in [vec![], vec![0; heads.len()], heads[..heads.len() / 2 - 100].to_vec()] {
        let said = house.unlock_with("state/heads", &bytes);
        assert!(said.code == 0 || said.code == 5, "{}", said.all());
        assert!(
            bytes.len() > 100 && bytes[0] != 0 || said.code == 5,
            "no heads at all must be refused\n{}",
            said.all()
        );
    }
}

#[test]
fn an_accident_is_told_from_an_attack_by_where_it_is() {
    need!(Linux);
    // Half of a frame behind the end, as a power cut leaves it: set aside, and named by `doctor`.
    let house = House::new();
    let path = house.path("vaults/main.svault");
    let mut bytes = std::fs::read(&path).expect("the vault");
    bytes.extend_from_slice(&[7; 100]);
    std::fs::write(&path, bytes).expect("write");
    let _ = house.sandbox.human(&["unlock"]).ok();
    assert_eq!(house.sandbox.human(&["show", "C", "--vault", "main"]).ok().text(), VALUE);
    let told = house.sandbox.run(&["doctor"]);
    assert!(told.all().contains("aside"), "{}", told.all());
}

/// Without a key `doctor` sees no more of a locked store than what every store has.
#[test]
fn doctor_names_what_is_missing_from_a_locked_store() {
    let sandbox = Sandbox::ready();
    sandbox.lock();
    assert!(!sandbox.run(&["doctor"]).text().contains("✕ store's parts"));
    for part in ["state/heads", "trail/000001.svault", "vaults/main.svault"] {
        let path = sandbox.store().join(part);
        let bytes = std::fs::read(&path).expect("read");
        std::fs::write(&path, "").expect("write");
        let said = sandbox.run(&["doctor"]).exits(1);
        assert!(said.text().contains("✕ store's parts"), "{part}: {}", said.all());
        assert!(said.text().contains(part), "{part}: {}", said.all());
        std::fs::write(&path, &bytes).expect("write");
    }
    let aside = sandbox.path("heads");
    std::fs::rename(sandbox.store().join("state/heads"), &aside).expect("move");
    let said = sandbox.run(&["doctor"]).exits(1);
    assert!(said.text().contains("state/heads is missing"), "{}", said.all());
}
