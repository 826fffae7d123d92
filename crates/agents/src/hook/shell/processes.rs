//! `ps`: options by which it prints the environment of processes.

use super::Stop;
use super::roles::Call;
use crate::hook::guard::{Class, Secret};
use std::path::PathBuf;

/// Letters of options with a value, with a sign before them and without.
const VALUED: [&str; 2] = ["oOpCuUGgstqk", "oOpUtqkN"];

/// `ps auxe`, `ps eww`, `ps -E`; not `ps -e`, which is about all processes.
#[must_use]
pub fn run(call: &Call) -> Option<Stop> {
    if call.name.rsplit('/').next() != Some("ps") {
        return None;
    }
    let mut is_value = false;
    let shows = (0..call.args.len()).map(|at| call.word(at)).any(|word| {
        if std::mem::take(&mut is_value) {
            return word.split([',', ' ']).any(|column| column.eq_ignore_ascii_case("environ"));
        }
        let signed = word.strip_prefix('-');
        let letters = signed.unwrap_or(word);
        if letters.starts_with('-') || !letters.chars().all(|c| c.is_ascii_alphabetic()) {
            return false;
        }
        is_value = letters.ends_with(|c| VALUED[usize::from(signed.is_none())].contains(c));
        letters.contains(if signed.is_some() { 'E' } else { 'e' })
    });
    let secret = Secret { path: PathBuf::from("/proc/PID/environ"), class: Class::Environment };
    shows.then_some(Stop::Reads(secret))
}
