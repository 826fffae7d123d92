//! Fixtures of the product tests: a sandbox with a store of its own, the real binary in it, the raw socket, small file
//! systems, a terminal. Nothing of the product's own code: what a test sees is what a stranger's program would see.
#![cfg(unix)]

pub mod bin;
pub mod command;
pub mod ext4;
pub mod mcp;
pub mod need;
pub mod processes;
pub mod prover;
pub mod robot;
pub mod sandbox;
pub mod scratch;
pub mod sealed;
pub mod socket;
pub mod storm;
pub mod terminal;
pub mod tmpfs;

pub use command::{Cmd, Output};
pub use mcp::Mcp;
pub use robot::Robot;
pub use sandbox::Sandbox;
