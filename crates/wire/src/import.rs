//! What an import brings in: too much for one message and for one act, so the act has its number and its digest, and
//! both sides make the digest themselves.

use serde::{Deserialize, Serialize};
use words::{Class, Name};

/// The most items of one import: 10,000 names, and the parts of a backup.
pub const IMPORT_MAX: usize = 10_100;
/// The most locked memory that the values of one import may take on either side, in bytes; see [`locked`].
pub const IMPORT_BYTES: usize = 4 << 20;

/// One secret of an import. Its value follows the yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportItem {
    /// Its name.
    pub name: Name,
    /// Its classification; one that exists keeps its own.
    pub class: Class,
}

impl ImportItem {
    /// Items in parts that each fit into one [`crate::ToDaemon::Items`].
    #[must_use]
    pub fn parts(items: Vec<Self>) -> Vec<Vec<Self>> {
        crate::pages::parts(items)
    }
}

/// How much locked memory a value of so many bytes takes: a power of two from 32 on, or pages with room for guards.
#[must_use]
pub fn locked(len: usize) -> usize {
    if len <= 1024 { len.next_power_of_two().max(32) } else { len.next_multiple_of(4096) + 8192 }
}

/// Which items of an import exist: the version of each, by its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known(pub Vec<(usize, u64)>);

impl Known {
    /// As it stands in an act: `place:version`, with commas; places count from 0.
    #[must_use]
    pub fn text(&self) -> String {
        let all = self.0.iter().map(|(place, version)| format!("{place}:{version}"));
        all.collect::<Vec<_>>().join(",")
    }

    /// What [`Known::text`] wrote about so many items; none if it is not that.
    #[must_use]
    pub fn read(text: &str, items: usize) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let mut all: Vec<(usize, u64)> = Vec::new();
        for one in text.split(',') {
            let (place, version) = one.split_once(':')?;
            let (place, version) = (place.parse().ok()?, version.parse().ok()?);
            if place >= items || all.last().is_some_and(|last| last.0 >= place) {
                return None;
            }
            all.push((place, version));
        }
        Some(Self(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exists_comes_back_and_nonsense_does_not() {
        for known in [Known::default(), Known(vec![(0, 1)]), Known(vec![(3, 9), (7, 1)])] {
            assert_eq!(Known::read(&known.text(), 8), Some(known));
        }
        for bad in ["8:1", "1:1,1:2", "2:1,1:1", "1", "1:x", "a:1", "1:1,", "-1:1"] {
            assert_eq!(Known::read(bad, 8), None, "{bad}");
        }
    }

    #[test]
    fn the_longest_list_of_what_exists_fits_into_an_act() {
        let all = Known((0..IMPORT_MAX).map(|place| (place, 99)).collect());
        assert!(all.text().len() < crate::act::MAX - 1024, "{}", all.text().len());
    }

    #[test]
    fn the_longest_import_goes_in_parts_that_fit() {
        let class = Class::new("default".parse().unwrap(), words::Tier::Medium);
        let name = |i| format!("{}{i:05}", "N".repeat(123)).parse().unwrap();
        let items: Vec<_> =
            (0..IMPORT_MAX).map(|i| ImportItem { name: name(i), class: class.clone() }).collect();
        let parts = ImportItem::parts(items.clone());
        for part in &parts {
            let message = crate::ToDaemon::Items { items: part.clone() };
            assert!(crate::frame::control(&message).unwrap().len() < crate::frame::CONTROL_MAX);
        }
        assert_eq!(parts.concat(), items);
    }
}
