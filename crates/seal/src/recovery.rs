//! The recovery code: 160 random bits that a human writes down once.
//!
//! As text: 32 characters of Crockford base32 and 4 of checksum, in nine groups of four:
//! `XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-CCCC`. The checksum is the first 20 bits of
//! SHA-256("svault/1/recovery" | the 20 bytes).

use crate::{
    error::{Error, Result},
    random::Random,
};
use secret::Bytes;
use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LEN: usize = 20;
const CHARS: usize = 32;
const CHECK: usize = 4;
const GROUP: usize = 4;

/// A recovery code, in locked memory.
#[derive(Debug)]
pub struct RecoveryCode(pub(crate) Bytes);

impl RecoveryCode {
    /// A fresh one.
    ///
    /// # Errors
    /// When there is no locked memory or no randomness.
    pub fn generate(random: &mut dyn Random) -> Result<Self> {
        let mut bytes = Bytes::zeroed(LEN)?;
        random.fill(bytes.expose_mut())?;
        Ok(Self(bytes))
    }

    /// The code with these 20 bytes.
    ///
    /// # Errors
    /// `Recovery` for any other number of bytes.
    pub fn from_bytes(bytes: Bytes) -> Result<Self> {
        if bytes.len() == LEN { Ok(Self(bytes)) } else { Err(Error::Recovery { what: "it has 160 bits" }) }
    }

    /// Reads what a human typed: any case, hyphens and spaces anywhere, O for 0, I and L for 1.
    ///
    /// # Errors
    /// `Recovery`, saying which rule is broken; a checksum that does not fit means a typing error.
    pub fn parse(text: &Bytes) -> Result<Self> {
        let mut digits = Bytes::zeroed(CHARS + CHECK)?;
        let mut n = 0;
        for c in text.expose().iter().filter(|c| !matches!(**c, b' ' | b'-' | b'\t' | b'\r' | b'\n')) {
            let slot = digits.expose_mut().get_mut(n).ok_or(Error::Recovery { what: "too long" })?;
            *slot = digit(*c).ok_or(Error::Recovery { what: "only letters and digits, and no U" })?;
            n += 1;
        }
        if n < CHARS + CHECK {
            return Err(Error::Recovery { what: "too short: it has nine groups of four characters" });
        }
        let mut bytes = Bytes::zeroed(LEN)?;
        for (five, out) in
            digits.expose()[..CHARS].chunks_exact(8).zip(bytes.expose_mut().chunks_exact_mut(5))
        {
            let bits = five.iter().fold(0_u64, |bits, d| bits << 5 | u64::from(*d));
            out.copy_from_slice(&bits.to_be_bytes()[3..]);
        }
        if checksum(bytes.expose()) != digits.expose()[CHARS..] {
            return Err(Error::Recovery { what: "the checksum does not fit; look for a typing error" });
        }
        Ok(Self(bytes))
    }

    /// The text to show once, in groups.
    ///
    /// # Errors
    /// When there is no locked memory.
    pub fn to_text(&self) -> Result<Bytes> {
        let mut text = Bytes::zeroed(CHARS + CHECK + (CHARS + CHECK) / GROUP - 1)?;
        let out = text.expose_mut();
        let mut put = |i: usize, digit: u8| {
            out[i + i / GROUP] = ALPHABET[usize::from(digit & 31)];
            if i.is_multiple_of(GROUP) && i > 0 {
                out[i + i / GROUP - 1] = b'-';
            }
        };
        for (n, five) in self.0.expose().chunks_exact(5).enumerate() {
            let bits = five.iter().fold(0_u64, |bits, b| bits << 8 | u64::from(*b));
            (0..8).for_each(|i| put(8 * n + i, (bits >> (35 - 5 * i)) as u8 & 31));
        }
        for (i, digit) in checksum(self.0.expose()).into_iter().enumerate() {
            put(CHARS + i, digit);
        }
        Ok(text)
    }
}

fn digit(c: u8) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        c => c,
    };
    ALPHABET.iter().position(|a| *a == c).and_then(|i| u8::try_from(i).ok())
}

fn checksum(bytes: &[u8]) -> [u8; CHECK] {
    let hash = Sha256::new().chain_update(b"svault/1/recovery").chain_update(bytes).finalize();
    let bits = u32::from_be_bytes([0, hash[0], hash[1], hash[2]]) >> 4;
    [15, 10, 5, 0].map(|shift| (bits >> shift) as u8 & 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;

    fn bytes(s: &str) -> Bytes {
        Bytes::copy_from(s.as_bytes()).unwrap()
    }

    #[test]
    fn text_and_back() {
        for _ in 0..50 {
            let code = RecoveryCode::generate(&mut OsRandom).unwrap();
            let text = String::from_utf8(code.to_text().unwrap().expose().to_vec()).unwrap();
            assert_eq!(text.split('-').map(str::len).collect::<Vec<_>>(), [4; 9], "{text}");
            assert!(RecoveryCode::parse(&bytes(&text)).unwrap().0.ct_eq(code.0.expose()));
        }
    }

    #[test]
    fn a_known_code() {
        let code = RecoveryCode::from_bytes(bytes("01234567890123456789")).unwrap();
        let text = String::from_utf8(code.to_text().unwrap().expose().to_vec()).unwrap();
        assert_eq!(text, "60RK-4CSM-6MV3-EE1S-60RK-4CSM-6MV3-EE1S-WHQ5");
    }

    #[test]
    fn what_humans_type() {
        let code = RecoveryCode::generate(&mut OsRandom).unwrap();
        let text = String::from_utf8(code.to_text().unwrap().expose().to_vec()).unwrap();
        let loose =
            format!("  {}\n", text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l"));
        assert!(RecoveryCode::parse(&bytes(&loose)).unwrap().0.ct_eq(code.0.expose()));
    }

    #[test]
    fn typing_errors_are_noticed() {
        let code = RecoveryCode::generate(&mut OsRandom).unwrap();
        let text = String::from_utf8(code.to_text().unwrap().expose().to_vec()).unwrap();
        let bad = |s: &str| RecoveryCode::parse(&bytes(s)).unwrap_err().to_string();
        assert!(bad(&text[..43]).contains("too short"));
        assert!(bad(&format!("{text}0")).contains("too long"));
        assert!(bad(&text.replacen(&text[0..1], "U", 1)).contains("no U"));
        let other = if text.starts_with('7') { "8" } else { "7" };
        assert!(bad(&format!("{other}{}", &text[1..])).contains("checksum"));
    }
}
