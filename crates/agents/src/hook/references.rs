//! Whether a `.env` holds nothing but references and words that are no secret: then an agent may read it.
//!
//! Strict on purpose: a line that is not understood makes the whole file one with secrets in it.

use std::path::Path;

/// Files over this size are never taken for harmless.
const MOST: u64 = 64 * 1024;
/// A word in a comment may be this long before it is taken for a value.
const WORD: usize = 24;

/// Values that say how a program runs and are nobody's secret.
const PLAIN: &[&str] = &[
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "null",
    "none",
    "development",
    "production",
    "staging",
    "test",
    "local",
    "dev",
    "prod",
    "debug",
    "info",
    "warn",
    "warning",
    "error",
    "trace",
    "localhost",
    "127.0.0.1",
    "0.0.0.0",
    "utf-8",
    "utc",
    "en",
    "json",
    "pretty",
];

/// Whether the file can be read and every line of it is harmless, with at least one reference among them.
#[must_use]
pub fn only(path: &Path) -> bool {
    let small = std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() <= MOST);
    small && std::fs::read_to_string(path).is_ok_and(|text| only_text(&text))
}

/// As [`only`], for a text.
#[must_use]
pub fn only_text(text: &str) -> bool {
    let mut references = 0;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix('#') {
            if !harmless_comment(comment) {
                return false;
            }
            continue;
        }
        let Some((name, value)) = line.strip_prefix("export ").unwrap_or(line).split_once('=') else {
            return false;
        };
        let named = name.trim().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.');
        let value = unquoted(value.trim());
        match value {
            Some(v) if named && is_reference(v) => references += 1,
            Some(v) if named && is_plain(v) => {}
            _ => return false,
        }
    }
    references > 0
}

fn unquoted(value: &str) -> Option<&str> {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.strip_suffix(quote).filter(|v| !v.contains(['"', '\'', '\\']));
        }
    }
    Some(value)
}

/// `svault://VAULT/NAME` and nothing more.
fn is_reference(value: &str) -> bool {
    let Some((vault, name)) = value.strip_prefix("svault://").and_then(|r| r.split_once('/')) else {
        return false;
    };
    let vault_ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let name_ok = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    (1..=64).contains(&vault.len())
        && vault.bytes().all(vault_ok)
        && (1..=128).contains(&name.len())
        && name.bytes().all(name_ok)
}

fn is_plain(value: &str) -> bool {
    let number = value.len() <= 5 && value.bytes().all(|b| b.is_ascii_digit());
    number || PLAIN.contains(&value.to_ascii_lowercase().as_str())
}

/// A comment in words: nothing assigned, nothing long.
fn harmless_comment(comment: &str) -> bool {
    let long = |w: &str| w.len() > WORD && !w.starts_with("svault://") && !w.starts_with("https://");
    let digits =
        |w: &str| w.len() > 8 && w.bytes().any(|b| b.is_ascii_digit()) && !w.starts_with("svault://");
    !comment.contains('=') && !comment.split_whitespace().any(|w| long(w) || digits(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_plain_words_are_harmless() {
        assert!(only_text(
            "# keys are in svault\nexport A=svault://main/A\nPORT=3000\nB=\"svault://main/B.x\"\n\nNODE_ENV=development\nEMPTY=\n"
        ));
    }

    #[test]
    fn anything_else_is_not() {
        for text in [
            "",
            "PORT=3000\n",
            "A=svault://main/A\nB=sk-test-1\n",
            "A=svault://main/A sk-test-1\n",
            "A=svault://main/A#sk-test-1\n",
            "A='svault://main/A\n",
            "A=svault://main/A\n# old: B=sk-test-1\n",
            "A=svault://main/A\n# sk-test-ENVFILE000111222\n",
            "A=svault://main/A\nhunter2\n",
            "A=svault://main/A\nPIN=482913\n",
            "A=svault://main/A\nB=letmein\n",
            "A=svault://main/A/../x\n",
            "A=svault://main/A?x=1\n",
        ] {
            assert!(!only_text(text), "{text:?}");
        }
    }
}
