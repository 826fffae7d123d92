//! Builtins that give variables their values: `for`, `read`, `set`, `shift`.

use super::expand;
use super::glob::{self, ANY, GAP};
use super::lex::Part;
use super::programs::Role;
use super::roles::Call;
use super::walk::Walk;

/// How many lines of a text are looked at.
const LINES: usize = 32;
/// How many words a loop has.
const WORDS: usize = 256;

/// `for NAME in WORDS`; without words those of `"$@"`.
pub fn each(walk: &mut Walk, call: &Call) {
    let values: Vec<String> = if call.args.len() > 1 {
        call.args.get(2..).unwrap_or_default().iter().flatten().take(WORDS).cloned().collect()
    } else {
        let all = walk.vars.get("@").into_iter().flatten();
        all.flat_map(|words| words.split(GAP)).take(WORDS).map(str::to_owned).collect()
    };
    if !values.is_empty() || call.args.len() > 1 {
        walk.vars.insert(call.word(0).to_owned(), values);
    }
}

/// `set -- WORDS`, `set WORDS`
pub fn set(walk: &mut Walk, call: &Call) {
    let mut at = 0;
    while at < call.args.len() && call.word(at).starts_with(['-', '+']) && call.word(at) != "--" {
        // `-o NAME`, `-euo NAME`
        at += 1 + usize::from(call.word(at).ends_with('o'));
    }
    if let Some(words) = call.args.get(at..).filter(|words| !words.is_empty()) {
        let words = if call.word(at) == "--" { &words[1..] } else { words };
        walk.vars.insert("@".to_owned(), vec![array(words.iter().filter_map(|w| w.first()))]);
    }
}

/// Options by which wildcards name hidden files: `shopt -s dotglob`, `setopt GLOB_DOTS`, `bash -O dotglob`.
pub fn options(walk: &Walk, call: &Call) {
    let plain = |word: &str| word.trim_start_matches('-').replace('_', "").to_ascii_lowercase();
    let told = (0..call.args.len()).any(|at| matches!(plain(call.word(at)).as_str(), "dotglob" | "globdots"));
    let off = call.has(&["-u"]) && call.name == "shopt";
    if told && !off {
        walk.place.show_hidden();
    }
}

/// `shift`, `shift N`
pub fn shift(walk: &mut Walk, call: &Call) {
    let count = call.word(0).parse::<usize>().unwrap_or(1);
    for all in walk.vars.get_mut("@").into_iter().flatten() {
        *all = array(all.split(GAP).filter(|w| !w.is_empty()).skip(count));
    }
}

/// Whether a name that nobody knows may be one that the line says: not in a variable that nothing here sets.
pub fn may_be_told(walk: &mut Walk, call: &Call) -> bool {
    // These may set any.
    let any = ["source", ".", "eval", "mapfile", "readarray", "getopts", "select"];
    walk.sets_any |= any.contains(&call.name);
    let told = |part: &Part| match part {
        Part::Text(..) => false,
        Part::Var(name, _) => walk.vars.contains_key(name) || !name.starts_with(|c: char| c.is_alphabetic()),
        _ => true,
    };
    walk.sets_any || call.role == Role::Words || call.raw.iter().copied().flatten().any(told)
}

/// `read NAMES`
pub fn read(walk: &mut Walk, call: &Call) {
    let mut names: Vec<&str> = Vec::new();
    let (mut all, mut value) = (false, false);
    for at in 0..call.args.len() {
        let word = call.word(at);
        match word.strip_prefix('-') {
            _ if value => value = false,
            Some(letters) if !letters.is_empty() => {
                all |= letters.ends_with('a');
                value = letters.ends_with(['d', 'i', 'n', 'N', 'p', 't', 'u']);
            }
            _ => names.push(word),
        }
    }
    let Some(text) = walk.text.clone() else {
        // `read "NAME?PROMPT"` in zsh.
        let names = names.iter().map(|name| name.split('?').next().unwrap_or_default()).chain(["REPLY"]);
        walk.vars.extend(names.map(|name| (name.to_owned(), vec![ANY.to_string()])));
        return;
    };
    let gap = expand::gaps(&walk.vars);
    for (at, name) in names.iter().enumerate() {
        let last = at + 1 == names.len();
        let value = |line: &str| {
            let mut words = line.split(&gap).filter(|w| !w.is_empty()).skip(at).map(glob::escaped);
            match () {
                () if all => array(words.collect::<Vec<_>>().iter()),
                () if last => words.collect::<Vec<_>>().join(" "),
                () => words.next().unwrap_or_default(),
            }
        };
        let values = text.lines().take(LINES).map(value).collect();
        walk.vars.insert((*name).to_owned(), values);
    }
}

/// Words as the value of one variable.
fn array<'w, W: AsRef<str> + ?Sized + 'w>(words: impl Iterator<Item = &'w W>) -> String {
    words.flat_map(|w| [GAP.encode_utf8(&mut [0; 4]), w.as_ref()].map(str::to_owned)).collect()
}
