//! The values that are looked for, in memory: for a process that was given them.

use crate::filter::{Filter, HEAD, WIDE_HEAD};
use crate::lines;
use crate::table::Table;
use std::ops::Range;
use std::sync::OnceLock;

/// The shortest value that is looked for, in bytes.
pub const SHORTEST: usize = 8;
/// The longest value that is looked for, in bytes.
pub const LONGEST: usize = 64 * 1024;

/// Values that must not be seen, with the names that are put in their place.
#[derive(Default)]
pub struct Needles {
    items: Vec<Item>,
    index: OnceLock<Index>,
}

struct Item {
    id: u32,
    label: String,
    value: secret::Bytes,
}

struct Index {
    filter: Filter,
    /// The items by value.
    order: Vec<u32>,
    /// From the head of values to their range in the order.
    heads: Table,
    /// Where in the order the values begin whose first byte is this one.
    first: Box<[u32; 257]>,
}

impl Needles {
    /// No values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value; `[svault:LABEL]` will stand in its place. False: it is shorter than [`SHORTEST`] or longer than
    /// [`LONGEST`] bytes, a line end being one, and is not looked for.
    ///
    /// # Errors
    /// When no locked memory can be had for it.
    pub fn add(&mut self, id: u32, label: &str, value: &[u8]) -> secret::Result<bool> {
        let plain = lines::plain(value);
        let value = plain.as_ref().map_or(value, |plain| plain);
        if !(SHORTEST..=LONGEST).contains(&value.len()) {
            return Ok(false);
        }
        let value = secret::Bytes::copy_from(value)?;
        self.items.push(Item { id, label: label.to_owned(), value });
        self.index = OnceLock::new();
        Ok(true)
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| self.build())
    }

    fn build(&self) -> Index {
        let value = |&at: &u32| self.items[at as usize].value.expose();
        let mut order: Vec<u32> = (0..).take(self.items.len()).collect();
        order.sort_by(|a, b| value(a).cmp(value(b)));
        // Without randomness the filter is as right, only a text could be made for it that is slow.
        let key = getrandom::u64().unwrap_or(0x9e37_79b9_7f4a_7c15);
        let shortest = order.iter().map(|at| value(at).len()).min().unwrap_or(0);
        let beginnings = order.iter().map(|at| lines::number_of_ways::<WIDE_HEAD>(value(at))).sum();
        let mut filter = Filter::new(beginnings, shortest, key);
        let mut heads = Table::new(order.len(), key.rotate_left(17));
        let mut from = 0;
        for same in order.chunk_by(|a, b| value(a)[..HEAD] == value(b)[..HEAD]) {
            let Some(&head) = value(&same[0]).first_chunk() else { continue };
            let to = from + u32::try_from(same.len()).unwrap_or(u32::MAX);
            same.iter().for_each(|at| filter.add(value(at)));
            heads.put(u64::from_le_bytes(head), from, to);
            from = to;
        }
        let mut first = Box::new([0; 257]);
        for (byte, from) in first.iter_mut().enumerate() {
            *from = order.partition_point(|at| usize::from(value(at)[0]) < byte) as u32;
        }
        Index { filter, order, heads, first }
    }

    pub(crate) fn filter(&self) -> &Filter {
        &self.index().filter
    }

    /// The places in the order of the values that begin with these bytes.
    pub(crate) fn with_head(&self, head: [u8; HEAD]) -> Option<Range<usize>> {
        self.index().heads.get(u64::from_le_bytes(head)).map(|(from, to)| from..to)
    }

    /// The value at a place in the order.
    pub(crate) fn value(&self, at: usize) -> &[u8] {
        self.items[self.index().order[at] as usize].value.expose()
    }

    /// The id of the value at a place in the order.
    pub(crate) fn id(&self, at: usize) -> u32 {
        self.items[self.index().order[at] as usize].id
    }

    /// The label of the value that was added under this id.
    #[must_use]
    pub fn name(&self, id: u32) -> Option<&str> {
        self.items.iter().find(|item| item.id == id).map(|item| &*item.label)
    }

    /// The label of the value at a place in the order.
    pub(crate) fn label(&self, at: usize) -> &str {
        &self.items[self.index().order[at] as usize].label
    }

    /// Of a range of values that are the same up to `depth` and longer than that, those whose next byte is at least
    /// `low` and at most `high`.
    pub(crate) fn narrow(&self, range: Range<usize>, depth: usize, low: u8, high: u8) -> Range<usize> {
        if depth == 0 && range.len() == self.items.len() {
            let first = &self.index().first;
            return first[usize::from(low)] as usize..first[usize::from(high) + 1] as usize;
        }
        if range.len() == 1 {
            let fits = (low..=high).contains(&self.value(range.start)[depth]);
            return if fits { range } else { 0..0 };
        }
        let part = |below: &dyn Fn(u8) -> bool, range: Range<usize>| {
            let order = &self.index().order[range.clone()];
            let value = |at: &u32| self.items[*at as usize].value.expose()[depth];
            range.start + order.partition_point(|at| below(value(at)))
        };
        let from = part(&|byte| byte < low, range.clone());
        from..part(&|byte| byte <= high, from..range.end)
    }

    /// All places of the order.
    pub(crate) fn all(&self) -> Range<usize> {
        0..self.items.len()
    }
}

impl std::fmt::Debug for Needles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Needles({})", self.items.len())
    }
}
