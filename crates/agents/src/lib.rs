//! The AI coding agents on this machine: what their hooks say and want to hear, and where their settings are.
#![forbid(unsafe_code)]

pub mod check;
mod client;
pub mod clients;
pub mod config;
pub mod hook;
pub mod install;
mod machine;
mod svault;
mod trust;

pub use client::{Client, UnknownClient};
pub use machine::{Machine, System};
pub use svault::{BadPath, Svault};
