//! `.env` files with references in them: what is asked for, and what is passed as it is.
//! Not here: reading the format (`dotenv`), and asking (`commands/run.rs`).

use crate::report::Error;
use secret::Bytes;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
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
    /// Text. The references in it, which came there by expansion, are filled in when they are released: in order.
    Text { text: Zeroizing<String>, refs: Vec<Place> },
}

/// Where a reference stands in a text.
#[derive(Clone)]
struct Place {
    range: Range<usize>,
    secret: Rc<SecretRef>,
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
    if_used(PathBuf::from(".env"))
}

fn if_used(path: PathBuf) -> Result<Option<PathBuf>, Error> {
    match read(&path) {
        Ok(text) if text.contains(SCHEME) => Ok(Some(path)),
        Ok(_) => Ok(None),
        // A folder of this name is what some tools make for themselves.
        Err(_) if !path.is_file() => Ok(None),
        Err(e) => Err(e),
    }
}

fn read(path: &Path) -> Result<Zeroizing<String>, Error> {
    let io = |e: &std::io::Error| Error::io("read", path, e);
    let meta = path.metadata().map_err(|e| io(&e))?;
    if !meta.is_file() || meta.len() > MOST {
        let text = format!("can't read {}: it is no file, or a very long one", path.display());
        return Err(Error::new("bad_env_file", wire::exit::FAILED, text));
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
        let mut places: Vec<Vec<Place>> = Vec::with_capacity(values.len());
        let mut secrets: HashSet<&str> = HashSet::new();
        for (entry, value) in file.entries().iter().zip(values) {
            let mut refs = carried(&value.parts, &places);
            if refs.is_empty() && value.text.starts_with(SCHEME) {
                let wanted: SecretRef =
                    value.text.parse().map_err(|_| at(entry.line, "not a reference: svault://VAULT/NAME"))?;
                refs.push(Place { range: 0..value.text.len(), secret: Rc::new(wanted) });
            }
            if is_left(&value.text, &refs) {
                let why = "a reference inside of a text, which is never filled in";
                let hint = "give it a variable of its own, and write ${NAME} of that in the text";
                return Err(at(entry.line, why).hint(hint));
            }
            secrets.remove(entry.name);
            let whole = refs.first().filter(|one| one.range == (0..value.text.len()));
            let var = if let Some(one) = whole {
                let hint = "give the variable another name in the file, of A-Z a-z 0-9 _";
                variable(entry.name).map_err(|why| at(entry.line, &why).hint(hint))?;
                secrets.insert(entry.name);
                Var::Secret((*one.secret).clone())
            } else {
                Var::Text { text: value.text, refs: refs.clone() }
            };
            if secrets.len() > MOST_REFS {
                return Err(at(entry.line, &format!("more than {MOST_REFS} secrets")).hint("split the file"));
            }
            places.push(refs);
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
                    refs.iter().for_each(|one| add(&one.secret.to_string()));
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
            if let Some(missing) = refs.iter().find(|one| !items.iter().any(|i| i.secret == *one.secret)) {
                return Err(Error::usage(format!(
                    "{name} is put together from {}, which is not given to the command",
                    missing.secret
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

impl Place {
    /// The same reference, so many bytes further on.
    fn moved(&self, by: usize) -> Self {
        Self { range: self.range.start + by..self.range.end + by, secret: Rc::clone(&self.secret) }
    }
}

/// The references that came into a text with the values of entries above, also with those that had them from others.
fn carried(parts: &[dotenv::Part], above: &[Vec<Place>]) -> Vec<Place> {
    let of = |part: &dotenv::Part| above.get(part.entry).map_or(&[][..], Vec::as_slice);
    parts.iter().flat_map(|part| of(part).iter().map(move |one| one.moved(part.range.start))).collect()
}

/// Whether something in a text between its references looks like one more.
fn is_left(text: &str, refs: &[Place]) -> bool {
    let ends = refs.iter().map(|one| one.range.start).chain([text.len()]);
    let starts = [0].into_iter().chain(refs.iter().map(|one| one.range.end));
    starts.zip(ends).any(|(start, end)| text[start..end].contains(SCHEME))
}

fn filled(text: &str, refs: &[Place], released: &[(Granted, Bytes)]) -> Result<Zeroizing<String>, Error> {
    let mut values = Vec::with_capacity(refs.len());
    for Place { range, secret } in refs {
        let is = |g: &Granted| g.secret == **secret && matches!(g.way, Way::Env(_));
        let Some((_, value)) = released.iter().find(|(g, _)| is(g)) else { continue };
        let value = std::str::from_utf8(value.expose())
            .map_err(|_| Error::failed("can't put a value into another", "it is no text"))?;
        values.push((range.clone(), value));
    }
    // Room for all of it, so that nothing is moved and leaves a copy behind.
    let room = text.len() + values.iter().map(|(_, value)| value.len()).sum::<usize>();
    let mut out = Zeroizing::new(String::with_capacity(room));
    let mut done = 0;
    for (range, value) in values {
        out.push_str(&text[done..range.start]);
        out.push_str(value);
        done = range.end;
    }
    out.push_str(&text[done..]);
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

    fn filled_in(text: &str, values: &[&str]) -> Vec<(String, String)> {
        let files = file(text).unwrap();
        let mut released = released(&files, "");
        for (one, value) in released.iter_mut().zip(values) {
            one.1 = Bytes::copy_from(value.as_bytes()).unwrap();
        }
        let texts = files.texts(&released).unwrap();
        texts.into_iter().map(|(name, text)| (name.to_owned(), text.to_string())).collect()
    }

    #[test]
    fn a_reference_is_filled_in_through_any_number_of_values() {
        let text = "PASS_X=svault://main/P\nDB_X=pg://u:${PASS_X}@h/db\nURL_X=${DB_X}?ssl=1\nALL_X=\"$URL_X $DB_X\"\n";
        let all = filled_in(text, &["s1"]);
        assert_eq!(all[1], ("URL_X".into(), "pg://u:s1@h/db?ssl=1".into()));
        assert_eq!(all[2].1, "pg://u:s1@h/db?ssl=1 pg://u:s1@h/db");
        let all = filled_in("A_X=svault://main/A\nB_X=${A_X}@h\nC_X=$B_X\nD_X=${NONE_X:-$C_X}\n", &["s1"]);
        assert_eq!((all[1].1.as_str(), all[2].1.as_str()), ("s1@h", "s1@h"));
        // What stands there is that of the line above, also where the name gets another value later.
        let all = filled_in("A_X=svault://main/A\nB_X=$A_X\nC_X=x$A_X\nA_X=plain\nD_X=$A_X\n", &["s1"]);
        let all: Vec<&str> = all.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(all, ["xs1", "plain", "plain"]);
    }

    #[test]
    fn a_name_that_begins_like_another_gets_its_own_value() {
        let text = "P=svault://main/P\nP2=svault://main/P2\nU_X=\"${P}2-${P2}-${P}\"\n";
        assert_eq!(filled_in(text, &["s1", "s2"])[0].1, "s12-s2-s1");
    }

    #[test]
    fn a_reference_that_nothing_would_fill_in_is_refused() {
        for text in [
            "A_X=1\nURL_X=\"db://u:svault://main/P@h\"\n",
            "P_X=svault://main/P\nURL_X=\"$P_X svault://main/Q\"\n",
            "A_X=1\nURL_X='see svault://main/Q'\n",
        ] {
            let Err(e) = file(text) else { panic!("{text}") };
            assert!(e.message.contains("line 2") && !e.message.contains("main/"), "{}", e.message);
        }
    }

    #[test]
    fn what_is_no_file_is_no_file_with_references() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        assert!(if_used(path.clone()).unwrap().is_none());
        std::fs::create_dir(&path).unwrap();
        assert!(if_used(path.clone()).unwrap().is_none());
        std::fs::remove_dir(&path).unwrap();
        std::fs::write(&path, "A=svault://main/A\n").unwrap();
        assert_eq!(if_used(path.clone()).unwrap(), Some(path));
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
