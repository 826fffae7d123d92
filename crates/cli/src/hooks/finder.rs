//! What must not be seen: the store's values, found in the daemon, and what leak rules find, in this process.

use agents::hook::{Finder, Found};
use client::Connection;
use client::paths::{self, StoreDir};
use scan::{Rules, What};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;
use words::Door;

/// How long the daemon may take. A store that is locked, or a daemon that is stuck, leaves the rules.
const PATIENCE: Duration = Duration::from_millis(1500);

/// The daemon, the rules, and the `.env` files of two folders together: the hook's own and the one where the tool ran,
/// which is another one where a client starts its hooks in a folder of its own.
pub struct Anywhere {
    /// Where the hook runs.
    pub folder: PathBuf,
}

impl Finder for Anywhere {
    fn find(&mut self, text: &str, folder: &Path) -> Vec<Found> {
        let values = ask(text);
        let nearby = super::nearby(&[folder, &self.folder]);
        let hits = scan::find(text.as_bytes(), Some(Rules::built_in()), nearby.as_deref());
        let found = |hit: scan::Hit| {
            let label = match hit.what {
                What::Rule(id) => id.to_owned(),
                What::Value(id) => nearby.as_ref().and_then(|n| n.name(id)).unwrap_or("secret").to_owned(),
            };
            Found { range: hit.range, label }
        };
        let mut all: Vec<Found> = hits.into_iter().map(found).collect();
        let values = values.and_then(|answer| answer.recv_timeout(PATIENCE).ok()).unwrap_or_default();
        merge(values, &mut all);
        all
    }
}

/// Has the daemon look while this process looks by the rules. None where there is no store to ask.
fn ask(text: &str) -> Option<mpsc::Receiver<Vec<Found>>> {
    let store = StoreDir::open(&paths::store_dir().ok()?).ok()?;
    let (tell, answer) = mpsc::channel();
    let text = text.to_owned();
    let asks = move || {
        if let Ok(found) = in_store(&store, &text) {
            let _ = tell.send(found);
        }
    };
    std::thread::Builder::new().name("ask".into()).spawn(asks).ok()?;
    Some(answer)
}

fn in_store(store: &StoreDir, text: &str) -> client::Result<Vec<Found>> {
    let scanned = Connection::open(store, Door::Hook, None)?.scan(text.as_bytes(), true)?;
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(text.len());
    Ok(scanned
        .hits
        .into_iter()
        .map(|hit| Found { range: place(hit.start)..place(hit.end), label: hit.label })
        .collect())
}

/// In order and apart: where a value and a rule overlap, one mask with the value's name covers both.
fn merge(values: Vec<Found>, all: &mut Vec<Found>) {
    let first_rule = values.len();
    let rules = std::mem::replace(all, values);
    all.extend(rules);
    let mut marked: Vec<(bool, Found)> =
        all.drain(..).enumerate().map(|(at, f)| (at >= first_rule, f)).collect();
    marked.sort_by_key(|(rule, found)| (found.range.start, *rule));
    marked.dedup_by(|(next_rule, next), (rule, last)| {
        let overlaps = next.range.start < last.range.end;
        if overlaps {
            last.range.end = last.range.end.max(next.range.end);
            if *rule && !*next_rule {
                last.label.clone_from(&next.label);
                *rule = false;
            }
        }
        overlaps
    });
    all.extend(marked.into_iter().map(|(_, found)| found));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(from: usize, to: usize, label: &str) -> Found {
        Found { range: from..to, label: label.to_owned() }
    }

    #[test]
    fn a_value_covers_the_rule_that_found_it_too() {
        let mut all = vec![found(0, 5, "rule"), found(20, 30, "rule")];
        merge(vec![found(3, 9, "KEY"), found(40, 41, "secret")], &mut all);
        assert_eq!(all, [found(0, 9, "KEY"), found(20, 30, "rule"), found(40, 41, "secret")]);
    }
}
