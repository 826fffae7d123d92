//! What this machine and this program give.

use super::Check;
use std::path::Path;

pub(super) fn checks() -> Vec<Check> {
    let mut all = vec![program(), memory()];
    // This process starts nobody else's program, so it may take everything away from itself and see what holds.
    for p in secret::harden() {
        if p.name == "locked memory for secrets" {
            continue;
        }
        all.push(if p.holds {
            Check::ok(p.name, "")
        } else {
            Check::weak(p.name, "does not hold", p.fix.unwrap_or("none known"))
        });
    }
    all.extend(core_pattern());
    all.extend(swap());
    all.extend(agent());
    all.push(protected());
    all
}

/// A static binary is out of LD_PRELOAD's reach, and one that others can write is anybody's.
fn program() -> Check {
    let name = "program";
    let path = std::env::current_exe().unwrap_or_default();
    #[cfg(unix)]
    if let Ok(meta) = path.metadata() {
        use std::os::unix::fs::MetadataExt;
        if meta.mode() & 0o022 != 0 {
            return Check::broken(
                name,
                format!("{} can be written by others", path.display()),
                format!("chmod go-w {}", path.display()),
            );
        }
    }
    match is_static(Path::new("/proc/self/exe")) {
        Some(true) => Check::ok(name, format!("{}, static", path.display())),
        Some(false) => Check::weak(
            name,
            format!("{} is linked dynamically: LD_PRELOAD of your own programs reaches it", path.display()),
            "use a release binary, or build with --target x86_64-unknown-linux-gnu and RUSTFLAGS=-Ctarget-feature=+crt-static",
        ),
        None => Check::ok(name, path.display().to_string()),
    }
}

/// Whether an ELF file asks for no interpreter (elf(5): no PT_INTERP). None: not an ELF file of this machine's kind.
fn is_static(path: &Path) -> Option<bool> {
    const PT_INTERP: u32 = 3;
    let mut head = vec![0; 64 * 1024];
    let mut file = std::fs::File::open(path).ok()?;
    let n = std::io::Read::read(&mut file, &mut head).ok()?;
    head.truncate(n);
    if head.get(..5)? != b"\x7fELF\x02" {
        return None;
    }
    let u16_at = |at: usize| Some(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?));
    let u64_at = |at: usize| Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?));
    let start = usize::try_from(u64_at(32)?).ok()?;
    let (size, count) = (usize::from(u16_at(54)?), usize::from(u16_at(56)?));
    for i in 0..count {
        let at = start.checked_add(i.checked_mul(size)?)?;
        if head.get(at..at + 4)? == PT_INTERP.to_le_bytes() {
            return Some(false);
        }
    }
    Some(true)
}

fn memory() -> Check {
    let name = "locked memory";
    let limit = limit();
    let text = match limit {
        Some(bytes) => format!("limit {} KiB", bytes / 1024),
        None => "no limit".to_owned(),
    };
    if !secret::memory().locked {
        let fix = "raise 'ulimit -l' (LimitMEMLOCK) to 8192, or give --weak-memory with every command";
        return Check::broken(name, format!("none to be had ({text}): the store can't be unlocked"), fix);
    }
    if limit.is_some_and(|b| b < 1024 * 1024) {
        return Check::weak(name, format!("{text}: little room"), "raise 'ulimit -l' (LimitMEMLOCK) to 8192");
    }
    Check::ok(name, text)
}

#[cfg(unix)]
fn limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Memlock).current
}

#[cfg(not(unix))]
fn limit() -> Option<u64> {
    None
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|s| s.trim().to_owned())
}

fn core_pattern() -> Option<Check> {
    let name = "core files of other programs";
    let pattern = read("/proc/sys/kernel/core_pattern")?;
    if pattern.starts_with('|') {
        return Some(Check::ok(name, "go to a collector; svault itself makes none"));
    }
    Some(Check::ok(name, "are written to a file; svault itself makes none"))
}

/// Keys are locked, but what a command got in its environment may be swapped out.
fn swap() -> Option<Check> {
    let name = "swap";
    let text = read("/proc/swaps")?;
    let plain: Vec<&str> = text
        .lines()
        .skip(1)
        .filter_map(|l| l.split_whitespace().next())
        .filter(|p| !p.contains("zram") && !p.contains("/dm-") && !p.contains("/mapper/"))
        .collect();
    if plain.is_empty() {
        return Some(Check::ok(name, "none on a plain disk"));
    }
    let detail = format!("on {}: values that commands were given may reach it", plain.join(", "));
    Some(Check::weak(
        name,
        detail,
        format!("sudo swapoff {}; or put the swap on an encrypted disk, or use zram", plain.join(" ")),
    ))
}

fn agent() -> Option<Check> {
    let agent = client::under_agent()?;
    let detail = format!("this runs under {agent}: passphrases are refused here");
    Some(Check::weak("terminal", detail, "run svault in your own terminal for what takes presence"))
}

/// The install in which not even your own programs reach daemon and store.
fn protected() -> Check {
    Check::weak(
        "protected install",
        "not there: your own programs can trace each other, edit your shell's profile, and restore all files at once",
        "none yet in this version; docs/threat-model.md says what that means",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_no_static_program_and_a_text_is_none() {
        assert_eq!(is_static(Path::new("/proc/self/status")), None);
        if cfg!(target_os = "linux") {
            assert!(is_static(Path::new("/bin/sh")).is_some());
        }
    }
}
