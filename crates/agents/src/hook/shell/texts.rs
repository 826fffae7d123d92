//! Words of a program that are text to it and no files: the name of a test, a message.

use super::archive;
use super::roles::Call;

/// Programs that run tests, and words with which others do.
const TESTS: &[&str] =
    &["test", "jest", "vitest", "mocha", "ava", "pytest", "py.test", "playwright", "cypress", "rspec"];
/// Programs that run those.
const RUNNERS: &[&str] = &[
    "npm", "pnpm", "yarn", "npx", "bun", "bunx", "node", "deno", "uv", "poetry", "python", "python3",
    "bundle",
];
/// Options with the name of a test, or words of it.
const TITLES: &[&str] = &["-t", "-k", "-g", "--grep", "--testNamePattern", "--test-name-pattern"];
/// Options of git with a message.
const MESSAGES: &[&str] = &["-m", "--message"];

/// The words of a call that may be files.
#[must_use]
pub fn kept(call: &Call) -> Vec<Vec<String>> {
    let options = match call.name.rsplit('/').next().unwrap_or(call.name) {
        "git" => MESSAGES,
        name if TESTS.contains(&name) || (RUNNERS.contains(&name) && tests(call)) => TITLES,
        _ => return archive::kept(call),
    };
    let is_text = |at: usize| {
        let word = call.word(at);
        let glued = || word.split_once('=').is_some_and(|(option, _)| options.contains(&option));
        // A single word may be a file all the same.
        word.contains(char::is_whitespace) && (glued() || (at > 0 && options.contains(&call.word(at - 1))))
    };
    (0..call.args.len()).filter(|at| !is_text(*at)).map(|at| call.args[at].clone()).collect()
}

/// Whether a program is told to run tests: `npm test`, `npm run test:unit`, `npx jest`.
fn tests(call: &Call) -> bool {
    let is = |word: &str| TESTS.contains(&word) || word.starts_with("test:");
    (0..call.args.len()).any(|at| is(call.word(at)))
}
