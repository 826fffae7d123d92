//! `openssl`: what is about certificates prints none of a key, and keys are made where there are none.

use super::Stop;
use super::roles::Call;
use super::walk::{Walk, writes};
use crate::hook::guard::{Class, Secret};

/// Commands that print certificates and lists of them, also out of a file with a key in it.
const CERTIFICATES: &[&str] = &["x509", "verify", "crl", "ocsp", "s_client"];

/// Why a call is stopped, if it is.
pub fn run(walk: &mut Walk, call: &Call) -> Option<Stop> {
    let certificates =
        call.args.first().and_then(|f| f.first()).is_some_and(|w| CERTIFICATES.contains(&w.as_str()));
    for (at, forms) in call.args.iter().enumerate() {
        let before = at.checked_sub(1).map_or("", |at| call.word(at));
        let out = matches!(before, "-out" | "-keyout");
        for form in forms {
            let found = walk.find(form);
            if out {
                if let Some(secret) = found.filter(writes) {
                    return Some(Stop::Writes(secret));
                }
            } else if let Some(secret) = found.filter(|s| !(certificates && is_pem(s))) {
                return Some(Stop::Reads(secret));
            }
        }
    }
    let rest = if certificates { &[] } else { call.args };
    walk.blind_reads(rest);
    None
}

/// What may be a certificate by its name.
fn is_pem(secret: &Secret) -> bool {
    let end = secret.path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    secret.class == Class::Key && end.is_some_and(|e| matches!(e.as_str(), "pem" | "key"))
}
