//! Linux: the guard, pseudo terminals, signals by descriptor.

mod adopted;
mod capture;
mod family;
mod guard;
mod keys;
mod link;
mod memfile;
mod outputs;
mod pass;
mod signals;
mod start;
mod terminal;
mod typed;

pub use capture::Cancel;
pub(crate) use capture::capture;
pub use guard::guard;
pub use pass::{inherit, pass};
