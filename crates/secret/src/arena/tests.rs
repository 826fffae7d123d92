//! What an arena must not do: give one place to two, give back what is not wiped, let a copy get away.

use super::*;
use proptest::prelude::*;

fn range(block: &Block) -> std::ops::Range<usize> {
    let start = block.start.as_ptr() as usize;
    start..start + block.room()
}

#[derive(Debug, Clone)]
enum Step {
    New(usize),
    Drop(usize),
    Shorten(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let len = prop_oneof![8 => 0..=1100usize, 1 => 1000..=70_000usize];
    let step = prop_oneof![
        5 => len.prop_map(Step::New),
        4 => any::<usize>().prop_map(Step::Drop),
        1 => (any::<usize>(), 0..1100usize).prop_map(|(at, len)| Step::Shorten(at, len)),
    ];
    prop::collection::vec(step, 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_two_overlap_and_each_begins_with_zeros(steps in steps()) {
        let mut live: Vec<(Block, u8)> = Vec::new();
        for (i, step) in steps.into_iter().enumerate() {
            match step {
                Step::New(len) => {
                    let mut block = Block::zeroed(len).unwrap();
                    // Zeros to the end of its place: whoever had it before was wiped.
                    prop_assert!(block.whole().iter().all(|b| *b == 0));
                    let mark = (i % 255) as u8 + 1;
                    block.whole_mut().fill(mark);
                    let new = range(&block);
                    for (other, _) in &live {
                        let old = range(other);
                        prop_assert!(new.is_empty() || old.is_empty() || new.end <= old.start || old.end <= new.start);
                    }
                    live.push((block, mark));
                }
                Step::Drop(at) if !live.is_empty() => {
                    let at = at % live.len();
                    live.swap_remove(at);
                }
                Step::Shorten(at, len) if !live.is_empty() => {
                    let at = at % live.len();
                    let block = &mut live[at].0;
                    let before = block.bytes().len();
                    block.shorten(len);
                    prop_assert_eq!(block.bytes().len(), before.min(len));
                }
                _ => {}
            }
            // Nobody wrote into another's place.
            for (block, mark) in &live {
                prop_assert!(block.whole().iter().all(|b| b == mark));
            }
        }
    }
}

#[test]
fn a_place_is_wiped_when_it_is_given_back() {
    // Other tests share the arena, so a few tries: a place that nobody took in between must be zeros.
    let keep: Vec<Block> = (0..4).map(|_| Block::zeroed(300).unwrap()).collect();
    let mut seen = 0;
    for _ in 0..50 {
        let mut block = Block::zeroed(300).unwrap();
        block.bytes_mut().fill(0xAB);
        let (start, room) = (block.start, block.room());
        let beside =
            keep.iter().any(|k| k.start.as_ptr() as usize / CHUNK == start.as_ptr() as usize / CHUNK);
        drop(block);
        if beside {
            assert!(!access::peek(start, room).contains(&0xAB));
            seen += 1;
        }
    }
    assert!(seen > 0);
    drop(keep);
}

#[test]
fn a_shortened_block_is_wiped_whole() {
    let keep = Block::zeroed(64).unwrap();
    let mut block = Block::zeroed(64).unwrap();
    block.bytes_mut().fill(0xCD);
    block.shorten(1);
    let start = block.start;
    drop(block);
    assert!(!access::peek(start, 64).contains(&0xCD));
    drop(keep);
}

/// What the kernel says of the mapping around an address: two-letter flags of `/proc/self/smaps`.
#[cfg(target_os = "linux")]
fn flags_at(address: usize) -> Vec<String> {
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut inside = false;
    for line in smaps.lines() {
        let first = line.split_ascii_whitespace().next().unwrap_or_default();
        if let Some((start, end)) = first.split_once('-')
            && let (Ok(start), Ok(end)) = (usize::from_str_radix(start, 16), usize::from_str_radix(end, 16))
        {
            inside = (start..end).contains(&address);
        } else if inside && let Some(flags) = line.strip_prefix("VmFlags:") {
            return flags.split_ascii_whitespace().map(str::to_owned).collect();
        }
    }
    Vec::new()
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_locks_it_and_leaves_it_out_of_cores_and_forks() {
    for len in [1, 32, 1024, 1025, 300_000] {
        let block = Block::zeroed(len).unwrap();
        let start = block.start.as_ptr() as usize;
        for place in [start, start + len - 1] {
            let flags = flags_at(place);
            for (flag, what) in [("lo", "locked"), ("dd", "not dumped"), ("dc", "not copied by fork")] {
                assert!(flags.iter().any(|f| f == flag), "{len} bytes: {what} is missing in {flags:?}");
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn pages_around_a_large_block_can_not_be_touched() {
    let block = Block::zeroed(5000).unwrap();
    let range = range(&block);
    for place in [range.start - 1, range.end] {
        assert!(!flags_at(place).iter().any(|f| f == "rd" || f == "wr"));
    }
}

/// As root, past everything that keeps an ordinary user out: what `/proc/self/mem` gives at a block.
#[cfg(target_os = "linux")]
#[test]
fn keys_can_not_be_read_through_the_kernel_where_it_hides_them() {
    use std::os::unix::fs::FileExt;
    let mut block = Block::zeroed(32).unwrap();
    block.bytes_mut().copy_from_slice(b"sk-test-sk-test-sk-test-sk-test-");
    let memory = std::fs::File::open("/proc/self/mem").unwrap();
    let mut seen = [0; 32];
    let read = memory.read_exact_at(&mut seen, block.start.as_ptr() as u64);
    let hidden = memory_kind() == "memfd_secret";
    assert_eq!(read.is_err(), hidden, "{read:?}");
    assert_eq!(seen != block.bytes(), hidden);
}

#[cfg(target_os = "linux")]
fn memory_kind() -> &'static str {
    memory().kind
}

#[test]
fn an_empty_block_takes_no_memory() {
    let empty = Block::zeroed(0).unwrap();
    assert!(empty.bytes().is_empty() && empty.whole().is_empty());
}

#[test]
fn more_than_there_is_is_an_error() {
    assert!(matches!(Block::zeroed(usize::MAX), Err(Error::NoMemory { .. })));
    assert!(Block::zeroed(usize::MAX - 3 * 4096).is_err());
}

/// Runs one test of this binary again as its own process: limits are per process.
#[cfg(target_os = "linux")]
fn alone(name: &str) -> bool {
    if std::env::var_os("SVAULT_SECRET_ALONE").is_some() {
        return true;
    }
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--test-threads=1"])
        .env("SVAULT_SECRET_ALONE", "1")
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{name} failed in its own process");
    false
}

/// An ordinary user with nothing to lock: root has a capability that no limit binds, so it is given up first.
#[cfg(target_os = "linux")]
fn without_lockable_memory() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
    setrlimit(Resource::Memlock, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none }).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn no_locked_memory_is_refused_unless_allowed() {
    if !alone("arena::tests::no_locked_memory_is_refused_unless_allowed") {
        return;
    }
    without_lockable_memory();
    let refused = Block::zeroed(32);
    assert!(matches!(refused, Err(Error::NoLockedMemory { limit: Some(0), .. })));
    assert!(matches!(Block::zeroed(5000), Err(Error::NoLockedMemory { .. })));
    assert_eq!(lock().bytes, 0, "what was refused is not kept");
    assert!(!memory().locked);

    set_weak(true);
    assert!(crate::is_weak());
    let weak = Block::zeroed(32).unwrap();
    assert_eq!(memory(), Memory { locked: false, kind: "none", bytes: CHUNK });
    // Weak is about the swap only.
    let flags = flags_at(weak.start.as_ptr() as usize);
    assert!(flags.iter().any(|f| f == "dd") && flags.iter().any(|f| f == "dc"));
    // Going back to strict refuses new unlocked mappings, but can't lock what is there.
    set_weak(false);
    assert!(Block::zeroed(5000).is_err());
    assert!(!memory().locked);
}

#[cfg(target_os = "linux")]
#[test]
fn hardening_holds_and_can_be_repeated() {
    if !alone("arena::tests::hardening_holds_and_can_be_repeated") {
        return;
    }
    assert!(crate::set_dumpable(true));
    let first = crate::harden();
    let must =
        ["not readable by other processes of the user", "no core files", "no new privileges", "not traced"];
    for name in must {
        assert!(first.iter().any(|p| p.name == name && p.holds), "{name}");
    }
    assert_eq!(first, crate::harden());
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    assert!(status.contains("NoNewPrivs:\t1"));
    assert!(crate::set_dumpable(false));
}
