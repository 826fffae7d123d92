//! From a word to the files it may name, and to the protected one among them.

use super::glob::{self, ANY, GAP};
use crate::hook::guard::{Class, Guard, Secret, TREE};
use crate::hook::names;
use crate::hook::urls;
use std::cell::Cell;
use std::path::{Path, PathBuf};

/// How many commands and paths of one command line are looked at.
const CHECKS: usize = 20_000;
/// How many bytes the words of one command line may become, in all.
const TEXT: usize = 64 << 20;
/// How many full trees one command line may go through.
const TREES: usize = 5;
/// A folder that nobody knows.
const NOWHERE: &str = "/\u{f8ff}";

/// Where words are looked at.
pub struct Place<'a> {
    /// What is protected.
    pub guard: &'a Guard,
    /// A variable of the environment that commands start in.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    left: Cell<usize>,
    text: Cell<usize>,
    trees: Cell<usize>,
    hidden: Cell<bool>,
}

impl<'a> Place<'a> {
    /// A place with its allowance of checks.
    #[must_use]
    pub fn new(guard: &'a Guard, env: &'a dyn Fn(&str) -> Option<String>) -> Self {
        let (left, text, trees) = (Cell::new(CHECKS), Cell::new(TEXT), Cell::new(TREES * TREE));
        Self { guard, env, left, text, trees, hidden: Cell::new(false) }
    }

    /// Whether the allowance is used up.
    #[must_use]
    pub fn exhausted(&self) -> bool {
        self.left.get() == 0 || self.trees.get() == 0
    }

    /// From here on wildcards name hidden files, too: `shopt -s dotglob`.
    pub fn show_hidden(&self) {
        self.hidden.set(true);
    }

    /// The first protected file in a folder and what is below it, for which `reads` says yes. All the folders of a line
    /// have one allowance.
    #[must_use]
    pub fn in_tree(&self, folder: &Path, links: bool, reads: impl FnMut(&Path) -> bool) -> Option<Secret> {
        let most = self.trees.get().min(TREE);
        if most == 0 {
            return None;
        }
        let mut left = most;
        let found = self.guard.in_tree(folder, links, &mut left, reads);
        self.trees.set(self.trees.get() - (most - left));
        // What is left of the allowance says nothing of how large a folder is.
        found.filter(|secret| most == TREE || secret.class != Class::Large)
    }

    /// Takes one from the allowance; no more is to be done where there is none.
    #[must_use]
    pub fn spend(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }

    /// Takes the length of what was made of a word, or copied, from the allowance.
    pub fn charge<'f>(&self, forms: impl IntoIterator<Item = &'f String>) {
        let length: usize = forms.into_iter().map(|form| form.len() + size_of::<String>()).sum();
        self.text.set(self.text.get().saturating_sub(length));
        if self.text.get() == 0 {
            self.left.set(0);
        }
    }

    fn check(&self, path: &Path) -> Option<Secret> {
        if self.spend() { self.guard.check(path) } else { None }
    }

    /// The protected file that a pattern may name, in a folder (`None`: nobody knows which).
    #[must_use]
    pub fn find(&self, cwd: Option<&Path>, pattern: &str) -> Option<Secret> {
        self.find_where(cwd, pattern, |_| true)
    }

    /// As [`Self::find`] for a word that may be code, too: a name that could be a field has to be there.
    #[must_use]
    pub fn find_beside_code(&self, cwd: Option<&Path>, word: &str) -> Option<Secret> {
        let plain = !is_text(&word.replace('/', "_"));
        let there = |path: &Path| if plain { is_there_or_unknown(path) } else { may_be_there(path) };
        self.find_where(cwd, word, |secret| !is_field(secret) || there(&secret.path))
    }

    /// As [`Self::find`], for those that count.
    #[must_use]
    pub fn find_where(
        &self,
        cwd: Option<&Path>,
        pattern: &str,
        counts: impl Fn(&Secret) -> bool,
    ) -> Option<Secret> {
        if pattern.starts_with("http://") || pattern.starts_with("https://") {
            return None;
        }
        let one = |part: &str| self.find_one(cwd, part).filter(&counts);
        let url = urls::file(&glob::unescaped(pattern));
        let decoded = url.and_then(|path| one(&glob::escaped(&path)));
        decoded.or_else(|| parts(pattern).into_iter().find_map(one))
    }

    fn find_one(&self, cwd: Option<&Path>, pattern: &str) -> Option<Secret> {
        let pattern = self.at_home(pattern);
        let base = cwd.unwrap_or(Path::new(NOWHERE));
        if let Some(name) = glob::literal(&pattern) {
            if name.is_empty() || name.contains('\0') {
                return None;
            }
            let path = base.join(&name);
            // Nothing can be looked up in a folder that nobody knows.
            let known = cwd.is_some() || Path::new(&name).has_root();
            if is_text(&name) && known && !may_be_there(&path) {
                return None;
            }
            return self.check(&path);
        }
        let (folder, last) = pattern.rsplit_once('/').unwrap_or(("", &pattern));
        let known = last.chars().filter(|c| c.is_alphanumeric()).count();
        if known == 0 && last.contains(ANY) {
            return None;
        }
        if glob::literal(last).is_some_and(|last| !is_text(&last)) {
            // The name says it, whichever folder it is in.
            let somewhere = pattern.replace(['*', '?', ANY], "x");
            let path = Path::new(NOWHERE).join(glob::unescaped(&somewhere));
            if names::class(&path.to_string_lossy()).is_some() {
                return self.check(&path);
            }
        }
        if folder.contains(ANY) || (cwd.is_none() && !pattern.starts_with('/')) {
            let usual = names::USUAL.iter().find(|n| known > 0 && glob::fits(last, n))?;
            return self.check(&base.join(usual));
        }
        glob::expand(base, &pattern, self.hidden.get()).iter().find_map(|path| self.check(path))
    }

    /// With `~` as what it stands for.
    #[must_use]
    pub fn at_home(&self, pattern: &str) -> String {
        let home = self.guard.home.as_deref().map(|h| glob::escaped(&h.to_string_lossy()));
        match (pattern.strip_prefix('~'), home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => home + rest,
            _ => pattern.to_owned(),
        }
    }

    /// The protected file that code names, as far as its text shows: quotes and plus signs between pieces are seen
    /// through, anything cleverer isn't.
    #[must_use]
    pub fn find_in_code(&self, cwd: Option<&Path>, code: &str) -> Option<Secret> {
        self.find_in_code_where(cwd, code, &|_| true)
    }

    /// As [`Self::find_in_code`] in text that may be anything: a file has to be there.
    #[must_use]
    pub fn find_in_text(&self, cwd: Option<&Path>, text: &str) -> Option<Secret> {
        self.find_in_code_where(cwd, text, &|secret| is_there_or_unknown(&secret.path))
    }

    fn find_in_code_where(
        &self,
        cwd: Option<&Path>,
        code: &str,
        counts: &dyn Fn(&Secret) -> bool,
    ) -> Option<Secret> {
        let joined = ["'+", "+'", "\"+", "+\"", "' +", "+ '", "\" +", "+ \"", "' '", "\" \""];
        if joined.iter().any(|j| code.contains(j)) {
            let squeezed: String = code.chars().filter(|c| !matches!(c, '\'' | '"' | '+' | ' ')).collect();
            if let Some(secret) = self.find_tokens(cwd, &squeezed, counts) {
                return Some(secret);
            }
        }
        self.find_tokens(cwd, code, counts)
    }

    fn find_tokens(
        &self,
        cwd: Option<&Path>,
        code: &str,
        counts: &dyn Fn(&Secret) -> bool,
    ) -> Option<Secret> {
        let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '/' | '~' | '-' | '*' | '?');
        let mut before = None;
        let mut at = 0;
        code.split(|c| !part(c)).find_map(|token| {
            at += token.len();
            let next = code[at..].chars().next();
            at += next.map_or(0, char::len_utf8);
            // `f(x).env` is a field of what comes back.
            let is_field = matches!(std::mem::replace(&mut before, next), Some(')' | ']'));
            let is_name = token.len() > 2 && !(is_field && token.starts_with('.'));
            is_name.then(|| self.find_token(cwd, token)).flatten().filter(counts)
        })
    }

    fn find_token(&self, cwd: Option<&Path>, token: &str) -> Option<Secret> {
        let name = token.rsplit('/').next().unwrap_or(token);
        if token.contains(['*', '?']) {
            // `.*` is a pattern of other languages, too.
            let letters = name.chars().filter(|c| c.is_alphanumeric()).count();
            return if letters > 0 && name.starts_with('.') { self.find(cwd, token) } else { None };
        }
        let token = token.trim_end_matches(['.', '/', '-']);
        let name = token.rsplit('/').next().unwrap_or(token);
        let secret = self.find(cwd, &glob::escaped(token))?;
        // `x.key` is a field in most languages, `/x.key/` a pattern: a file of such a name has to be there.
        let unknown = cwd.is_none() && token.contains('/') && !token.starts_with(['/', '~']);
        let is_name = name.starts_with('.') || !name.contains('.') || unknown;
        let is_place = token.contains('/') && !is_field(&secret);
        (is_name || is_place || may_be_there(&secret.path)).then_some(secret)
    }

    /// A folder named by a word, for `cd`.
    #[must_use]
    pub fn folder(&self, cwd: Option<&Path>, pattern: &str) -> Option<PathBuf> {
        let name = glob::literal(&self.at_home(pattern))?;
        if Path::new(&name).is_absolute() {
            return Some(name.into());
        }
        Some(cwd?.join(name))
    }
}

/// Whether the last part of a name looks like text or code: a file of such a name counts where it is there.
fn is_text(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.contains(|c: char| c.is_whitespace() || "()'\"{}[];$".contains(c))
}

/// Whether a file's name could be a field in code: `x.key`, `settings.env`.
fn is_field(secret: &Secret) -> bool {
    secret.path.file_name().is_some_and(|name| names::is_field(&name.to_string_lossy()))
}

/// Whether a file's name could be a field in code, and there is no such file.
#[must_use]
pub fn is_absent_field(secret: &Secret) -> bool {
    is_field(secret) && !may_be_there(&secret.path)
}

/// Whether a file is there, or in a folder that can't be looked into.
fn may_be_there(path: &Path) -> bool {
    match std::fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

/// As [`may_be_there`], and whether the folder is one that nobody knows.
#[must_use]
pub fn is_there_or_unknown(path: &Path) -> bool {
    path.starts_with(NOWHERE) || may_be_there(path)
}

/// A word, and the parts of it that may be file names: behind `=`, `:`, `@`, `,`, between the words of an array, and behind a short option.
fn parts(word: &str) -> Vec<&str> {
    let mut all = vec![word];
    if word.starts_with('-') && !word.starts_with("--") && word.len() > 2 && word.is_char_boundary(2) {
        all.push(&word[2..]);
    }
    // `:(top)NAME` for git.
    all.extend(word.strip_prefix(":(").and_then(|rest| rest.split_once(')')).map(|(_, name)| name));
    let mut from = 0;
    for (at, c) in word.char_indices().filter(|(_, c)| matches!(*c, '=' | ':' | '@' | ',' | GAP)) {
        if at > from {
            all.push(&word[from..at]);
        }
        from = at + c.len_utf8();
        all.push(&word[from..]);
        if all.len() > 32 {
            break;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_of_a_line_have_one_allowance() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..10 {
            std::fs::write(dir.path().join(format!("{n}.txt")), "x").unwrap();
        }
        let guard = Guard::default();
        let place = Place { trees: Cell::new(25), ..Place::new(&guard, &|_| None) };
        for is in [false, false, true] {
            assert_eq!(place.in_tree(dir.path(), false, |_| true), None);
            assert_eq!(place.exhausted(), is);
        }
    }
}
