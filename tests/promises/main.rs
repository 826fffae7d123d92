//! One module per promise, over the real binary and the real socket.
#![cfg(unix)]

mod counters;
mod crash;
mod downgrade;
mod identity;
mod memory;
mod one_gate;
mod opaque;
mod presence;
mod recorded_first;
mod tamper;
mod time;
