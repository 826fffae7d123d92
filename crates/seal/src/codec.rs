//! Reading and writing the format's fields: little-endian, fixed order, every length checked first.

use crate::error::{Error, Result};

/// Takes fields off the front of a slice.
pub struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of all of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    /// How many bytes are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left.len()
    }

    /// The next `n` bytes.
    ///
    /// # Errors
    /// `Bounds` when there are fewer.
    pub fn bytes(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, tail) = self.left.split_at_checked(n).ok_or(Error::bounds("a field is cut short"))?;
        self.left = tail;
        Ok(head)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// `Bounds` when there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, tail) = self.left.split_first_chunk().ok_or(Error::bounds("a field is cut short"))?;
        self.left = tail;
        Ok(*head)
    }

    /// One byte.
    ///
    /// # Errors
    /// `Bounds` when there is none.
    pub fn u8(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    /// Two bytes.
    ///
    /// # Errors
    /// `Bounds` when there are fewer.
    pub fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes.
    ///
    /// # Errors
    /// `Bounds` when there are fewer.
    pub fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// `Bounds` when there are fewer.
    pub fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Everything that is left.
    #[must_use]
    pub fn rest(self) -> &'a [u8] {
        self.left
    }

    /// The end must be here.
    ///
    /// # Errors
    /// `Bounds` when bytes are left.
    pub fn end(self) -> Result<()> {
        if self.left.is_empty() { Ok(()) } else { Err(Error::bounds("bytes after the last field")) }
    }
}

/// Appends fields to a vector. For what is not secret: the vector may move.
pub trait Write {
    /// Appends bytes as they are.
    fn put(&mut self, bytes: &[u8]) -> &mut Self;

    /// Appends one byte.
    fn put_u8(&mut self, n: u8) -> &mut Self {
        self.put(&[n])
    }
    /// Appends two bytes.
    fn put_u16(&mut self, n: u16) -> &mut Self {
        self.put(&n.to_le_bytes())
    }
    /// Appends four bytes.
    fn put_u32(&mut self, n: u32) -> &mut Self {
        self.put(&n.to_le_bytes())
    }
    /// Appends eight bytes.
    fn put_u64(&mut self, n: u64) -> &mut Self {
        self.put(&n.to_le_bytes())
    }
}

impl Write for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.extend_from_slice(bytes);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_and_the_end_is_the_end() {
        let mut out = Vec::new();
        out.put_u8(1).put_u16(2).put_u32(3).put_u64(4).put(b"rest");
        let mut r = Reader::new(&out);
        assert_eq!((r.u8().unwrap(), r.u16().unwrap(), r.u32().unwrap(), r.u64().unwrap()), (1, 2, 3, 4));
        assert_eq!(r.bytes(4).unwrap(), b"rest");
        r.end().unwrap();
    }

    #[test]
    fn short_and_long_are_refused() {
        assert_eq!(Reader::new(&[1]).u16().unwrap_err().name(), "Bounds");
        assert_eq!(Reader::new(&[1]).bytes(usize::MAX).unwrap_err().name(), "Bounds");
        assert_eq!(Reader::new(&[1]).end().unwrap_err().name(), "Bounds");
    }
}
