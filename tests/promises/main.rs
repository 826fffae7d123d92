//! One module per promise, over the real binary and the real socket.
#![cfg(unix)]

mod approvals;
mod attacks;
mod commands;
mod counters;
mod crash;
mod docs;
mod doctor_agents;
mod downgrade;
mod errors;
mod hooks;
mod identity;
mod import;
mod import_attacks;
mod install;
mod load;
mod loaders;
mod mcp;
mod mcp_attacks;
mod mcp_run;
mod mcp_waiting;
mod memory;
mod one_gate;
mod opaque;
mod presence;
mod proofs;
mod reader;
mod recorded_first;
mod run;
mod run_terminal;
mod scanned;
mod scrub;
mod silent;
mod snapshot;
mod tamper;
mod time;
