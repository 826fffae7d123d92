//! What each kind of program would do with the words it is given.

use super::expand;
use super::glob;
use super::lex::Word;
use super::opened::Archive;
use super::programs::{COMPOSE_MENTIONS, Role};
use super::said::said;
use super::setters;
use super::walk::{Walk, writes};
use super::{
    Stop, archive, folders, git, lists, loaders, openssl, processes, scripts, searches, shown, subscripts,
    texts, wrappers,
};
use crate::hook::guard::{Class, Secret};

/// How many folders `patch -p` may take off the names in a patch.
const FOLDERS: usize = 4;
/// How many words of a text are looked at.
const WORDS: usize = 256;

/// A program with its arguments.
pub struct Call<'a> {
    /// Its name, as written.
    pub name: &'a str,
    /// Its role.
    pub role: Role,
    /// What each argument may be.
    pub args: &'a [Vec<String>],
    /// The arguments as read.
    pub raw: &'a [&'a Word],
}

impl Call<'_> {
    /// The places of the arguments that are no options.
    #[must_use]
    pub fn plain(&self) -> Vec<usize> {
        let option = |at: &usize| self.word(*at).starts_with('-') && self.word(*at).len() > 1;
        (0..self.args.len()).filter(|at| !option(at)).collect()
    }

    /// The word at a place, in its first form.
    #[must_use]
    pub fn word(&self, at: usize) -> &str {
        self.args.get(at).and_then(|f| f.first()).map_or("", String::as_str)
    }

    /// Whether one of these is among the words.
    #[must_use]
    pub fn has(&self, words: &[&str]) -> bool {
        (0..self.args.len()).any(|at| words.contains(&self.word(at)))
    }

    /// Whether one of the short options is among its flags, alone or in a bundle.
    #[must_use]
    pub fn short(&self, options: &[char]) -> bool {
        let flag = |w: &str| w.starts_with('-') && !w.starts_with("--") && w.contains(options);
        (0..self.args.len()).any(|at| flag(self.word(at)))
    }
}

/// Looks at a call; what it lists or prints for the next one is left in the walk.
pub fn run(walk: &mut Walk, call: &Call) -> Option<Stop> {
    if let Some(stop) = early(walk, call) {
        return Some(stop);
    }
    match call.role {
        Role::Mention => mentions(walk, call),
        Role::Reader => reader(walk, call),
        Role::Copy => copy(walk, call),
        Role::Search => searches::search(walk, call),
        Role::Filter | Role::Query => filter(walk, call),
        Role::Code => code(walk, call),
        Role::Shell => shell(walk, call),
        Role::Eval => {
            // `trap LINE SIGNALS`
            let line = |at: &usize| &call.args[*at..=*at];
            let args =
                if call.name == "trap" { call.plain().first().map_or(&[][..], line) } else { call.args };
            joined(args).iter().find_map(|line| walk.line(line))
        }
        Role::Words => words(walk, call),
        Role::Find => searches::find(walk, call),
        Role::List => {
            walk.upstream = searches::listed(walk, call);
            own(walk, call)
        }
        Role::Cd => {
            folders::change(walk, call);
            None
        }
        Role::For => {
            setters::each(walk, call);
            None
        }
        Role::Declare => walk.declare(call.raw),
        Role::Read => {
            let given = walk.upstream.clone().or_else(|| walk.names.clone());
            walk.named = walk.named.take().or(given);
            setters::read(walk, call);
            None
        }
        Role::Git => git::run(walk, call),
        Role::Forge => forge(walk, call),
        Role::Containers => containers(walk, call),
        Role::Svault => rest_as_line(walk, call),
        Role::Patch => {
            let texts = joined(call.args);
            let given = walk.text.take().filter(|_| is_patch(call.name));
            let stop = texts.iter().chain(given.iter()).find_map(|text| patch(walk, text));
            stop.or_else(|| other(walk, call).filter(|_| is_patch(call.name)))
        }
        Role::Wrapper => None,
        Role::Other => {
            let text = walk.text.take().filter(|_| names_stdin(call));
            let code = text.and_then(|text| walk.in_text(&text)).map(Stop::Reads);
            code.or_else(|| other(walk, call))
        }
    }
}

/// What stops a program whatever its role is.
fn early(walk: &mut Walk, call: &Call) -> Option<Stop> {
    let stop = loaders::run(walk, call).or_else(|| processes::run(call));
    let stop = stop.or_else(|| subscripts::run(walk, call));
    stop.or_else(|| walk.reads(&shown::files(call.name, call.args)))
}

/// Whether an argument names stdin: `-`, `-f-`, `/dev/stdin`.
fn names_stdin(call: &Call) -> bool {
    let stdin = |w: &str| matches!(w, "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0");
    let dash = |w: &str| w == "-" || (w.starts_with('-') && w.ends_with('-') && w != "--");
    (0..call.args.len()).map(|at| call.word(at)).any(|w| stdin(w) || dash(w))
}

/// The first protected file among the arguments, as a reason to stop.
pub fn other(walk: &Walk, call: &Call) -> Option<Stop> {
    // A key that is not there yet is made by this, or is somewhere else.
    let strict = texts::reads_elsewhere(call);
    let counts = |s: &Secret| s.class != Class::Key || strict || walk.has_key(&s.path);
    let named = |f: &String| walk.place.find_where(walk.cwd.as_deref(), f, counts);
    let found = |f: &String| named(f).or_else(|| walk.prose(f));
    let secret = texts::kept(call).iter().flatten().find_map(found)?;
    let loads = call.args.iter().flatten().any(|f| f.contains("env-file") || f.contains("envfile"));
    Some(if loads { Stop::Loads(secret) } else { Stop::Reads(secret) })
}

fn mentions(walk: &mut Walk, call: &Call) -> Option<Stop> {
    walk.mention(call.args);
    if call.name == "printf" && call.word(0) == "-v" {
        let lines = call.args.get(2..).and_then(|args| said("printf", args));
        walk.vars.insert(call.word(1).to_owned(), lines.unwrap_or_default());
        return None;
    }
    if let Some(lines) = said(call.name, call.args) {
        walk.text = lines.into_iter().next().map(|line| glob::unescaped(&line));
        let words = walk.text.iter().flat_map(|text| text.split([' ', '\t', '\n', '\0']));
        let named = call.args.iter().flatten().find_map(|f| walk.find(f));
        walk.upstream = named.or_else(|| words.take(WORDS).find_map(|w| walk.find(&glob::escaped(w))));
        return None;
    }
    match call.name {
        "set" => {
            setters::options(walk, call);
            setters::set(walk, call);
        }
        "alias" => {
            if let Some(stop) = aliases(walk, call) {
                return Some(stop);
            }
        }
        "compgen" | "du" => {
            // `compgen -C LINE`, `compgen -W WORDS`
            if let Some(secret) = call.args.iter().flatten().find_map(|form| walk.prose(form)) {
                return Some(Stop::Reads(secret));
            }
            walk.upstream = lists::printed(walk, call);
        }
        "shopt" | "setopt" => setters::options(walk, call),
        "shift" => setters::shift(walk, call),
        _ => {}
    }
    own(walk, call)
}

/// `alias NAME=LINE`: what it stands for is looked at like a function. With `-g` it stands for any word in zsh.
fn aliases(walk: &mut Walk, call: &Call) -> Option<Stop> {
    let values = call.args.iter().flatten().filter_map(|form| form.split_once('=').map(|(_, value)| value));
    let anywhere = call.short(&['g', 's']);
    values.filter_map(glob::literal).find_map(|line| {
        let named = if anywhere { walk.find(&glob::escaped(&line)).map(Stop::Reads) } else { None };
        named.or_else(|| walk.line(&line))
    })
}

/// svault's own files: looking whether they are there is all that is left.
pub fn own(walk: &mut Walk, call: &Call) -> Option<Stop> {
    if matches!(call.name, "test" | "[" | "[[" | "stat" | "ls" | "pwd" | "du") {
        return None;
    }
    let mut hits = call.args.iter().flatten().filter_map(|f| walk.find(f));
    hits.find(|s| s.class == Class::Own).map(Stop::Reads)
}

fn reader(walk: &mut Walk, call: &Call) -> Option<Stop> {
    if call.name.ends_with("openssl") {
        return openssl::run(walk, call);
    }
    if call.name.ends_with("diff") && (call.short(&['r']) || call.has(&["--recursive"])) {
        let both = !call.short(&['N']) && !call.has(&["--new-file"]);
        let compared = if call.short(&['q']) { None } else { searches::compared(walk, call, both) };
        if compared.is_some() {
            return compared;
        }
    }
    if is_source(call.name)
        && names_stdin(call)
        && let Some(text) = walk.text.take()
    {
        return walk.line(&text);
    }
    match archive::made(walk, call) {
        Some(pack) if pack.file.is_some() => walk.archives.push(Archive::made(pack)),
        pack => walk.packs = walk.packs.take().or_else(|| pack?.secret(walk)),
    }
    let written = texts::written(call).into_iter().flat_map(|(_, names)| names).find_map(|f| walk.find(&f));
    if let Some(secret) = written.filter(|secret| walk.overwrites(secret, false)) {
        return Some(Stop::Writes(secret));
    }
    let stop = walk.reads(&texts::kept(call))?;
    let source = is_source(call.name);
    Some(match stop {
        Stop::Reads(secret) if source => Stop::Loads(secret),
        stop => stop,
    })
}

/// Whether a program runs a file's commands in the shell itself.
#[must_use]
pub fn is_source(name: &str) -> bool {
    matches!(name, "source" | ".")
}

/// The last name is where it goes: only what is there already is in danger.
fn copy(walk: &mut Walk, call: &Call) -> Option<Stop> {
    let plain = call.plain();
    let target = plain.last().copied().filter(|_| plain.len() > 1);
    let spares = call.short(&['n']) || call.has(&["--no-clobber", "--update=none"]);
    let keeps = match call.name {
        "cp" | "mv" | "gcp" | "gmv" => spares && !call.short(&['f']) && !call.has(&["--force"]),
        name => name == "rsync" && call.has(&["--ignore-existing"]),
    };
    let out = if call.name == "rsync" { archive::left_out(call) } else { Vec::new() };
    let shell = |at: usize| call.name.ends_with("rsync") && archive::is_remote_shell(call, at);
    for at in (0..call.args.len()).filter(|at| !out.get(*at).is_some_and(|out| *out)) {
        let last = Some(at) == target;
        for form in &call.args[at] {
            if shell(at) {
                let line = glob::literal(form).unwrap_or_else(|| form.clone());
                if let Some(stop) = walk.line(line.strip_prefix("--rsh=").unwrap_or(&line)) {
                    return Some(stop);
                }
                continue;
            }
            let found = walk.find(form);
            if let Some(secret) = found.filter(|s| !last || walk.overwrites(s, keeps)) {
                return Some(if last { Stop::Writes(secret) } else { Stop::Reads(secret) });
            }
            if !last && expand::is_blind(form) {
                walk.is_blind();
            }
        }
    }
    None
}

fn filter(walk: &mut Walk, call: &Call) -> Option<Stop> {
    let plain = call.plain();
    let given = call.short(&['e', 'f']) && call.role == Role::Filter;
    let script = match call.role {
        Role::Query => texts::query(call),
        _ => plain.first().copied().filter(|_| !given),
    };
    if given
        && names_stdin(call)
        && let Some(text) = walk.text.take()
        && let Some(secret) = scripts::reads_in(walk, call, &text)
    {
        return Some(Stop::Reads(secret));
    }
    let is_script = |at: usize| Some(at) == script || (given && scripts::is_expression(call, at));
    let is_value = |at: &usize| call.role == Role::Query && texts::is_value(call, *at);
    for at in (0..call.args.len()).filter(|at| !is_value(at)) {
        if is_script(at) {
            let text = joined(&call.args[at..=at]);
            let opens = |text: &String| call.role == Role::Filter || text.contains("load");
            let found = text.iter().filter(|t| opens(t)).find_map(|t| walk.in_program(t));
            let found = found.or_else(|| text.iter().find_map(|t| scripts::reads_in(walk, call, t)));
            let found = found.or_else(|| text.iter().find_map(|t| scripts::runs(walk, call, t)));
            // `yq` takes its first word for a file where there is one of that name.
            let file = || call.args[at].iter().find_map(|f| walk.find(f)).filter(|s| s.path.exists());
            if let Some(secret) = found.or_else(|| file().filter(|_| call.name.ends_with("yq"))) {
                return Some(Stop::Reads(secret));
            }
        } else if let Some(stop) = walk.reads(&call.args[at..=at]) {
            return Some(stop);
        }
    }
    None
}

/// Any word may be code here, and any file may be run.
fn code(walk: &mut Walk, call: &Call) -> Option<Stop> {
    let env_file = call.args.iter().flatten().any(|f| f.contains("env-file"));
    for form in texts::kept(call).iter().flatten() {
        let text = glob::literal(form).unwrap_or_else(|| form.clone());
        let named = walk.place.find_beside_code(walk.cwd.as_deref(), form);
        if let Some(secret) = named.or_else(|| walk.in_program(&text)) {
            return Some(if env_file { Stop::Loads(secret) } else { Stop::Reads(secret) });
        }
        if let Some(stop) = loaders::code(walk, &text) {
            return Some(stop);
        }
        if expand::is_blind(form) {
            walk.is_blind();
        }
    }
    let text = walk.text.take();
    let stop = text.and_then(|t| walk.in_program(&t).map(Stop::Reads).or_else(|| loaders::code(walk, &t)));
    stop.or_else(|| walk.upstream.clone().filter(|_| call.short(&['c', 'e'])).map(Stop::Reads))
}

fn shell(walk: &mut Walk, call: &Call) -> Option<Stop> {
    setters::options(walk, call);
    if let Some(stop) = loaders::interactive(walk, call) {
        return Some(stop);
    }
    if let Some(text) = walk.text.take()
        && let Some(stop) = walk.line(&text)
    {
        return Some(stop);
    }
    let takes_code = |at: usize| {
        let word = call.word(at);
        word.starts_with('-') && !word.starts_with("--") && word.contains('c')
    };
    for at in 0..call.args.len() {
        let is_code = at > 0 && (0..at).any(takes_code) && !call.word(at).starts_with('-');
        for form in &call.args[at] {
            let text = glob::literal(form).unwrap_or_else(|| form.clone());
            let stop = if is_code { walk.line(&text) } else { None };
            if let Some(stop) = stop.or_else(|| walk.find(form).map(Stop::Reads)) {
                return Some(stop);
            }
        }
    }
    None
}

fn words(walk: &mut Walk, call: &Call) -> Option<Stop> {
    let mut at = 0;
    while at < call.args.len() && call.word(at).starts_with('-') {
        at += 1 + usize::from(matches!(
            call.word(at),
            "-I" | "-n" | "-P" | "-L" | "-d" | "-a" | "-s" | "-E" | "--arg-file"
        ));
    }
    // `xargs -a .env`
    let early = call.args[..at.min(call.args.len())].iter().flatten().find_map(|f| walk.find(f));
    if let Some(secret) = early {
        return Some(Stop::Reads(secret));
    }
    let rest = call.args.get(at..).unwrap_or_default();
    let (program, name, role) = expand::program(rest)?;
    let raw = call.raw.get(at + program + 1..).unwrap_or_default();
    let inner = Call { name: &name, role, args: &rest[program + 1..], raw };
    if !searches::prints_names(&inner) {
        let listed = lists::given(walk, &call.args[..at.min(call.args.len())]).or_else(|| walk.names.clone());
        if let Some(secret) = walk.upstream.clone().or(listed) {
            return Some(Stop::Reads(secret));
        }
        walk.is_blind();
    }
    wrappers::within(walk, &rest[..program], |walk| run(walk, &inner))
}

/// Titles and bodies are text; files come behind certain options.
fn forge(walk: &mut Walk, call: &Call) -> Option<Stop> {
    let files = ["-F", "--body-file", "-f", "--env-file", "--input", "--notes-file", "-R"];
    let sends = matches!(call.word(0), "secret" | "variable" | "gist" | "release" | "api");
    for at in 0..call.args.len() {
        let file = at > 0 && files.contains(&call.word(at - 1));
        let joined = call.word(at).starts_with("--") && call.word(at).contains('=');
        let forms = &call.args[at];
        let whole = if sends || file || joined { forms.iter().find_map(|f| walk.find(f)) } else { None };
        let found = whole.or_else(|| forms.iter().filter_map(|f| glued(f)).find_map(|f| walk.find(f)));
        if let Some(secret) = found {
            return Some(Stop::Reads(secret));
        }
    }
    None
}

/// The file that is glued to a short option, which others without a value may stand before: `-F.env`, `-dF.env`.
fn glued(word: &str) -> Option<&str> {
    let letters = word.strip_prefix('-')?.trim_start_matches(['d', 'e', 'w']);
    Some(letters.strip_prefix(['F', 'f', 'R'])?.trim_start_matches('='))
}

/// `compose up` reads `.env` whether it is told to or not; `compose config` prints it.
fn containers(walk: &mut Walk, call: &Call) -> Option<Stop> {
    let compose = call.name.ends_with("-compose") || call.has(&["compose"]);
    if compose {
        if call.has(&["config", "convert"]) {
            let asked = call.args.iter().flatten().find_map(|f| walk.find(f));
            return asked.or_else(|| walk.find(".env")).filter(|s| s.path.exists()).map(Stop::Reads);
        }
        if call.has(COMPOSE_MENTIONS) && !call.has(&["run", "exec", "cp"]) {
            walk.mention(call.args);
            return None;
        }
        // With it the settings are filled in; what runs in the container is asked behind it.
        let command = (0..call.args.len()).find(|at| matches!(call.word(*at), "run" | "exec"));
        let fills = |at: usize| {
            let before = at.checked_sub(1).map_or("", |at| call.word(at));
            command.is_some_and(|end| at < end)
                && (before == "--env-file" || call.word(at).starts_with("--env-file="))
        };
        let kept: Vec<Vec<String>> =
            (0..call.args.len()).filter(|at| !fills(*at)).map(|at| call.args[at].clone()).collect();
        return other(walk, &Call { args: &kept, ..*call });
    }
    other(walk, call)
}

/// `svault run … -- CMD`: the options are svault's business, the command is looked at like any other.
fn rest_as_line(walk: &mut Walk, call: &Call) -> Option<Stop> {
    let at = (0..call.args.len()).find(|at| call.word(*at) == "--")?;
    let rest = &call.args[at + 1..];
    let (program, name, role) = expand::program(rest)?;
    let raw = call.raw.get(at + program + 2..).unwrap_or_default();
    let inner = Call { name: &name, role, args: &rest[program + 1..], raw };
    wrappers::within(walk, &rest[..program], |walk| run(walk, &inner))
}

/// `patch`, whose words are files, unlike those of `apply_patch`.
fn is_patch(name: &str) -> bool {
    matches!(name.rsplit('/').next(), Some("patch" | "gpatch"))
}

/// A patch: the files that it changes.
pub fn patch(walk: &Walk, text: &str) -> Option<Stop> {
    let found = |path: &str| walk.find(&glob::escaped(path)).filter(writes);
    patched(text).find_map(found).or_else(|| unified(text).find_map(found)).map(Stop::Writes)
}

/// The files that a patch changes, in the forms that `diff` and `git diff` write, with and without their first folders.
fn unified(text: &str) -> impl Iterator<Item = &str> {
    let heads = ["--- ", "+++ ", "*** ", "Index: ", "rename from ", "rename to ", "copy from ", "copy to "];
    let is_codex = text.trim_start().starts_with("*** Begin Patch");
    let named = text.lines().filter_map(move |line| heads.iter().find_map(|h| line.strip_prefix(h)));
    // A date follows behind a tab or a space.
    let words = named.flat_map(|rest| [rest, rest.split(['\t', ' ']).next().unwrap_or(rest)]);
    let paths = words.map(|word| word.trim().trim_matches('"'));
    paths.filter(move |_| !is_codex).flat_map(|path| {
        let below = path.match_indices('/').take(FOLDERS).map(|(at, _)| &path[at + 1..]);
        std::iter::once(path).chain(below)
    })
}

/// The files that a patch changes, in the form that Codex writes.
pub fn patched(text: &str) -> impl Iterator<Item = &str> {
    let heads = ["*** Update File: ", "*** Add File: ", "*** Delete File: ", "*** Move to: "];
    text.lines().filter_map(move |line| heads.iter().find_map(|h| line.strip_prefix(h))).map(str::trim)
}

/// The arguments as one text, in their first forms.
fn joined(args: &[Vec<String>]) -> Vec<String> {
    let most = args.iter().map(Vec::len).max().unwrap_or(0).min(8);
    let one = |i: usize| {
        let words = args.iter().filter_map(|f| f.get(i).or_else(|| f.first()));
        words.map(|f| glob::literal(f).unwrap_or_else(|| f.clone())).collect::<Vec<_>>().join(" ")
    };
    (0..most).map(one).collect()
}
