//! What a word may become: variables that are known, braces, substitutions whose output can be told.

use super::glob::{self, ANY, GAP};
use super::lex::{Part, Script, Word};
use super::param;
use super::paths::Place;
use super::programs::{Role, role};
use super::said::said;
use super::wrappers;
use std::collections::HashMap;

/// How many forms of one word are looked at.
const FORMS: usize = 32;
/// The longest form that is made.
const LONGEST: usize = 32 * 1024;
/// How many words the variables of a command may make.
const WORDS: usize = 20_000;

/// Variables, each with the patterns that it may hold.
pub type Vars = HashMap<String, Vec<String>>;

/// The patterns that a word may become. [`ANY`] stands for what can't be known.
#[must_use]
pub fn word(place: &Place, vars: &Vars, word: &Word) -> Vec<String> {
    let mut all: Vec<String> = alternatives(place, vars, word, false).into_iter().flatten().collect();
    all.truncate(FORMS * 2);
    all
}

/// The words of a command as a shell makes them, `{cat,.env}` and `$x` into two; each with the word that it comes of.
#[must_use]
pub fn words<'w>(place: &Place, vars: &Vars, words: &'w [Word]) -> (Vec<Vec<String>>, Vec<&'w Word>) {
    let all = words
        .iter()
        .flat_map(|w| alternatives(place, vars, w, true).into_iter().map(move |forms| (forms, w)));
    all.take(WORDS).unzip()
}

/// The words that the braces of one make, each with the patterns that it may become. `split`: what is not quoted and
/// has gaps is more than one, too.
fn alternatives(place: &Place, vars: &Vars, word: &Word, split: bool) -> Vec<Vec<String>> {
    let mut forms = vec![String::new()];
    for part in word {
        if place.exhausted() {
            return vec![vec![ANY.to_string()]];
        }
        let mut ends = part_forms(place, vars, part);
        place.charge(&ends);
        if split && is_split(part) {
            let gap = gaps(vars);
            ends.iter_mut().for_each(|e| *e = e.replace(&gap, GAP.encode_utf8(&mut [0; 4])));
        }
        let both = |f: &String, e: &String| match f.len() + e.len() {
            0..LONGEST => format!("{f}{e}"),
            _ => ANY.to_string(),
        };
        let longer = forms.iter().flat_map(|f| ends.iter().map(move |e| both(f, e)));
        forms = longer.take(FORMS).collect();
        place.charge(&forms);
    }
    let mut all: Vec<Vec<String>> = Vec::new();
    for form in &forms {
        let gaps = split && form.contains(GAP);
        let words = glob::braces(form, FORMS);
        let words = words.iter().flat_map(|one| one.split(|c| gaps && c == GAP));
        for (at, one) in words.filter(|one| !(gaps && one.is_empty())).enumerate() {
            match all.get_mut(at) {
                Some(forms) => forms.push(one.to_owned()),
                None => all.push(vec![one.to_owned()]),
            }
        }
    }
    all
}

/// The characters between words.
pub fn gaps(vars: &Vars) -> impl Fn(char) -> bool + use<> {
    let more = vars.get("IFS").and_then(|forms| forms.first()).cloned().unwrap_or_default();
    move |c| c.is_whitespace() || (c != '\\' && c != ANY && more.contains(c))
}

/// Whether a shell makes words of a part's value.
fn is_split(part: &Part) -> bool {
    match part {
        Part::Var(_, quoted) => !quoted,
        Part::Param(param) => !param.quoted,
        _ => false,
    }
}

fn part_forms(place: &Place, vars: &Vars, part: &Part) -> Vec<String> {
    match part {
        Part::Text(text, true) => vec![glob::escaped(text)],
        Part::Text(text, false) => vec![text.clone()],
        Part::Var(name, _) => variable(place, vars, name),
        Part::Param(param) => {
            let mut values = variable(place, vars, &param.name);
            if param.indirect {
                let names = values.iter().filter_map(|v| glob::literal(v)).take(FORMS);
                values = names.flat_map(|name| variable(place, vars, &name)).collect();
            }
            param.applied(values, &word(place, vars, &param.by))
        }
        Part::Sub(script) => printed(place, vars, script).unwrap_or_else(|| vec![ANY.to_string()]),
        Part::Unknown => vec![ANY.to_string()],
    }
}

fn variable(place: &Place, vars: &Vars, name: &str) -> Vec<String> {
    let known = vars.get(if name == "*" { "@" } else { name });
    if let Some(known) = known {
        return known.clone();
    }
    // What a shell begins with; it is not in the environment.
    if name == "IFS" {
        return vec![" \t\n".to_owned()];
    }
    // `$1` is a word of `$@`.
    if let (Ok(number), Some(all)) = (name.parse::<usize>(), vars.get("@")) {
        return all.iter().map(|words| param::item(words, number.saturating_sub(1))).collect();
    }
    let env = (place.env)(name).filter(|v| v.len() < 4096).map(|v| glob::escaped(&v));
    // The command need not begin in the folder that this process is in.
    let moves = ["PWD", "OLDPWD"].contains(&name);
    env.iter().cloned().chain((moves || env.is_none()).then(|| ANY.to_string())).collect()
}

/// What `$(echo …)` prints; none where that can't be told.
fn printed(place: &Place, vars: &Vars, script: &Script) -> Option<Vec<String>> {
    let mut commands = script.commands();
    let only = commands.next().filter(|c| c.redirects.is_empty() && c.heres.is_empty() && !c.piped)?;
    if commands.next().is_some() {
        return None;
    }
    let words: Vec<Vec<String>> = only.words.iter().map(|w| word(place, vars, w)).collect();
    let program = glob::literal(words.first()?.first()?)?;
    let lines = said(&program, words.get(1..)?)?;
    Some(lines.iter().map(|line| line.trim_end_matches('\n').to_owned()).collect())
}

/// Whether nothing of a pattern is known.
#[must_use]
pub fn is_blind(pattern: &str) -> bool {
    pattern.contains(ANY) && pattern.chars().all(|c| c == ANY || c == '/')
}

/// What a program is, with the wrappers before it taken off: its place among the words, its name, its role.
#[must_use]
pub fn program(words: &[Vec<String>]) -> Option<(usize, String, Role)> {
    let mut at = 0;
    loop {
        let name = glob::unescaped(words.get(at)?.first()?);
        let is = role(&name);
        // `watch 'cat .env'`, `script -c 'cat .env'`: a line in one word.
        if at > 0 && name.contains(char::is_whitespace) {
            return Some((at - 1, "eval".to_owned(), Role::Eval));
        }
        if is != Role::Wrapper {
            return Some((at, name, is));
        }
        at += 1;
        while let Some(word) = words.get(at).and_then(|w| w.first()) {
            let number = word.starts_with(|c: char| c.is_ascii_digit());
            let assign =
                word.split_once('=').is_some_and(|(n, _)| n.chars().all(|c| c.is_alphanumeric() || c == '_'));
            // `watch 'f=.env; cat $f'`
            let line = assign && at + 1 == words.len() && word.contains(char::is_whitespace);
            if line || !(word.starts_with('-') || number || assign) {
                break;
            }
            match wrappers::split(&name, word) {
                Some(line) if line.contains(char::is_whitespace) => {
                    return Some((at - 1, "eval".to_owned(), Role::Eval));
                }
                Some(name) => return Some((at, name.to_owned(), role(name))),
                None => {}
            }
            at += 1 + usize::from(wrappers::takes_next(&name, word));
        }
    }
}
