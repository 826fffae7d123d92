//! A shell command whose output goes through `svault scrub`, with its own exit status and folder.
//!
//! Only what is surely the same command afterwards is rewritten. The form works in bash and zsh: one has `PIPESTATUS`,
//! the other `pipestatus`, and each leaves the other's name empty.

use super::shell::lex::{Command, Item, Joint, Part, read};
use super::shell::says_nothing;

/// Commands after which the pipe would never end, or that change the shell itself.
const LEFT_ALONE: &[&str] = &[
    "cd", "pushd", "popd", "chdir", "disown", "nohup", "setsid", "bg", "fg", "jobs", "wait", "exec",
    "coproc", "daemon",
];

/// A word for a shell.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The command, rewritten; none where it is better left as it is. `scrub`: the command that masks, as the shell
/// reads it.
#[must_use]
pub fn wrapped(command: &str, scrub: &str) -> Option<String> {
    let script = read(command);
    let unclear = script.broken || script.background || command.trim_end().ends_with('\\');
    if unclear || command.contains(scrub) || says_nothing(&script) {
        return None;
    }
    let chars: Vec<char> = command.chars().collect();
    let mut from = 0;
    let mut depth = 0usize;
    let mut folder: Option<&Command> = None;
    let mut rest = script.items.as_slice();
    while let [Item::Run(one), more @ ..] = rest
        && name(one) == Some("cd")
        && moves(one)
    {
        from = one.end + if one.joint == Joint::And { 2 } else { 1 };
        (folder, rest) = (Some(one), more);
    }
    for item in rest {
        match item {
            Item::Enter => depth += 1,
            Item::Leave => depth = depth.saturating_sub(1),
            Item::Run(one) => {
                let name = name(one);
                if depth == 0 && name.is_some_and(|n| LEFT_ALONE.contains(&n)) {
                    return None;
                }
            }
        }
    }
    let text = |from: usize, to: usize| chars.get(from..to).map(|chars| chars.iter().collect::<String>());
    let (mut before, mut then) = (text(0, from)?, "");
    if let Some(cd) = folder.filter(|cd| cd.joint == Joint::And && !is_one_list(rest)) {
        // What the list goes on with runs also where the `cd` fails: only what stands behind it is told.
        (before, then) = (text(0, cd.end)?.trim_end().to_owned() + ";", "(exit $?) && ");
    }
    let rest = text(from, chars.len())?;
    if rest.trim().is_empty() {
        return None;
    }
    let before = before.trim_start();
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { " " };
    Some(format!(
        "{before}{gap}{{\n{then}{}\n}} 2>&1 | {scrub}; (exit \"${{PIPESTATUS[0]-}}${{pipestatus[1]-}}\")",
        rest.trim_matches([' ', '\t'])
    ))
}

/// Whether nothing but `&&` and pipes join the commands, so that none runs where the one before the first has failed.
fn is_one_list(items: &[Item]) -> bool {
    let joined = |item: &Item| match item {
        Item::Run(one) => matches!(one.joint, Joint::And | Joint::Pipe),
        _ => false,
    };
    match items.split_last() {
        Some((Item::Run(_), all)) => all.iter().all(joined),
        _ => false,
    }
}

/// A `cd` that stands before the rest: its effect outlasts the command, so it stays outside of the pipe.
fn moves(command: &Command) -> bool {
    let known = command.words.iter().flatten().all(|p| matches!(p, Part::Text(..) | Part::Var(..)));
    // `if cd app`, `! cd app`: it is a condition.
    let plain = command.before.is_empty() && command.redirects.is_empty();
    known && plain && matches!(command.joint, Joint::And | Joint::Next)
}

fn name(command: &Command) -> Option<&str> {
    match command.words.first()?.as_slice() {
        [Part::Text(name, _)] => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRUB: &str = "/opt/svault scrub";
    const END: &str = "\n} 2>&1 | /opt/svault scrub; (exit \"${PIPESTATUS[0]-}${pipestatus[1]-}\")";

    #[test]
    fn output_goes_through_scrub() {
        for (line, start) in [
            ("npm test", "{\nnpm test"),
            ("cat leak.txt; exit 3", "{\ncat leak.txt; exit 3"),
            ("make # all of it", "{\nmake # all of it"),
            ("cat <<E\nx\nE", "{\ncat <<E\nx\nE"),
            ("cd app && npm test", "cd app && {\nnpm test"),
            ("cd app; npm test | tail", "cd app; {\nnpm test | tail"),
            ("cd \"$X\" && cd b && make", "cd \"$X\" && cd b && {\nmake"),
            ("cd app\nmake", "cd app\n{\nmake"),
            ("cd app && make || echo no", "cd app; {\n(exit $?) && make || echo no"),
            ("cd app && make; echo done", "cd app; {\n(exit $?) && make; echo done"),
            ("cd app && cd b && make\nls *", "cd app && cd b; {\n(exit $?) && make\nls *"),
            ("cd app && (make); echo", "cd app; {\n(exit $?) && (make); echo"),
            ("(cd app && make)", "{\n(cd app && make)"),
        ] {
            assert_eq!(wrapped(line, SCRUB).as_deref(), Some(format!("{start}{END}").as_str()), "{line}");
        }
    }

    #[test]
    fn what_would_change_is_left_alone() {
        for line in [
            "",
            "cd app",
            "npm run dev &",
            "sleep 9 & echo x",
            "make && cd app",
            "nohup make",
            "echo 'open",
            "cat x \\",
            "make 2>&1 | /opt/svault scrub",
            "cat <<E\nx",
            "ls -la",
            "git status",
            "mkdir x && echo done",
            "exec make",
            "wait",
            "if cd app; then make; fi",
            "while cd ..; do make; done",
            "! cd app && make",
            "{ cd app && make; }",
            "cd gone || make",
        ] {
            assert_eq!(wrapped(line, SCRUB), None, "{line}");
        }
    }

    #[test]
    fn words_are_quoted() {
        assert_eq!(quoted("/opt/svault"), "/opt/svault");
        assert_eq!(quoted("/my apps/it's"), "'/my apps/it'\\''s'");
    }
}
