//! How many files this process may have open, and what share of them each use gets: whoever connects from many places
//! must not leave the store without any.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use secret::Protection;

/// For 1,100 connections (two each), 2,048 clients that are known, 2,048 of their parents and 1,000 vaults.
const WANTED: u64 = 8192;
/// With fewer it can't serve anybody.
const LEAST: u64 = 256;
/// For the store itself, and what a library opens.
const OWN: u64 = 64;

/// Raises the limit as far as it may be raised.
#[must_use]
pub fn raise() -> Protection {
    let now = getrlimit(Resource::Nofile);
    let wanted = Some(now.maximum.unwrap_or(WANTED).min(WANTED));
    if now.current.is_some_and(|n| n < WANTED) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: wanted, maximum: now.maximum });
    }
    Protection {
        name: "room for connections",
        holds: limit() >= WANTED,
        fix: Some("raise the limit of open files (ulimit -n) to 8192"),
    }
}

/// Whether it can serve at all.
///
/// # Errors
/// What the limit is, and what it must be.
pub fn enough() -> Result<(), String> {
    let limit = limit();
    if limit >= LEAST {
        return Ok(());
    }
    Err(format!("svault's daemon may have {limit} files open, and needs {LEAST} at least"))
}

/// Of something that each wants a file: as many of `most` as this process has room for.
#[must_use]
pub fn share(most: usize) -> usize {
    share_of(most, limit())
}

fn share_of(most: usize, limit: u64) -> usize {
    if limit >= WANTED {
        return most;
    }
    let part = most as u64 * limit.saturating_sub(OWN) / WANTED;
    usize::try_from(part).unwrap_or(most).max(1)
}

fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shares_together_leave_room_for_the_store() {
        for limit in [LEAST, 300, 1024, 4096, WANTED - 1] {
            let used = 2 * share_of(1_100, limit) + 2 * share_of(2_048, limit);
            assert!(used as u64 + OWN <= limit, "{used} of {limit}");
            assert!(share_of(1_100, limit) >= 20, "{limit}");
        }
        assert_eq!(share_of(1_100, WANTED), 1_100);
        assert_eq!(share_of(1_100, 0), 1);
    }
}
