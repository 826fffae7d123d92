//! `.env` files with references in them: what is asked for, and what is passed as it is.
//! Not here: reading the format (`dotenv`), and asking (`commands/run.rs`).

use crate::report::Error;
use secret::Bytes;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use wire::{AskItem, Granted};
use words::{EnvName, SecretRef, Way};
use zeroize::Zeroizing;

/// What a reference begins with.
const SCHEME: &str = "svault://";
/// A file may be so long.
const MOST: u64 = 4 << 20;
/// And set so many variables, of which so many may be references.
const MOST_VARS: usize = 10_000;
const MOST_REFS: usize = wire::MOST_ITEMS;

/// One variable of a file.
enum Var {
    /// A reference and nothing else.
    Secret(SecretRef),
    /// Text. The references in it, which came there by expansion, are filled in when they are released.
    Text { text: Zeroizing<String>, refs: Vec<SecretRef> },
}

/// The variables of all files. A later file wins over an earlier one.
#[derive(Default)]
pub struct EnvFiles {
    vars: Vec<(String, Var)>,
    /// Names that were left out: programs act on them.
    left_out: Vec<String>,
}

/// What a file says that is read without being asked for: `.env` in this folder, if it has references.
///
/// # Errors
/// When it can't be read, or is no such file.
pub fn default_file() -> Result<Option<PathBuf>, Error> {
    let path = PathBuf::from(".env");
    match read(&path) {
        Ok(text) if text.contains(SCHEME) => Ok(Some(path)),
        Ok(_) => Ok(None),
        Err(_) if !path.exists() => Ok(None),
        Err(e) => Err(e),
    }
}

fn read(path: &Path) -> Result<Zeroizing<String>, Error> {
    let io = |e: &std::io::Error| Error::io("read", path, e);
    let meta = path.metadata().map_err(|e| io(&e))?;
    if !meta.is_file() || meta.len() > MOST {
        return Err(Error::failed(
            format!("can't read {}", path.display()),
            "it is no file, or a very long one",
        ));
    }
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(|e| io(&e))
}

impl EnvFiles {
    /// Reads one more.
    ///
    /// # Errors
    /// When it can't be read, with line and column and nothing of its text.
    pub fn add(&mut self, path: &Path) -> Result<(), Error> {
        let text = read(path)?;
        let at = |line: usize, why: &str| {
            Error::new("bad_env_file", wire::exit::FAILED, format!("{}, line {line}: {why}", path.display()))
        };
        let bad = |e: dotenv::Error| {
            Error::new("bad_env_file", wire::exit::FAILED, format!("{}, {e}", path.display()))
        };
        let file = dotenv::parse(&text).map_err(bad)?;
        if let Some(entry) = file.entries().get(MOST_VARS) {
            return Err(at(entry.line, &format!("more than {MOST_VARS} variables")).hint("split the file"));
        }
        let outside = |name: &str| std::env::var(name).ok().map(Zeroizing::new);
        let values = file.values(outside).map_err(bad)?;
        let mut known: Vec<(&str, SecretRef)> = Vec::new();
        for (entry, value) in file.entries().iter().zip(values) {
            let uses: HashSet<&str> = entry.uses().into_iter().collect();
            let refs: Vec<SecretRef> =
                known.iter().filter(|(name, _)| uses.contains(name)).map(|(_, r)| r.clone()).collect();
            known.retain(|(name, _)| *name != entry.name);
            let var = if value.text.starts_with(SCHEME) && refs.is_empty() {
                let wanted: SecretRef =
                    value.text.parse().map_err(|_| at(entry.line, "not a reference: svault://VAULT/NAME"))?;
                known.push((entry.name, wanted.clone()));
                Var::Secret(wanted)
            } else if let [only] = refs.as_slice()
                && *value.text == only.to_string()
            {
                known.push((entry.name, only.clone()));
                Var::Secret(only.clone())
            } else {
                Var::Text { text: value.text, refs }
            };
            if known.len() > MOST_REFS {
                return Err(at(entry.line, &format!("more than {MOST_REFS} secrets")).hint("split the file"));
            }
            if let Var::Secret(_) = var {
                let hint = "give the variable another name in the file, of A-Z a-z 0-9 _";
                variable(entry.name).map_err(|why| at(entry.line, &why).hint(hint))?;
            }
            self.put(entry.name, var);
        }
        Ok(())
    }

    fn put(&mut self, name: &str, var: Var) {
        self.vars.retain(|(n, _)| n != name);
        self.left_out.retain(|n| n != name);
        let text_only = matches!(&var, Var::Text { refs, .. } if refs.is_empty());
        // A loader would set these when the program runs already. Set before, they choose what runs.
        if matches!(var, Var::Text { .. }) && policy::is_guarded(name) && !policy::is_setting(name) {
            return self.left_out.push(name.to_owned());
        }
        // As for the loaders: what the environment has already stays.
        if text_only && std::env::var_os(name).is_some() {
            return;
        }
        self.vars.push((name.to_owned(), var));
    }

    /// A variable that was given otherwise: it wins.
    pub fn forget(&mut self, name: &EnvName) {
        self.vars.retain(|(n, _)| n != name.as_str());
    }

    /// What the files set, and from what: a SHA-256 over names, texts and references, in hex; empty for nothing. Whole, as
    /// who writes a file may write two that have the same few digits.
    #[must_use]
    pub fn digest(&self) -> String {
        if self.vars.is_empty() {
            return String::new();
        }
        let mut vars: Vec<&(String, Var)> = self.vars.iter().collect();
        vars.sort_by_key(|(name, _)| name);
        let mut all = Sha256::new();
        let mut add = |text: &str| {
            all.update((text.len() as u64).to_le_bytes());
            all.update(text);
        };
        for (name, var) in vars {
            add(name);
            match var {
                Var::Secret(secret) => add(&secret.to_string()),
                Var::Text { text, refs } => {
                    add(text);
                    refs.iter().for_each(|one| add(&one.to_string()));
                }
            }
        }
        wire::hex::encode(&all.finalize())
    }

    /// The secrets to be asked for.
    ///
    /// # Errors
    /// Where a variable is put together from a reference that is not asked for itself.
    pub fn items(&self) -> Result<Vec<AskItem>, Error> {
        let mut items = Vec::new();
        for (name, var) in &self.vars {
            if let Var::Secret(secret) = var {
                items.push(AskItem::env(secret.clone(), variable(name).map_err(Error::usage)?));
            }
        }
        for (name, var) in &self.vars {
            let Var::Text { refs, .. } = var else { continue };
            if let Some(missing) = refs.iter().find(|r| !items.iter().any(|i| i.secret == **r)) {
                return Err(Error::usage(format!(
                    "{name} is put together from {missing}, which is not given to the command"
                )));
            }
        }
        Ok(items)
    }

    /// Names that were left out.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Everything that is no reference itself, with released values filled in, in the order of the files.
    ///
    /// # Errors
    /// Where a value that is part of another is no text.
    pub fn texts(&self, released: &[(Granted, Bytes)]) -> Result<Vec<(&str, Zeroizing<String>)>, Error> {
        let mut all = Vec::new();
        for (name, var) in &self.vars {
            let Var::Text { text, refs } = var else { continue };
            all.push((name.as_str(), filled(text, refs, released)?));
        }
        Ok(all)
    }
}

/// A variable that a secret may be put into.
fn variable(name: &str) -> Result<EnvName, String> {
    let name: EnvName = name.parse().map_err(|e: words::BadWord| e.to_string())?;
    if policy::is_guarded(name.as_str()) {
        return Err(format!("{name} changes how programs run, so no secret is put there"));
    }
    Ok(name)
}

fn filled(text: &str, refs: &[SecretRef], released: &[(Granted, Bytes)]) -> Result<Zeroizing<String>, Error> {
    let mut all: Vec<(String, &Bytes)> = refs
        .iter()
        .filter_map(|r| {
            let is = |g: &Granted| g.secret == *r && matches!(g.way, Way::Env(_));
            Some((r.to_string(), &released.iter().find(|(g, _)| is(g))?.1))
        })
        .collect();
    // A name may be the beginning of another.
    all.sort_by_key(|(r, _)| std::cmp::Reverse(r.len()));
    let mut out = Zeroizing::new(String::new());
    let mut rest = text;
    while let Some(at) = rest.find(SCHEME) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if let Some((r, value)) = all.iter().find(|(r, _)| from.starts_with(r.as_str())) {
            let value = std::str::from_utf8(value.expose())
                .map_err(|_| Error::failed("can't put a value into another", "it is no text"))?;
            out.push_str(value);
            rest = &from[r.len()..];
        } else {
            out.push_str(SCHEME);
            rest = &from[SCHEME.len()..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<EnvFiles, Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        std::fs::write(&path, text).unwrap();
        let mut files = EnvFiles::default();
        files.add(&path).map(|()| files)
    }

    fn released(files: &EnvFiles, value: &str) -> Vec<(Granted, Bytes)> {
        let items = files.items().unwrap().into_iter();
        items
            .map(|i| (Granted { secret: i.secret, way: i.way }, Bytes::copy_from(value.as_bytes()).unwrap()))
            .collect()
    }

    #[test]
    fn references_are_asked_for_and_the_rest_is_passed_on() {
        let files = file(
            "A_REF=svault://main/A # why\nexport B_REF='svault://work/B'\nPLAIN=\"x y\"\nNODE_ENV=test\n",
        )
        .unwrap();
        let items: Vec<String> =
            files.items().unwrap().iter().map(|i| format!("{} {}", i.way, i.secret)).collect();
        assert_eq!(items, ["env A_REF svault://main/A", "env B_REF svault://work/B"]);
        let texts = files.texts(&[]).unwrap();
        let texts: Vec<_> = texts.iter().map(|(n, v)| (*n, v.as_str())).collect();
        assert_eq!(texts, [("PLAIN", "x y"), ("NODE_ENV", "test")]);
    }

    #[test]
    fn a_reference_in_another_value_is_filled_in_when_it_is_released() {
        let text = "PASS_X=svault://main/P\nPASS_X2=svault://main/P2\nURL_X=\"db://u:${PASS_X2}@h/${PASS_X}\"\nSAME_X=$PASS_X\n";
        let files = file(text).unwrap();
        assert_eq!(files.items().unwrap().len(), 3);
        let mut released = released(&files, "s1");
        released[1].1 = Bytes::copy_from(b"s2").unwrap();
        let texts = files.texts(&released).unwrap();
        assert_eq!((texts[0].0, texts[0].1.as_str()), ("URL_X", "db://u:s2@h/s1"));
    }

    #[test]
    fn what_programs_act_on_is_neither_a_place_for_a_secret_nor_passed_on_before_they_run() {
        for name in ["LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV", "PATH"] {
            assert!(file(&format!("{name}=svault://main/A\n")).is_err(), "{name}");
            let files = file(&format!("{name}=/tmp/x\nREF=svault://main/A\n")).unwrap();
            assert_eq!(files.left_out(), [name]);
            assert!(files.texts(&[]).unwrap().is_empty());
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_its_place_and_never_by_its_text() {
        for bad in
            ["X=svault://sk-test-not-shown\n", "X=svault://main/sk-test/not-shown\n", "=sk-test-not-shown\n"]
        {
            let Err(e) = file(bad) else { panic!("{bad}") };
            assert!(!e.message.contains("not-shown") && e.message.contains("line 1"), "{}", e.message);
        }
        // A later line wins, and what it was put together from must be there.
        let mut files = file("A=svault://main/A\nB=x$A\n").unwrap();
        files.forget(&"A".parse().unwrap());
        assert!(files.items().is_err());
    }
}
