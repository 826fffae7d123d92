//! Variables and settings whose text is run by whoever reads them: `EDITOR`, `PS4`, `git -c core.pager=…`.

use super::Stop;
use super::glob;
use super::lex::Part;
use super::loaders;
use super::param::{Change, Param};
use super::roles::Call;
use super::walk::Walk;

/// Variables that are a command line.
const LINES: &[&str] = &[
    "EDITOR",
    "VISUAL",
    "SUDO_EDITOR",
    "FCEDIT",
    "BROWSER",
    "PAGER",
    "MANPAGER",
    "LESSOPEN",
    "PROMPT_COMMAND",
    "GIT_EDITOR",
    "GIT_SEQUENCE_EDITOR",
    "GIT_PAGER",
    "GIT_EXTERNAL_DIFF",
    "GIT_SSH_COMMAND",
    "GIT_ASKPASS",
    "GIT_PROXY_COMMAND",
];
/// Variables in which a shell looks for substitutions each time that it shows them.
const PROMPTS: &[&str] = &["PS0", "PS1", "PS2", "PS4", "PROMPT", "RPROMPT"];

/// Why a variable's value is a reason to stop.
pub fn variable(walk: &mut Walk, name: &str, forms: &[String]) -> Option<Stop> {
    if name == "GLOBIGNORE" && forms.iter().any(|form| !form.is_empty()) {
        walk.place.show_hidden();
    }
    let stop = loaders::variable(walk, name, forms);
    let is_line = LINES.contains(&name) || name.starts_with("GIT_CONFIG_VALUE_");
    if stop.is_some() || !(is_line || PROMPTS.contains(&name)) {
        return stop;
    }
    forms.iter().filter_map(|form| glob::literal(form)).find_map(|text| match PROMPTS.contains(&name) {
        true => expanded(walk, &text),
        false => walk.line(&text),
    })
}

/// Text that a shell goes through once more as if it stood in quotes: what is substituted in it runs.
pub fn expanded(walk: &mut Walk, text: &str) -> Option<Stop> {
    if !text.contains("$(") && !text.contains('`') {
        return None;
    }
    walk.line(&format!(": \"{}\"", text.replace('"', "")))
}

/// `${NAME@P}`
pub fn prompted(walk: &mut Walk, param: &Param) -> Option<Stop> {
    if param.change != Change::Prompt {
        return None;
    }
    let values = walk.forms(&vec![Part::Var(param.name.clone(), true)]);
    values.iter().filter_map(|form| glob::literal(form)).find_map(|text| expanded(walk, &text))
}

/// Ends of the names of git's settings whose value is a command line.
const COMMANDS: &[&str] = &[
    "pager",
    "editor",
    "external",
    "fsmonitor",
    "sshcommand",
    "gitproxy",
    "askpass",
    "textconv",
    "cmd",
    "command",
    "driver",
    "clean",
    "smudge",
    "process",
    "difffilter",
    "program",
    "path",
];

/// Options with a command line. Where another command has one of these, a name stands behind it.
const OPTIONS: &[&str] = &[
    "-x",
    "--exec",
    "--tree-filter",
    "--index-filter",
    "--env-filter",
    "--msg-filter",
    "--commit-filter",
    "--upload-pack",
    "--receive-pack",
];

/// Why git is stopped that is told to run something: `-c core.pager=LINE`, `config alias.x '!LINE'`.
pub fn of_git(walk: &mut Walk, call: &Call, is_config: bool) -> Option<Stop> {
    (1..call.args.len()).find_map(|at| {
        let (before, word) = (call.word(at - 1), call.word(at));
        let (key, value) = match before {
            "-c" | "--config" => word.split_once('=')?,
            key if is_config || OPTIONS.contains(&key) => (key, word),
            _ => word.split_once('=').filter(|(option, _)| OPTIONS.contains(option))?,
        };
        let key = key.to_ascii_lowercase();
        let starts =
            key.starts_with("alias.") || key.starts_with("pager.") || OPTIONS.contains(&key.as_str());
        let last = key.rsplit_once('.').map_or("", |(_, last)| last);
        // Without the sign it is the name of one of git's own, which shows nothing of what it reads.
        let runs = starts || COMMANDS.contains(&last) || (last == "helper" && value.starts_with('!'));
        let line = runs.then(|| glob::literal(value)).flatten()?;
        walk.line(line.trim_start_matches('!'))
    })
}
