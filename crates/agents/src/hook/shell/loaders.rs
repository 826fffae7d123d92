//! Programs and code that read a `.env` by themselves, with nobody naming it.
//!
//! Only where one with secrets in it lies there. What a project's own script loads is out of reach.

use super::Stop;
use super::glob;
use super::roles::Call;
use super::walk::Walk;
use crate::hook::guard::Secret;
use std::path::Path;

/// How many folders up a file is looked for.
const UP: usize = 12;

/// Where a loader looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    /// `.env`, here.
    Here,
    /// `.env`, here or in a folder above.
    Up,
    /// `.env` and its variants, here.
    Variants,
    /// `.envrc`, here or in a folder above.
    Direnv,
}

const VARIANTS: &[&str] = &[
    ".env",
    ".env.local",
    ".env.development",
    ".env.development.local",
    ".env.production",
    ".env.production.local",
    ".env.test",
    ".env.test.local",
];

/// Programs that put a `.env` into the environment of another, or print it.
const TOOLS: &[&str] = &[
    "dotenv",
    "dotenv-cli",
    "dotenvx",
    "@dotenvx/dotenvx",
    "python-dotenv",
    "env-cmd",
    "foreman",
    "honcho",
    "nf",
    "godotenv",
    "shdotenv",
];
/// Their words that neither load nor print.
const QUIET: &[&str] =
    &["--help", "-h", "--version", "-V", "help", "version", "check", "start", "export", "ls"];
/// Their words that change the file.
const CHANGES: &[&str] = &["set", "unset", "encrypt", "decrypt", "rotate"];
/// Their words that print it.
const PRINTS: &[&str] = &["list", "get"];
/// Their options that name another file.
const FILES: &[&str] = &["-f", "-e", "--file", "--env", "--env-file", "--path"];

/// Programs that print the environment.
const ENVIRONMENT: &[&str] = &["env", "printenv", "export", "set"];

/// Options of runners whose value is the next word.
const VALUES: &[&str] = &[
    "-p",
    "--package",
    "--from",
    "--with",
    "-w",
    "--python",
    "--group",
    "--extra",
    "--directory",
    "--project",
    "--filter",
    "-F",
    "-C",
    "--cwd",
    "--prefix",
];

/// Variables whose value says what is loaded before a program runs.
const VARIABLES: &[&str] = &["NODE_OPTIONS", "BUN_OPTIONS", "RUBYOPT", "BASH_ENV"];

/// Why a call is stopped that loads a `.env` nobody named.
pub fn run(walk: &Walk, call: &Call) -> Option<Stop> {
    let words: Vec<String> = call.args.iter().map(|f| text(f.first().map_or("", String::as_str))).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    program(walk, call.name, &words, 0)
}

fn text(form: &str) -> String {
    glob::literal(form).unwrap_or_else(|| form.to_owned())
}

fn program(walk: &Walk, name: &str, words: &[&str], depth: usize) -> Option<Stop> {
    let base = if name.starts_with('@') { name } else { name.rsplit('/').next().unwrap_or(name) };
    let base = base.split_once('[').map_or(base, |(base, _)| base);
    if TOOLS.contains(&base) {
        return tool(walk, base, words);
    }
    let bare = base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let own = match bare {
        "direnv" => direnv(walk, words),
        "bun" => bun(walk, words),
        "deno" => {
            let bare = words.iter().any(|w| matches!(*w, "--env-file" | "--env"));
            bare.then(|| there(walk, Where::Here)).flatten().map(Stop::Loads)
        }
        "pipenv" if words.first() == Some(&"run") && prints_all(words) => {
            there(walk, Where::Up).map(Stop::Reads)
        }
        "python" => module(walk, words),
        "heroku" if words.first() == Some(&"local:run") && !names_another(words) => {
            there(walk, Where::Here).map(Stop::Loads)
        }
        _ => None,
    };
    let code = || words.iter().filter(|_| depth > 0).find_map(|w| code(walk, w));
    own.or_else(|| preloads(walk, bare, words)).or_else(code).or_else(|| {
        let at = behind(bare, words).filter(|_| depth < 4)?;
        program(walk, words[at], &words[at + 1..], depth + 1)
    })
}

/// `dotenv`, `env-cmd`, `foreman run` and their like.
fn tool(walk: &Walk, name: &str, words: &[&str]) -> Option<Stop> {
    let mut own = words.iter().take_while(|w| **w != "--");
    let first = own.find(|w| !w.starts_with('-')).copied();
    let quiet = [words.first().copied(), first].into_iter().flatten().any(|w| QUIET.contains(&w));
    let runs = !matches!(name, "foreman" | "honcho" | "nf") || first == Some("run");
    if quiet || !runs || words.is_empty() || names_another(words) {
        return None;
    }
    let secret = there(walk, Where::Here)?;
    let has = |all: &[&str]| first.is_some_and(|w| all.contains(&w));
    Some(match () {
        () if has(CHANGES) => Stop::Writes(secret),
        () if has(PRINTS) => Stop::Reads(secret),
        () => Stop::Loads(secret),
    })
}

/// Whether an option names another file: that one is judged by its name.
fn names_another(words: &[&str]) -> bool {
    let file = |w: &str| w.contains(['.', '/']);
    let mine: Vec<&&str> = words.iter().take_while(|w| **w != "--").collect();
    mine.windows(2).any(|two| FILES.contains(two[0]) && file(two[1]))
        || mine.iter().any(|w| w.split_once('=').is_some_and(|(f, v)| FILES.contains(&f) && file(v)))
}

/// `direnv exec DIR COMMAND`, `direnv export SHELL`.
fn direnv(walk: &Walk, words: &[&str]) -> Option<Stop> {
    match words.first().copied() {
        Some("exec") => {
            let folder = words.get(1)?;
            let named = walk.find(&glob::escaped(&format!("{folder}/.envrc"))).filter(is_there);
            named.or_else(|| there(walk, Where::Direnv)).map(Stop::Loads)
        }
        Some("export" | "dump" | "apply_dump") => there(walk, Where::Direnv).map(Stop::Reads),
        _ => None,
    }
}

/// bun loads `.env` whatever it runs: stopped is what shows it at once.
fn bun(walk: &Walk, words: &[&str]) -> Option<Stop> {
    if words.contains(&"--no-env-file") {
        return None;
    }
    let code = ["-e", "--eval", "-p", "--print"];
    let shows = words.windows(2).any(|two| code.contains(&two[0]) && two[1].contains("env"))
        || words.iter().any(|w| (w.starts_with("--eval=") || w.starts_with("--print=")) && w.contains("env"));
    let runs = words.iter().find(|w| !w.starts_with('-')).is_some_and(|w| matches!(*w, "run" | "x" | "exec"));
    (shows || (runs && prints_all(words))).then(|| there(walk, Where::Variants)).flatten().map(Stop::Reads)
}

/// Whether what is run prints the environment.
fn prints_all(words: &[&str]) -> bool {
    let run = words.iter().filter(|w| !w.starts_with('-')).nth(1);
    run.is_some_and(|w| w.split_whitespace().next().is_some_and(|w| ENVIRONMENT.contains(&w)))
}

/// `python -m dotenv list`
fn module(walk: &Walk, words: &[&str]) -> Option<Stop> {
    let at = words.iter().position(|w| *w == "-m")?;
    let name = words.get(at + 1).filter(|w| matches!(**w, "dotenv" | "dotenv.cli" | "honcho"))?;
    tool(walk, name.trim_end_matches(".cli"), &words[at + 2..])
}

/// `node -r dotenv/config`, `ruby -rdotenv/load`.
fn preloads(walk: &Walk, name: &str, words: &[&str]) -> Option<Stop> {
    let runs = ["node", "nodejs", "ruby", "tsx", "ts-node", "bun", "deno", "rails", "irb"].contains(&name);
    let another = words.iter().any(|w| w.starts_with("dotenv_config_path="));
    let loads = runs && !another && words.iter().any(|w| is_preload(w));
    loads.then(|| there(walk, Where::Here)).flatten().map(Stop::Loads)
}

fn is_preload(word: &str) -> bool {
    let ends = ["/config", "/config.js", "/load", "/autoload", "/auto"];
    !word.contains(char::is_whitespace) && word.contains("dotenv") && ends.iter().any(|e| word.ends_with(e))
}

/// The place of the program that a runner runs: `npx`, `uv run`, `bundle exec`.
fn behind(runner: &str, words: &[&str]) -> Option<usize> {
    let subs: &[&str] = match runner {
        "npx" | "bunx" | "uvx" => &[],
        "npm" => &["exec", "x"],
        "pnpm" | "yarn" => &["exec", "dlx", "run"],
        "bun" => &["run", "x", "exec"],
        "uv" => &["run", "tool"],
        "poetry" | "pipenv" | "pipx" | "pdm" | "rye" | "hatch" => &["run"],
        "bundle" => &["exec"],
        _ => return None,
    };
    // `yarn dotenv` and `pnpm dotenv` need no word in between.
    let mut wanted = !subs.is_empty() && !matches!(runner, "pnpm" | "yarn");
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if subs.contains(word) || (*word == "run" && !wanted) {
            wanted = false;
        } else if !word.starts_with('-') {
            return (!wanted).then_some(at);
        }
        at += 1 + usize::from(VALUES.contains(word));
    }
    None
}

/// Why a variable's value is a reason to stop: it loads a file into the next program.
pub fn variable(walk: &Walk, name: &str, forms: &[String]) -> Option<Stop> {
    if !VARIABLES.contains(&name) {
        return None;
    }
    forms.iter().find_map(|form| {
        let value = text(form);
        let preload = value.split_whitespace().any(is_preload);
        let default = preload.then(|| there(walk, Where::Here)).flatten();
        default.or_else(|| walk.find(form)).or_else(|| walk.prose(form)).map(Stop::Loads)
    })
}

/// Why a shell is stopped that reads the file which `ENV` names: one that is asked for commands.
pub fn interactive(walk: &Walk, call: &Call) -> Option<Stop> {
    let files = walk.vars.get("ENV").filter(|_| call.short(&['i']));
    files.into_iter().flatten().find_map(|form| walk.find(form)).map(Stop::Loads)
}

/// Why code is stopped that calls a loader.
pub fn code(walk: &Walk, code: &str) -> Option<Stop> {
    there(walk, calls(code)?).map(Stop::Loads)
}

/// Calls of loaders, and where each looks.
const CALLS: &[(&str, Where)] = &[
    ("load_dotenv(", Where::Up),
    ("dotenv_values(", Where::Up),
    ("find_dotenv(", Where::Up),
    ("read_env(", Where::Up),
    ("loadenvfile(", Where::Here),
];
/// What a loader named `dotenv` is called by.
const DOTENV: &[&str] = &[
    ".config(",
    "/config",
    "/load",
    "/autoload",
    ".load",
    ".overload",
    ".parse(",
    "->load",
    "->safeload",
    "->bootenv",
];

fn calls(code: &str) -> Option<Where> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    // A file that is named is judged by its name.
    let another = |call: &str| {
        let mut rest = code.split(call).skip(1).map(|rest| rest.trim_start_matches("dotenv_path="));
        let named = |rest: &str| rest.starts_with(['"', '\'', '`']) || rest.starts_with("{path");
        !rest.any(|rest| !named(rest))
    };
    let known = CALLS.iter().find(|(call, _)| code.contains(call) && !another(call));
    known.map(|(_, place)| *place).or_else(|| {
        let call = DOTENV.iter().find(|call| code.contains(*call))?;
        (code.contains("dotenv") && (!call.ends_with('(') || !another(call))).then_some(Where::Here)
    })
}

/// The file with secrets that a loader would find.
fn there(walk: &Walk, place: Where) -> Option<Secret> {
    let names: &[&str] = match place {
        Where::Here | Where::Up => &VARIANTS[..1],
        Where::Variants => VARIANTS,
        Where::Direnv => &[".envrc"],
    };
    let up = if matches!(place, Where::Up | Where::Direnv) { UP } else { 1 };
    let here = |folder: &&Path| names.iter().any(|n| folder.join(n).exists());
    // The nearest one, be it harmless or not.
    let folder = walk.cwd.as_deref()?.ancestors().take(up).find(here)?;
    let find = |name: &&str| walk.find(&glob::escaped(&folder.join(name).to_string_lossy())).filter(is_there);
    names.iter().find_map(find)
}

fn is_there(secret: &Secret) -> bool {
    secret.path.exists()
}
