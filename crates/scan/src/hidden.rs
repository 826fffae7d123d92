//! The values that are looked for without keeping them: keyed hashes of how they begin and of all of them. Where a text
//! has a whole value by its hash, the caller opens that value, and it is compared byte by byte.

mod reading;
mod stream;
mod work;

pub use stream::{Stream, apart};
pub use work::{TooMuchWork, work_allowed};

use crate::filter::{self, Filter};
use crate::lines;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;

/// Bytes of a value's head, the first checkpoint; each one after it lies twice as far. A text that has the head makes
/// work; one that has less can't be told from any other.
const HEAD: usize = 12;

/// The shortest value that is looked for, in bytes.
pub const SHORTEST_HIDDEN: usize = HEAD;
/// A value that can be guessed with less than this many bits is not looked for.
pub const LEAST_BITS: f64 = 60.0;

/// Values that are looked for, as hashes under a random key of this set.
pub struct Hidden {
    /// Which set this is.
    id: u64,
    key: RandomState,
    filter: Filter,
    /// By the hash of what values have up to a checkpoint.
    nodes: HashMap<u64, Node>,
    values: HashMap<u32, Path>,
    room: usize,
}

/// What begins with the same bytes up to a checkpoint.
#[derive(Default)]
struct Node {
    /// The values that end before the next checkpoint, by their lengths.
    ends: Vec<Row>,
    /// How many values there are in all.
    count: usize,
    /// Their ids, one over the other: where there is one, its own.
    ids: u32,
}

struct Row {
    id: u32,
    len: usize,
    whole: u64,
}

/// A value's hashes at its checkpoints.
struct Path {
    nodes: Vec<u64>,
    len: usize,
}

/// A value that was found: where, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Where it is, in bytes.
    pub range: Range<usize>,
    /// Its id.
    pub id: u32,
}

/// How many bits it takes to guess a value, by its length and how often each byte is in it: an estimate.
#[must_use]
pub fn bits_to_guess(value: &[u8]) -> f64 {
    crate::rules::bits(value) * value.len() as f64
}

impl Node {
    /// Whether a value goes on to the next checkpoint.
    fn goes_on(&self) -> bool {
        self.count > self.ends.len()
    }

    /// The one value that begins like this.
    fn only(&self) -> Option<u32> {
        (self.count == 1).then_some(self.ids)
    }
}

impl Hidden {
    /// A set with room for this many values; more make it slower, no less right.
    ///
    /// # Errors
    /// When the kernel gives no randomness for its key.
    pub fn new(room: usize) -> Result<Self, getrandom::Error> {
        // Windows nearer to each other than values of this length need: around line ends they find less to read.
        let filter = Filter::new(room, filter::HEAD, getrandom::u64()?);
        Ok(Self {
            id: getrandom::u64()?,
            key: RandomState::new(),
            filter,
            nodes: HashMap::new(),
            values: HashMap::new(),
            room,
        })
    }

    /// Adds a value under an id of its own. False: it is shorter than [`SHORTEST_HIDDEN`], longer than
    /// [`crate::LONGEST`], or takes less than [`LEAST_BITS`] bits to guess; it is not looked for.
    pub fn add(&mut self, id: u32, value: &[u8]) -> bool {
        let plain = lines::plain(value);
        let value = plain.as_ref().map_or(value, |plain| plain);
        let fits = (SHORTEST_HIDDEN..=crate::LONGEST).contains(&value.len());
        if !fits || bits_to_guess(value) < LEAST_BITS || self.values.contains_key(&id) {
            return false;
        }
        self.filter.add(value);
        let checkpoints = std::iter::successors(Some(HEAD), |at| Some(at * 2));
        let nodes: Vec<u64> =
            checkpoints.take_while(|at| *at <= value.len()).map(|at| self.hash(&value[..at])).collect();
        for hash in &nodes {
            let node = self.nodes.entry(*hash).or_default();
            (node.count, node.ids) = (node.count + 1, node.ids ^ id);
        }
        let row = Row { id, len: value.len(), whole: self.hash(value) };
        if let Some(node) = nodes.last().and_then(|last| self.nodes.get_mut(last)) {
            let at = node.ends.partition_point(|other| other.len < row.len);
            node.ends.insert(at, row);
        }
        self.values.insert(id, Path { nodes, len: value.len() });
        true
    }

    /// Forgets a value. Its traces in the filter stay until the next set.
    pub fn remove(&mut self, id: u32) {
        let Some(path) = self.values.remove(&id) else { return };
        for hash in path.nodes {
            let Some(node) = self.nodes.get_mut(&hash) else { continue };
            (node.count, node.ids) = (node.count - 1, node.ids ^ id);
            node.ends.retain(|row| row.id != id);
            if node.count == 0 {
                self.nodes.remove(&hash);
            }
        }
    }

    /// How many values are looked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether none are.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether there are so many more values than there was room for that a new set would be faster.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        self.len() > 2 * self.room.max(64)
    }

    fn len_of(&self, id: u32) -> usize {
        self.values.get(&id).map_or(0, |path| path.len)
    }

    fn hasher(&self) -> DefaultHasher {
        self.key.build_hasher()
    }

    fn hash(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.hasher();
        hasher.write(bytes);
        hasher.finish()
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hidden({})", self.len())
    }
}
