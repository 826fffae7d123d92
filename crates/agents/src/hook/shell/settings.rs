//! Variables and settings whose text is run by whoever reads them: `EDITOR`, `PS4`, `git -c core.pager=…`.

use super::Stop;
use super::glob;
use super::loaders;
use super::roles::Call;
use super::walk::Walk;

/// Variables that are a command line.
const LINES: &[&str] = &[
    "EDITOR",
    "VISUAL",
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
    if stop.is_some() || !(LINES.contains(&name) || PROMPTS.contains(&name)) {
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
    "helper",
    "driver",
    "clean",
    "smudge",
    "process",
    "difffilter",
    "program",
    "path",
];

/// Why git is stopped that is told to run something: `-c core.pager=LINE`, `config alias.x '!LINE'`.
pub fn of_git(walk: &mut Walk, call: &Call, is_config: bool) -> Option<Stop> {
    (1..call.args.len()).find_map(|at| {
        let (before, word) = (call.word(at - 1), call.word(at));
        let (key, value) = match before {
            "-c" | "--config" => word.split_once('=')?,
            key if is_config => (key, word),
            _ => return None,
        };
        let key = key.to_ascii_lowercase();
        let starts = key.starts_with("alias.") || key.starts_with("pager.");
        let runs = starts || key.rsplit_once('.').is_some_and(|(_, last)| COMMANDS.contains(&last));
        let line = runs.then(|| glob::literal(value)).flatten()?;
        walk.line(line.trim_start_matches('!'))
    })
}
