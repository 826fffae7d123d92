//! What a human was shown of some files, as a digest: so that a yes goes to these files and to no others.

use crate::head::Head;
use sha2::{Digest, Sha256};

/// A digest of what is wrong with some files and of where each of them ends.
#[derive(Debug, Clone)]
pub struct Seen(Sha256);

impl Seen {
    /// An empty one. `of` says which files.
    #[must_use]
    pub fn of(of: &str) -> Self {
        let mut seen = Self(Sha256::new());
        seen.text("svault seen v1");
        seen.text(of);
        seen
    }

    /// A row as it is shown: the file, what is wrong with it, and the rest that is said.
    pub fn row(&mut self, path: &str, state: &str, detail: &str) {
        self.0.update([0]);
        [path, state, detail].into_iter().for_each(|text| self.text(text));
    }

    /// Where a file ends: the chain over all that is in it. None: nothing of it can be read.
    pub fn end(&mut self, path: &str, head: Option<&Head>) {
        self.0.update([1]);
        self.text(path);
        self.0.update(head.map_or([0; 32], |head| *head.chain()));
    }

    /// All of it.
    #[must_use]
    pub fn digest(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::FileId;
    use std::collections::HashSet;

    fn seen(of: &str, rows: &[[&str; 3]], ends: &[(&str, Option<u8>)]) -> [u8; 32] {
        let mut seen = Seen::of(of);
        rows.iter().for_each(|[path, state, detail]| seen.row(path, state, detail));
        for (path, end) in ends {
            let head = end.map(|byte| Head {
                file_id: FileId([1; 16]),
                epoch: 1,
                generation: 1,
                frames: 1,
                bytes: 1,
                chain: [byte; 32],
            });
            seen.end(path, head.as_ref());
        }
        seen.digest()
    }

    #[test]
    fn a_yes_goes_to_what_was_shown_and_to_nothing_else() {
        let shown = || seen("trail", &[["1", "cut", "of 9"]], &[("1", Some(7))]);
        assert_eq!(shown(), shown());
        let others = [
            seen("store", &[["1", "cut", "of 9"]], &[("1", Some(7))]),
            seen("trail", &[["2", "cut", "of 9"]], &[("1", Some(7))]),
            seen("trail", &[["1", "gone", "of 9"]], &[("1", Some(7))]),
            seen("trail", &[["1", "cut", "of 8"]], &[("1", Some(7))]),
            seen("trail", &[["1c", "ut", "of 9"]], &[("1", Some(7))]),
            seen("trail", &[["1", "cut", "of 9"]], &[("2", Some(7))]),
            seen("trail", &[["1", "cut", "of 9"]], &[("1", Some(8))]),
            seen("trail", &[["1", "cut", "of 9"]], &[("1", None)]),
            seen("trail", &[["1", "cut", "of 9"]], &[]),
            seen("trail", &[["1", "cut", "of 9"]; 2], &[("1", Some(7))]),
            seen("trail", &[], &[("1", Some(7))]),
        ];
        let all: HashSet<_> = others.into_iter().chain([shown()]).collect();
        assert_eq!(all.len(), 12);
    }
}
