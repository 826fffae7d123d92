//! Writing to the files of clients, and taking it back: what changes is planned first, shown, and then done file by
//! file. What was there before is kept, so that uninstall can put back the very bytes.

mod disk;
mod lock;
mod plan;
mod record;
mod takeback;

#[cfg(test)]
#[cfg(unix)]
mod tests;

pub use disk::{Found, Trouble};
pub use lock::Lock;
pub use plan::{Change, Failed, Plan, Wish, commit, install};
pub use record::{Known, Record, Seen, fingerprint};
pub use takeback::uninstall;

/// What a file says that is svault's own as a whole.
pub(crate) const MARK: &str = "Written by 'svault install'";
