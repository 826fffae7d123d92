//! `svault_status`: whether the store is unlocked, who this caller is taken for, and what it waits for.

use super::{failed, told};
use crate::out::Said;
use crate::server::Server;
use client::Error;

/// Says how things are.
pub fn run(server: &Server) -> Said {
    let report = match server.pool.status() {
        Ok(report) => report,
        // This is what was asked: no failure.
        Err(e @ (Error::Locked | Error::NoStore(_))) => return Said::text(told(&e)),
        Err(e) => return failed(&e),
    };
    let waiting = if report.own_waiting.is_empty() {
        "nothing of yours waits for a human".to_owned()
    } else {
        let ids: Vec<String> = report.own_waiting.iter().map(ToString::to_string).collect();
        format!("waiting for a human: {}", ids.join(", "))
    };
    Said::text(format!(
        "unlocked, for at most {} more minutes without a human\nyou are taken for {} ({})\n{waiting}\n",
        report.locks_in.div_ceil(60),
        report.caller,
        report.evidence
    ))
}
