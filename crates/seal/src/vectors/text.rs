//! `vectors.toml`: what each file is, what opens it, and every value on the way to its frames.

use super::{Case, Given, Unlock, good::Made};
use crate::{
    Error, Factor, FactorOutput, Head, Meta, Op, Result,
    frame::{Crypt, Front, Parts},
    hash,
};
use std::fmt::Write;

const INTRO: &str = "\
# Test vectors of the sealed file, version 1. Written by `cargo xtask vectors`; all bytes are hex.
#
# [[file]]: `opens` says which slot is opened and what is presented for each of its factors. With `head` the file must
# reach that head; without one every byte must be good. `error` is what a reader must say, else it must read `frames`
# frames. [file.keys] and [[file.frame]] are the values on the way there. No value here is a real secret.
";

pub(super) fn vectors(made: &[Made], cases: &[Case]) -> Result<String> {
    let mut out = String::from(INTRO);
    for case in cases {
        let file = made.iter().find(|m| m.name == case.name);
        write_case(&mut out, case).map_err(|_| Error::bounds("text"))?;
        if let Some(file) = file {
            let mut rows = keys(file)?;
            rows.push(("header_mac", hex(&file.bytes[file.cuts[0] - 32..file.cuts[0]])));
            out.push_str("[file.keys]\n");
            out.extend(rows.iter().map(|(name, value)| format!("{name} = \"{value}\"\n")));
            frames(&mut out, file)?;
        }
    }
    Ok(out)
}

fn write_case(out: &mut String, case: &Case) -> std::fmt::Result {
    writeln!(out, "\n[[file]]\nname = \"{}\"", case.name)?;
    writeln!(out, "opens = {}", opens(&case.unlock))?;
    if let Some(head) = &case.head {
        writeln!(out, "head = {}", head_text(head))?;
    }
    match case.expected {
        Ok(frames) => writeln!(out, "frames = {frames}"),
        Err(error) => writeln!(out, "error = \"{error}\""),
    }
}

fn opens(unlock: &Unlock) -> String {
    let mut out = format!("{{ slot = {}", unlock.slot);
    for given in &unlock.given {
        out += &match given {
            Given::Passphrase(text) => format!(", passphrase = \"{text}\""),
            Given::Recovery(bytes) => format!(", recovery = \"{}\"", hex(bytes)),
            Given::Kek(key) => format!(", store = \"{}\"", hex(key)),
        };
    }
    out + " }"
}

fn head_text(head: &Head) -> String {
    // TOML's integers are signed.
    format!(
        "{{ file_id = \"{}\", epoch = {}, generation = {}, frames = {}, bytes = {}, chain = \"{}\" }}",
        head.file_id,
        head.epoch as i64,
        head.generation as i64,
        head.frames,
        head.bytes,
        hex(&head.chain)
    )
}

/// Every key between what is presented and the frames.
fn keys(file: &Made) -> Result<Vec<(&'static str, String)>> {
    let slot = file.header.slots.get(file.unlock.slot).ok_or(Error::bounds("no such slot"))?;
    let outputs = file.unlock.outputs(&slot.spec)?;
    let mut rows = vec![("file_id", file.header.file_id.to_string())];
    for output in &outputs {
        if let FactorOutput::Passphrase(key) = output {
            let salt = hash::hkdf_key(&slot.spec.salt, &slot.spec.id.0, &[b"svault/1/argon2"])?;
            rows.push(("argon2_salt", hex(salt.expose())));
            rows.push(("argon2_output", hex(key.expose())));
        }
    }
    let s = hash::extract(&slot.spec.salt, FactorOutput::concat(&slot.spec.factors, &outputs)?.expose())?;
    let slot_keys = file.unlock.keys(file.header.kind, &file.header, slot)?;
    rows.extend([
        ("s", hex(s.expose())),
        ("wrap", hex(slot_keys.wrap.expose())),
        ("commit", hex(slot_keys.commit.expose())),
        ("presence", hex(slot_keys.presence.expose())),
        ("root", hex(file.root.expose())),
        ("k_mac", hex(file.keys.mac.expose())),
        ("k_chain", hex(file.keys.chain.expose())),
        ("k_meta", hex(file.keys.meta.expose())),
        ("k_value", hex(file.keys.value.expose())),
    ]);
    debug_assert!(slot.spec.factors.iter().all(|f| !matches!(f, Factor::Other { .. })));
    Ok(rows)
}

fn frames(out: &mut String, file: &Made) -> Result<()> {
    let crypt = Crypt::new(&file.keys, &file.header.file_id, file.header.epoch);
    for pair in file.cuts.windows(2) {
        let bytes = &file.bytes[pair[0]..pair[1]];
        let front = bytes.first_chunk().ok_or(Error::bounds("a frame"))?;
        let front = Front::parse(front).map_err(Error::bounds)?;
        let parts = Parts::split(front, bytes)?;
        let mut plain = Vec::new();
        let meta = crypt.open_meta(&parts, &mut plain).map_err(Error::bounds)?;
        let mut rows = meta_rows(&meta);
        rows.extend([("meta_nonce", hex(&parts.meta.nonce)), ("meta_tag", hex(&parts.meta.tag))]);
        if let (Some(value), Ok(Some(plain))) = (&parts.value, crypt.open_value(&parts, &meta)) {
            rows.extend([
                ("value", hex(plain.expose())),
                ("value_nonce", hex(&value.nonce)),
                ("value_tag", hex(&value.tag)),
            ]);
        }
        rows.push(("chain", hex(&parts.chain)));
        out.push_str(&format!("[[file.frame]]\noffset = {}\ntx_count = {}\n", pair[0], front.tx_count));
        out.push_str(&format!("kind = {}\nversion = {}\n", meta.kind, meta.version));
        if let Op::Meta { names_version } = meta.op {
            out.push_str(&format!("names_version = {names_version}\n"));
        }
        out.extend(rows.iter().map(|(name, value)| format!("{name} = \"{value}\"\n")));
    }
    Ok(())
}

fn meta_rows(meta: &Meta<'_>) -> Vec<(&'static str, String)> {
    let op = match meta.op {
        Op::Put => "put",
        Op::Meta { .. } => "meta",
        Op::Remove => "remove",
    };
    vec![("op", op.to_owned()), ("record", meta.record.to_string()), ("body", hex(meta.body))]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
