//! `@file` mentions in a prompt: some clients read them with no tool and no hook in between.

use super::shell::{Look, Stop};
use super::tools;

/// The mention that stops a prompt.
#[must_use]
pub fn judge(look: &Look, prompt: &str) -> Option<Stop> {
    mentions(prompt).into_iter().find_map(|path| tools::mentions(look, path))
}

/// What stands behind an `@` that begins a word.
fn mentions(prompt: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut before = ' ';
    for (at, c) in prompt.char_indices() {
        if c == '@' && !before.is_alphanumeric() {
            let rest = &prompt[at + 1..];
            let quote = rest.chars().next().filter(|q| matches!(q, '"' | '\''));
            let name = match quote {
                Some(quote) => rest[1..].split(quote).next().unwrap_or_default(),
                None => rest.split(char::is_whitespace).next().unwrap_or_default(),
            };
            // What ends a sentence does not belong to the name.
            all.push(name.trim_end_matches([',', '.', ';', ':', '!', '?', ')', ']', '"', '\'', '`']));
            all.extend(name.split_once(['#', ':']).map(|(path, _)| path));
        }
        before = c;
    }
    all.retain(|name| !name.is_empty());
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::guard::Guard;

    #[test]
    fn a_field_in_code_is_no_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("prod.env"), "A=sk-test-1").unwrap();
        let guard = Guard::default();
        let look = Look { guard: &guard, cwd: dir.path(), env: &|_| None };
        for (prompt, stops) in [
            ("why is @request.env nil in my test?", false),
            ("what is @event.key?", false),
            ("see @prod.env", true),
            ("see @.env", true),
        ] {
            assert_eq!(judge(&look, prompt).is_some(), stops, "{prompt}");
        }
    }

    #[test]
    fn mentions_begin_a_word() {
        assert_eq!(mentions("see @.env, and mail me@x.org"), [".env"]);
        assert_eq!(mentions("(@\"a b/.env\")"), ["a b/.env"]);
        assert_eq!(mentions("@.env#L1-3"), [".env#L1-3", ".env"]);
        assert!(mentions("no mention @ all").is_empty());
    }
}
