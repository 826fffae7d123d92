//! The AI coding agents on this machine: what their hooks say and want to hear, and where their settings are.
#![forbid(unsafe_code)]

mod client;
pub mod hook;

pub use client::{Client, UnknownClient};
