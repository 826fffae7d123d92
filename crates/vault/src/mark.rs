//! How far the store was when something was written outside of it.
//!
//! Every secret's record and every entry of the trail carries a mark. A store that is behind one of them was taken
//! back, also when `state/heads` was taken back with it.

/// A place in the store's history. Later ones are greater.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Counts the rollbacks that a human has accepted: what was written before one of them is older, always.
    pub(crate) era: u64,
    /// Rewrites of the store.
    pub(crate) generation: u64,
    /// Frames in that generation, all of them synced.
    pub(crate) frames: u64,
}

impl Mark {
    /// As bytes, for records: the three numbers, little-endian.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 24] {
        let mut out = [0; 24];
        for (to, n) in out.chunks_exact_mut(8).zip([self.era, self.generation, self.frames]) {
            to.copy_from_slice(&n.to_le_bytes());
        }
        out
    }

    /// What [`Mark::to_bytes`] gave.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 24]) -> Self {
        let [era, generation, frames] = [0, 8, 16].map(|at| {
            let mut n = [0; 8];
            n.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(n)
        });
        Self { era, generation, frames }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_ordered_by_era_then_generation_then_frames() {
        let mark = |era, generation, frames| Mark { era, generation, frames };
        let ascending = [mark(0, 1, 9), mark(0, 2, 3), mark(0, 2, 4), mark(1, 1, 1)];
        assert!(ascending.is_sorted_by(|a, b| a < b));
        assert_eq!(Mark::from_bytes(ascending[1].to_bytes()), ascending[1]);
    }
}
