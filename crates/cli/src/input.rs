//! Secrets and proofs that come in by stdin or a file descriptor. Never by argv, never by the environment.

use crate::gather::{Gather, KEEP_KEYS, MAX_PROOF, MAX_VALUE};
use crate::report::Error;
use secret::Bytes;

/// A passphrase or code from an inherited descriptor: to the first newline or the end.
///
/// # Errors
/// When nothing is open there, it is empty or too long.
pub fn proof_from_fd(option: &str, n: i32) -> Result<Bytes, Error> {
    let mut from = std::fs::File::from(taken(option, n)?);
    let mut gather = Gather::new(MAX_PROOF)?;
    let mut byte = secret::Bytes::zeroed(1)?;
    // One at a time: what follows the newline belongs to somebody else.
    let line = loop {
        match std::io::Read::read(&mut from, byte.expose_mut()) {
            Ok(0) => break false,
            Ok(_) if byte.expose()[0] == b'\n' => break true,
            Ok(_) => gather.push(byte.expose()[0])?,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => {
                return Err(Error::failed(format!("can't read {option} {n}"), e)
                    .hint(format!("open it for reading: svault … {option} {n} {n}<FILE")));
            }
        }
    };
    if gather.so_far().is_empty() {
        // Somebody gave a line, as Enter does at a prompt: it is a wrong one. Nothing at all is a wrong call.
        let exit = if line { wire::exit::FAILED } else { wire::exit::USAGE };
        let code = if line { "empty" } else { "usage" };
        return Err(Error::new(code, exit, format!("{option} {n} is empty"))
            .hint(format!("for example: svault … {option} 3 3< <(your-password-manager)")));
    }
    Ok(gather.finish())
}

/// The value of a secret from stdin, to its end; one final newline is dropped unless `raw`.
///
/// # Errors
/// When it can't be read, is empty or too long.
pub fn value_from_stdin(raw: bool) -> Result<Bytes, Error> {
    // A byte more than a value may have: the newline that is dropped doesn't count.
    let mut gather = Gather::new(MAX_VALUE + 1)?;
    let mut stdin = secret::direct::stdin().map_err(|e| Error::failed("can't read the input", e))?;
    gather.read_all(&mut stdin)?;
    let mut value = gather.finish();
    if !raw && value.expose().last() == Some(&b'\n') {
        value.truncate(value.len() - 1);
    }
    check_value(value)
}

/// A value within its limits.
///
/// # Errors
/// When it is empty or too long.
pub fn check_value(value: Bytes) -> Result<Bytes, Error> {
    if value.is_empty() {
        return Err(Error::usage("the value is empty").hint("type it, or pipe it in: < FILE"));
    }
    if value.len() > MAX_VALUE {
        return Err(Error::new("too_long", wire::exit::FAILED, "the value is longer than 65536 bytes")
            .hint(KEEP_KEYS));
    }
    Ok(value)
}

/// An inherited descriptor to write to, such as that of `--recovery-out-fd`.
///
/// # Errors
/// When nothing is open there.
#[cfg(unix)]
pub fn taken(option: &str, n: i32) -> Result<std::os::fd::OwnedFd, Error> {
    secret::fd::take(n).map_err(|e| {
        Error::new("usage", wire::exit::USAGE, format!("{option} {n}: no such open file descriptor"))
            .cause(e)
            .hint(format!("open it in the shell: svault … {option} {n} {n}<FILE"))
    })
}

/// Descriptors by number are a thing of Unix.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub fn taken(option: &str, _: i32) -> Result<std::fs::File, Error> {
    Err(Error::usage(format!("{option} works on Linux and macOS only")).hint("type it at the prompt"))
}
