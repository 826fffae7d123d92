//! A small hash table from eight bytes to a range, filled once.

/// From the head of values to what begins with it.
pub(crate) struct Table {
    rows: Box<[Option<(u64, u32, u32)>]>,
    key: u64,
}

impl Table {
    /// A table for at most this many heads.
    pub(crate) fn new(heads: usize, key: u64) -> Self {
        let len = (heads * 2).next_power_of_two().max(16);
        Self { rows: vec![None; len].into(), key: key | 1 }
    }

    fn row(&self, head: u64) -> usize {
        let at = (head ^ head >> 32).wrapping_mul(self.key) >> 32;
        at as usize & (self.rows.len() - 1)
    }

    /// Puts a range behind a head that is not in the table yet.
    pub(crate) fn put(&mut self, head: u64, from: u32, to: u32) {
        let mut at = self.row(head);
        while self.rows[at].is_some() {
            at = (at + 1) & (self.rows.len() - 1);
        }
        self.rows[at] = Some((head, from, to));
    }

    /// The range behind a head.
    pub(crate) fn get(&self, head: u64) -> Option<(usize, usize)> {
        let mut at = self.row(head);
        while let Some((found, from, to)) = self.rows[at] {
            if found == head {
                return Some((from as usize, to as usize));
            }
            at = (at + 1) & (self.rows.len() - 1);
        }
        None
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.rows.fill(None);
    }
}
