//! The stable words of [`crate::Failure::code`], in one place.

/// A human's act without presence, and no window that serves it.
pub const PRESENCE_NEEDED: &str = "presence_needed";
/// The proof doesn't hold.
pub const PRESENCE_FAILED: &str = "presence_failed";
/// A proof from under an agent.
pub const UNDER_AGENT: &str = "under_agent";
/// A proof from another pid namespace.
pub const OTHER_NAMESPACE: &str = "other_namespace";
/// More than 60 seconds between two steps of presence.
pub const LATE: &str = "late";
/// A second act on one proof.
pub const ONE_ACT: &str = "one_act";
/// What was shown is no longer what would be done.
pub const ACT_CHANGED: &str = "act_changed";
/// A message that has no place at this step.
pub const OUT_OF_ORDER: &str = "out_of_order";
/// A message that can't be read, or breaks a limit.
pub const BAD_MESSAGE: &str = "bad_message";
/// Another version of the protocol.
pub const VERSION: &str = "version";
/// Something of the machine: memory, randomness, disk.
pub const MACHINE: &str = "machine";
/// What was found can't be recorded, so it is not told.
pub const NO_RECORD: &str = "no_record";
/// The store's slots are the new ones, but something that belongs to it could not be done.
pub const SLOTS_BUT: &str = "slots_but";
