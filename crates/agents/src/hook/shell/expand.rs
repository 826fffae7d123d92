//! What a word may become: variables that are known, braces, substitutions whose output can be told.

use super::glob::{self, ANY};
use super::lex::{Part, Script, Word};
use super::paths::Place;
use super::programs::{Role, role};
use std::collections::HashMap;

/// How many forms of one word are looked at.
const FORMS: usize = 32;

/// Variables, each with the patterns that it may hold.
pub type Vars = HashMap<String, Vec<String>>;

/// The patterns that a word may become. [`ANY`] stands for what can't be known.
#[must_use]
pub fn word(place: &Place, vars: &Vars, word: &Word) -> Vec<String> {
    let mut all: Vec<String> = alternatives(place, vars, word).into_iter().flatten().collect();
    all.truncate(FORMS * 2);
    all
}

/// The words of a command as a shell makes them, `{cat,.env}` into two; each with the word that it comes of.
#[must_use]
pub fn words<'w>(place: &Place, vars: &Vars, words: &'w [Word]) -> (Vec<Vec<String>>, Vec<&'w Word>) {
    let all =
        words.iter().flat_map(|w| alternatives(place, vars, w).into_iter().map(move |forms| (forms, w)));
    all.unzip()
}

/// The words that the braces of one make, each with the patterns that it may become.
fn alternatives(place: &Place, vars: &Vars, word: &Word) -> Vec<Vec<String>> {
    let mut forms = vec![String::new()];
    for part in word {
        let ends = part_forms(place, vars, part);
        let longer = forms.iter().flat_map(|f| ends.iter().map(move |e| format!("{f}{e}")));
        forms = longer.take(FORMS).collect();
    }
    let mut all: Vec<Vec<String>> = Vec::new();
    for form in &forms {
        for (at, one) in glob::braces(form, FORMS).into_iter().enumerate() {
            match all.get_mut(at) {
                Some(forms) => forms.push(one),
                None => all.push(vec![one]),
            }
        }
    }
    all
}

fn part_forms(place: &Place, vars: &Vars, part: &Part) -> Vec<String> {
    match part {
        Part::Text(text, true) => vec![glob::escaped(text)],
        Part::Text(text, false) => vec![text.clone()],
        Part::Var(name) => variable(place, vars, name),
        Part::Or(name, other) => {
            let mut forms = variable(place, vars, name);
            forms.extend(word(place, vars, other));
            forms
        }
        Part::Sub(script) => printed(place, vars, script).unwrap_or_else(|| vec![ANY.to_string()]),
        Part::Unknown => vec![ANY.to_string()],
    }
}

fn variable(place: &Place, vars: &Vars, name: &str) -> Vec<String> {
    if let Some(known) = vars.get(name) {
        return known.clone();
    }
    let env = (place.env)(name).filter(|v| v.len() < 4096);
    vec![env.map_or_else(|| ANY.to_string(), |v| glob::escaped(&v))]
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
    match program.as_str() {
        "echo" => {
            let flag = |w: &&Vec<String>| w.iter().all(|f| f.starts_with('-'));
            let skip = 1 + words.iter().skip(1).take_while(flag).count();
            Some(line(&words[skip..], " "))
        }
        "printf" => Some(formatted(words.get(1)?.first()?, words.get(2..).unwrap_or_default())),
        _ => None,
    }
}

fn line(words: &[Vec<String>], gap: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (at, forms) in words.iter().enumerate() {
        let gap = if at > 0 { gap } else { "" };
        lines = lines
            .iter()
            .flat_map(|l| forms.iter().map(move |f| format!("{l}{gap}{f}")))
            .take(FORMS)
            .collect();
    }
    lines
}

/// `printf`, with `%s` alone; arguments in their first forms.
fn formatted(format: &str, args: &[Vec<String>]) -> Vec<String> {
    let mut args = args.iter().filter_map(|a| a.first().cloned());
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => match chars.next() {
                Some('s' | 'b' | 'q') => out.push_str(&args.next().unwrap_or_default()),
                Some('%') => out.push('%'),
                _ => out.push(ANY),
            },
            '\\' if format.contains("\\\\") => match chars.next() {
                // An escape of printf's own, in a quoted word.
                Some('\\') => out.push(ANY),
                Some(c) => out.push(c),
                None => {}
            },
            c => out.push(c),
        }
    }
    vec![out]
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
            at += 1;
        }
    }
}
