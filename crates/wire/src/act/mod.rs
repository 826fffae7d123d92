//! The canonical act: what a human says yes to. Built by the daemon alone, shown and checked by the client.
//!
//! Bytes: `svault/1/act`, u16 number of fields, then for each u8 length and label, u32 length and value; integers
//! little-endian. The first field is `act`.

mod bound;
mod build;
mod check;
mod label;

pub use bound::MOST_ASKED;
pub use build::{Facts, RequestFacts, Resolved};
pub use check::Disagrees;
pub use label::Label;

use sha2::{Digest, Sha256};

/// What the bytes begin with.
pub const MAGIC: &[u8; 12] = b"svault/1/act";
/// The most bytes of an act: as hex in a control message it must stay under the frame's limit.
pub const MAX: usize = 120 * 1024;

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What it says.
    pub label: Label,
    /// Its value; text where the label is not `slot`.
    pub value: Vec<u8>,
}

impl Field {
    /// Its bytes: u8 length and label, u32 length and value. Labels are short, and an act's length was checked.
    fn write(&self, to: &mut dyn FnMut(&[u8])) {
        let label = self.label.as_str().as_bytes();
        to(&[label.len() as u8]);
        to(label);
        to(&(self.value.len() as u32).to_le_bytes());
        to(&self.value);
    }
}

/// An act, as fields in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    fields: Vec<Field>,
}

/// What can be wrong with the bytes of an act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not an act, cut short, or with bytes after its end.
    #[error("the daemon's description of the act can't be read")]
    Malformed,
    /// A label that this version can't show.
    #[error("the daemon's description of the act has a field '{0}' that this version doesn't know")]
    Unknown(String),
    /// Too much to show and to agree to at once.
    #[error("an act of {len} bytes, and {MAX} is the most")]
    TooLong {
        /// How much it would be.
        len: usize,
    },
}

impl Act {
    /// The fields, in order.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The values of one label, in order.
    pub fn values(&self, label: Label) -> impl Iterator<Item = &[u8]> {
        self.fields.iter().filter(move |f| f.label == label).map(|f| f.value.as_slice())
    }

    /// What is done: the word of the want.
    #[must_use]
    pub fn word(&self) -> &str {
        self.values(Label::Act).next().and_then(|v| std::str::from_utf8(v).ok()).unwrap_or_default()
    }

    /// The canonical bytes.
    ///
    /// # Errors
    /// [`Error::TooLong`].
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let len = MAGIC.len()
            + 2
            + self.fields.iter().map(|f| 5 + f.label.as_str().len() + f.value.len()).sum::<usize>();
        let too_long = Error::TooLong { len };
        if len > MAX {
            return Err(too_long);
        }
        let mut out = Vec::with_capacity(len);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&u16::try_from(self.fields.len()).map_err(|_| too_long.clone())?.to_le_bytes());
        for f in &self.fields {
            f.write(&mut |bytes| out.extend_from_slice(bytes));
        }
        Ok(out)
    }

    /// The fields of canonical bytes.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Unknown`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(Error::Malformed)?;
        let count = u16::from_le_bytes(take(&mut rest)?);
        let mut fields = Vec::new();
        for _ in 0..count {
            let [len] = take(&mut rest)?;
            let label =
                std::str::from_utf8(cut(&mut rest, usize::from(len))?).map_err(|_| Error::Malformed)?;
            let label =
                Label::of(label).ok_or_else(|| Error::Unknown(crate::card::visible(label.as_bytes())))?;
            let len = u32::from_le_bytes(take(&mut rest)?);
            let value = cut(&mut rest, usize::try_from(len).map_err(|_| Error::Malformed)?)?.to_vec();
            fields.push(Field { label, value });
        }
        let acts = fields.iter().filter(|f| f.label == Label::Act).count();
        if !rest.is_empty() || acts != 1 || fields[0].label != Label::Act {
            return Err(Error::Malformed);
        }
        Ok(Self { fields })
    }

    /// What makes two runs the same for a window: secrets with versions and ways, command and folder.
    /// Not the reason, and not who asks.
    #[must_use]
    pub fn run_key(&self) -> [u8; 32] {
        use Label::{Argv, Cwd, Env, Exposure, File, Secret, Version};
        let mut hash = Sha256::new();
        let counts = |l: Label| matches!(l, Secret | Version | Exposure | Env | File | Argv | Cwd);
        for f in self.fields.iter().filter(|f| counts(f.label)) {
            hash.update([f.label as u8]);
            hash.update((f.value.len() as u64).to_le_bytes());
            hash.update(&f.value);
        }
        hash.finalize().into()
    }
}

fn cut<'a>(rest: &mut &'a [u8], len: usize) -> Result<&'a [u8], Error> {
    let (head, tail) = rest.split_at_checked(len).ok_or(Error::Malformed)?;
    *rest = tail;
    Ok(head)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Error> {
    cut(rest, N)?.try_into().map_err(|_| Error::Malformed)
}
