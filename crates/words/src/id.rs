//! Ids of requests and decisions: 40 random bits as 8 characters of Crockford base32.

use crate::BadWord;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// An id such as `7K2MQ9XA`. Reading accepts lower case and Crockford's look-alikes (O, I, L).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id([u8; 8]);

impl Id {
    /// The id of 40 bits; the upper 24 bits of `bits` are not used.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        let mut out = [0; 8];
        for (i, c) in out.iter_mut().enumerate() {
            *c = ALPHABET[(bits >> (35 - 5 * i)) as usize & 31];
        }
        Self(out)
    }

    /// A random id from the kernel.
    ///
    /// # Errors
    /// When the kernel gives no randomness.
    pub fn random() -> Result<Self, getrandom::Error> {
        Ok(Self::from_bits(getrandom::u64()?))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Id {
    type Err = BadWord;
    fn from_str(s: &str) -> Result<Self, BadWord> {
        let bad = BadWord { what: "id", rule: "8 characters such as 7K2MQ9XA" };
        let mut out = [0; 8];
        if s.len() != 8 {
            return Err(bad);
        }
        for (to, c) in out.iter_mut().zip(s.bytes()) {
            let c = match c.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                c => c,
            };
            if !ALPHABET.contains(&c) {
                return Err(bad);
            }
            *to = c;
        }
        Ok(Self(out))
    }
}

impl TryFrom<String> for Id {
    type Error = BadWord;
    fn try_from(s: String) -> Result<Self, BadWord> {
        s.parse()
    }
}

impl From<Id> for String {
    fn from(id: Id) -> String {
        id.as_str().to_owned()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_become_text_and_back() {
        assert_eq!(Id::from_bits(0).as_str(), "00000000");
        assert_eq!(Id::from_bits((1 << 40) - 1).as_str(), "ZZZZZZZZ");
        assert_eq!("7k2mq9xa".parse::<Id>().unwrap().as_str(), "7K2MQ9XA");
        assert_eq!("oil00000".parse::<Id>().unwrap().as_str(), "01100000");
        assert!("7K2MQ9X".parse::<Id>().is_err());
        assert!("7K2MQ9XU".parse::<Id>().is_err());
    }
}
