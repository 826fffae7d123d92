//! Collecting a secret byte by byte, in locked memory all the way.

use crate::report::Error;
use secret::Bytes;
use std::io::Read;

/// The most bytes of a secret's value.
pub const MAX_VALUE: usize = 64 * 1024;
/// The most bytes of a passphrase or a code on a file descriptor.
pub const MAX_PROOF: usize = 4096;

/// A secret that still grows.
pub struct Gather {
    bytes: Bytes,
    len: usize,
    most: usize,
}

impl Gather {
    /// Nothing yet, and never more than `most` bytes.
    ///
    /// # Errors
    /// When no locked memory can be had.
    pub fn new(most: usize) -> Result<Self, Error> {
        Ok(Self { bytes: Bytes::zeroed(most.min(512))?, len: 0, most })
    }

    /// What is there.
    #[must_use]
    pub fn so_far(&self) -> &[u8] {
        &self.bytes.expose()[..self.len]
    }

    /// One more byte.
    ///
    /// # Errors
    /// When it is too long, or no locked memory can be had.
    pub fn push(&mut self, byte: u8) -> Result<(), Error> {
        if self.len == self.most {
            return Err(too_long(self.most));
        }
        if self.len == self.bytes.len() {
            self.grow()?;
        }
        self.bytes.expose_mut()[self.len] = byte;
        self.len += 1;
        Ok(())
    }

    fn grow(&mut self) -> Result<(), Error> {
        let mut wider = Bytes::zeroed((self.bytes.len() * 2).min(self.most))?;
        wider.expose_mut()[..self.len].copy_from_slice(self.so_far());
        self.bytes = wider;
        Ok(())
    }

    /// Forgets the last character (UTF-8).
    pub fn pop_char(&mut self) {
        while self.len > 0 {
            self.len -= 1;
            let gone = self.bytes.expose()[self.len];
            self.bytes.expose_mut()[self.len] = 0;
            if gone & 0xc0 != 0x80 {
                break;
            }
        }
    }

    /// Forgets all of it.
    pub fn clear(&mut self) {
        self.bytes.expose_mut().fill(0);
        self.len = 0;
    }

    /// Reads to the end of `from`.
    ///
    /// # Errors
    /// When it can't be read, is too long, or no locked memory can be had.
    pub fn read_all(&mut self, from: &mut impl Read) -> Result<(), Error> {
        loop {
            if self.len == self.bytes.len() {
                if self.len == self.most {
                    let mut one = [0];
                    return match retry(|| from.read(&mut one))? {
                        0 => Ok(()),
                        _ => Err(too_long(self.most)),
                    };
                }
                self.grow()?;
            }
            let len = self.len;
            match retry(|| from.read(&mut self.bytes.expose_mut()[len..]))? {
                0 => return Ok(()),
                n => self.len += n,
            }
        }
    }

    /// The secret.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        self.bytes.truncate(self.len);
        self.bytes
    }
}

fn retry(mut read: impl FnMut() -> std::io::Result<usize>) -> Result<usize, Error> {
    loop {
        match read() {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            other => return other.map_err(|e| Error::failed("can't read the input", e)),
        }
    }
}

fn too_long(most: usize) -> Error {
    // One more may come by stdin: the newline that is dropped.
    let told = if most == MAX_VALUE + 1 { MAX_VALUE } else { most };
    let new = Error::new("too_long", wire::exit::FAILED, format!("this is longer than {told} bytes"));
    if most < MAX_VALUE {
        return new.hint("nothing was done; try again");
    }
    new.hint(KEEP_KEYS)
}

/// What to do with a file that is too long.
pub const KEEP_KEYS: &str =
    "svault keeps secrets of up to 64 KiB; keep larger files encrypted elsewhere, and their key here";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_and_goes_back_by_characters() {
        let mut g = Gather::new(2000).unwrap();
        for b in "xä€".bytes() {
            g.push(b).unwrap();
        }
        g.pop_char();
        assert_eq!(g.so_far(), "xä".as_bytes());
        g.pop_char();
        g.pop_char();
        g.pop_char();
        assert_eq!(g.so_far(), b"");
        for _ in 0..2000 {
            g.push(7).unwrap();
        }
        assert!(g.push(7).is_err());
        assert_eq!(g.finish().expose(), [7; 2000]);
    }

    #[test]
    fn reading_takes_just_as_much_as_fits() {
        let read = |n: usize| {
            let mut g = Gather::new(1024).unwrap();
            g.read_all(&mut vec![1_u8; n].as_slice()).map(|()| g.finish().len())
        };
        assert_eq!(read(0).unwrap(), 0);
        assert_eq!(read(513).unwrap(), 513);
        assert_eq!(read(1024).unwrap(), 1024);
        assert_eq!(read(1025).unwrap_err().code, "too_long");
    }
}
