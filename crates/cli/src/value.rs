//! The value of a secret that a human or a script gives: typed twice, or stdin. Never argv.

use crate::args::Proof;
use crate::gather::MAX_VALUE;
use crate::report::Error;
use crate::{input, prompt};
use secret::Bytes;
use std::io::{IsTerminal, Write};
use zeroize::Zeroizing;

/// Whether the value will be typed: stdin is a terminal.
#[must_use]
pub fn is_typed() -> bool {
    std::io::stdin().is_terminal()
}

/// The value.
///
/// # Errors
/// When there is none, it is too long, or the human stops.
pub fn read(name: &words::Name, raw: bool) -> Result<Bytes, Error> {
    if !is_typed() {
        return input::value_from_stdin(raw);
    }
    let (first, again) = (format!("Value of {name}: "), "Again: ");
    let value = prompt::hidden_twice(&first, again, MAX_VALUE, |_| Ok(())).map_err(|e| {
        if e.code == "differ" { e.hint("a value of several lines comes from a file: < FILE") } else { e }
    })?;
    input::check_value(value)
}

/// `--passphrase-fd 0` can't be where the value comes from stdin.
///
/// # Errors
/// A usage error.
pub fn not_stdin(proof: Proof) -> Result<Proof, Error> {
    if is_typed() { Ok(proof) } else { proof.not_stdin("the value comes from stdin") }
}

/// Writes a released value: exactly its bytes, and a newline only where a human looks; or JSON.
///
/// # Errors
/// When stdout can't be written.
pub fn write(out: &crate::output::Out, id: words::Id, value: &Bytes) -> Result<(), Error> {
    let mut to = secret::direct::stdout()?;
    if out.json() {
        to.write_all(&object(id, value.expose())?)?;
    } else {
        to.write_all(value.expose())?;
        if out.terminal() {
            to.write_all(b"\n")?;
        }
    }
    to.flush()?;
    Ok(())
}

/// By hand, in memory that is wiped: a JSON library would keep copies of the value in ordinary memory.
fn object(id: words::Id, value: &[u8]) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // A byte takes six at most; with room for all of it nothing is ever moved.
    let mut all = Zeroizing::new(Vec::with_capacity(6 * value.len() + 128));
    let to = &mut *all;
    write!(to, "{{\"ok\":true,\"id\":\"{id}\",")?;
    match std::str::from_utf8(value) {
        Ok(text) => {
            to.write_all(b"\"value\":")?;
            serde_json::to_writer(&mut *to, text).map_err(std::io::Error::from)?;
        }
        Err(_) => {
            to.write_all(b"\"value_base64\":\"")?;
            base64(to, value)?;
            to.write_all(b"\"")?;
        }
    }
    to.write_all(b"}\n")?;
    Ok(all)
}

/// RFC 4648, with padding.
fn base64(to: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        let mut four = [b'='; 4];
        for (i, c) in four.iter_mut().enumerate().take(three.len() + 1) {
            *c = ALPHABET[(bits >> (18 - 6 * i)) as usize & 63];
        }
        to.write_all(&four)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_never_moves() {
        let id = "7K2M9QXD".parse().unwrap();
        for value in [&b""[..], b"plain", &[1; 4096], &[0xff; 4096]] {
            let all = object(id, value).unwrap();
            assert_eq!(all.capacity(), 6 * value.len() + 128);
            let read: serde_json::Value = serde_json::from_slice(&all).unwrap();
            assert_eq!(read["ok"], true);
            assert_eq!(read["value"].as_str().is_some(), std::str::from_utf8(value).is_ok());
        }
    }

    #[test]
    fn base64_as_in_the_rfc() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut out = Vec::new();
            base64(&mut out, plain.as_bytes()).unwrap();
            assert_eq!(out, coded.as_bytes());
        }
        let mut out = Vec::new();
        base64(&mut out, &[0xff, 0xef, 0xbe]).unwrap();
        assert_eq!(out, b"/+++");
    }
}
