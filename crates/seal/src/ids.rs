//! The random names of files, slots and records. Not secret.

use crate::{error::Result, random::Random};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// A fresh random one.
            ///
            /// # Errors
            /// When there is no randomness.
            pub fn random(random: &mut dyn Random) -> Result<Self> {
                let mut id = [0; $len];
                random.fill(&mut id)?;
                Ok(Self(id))
            }

            /// The one written as hex digits.
            #[must_use]
            pub fn from_hex(text: &str) -> Option<Self> {
                let mut id = [0; $len];
                if text.len() != 2 * $len || !text.is_ascii() {
                    return None;
                }
                for (i, byte) in id.iter_mut().enumerate() {
                    *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
                }
                Some(Self(id))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }
    };
}

id!(
    /// A file's identity, the same in all its generations.
    FileId, 16
);
id!(
    /// A slot's identity within a file.
    SlotId, 8
);
id!(
    /// A record's identity within a file.
    RecordId, 16
);
