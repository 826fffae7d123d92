//! What was last said yes to in a folder: for each command there, which secrets it gets. Names only, no values.
//! A file in a project can be changed by anybody who works on it; this is what it is held against.

use crate::error::{Error, Result};
use crate::record::kind;
use crate::store::{Records, Store};
use seal::{Change, RecordId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Commands of one folder that are remembered; the oldest goes.
const MOST_RUNS: usize = 32;
/// Bytes of a folder's record; where it would be longer the oldest go.
const MOST_BYTES: usize = 64 * 1024;

/// One folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Its path.
    cwd: String,
    /// Its commands, the last one that got a yes at the end.
    runs: Vec<Run>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    /// The SHA-256 of program and arguments.
    command: String,
    /// As `vault/name`.
    secrets: BTreeSet<String>,
}

/// How a set of secrets stands to what was said yes to before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// No command of this folder got secrets before.
    FirstHere,
    /// Exactly these, for this very command.
    Same,
    /// Another command, or another set: these are new in it.
    Other(Vec<String>),
}

impl Folder {
    /// How these secrets for this command stand to what was said yes to. What is new is new to the command, where that
    /// had any before, else to the folder.
    #[must_use]
    pub fn standing(&self, argv: &[String], secrets: &[String]) -> Standing {
        if self.runs.is_empty() {
            return Standing::FirstHere;
        }
        let asked: BTreeSet<String> = secrets.iter().cloned().collect();
        let command = hash(argv);
        let before = self.runs.iter().find(|r| r.command == command);
        if before.is_some_and(|r| r.secrets == asked) {
            return Standing::Same;
        }
        let known = |s: &String| match before {
            Some(run) => run.secrets.contains(s),
            None => self.runs.iter().any(|r| r.secrets.contains(s)),
        };
        Standing::Other(asked.into_iter().filter(|s| !known(s)).collect())
    }

    fn put(&mut self, argv: &[String], secrets: &[String]) {
        let command = hash(argv);
        self.runs.retain(|r| r.command != command);
        self.runs.push(Run { command, secrets: secrets.iter().cloned().collect() });
        let over = self.runs.len().saturating_sub(MOST_RUNS);
        self.runs.drain(..over);
    }
}

fn hash(argv: &[String]) -> String {
    let mut hash = Sha256::new();
    for arg in argv {
        hash.update((arg.len() as u64).to_le_bytes());
        hash.update(arg);
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

fn folder_id(cwd: &str) -> RecordId {
    let mut id = [0; 16];
    id[0] = kind::FOLDER;
    for (to, from) in id[8..].iter_mut().zip(Sha256::digest(cwd)) {
        *to = from;
    }
    RecordId(id)
}

impl Store {
    /// What was said yes to in a folder.
    ///
    /// # Errors
    /// Where its record can't be read.
    pub fn folder(&self, cwd: &str) -> Result<Folder> {
        let none = || Folder { cwd: cwd.to_owned(), runs: Vec::new() };
        let Some(body) = self.table.body(&folder_id(cwd)) else { return Ok(none()) };
        let folder: Folder = serde_json::from_slice(body).map_err(|_| self.bad("a folder"))?;
        // Ids are short: two folders may have the same one.
        Ok(if folder.cwd == cwd { folder } else { none() })
    }

    /// Remembers a yes to these secrets for this command; writes nothing where it is the same as before.
    ///
    /// # Errors
    /// Whatever keeps it from being written.
    pub fn remember_run(&mut self, cwd: &str, argv: &[String], secrets: &[String]) -> Result<()> {
        let mut folder = self.folder(cwd)?;
        if folder.standing(argv, secrets) == Standing::Same {
            return Ok(());
        }
        folder.put(argv, secrets);
        let body = loop {
            let body = serde_json::to_vec(&folder).map_err(|_| Error::TooBig { what: "a folder" })?;
            if body.len() <= MOST_BYTES || folder.runs.len() <= 1 {
                break body;
            }
            folder.runs.remove(0);
        };
        self.commit(&[Change::Put { kind: kind::FOLDER, record: folder_id(cwd), body: &body, value: None }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn what_is_new_is_told_and_an_old_set_does_not_come_back_unasked() {
        let (migrate, dev) = (names(&["/bin/npm", "run", "migrate"]), names(&["/bin/npm", "run", "dev"]));
        let (one, two) = (names(&["main/DB"]), names(&["main/DB", "main/STRIPE_LIVE"]));
        let mut folder = Folder::default();
        assert_eq!(folder.standing(&migrate, &one), Standing::FirstHere);
        folder.put(&migrate, &one);
        assert_eq!(folder.standing(&migrate, &one), Standing::Same);
        assert_eq!(folder.standing(&migrate, &two), Standing::Other(names(&["main/STRIPE_LIVE"])));
        folder.put(&migrate, &two);
        // Taken out and put back: it differs from the last yes each time.
        assert_eq!(folder.standing(&migrate, &one), Standing::Other(vec![]));
        folder.put(&migrate, &one);
        assert_eq!(folder.standing(&migrate, &two), Standing::Other(names(&["main/STRIPE_LIVE"])));
        // Another command of the folder is asked for, but what the folder knows is not new there.
        assert_eq!(folder.standing(&dev, &one), Standing::Other(vec![]));
        folder.put(&dev, &one);
        assert_eq!(folder.standing(&migrate, &one), Standing::Same, "two commands don't push each other out");
        // Where words end is part of a command.
        assert_ne!(hash(&names(&["a b"])), hash(&names(&["a", "b"])));
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let mut folder = Folder::default();
        for i in 0..100 {
            folder.put(&[i.to_string()], &names(&["main/A"]));
        }
        assert_eq!(folder.runs.len(), MOST_RUNS);
        assert_eq!(folder.standing(&["99".into()], &names(&["main/A"])), Standing::Same);
    }
}
