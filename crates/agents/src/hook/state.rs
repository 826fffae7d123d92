//! What a command leaves in the shell that runs it: a folder, variables, options.

use super::rewrite::Shell;
use super::shell::lex::{Command, Item, Part, Word};

/// Commands that give a shell variables, functions and options, which it has for the next command, too.
const STATE: &[&str] = &[
    "export",
    "declare",
    "typeset",
    "readonly",
    "read",
    "unset",
    "set",
    "shopt",
    "setopt",
    "unsetopt",
    "alias",
    "unalias",
    "umask",
    "ulimit",
    "trap",
    "hash",
    "bind",
    "bindkey",
    "autoload",
    "compinit",
    "nvm",
    "fnm",
    "sdk",
    "conda",
    "mamba",
    "micromamba",
    "pyenv",
    "rbenv",
    "nodenv",
    "asdf",
    "mise",
    "direnv",
    "deactivate",
    "workon",
    "module",
    "use",
    "mapfile",
    "readarray",
    "let",
    "shift",
    "getopts",
    "integer",
    "float",
    "enable",
    "disable",
    "complete",
    "emulate",
    "zmodload",
    "zstyle",
    "exit",
    "logout",
];

/// Commands that run what a file or a text has in the shell itself: there may be a `cd` in it.
const RUNS: &[&str] = &["source", ".", "eval"];

/// Words before a command that the shell itself runs all the same.
const PREFIXES: &[&str] = &["command", "builtin", "noglob", "nocorrect"];

/// Those that print variables, functions or settings where they are given none to set.
const PRINTERS: &[&str] = &["set", "export", "declare", "typeset", "readonly", "alias", "trap"];

/// Commands after which the pipe would never end, or that change the shell itself.
const LEFT_ALONE: &[&str] = &[
    "cd", "pushd", "popd", "chdir", "disown", "nohup", "setsid", "bg", "fg", "jobs", "wait", "exec",
    "coproc", "daemon",
];

/// Whether a command gives the shell something that the next one has, too: maybe a folder, where it lasts variables.
pub fn keeps(shell: Shell, name: &str, args: &[Word]) -> bool {
    RUNS.contains(&name) || sets(shell, name, args)
}

/// Whether it gives a lasting shell variables or options, and nothing else.
pub fn sets(shell: Shell, name: &str, args: &[Word]) -> bool {
    // Without a name there are variables alone.
    let sets = || name.is_empty() || (STATE.contains(&name) && !prints(name, args));
    // `printf -v NAME`
    let first = || args.first().and_then(spelled).unwrap_or_default();
    let formats = || matches!(name, "printf" | "print") && first().starts_with("-v");
    shell == Shell::Lasting && (sets() || formats())
}

/// Whether a command that could set something prints what there is: `set`, `export -p`, `declare -f f`.
fn prints(name: &str, args: &[Word]) -> bool {
    let options = args.iter().map_while(|word| match word.as_slice() {
        [Part::Text(text, _)] => text.strip_prefix('-').filter(|letters| !letters.is_empty()),
        _ => None,
    });
    let showing = match name {
        "set" => "",
        "declare" | "typeset" => "pfF",
        _ => "p",
    };
    let (mut count, mut shows) = (0, false);
    for letters in options {
        count += 1;
        shows |= letters.contains(|letter| showing.contains(letter));
    }
    let alone = if name == "set" { 0 } else { count };
    PRINTERS.contains(&name) && (shows || alone == args.len())
}

/// Whether a command is better left as it is.
pub fn is_left_alone(name: &str) -> bool {
    LEFT_ALONE.contains(&name)
}

/// Whether a function is made at the start of a command or within it, or a variable set within a word or a sum:
/// `f() { …`, `function f { …`, `${x:=y}`, `$((x=5))`, `((x++))`.
pub fn defines(command: &str, items: &[Item]) -> bool {
    let empty = |two: &[Item]| matches!(two, [Item::Enter, Item::Leave]);
    let function = command.trim_start().starts_with("function ") || items.windows(2).any(empty);
    let within = |start: &str, sets: fn(&str) -> bool| command.split(start).skip(1).any(sets);
    function || within("${", sets_default) || within("((", sets_in_sum)
}

/// Whether what follows `${` gives a variable a value where it has none: `x:=y}`, `x[1]=y}`.
fn sets_default(rest: &str) -> bool {
    let rest = rest.trim_start_matches('!').trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    let item = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let rest = item.map_or(rest, |(_, rest)| rest);
    rest.starts_with('=') || rest.starts_with(":=")
}

/// Whether the sum that follows `((` sets a variable.
fn sets_in_sum(rest: &str) -> bool {
    let sum = rest.split("))").next().unwrap_or(rest);
    if ["++", "--", "<<=", ">>="].iter().any(|sign| sum.contains(sign)) {
        return true;
    }
    ["==", "!=", "<=", ">="].iter().fold(sum.to_owned(), |sum, sign| sum.replace(sign, "")).contains('=')
}

/// The name of what the shell itself runs, and the words behind it: those of `command cd app` are `cd` and `app`. An
/// empty one where there are variables alone, none where it can't be known.
pub fn called(command: &Command) -> Option<(String, &[Word])> {
    let mut words = command.words.as_slice();
    while let [first, rest @ ..] = words {
        let Some(name) = spelled(first) else {
            // The rest of `[[ … && $A = 1 ]]` is no command.
            let end = rest.last().and_then(spelled).filter(|last| last == "]]");
            return end.map(|name| (name, rest));
        };
        let options: Vec<String> =
            rest.iter().map_while(|word| spelled(word).filter(|word| word.starts_with('-'))).collect();
        // `command -v cd` prints where it is.
        let looks_up = options.iter().any(|letters| letters.contains(['v', 'V']));
        if looks_up || !PREFIXES.contains(&name.as_str()) {
            return Some((name, rest));
        }
        words = &rest[options.len()..];
    }
    Some((String::new(), words))
}

/// A word without its quotes, where text alone makes it. The path of a program is taken as one whatever is in it.
fn spelled(word: &Word) -> Option<String> {
    let mut name = String::new();
    let mut is_text = true;
    for part in word {
        match part {
            // `{cd,app}` are two words.
            Part::Text(text, false) if text.contains('{') => return None,
            Part::Text(text, _) => name.push_str(text),
            _ => is_text = false,
        }
    }
    (is_text || name.contains('/')).then_some(name)
}
