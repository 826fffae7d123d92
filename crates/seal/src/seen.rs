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
