//! What can go wrong when memory for a secret is wanted.

/// Why there is no memory for a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel would not lock memory, and unlocked memory was not allowed.
    #[error("no locked memory for {wanted} bytes of secrets (limit: {}); raise `ulimit -l` or allow --weak-memory",
        limit_text(*.limit))]
    NoLockedMemory {
        /// Bytes that were wanted, in whole pages.
        wanted: usize,
        /// The limit of this process in bytes (`RLIMIT_MEMLOCK`); `None`: unlimited, or not known here.
        limit: Option<u64>,
    },
    /// The kernel gave no memory at all.
    #[error("no memory for {wanted} bytes of secrets: {source}")]
    NoMemory {
        /// Bytes that were wanted.
        wanted: usize,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// The kernel gave no randomness.
    #[error("the kernel gives no randomness: {0}")]
    NoRandomness(getrandom::Error),
}

fn limit_text(limit: Option<u64>) -> String {
    limit.map_or_else(|| "none known".to_owned(), |n| format!("{} KiB", n / 1024))
}
