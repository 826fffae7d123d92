//! Words of a program that say nothing of what is in a file: text, such as the name of a test or a message, and keys
//! that it only uses.

use super::archive;
use super::glob;
use super::programs::{Role, role};
use super::roles::Call;
use crate::hook::guard::Class;
use crate::hook::names;

/// Programs that run tests, and words with which others do.
const TESTS: &[&str] =
    &["test", "jest", "vitest", "mocha", "ava", "pytest", "py.test", "playwright", "cypress", "rspec"];
/// Programs that run those.
const RUNNERS: &[&str] = &[
    "npm", "pnpm", "yarn", "npx", "bun", "bunx", "node", "deno", "uv", "poetry", "python", "python3",
    "bundle", "go",
];
/// Options with the name of a test, or words of it.
const TITLES: &[&str] = &["-t", "-k", "-g", "-run", "--grep", "--testNamePattern", "--test-name-pattern"];
/// Options of git with a message.
const MESSAGES: &[&str] = &["-m", "--message"];

/// Options of `curl` with a key or a certificate.
const CURL: &[&str] = &["--key", "--cert", "-E", "--cacert", "--proxy-key", "--proxy-cert"];

/// Programs that log in to a cluster.
const CLUSTERS: &[&str] =
    &["kubectl", "oc", "helm", "helmfile", "k9s", "flux", "stern", "istioctl", "cilium"];

/// The words of a call that may be files whose text it shows.
#[must_use]
pub fn kept(call: &Call) -> Vec<Vec<String>> {
    let name = call.name.rsplit('/').next().unwrap_or(call.name);
    let out: Vec<bool> = match name {
        // `-m` of `show` and `log` takes no message.
        "git" if call.has(&["stash", "notes"]) && !call.has(&["show", "log", "diff"]) => {
            texts(call, MESSAGES)
        }
        "ssh" | "scp" | "sftp" | "ssh-add" | "ssh-keygen" | "curl" => keys(call, name),
        // Its tests are told apart by a part of their names, without an option.
        "cargo" if call.has(&["test", "t", "nextest", "bench"]) => {
            let is_text = |at| call.word(at).contains(char::is_whitespace) && !call.word(at).starts_with('-');
            (0..call.args.len()).map(is_text).collect()
        }
        name if CLUSTERS.contains(&name) => logins(call),
        name if TESTS.contains(&name) || (RUNNERS.contains(&name) && tests(call)) => texts(call, TITLES),
        _ => vec![false; call.args.len()],
    };
    let mut left_out = archive::left_out(call);
    if call.role == Role::Code {
        // What a script of one's own makes of `--exclude` nobody knows.
        left_out.fill(false);
    }
    written(call).into_iter().for_each(|(at, _)| left_out[at] = true);
    let out = out.iter().zip(left_out).map(|(out, left_out)| *out || left_out);
    call.args.iter().zip(out).filter(|(_, out)| !out).map(|(forms, _)| forms.clone()).collect()
}

/// Which words are text behind one of these options.
fn texts(call: &Call, options: &[&str]) -> Vec<bool> {
    let is_text = |at: usize| {
        let word = call.word(at);
        let glued = || word.split_once('=').is_some_and(|(option, _)| options.contains(&option));
        // A single word may be a file all the same.
        word.contains(char::is_whitespace) && (glued() || options.contains(&before(call, at)))
    };
    (0..call.args.len()).map(is_text).collect()
}

fn before<'a>(call: &'a Call, at: usize) -> &'a str {
    at.checked_sub(1).map_or("", |at| call.word(at))
}

/// The files that a program writes what it fetches to, with the places of the words that name them: `curl -o FILE`.
#[must_use]
pub fn written(call: &Call) -> Vec<(usize, Vec<String>)> {
    let (short, long) = match call.name.rsplit('/').next() {
        Some("curl") => ("-o", "--output"),
        Some("wget") => ("-O", "--output-document"),
        _ => return Vec::new(),
    };
    let is_option = |word: &str| {
        let bundle = word.starts_with('-') && !word.starts_with("--") && word.ends_with(&short[1..]);
        bundle || word == long
    };
    let glued = |word: &String| {
        let long = word.strip_prefix(long).and_then(|rest| rest.strip_prefix('='));
        long.or_else(|| word.strip_prefix(short).filter(|rest| !rest.is_empty())).map(str::to_owned)
    };
    let file = |at: usize| {
        let forms = &call.args[at];
        let names = if is_option(before(call, at)) {
            forms.clone()
        } else {
            forms.iter().filter_map(glued).collect()
        };
        (!names.is_empty()).then_some((at, names))
    };
    (0..call.args.len()).filter_map(file).collect()
}

/// Which words are keys that a program uses and does not show: `ssh -i KEY`, `ssh-add KEY`, `ssh-keygen -l -f KEY`,
/// `curl --key KEY`.
fn keys(call: &Call, name: &str) -> Vec<bool> {
    let uses = |at: usize| {
        let option = before(call, at).strip_prefix('-').filter(|o| !o.starts_with('-')).unwrap_or_default();
        match name {
            "ssh-add" => !call.word(at).starts_with('-'),
            // What else it does with a key that is there writes a form of it, or over it.
            "ssh-keygen" => {
                option.ends_with('f') && call.short(&['l', 'B']) && !call.short(&['y', 'e', 'i', 'p', 'c'])
            }
            "curl" => CURL.contains(&before(call, at)),
            _ => option.ends_with('i'),
        }
    };
    let is_key = |form: &String| {
        // `--cert FILE:PASSPHRASE`
        let form = if name == "curl" { form.split(':').next().unwrap_or_default() } else { form.as_str() };
        glob::literal(form).and_then(|name| names::class(&name)).is_some_and(|(class, _)| class == Class::Key)
    };
    (0..call.args.len()).map(|at| uses(at) && call.args[at].iter().all(is_key)).collect()
}

/// Which words are the login that a program uses: `--kubeconfig FILE`, unless it prints it.
fn logins(call: &Call) -> Vec<bool> {
    let prints = call.has(&["config", "--raw", "-"]) || (0..call.args.len()).any(|at| shows(call.word(at)));
    let is_login = |form: &String| {
        let name = form.strip_prefix("--kubeconfig=").unwrap_or(form);
        let class = glob::literal(name).and_then(|name| names::class(&name));
        class.is_some_and(|(class, _)| class == Class::Login)
    };
    let uses = |at: usize| before(call, at) == "--kubeconfig" || call.word(at).starts_with("--kubeconfig=");
    (0..call.args.len()).map(|at| !prints && uses(at) && call.args[at].iter().all(is_login)).collect()
}

/// Whether a key that is not here may be read all the same: another program is named that shows or copies files, in a
/// container, on another machine or in a store, or git does it.
#[must_use]
pub fn reads_elsewhere(call: &Call) -> bool {
    call.role == Role::Git || (0..call.args.len()).any(|at| shows(call.word(at)))
}

fn shows(word: &str) -> bool {
    let role = role(word);
    // `ed25519` is no version of `ed`.
    let other = word == "install" || word.ends_with(|c: char| c.is_ascii_digit());
    !other && matches!(role, Role::Reader | Role::Copy | Role::Search | Role::Filter)
}

/// The place of a query's script: behind `yq`'s command, and the names and values of variables.
#[must_use]
pub fn query(call: &Call) -> Option<usize> {
    let options = ["--slurpfile", "--rawfile"];
    let is_dasel = call.name.ends_with("dasel");
    let file = |at: usize| {
        let dasels = is_dasel && matches!(before(call, at), "-f" | "--file");
        dasels || (1..=2).any(|back| at >= back && options.contains(&call.word(at - back)))
    };
    let mut plain = call.plain().into_iter().filter(|at| !file(*at) && !is_value(call, *at)).peekable();
    let commands = ["eval", "e", "eval-all", "ea"];
    if call.name.ends_with("yq") {
        let _ = plain.next_if(|at| commands.contains(&call.word(*at)));
    }
    plain.next()
}

/// Whether a word of a query is the name or the value of a variable: `--arg NAME VALUE`.
#[must_use]
pub fn is_value(call: &Call, at: usize) -> bool {
    let is_option = (1..=2).any(|back| at >= back && matches!(call.word(at - back), "--arg" | "--argjson"));
    // Behind `--` there are no options.
    is_option && !(0..at).any(|at| call.word(at) == "--")
}

/// Whether a program is told to run tests: `npm test`, `npm run test:unit`, `npx jest`.
fn tests(call: &Call) -> bool {
    let is = |word: &str| TESTS.contains(&word) || word.starts_with("test:");
    (0..call.args.len()).any(|at| is(call.word(at)))
}
