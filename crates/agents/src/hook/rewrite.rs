//! A shell command whose output goes through `svault scrub`, with its own exit status and folder.
//!
//! Only what is surely the same command afterwards is rewritten. The form works in bash and zsh: one has `PIPESTATUS`,
//! the other `pipestatus`, and each leaves the other's name empty. fish and tcsh can't read it.

use super::shell::lex::{Command, Item, Joint, Part, Word, read};
use super::shell::says_nothing;
use super::state::{called, defines, is_left_alone, keeps, sets};
use std::fs;
use std::path::PathBuf;

/// The link that names the shell which `sh` starts on macOS.
const MACOS_SH: &str = "/private/var/select/sh";

/// How long the shell lives that a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// As long as the command.
    Once,
    /// It takes the next command, too: a terminal.
    Lasting,
}

/// A word for a shell.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Whether a shell, by its path, reads what commands are rewritten to. `sh` does where it is bash: dash knows no
/// `PIPESTATUS`, and zsh counts from zero under that name.
#[must_use]
pub fn is_read_by(shell: &str) -> bool {
    let is_bash = |path: PathBuf| path.file_name().is_some_and(|name| name == "bash");
    match shell.rsplit('/').next() {
        Some("bash" | "zsh") => true,
        // There it starts the one that a link names, bash where there is none.
        Some("sh") if cfg!(target_os = "macos") => fs::canonicalize(MACOS_SH).map_or(true, is_bash),
        Some("sh") => fs::canonicalize(shell).is_ok_and(is_bash),
        _ => false,
    }
}

/// The command, rewritten; none where it is better left as it is. `scrub`: the command that masks, as the shell
/// reads it.
#[must_use]
pub fn wrapped(command: &str, scrub: &str, shell: Shell) -> Option<String> {
    let script = read(command);
    let unclear = script.broken || script.background || command.trim_end().ends_with('\\');
    let defines = shell == Shell::Lasting && defines(command, &script.items);
    if unclear || defines || command.contains(scrub) || says_nothing(&script) {
        return None;
    }
    let chars: Vec<char> = command.chars().collect();
    let mut from = 0;
    let mut depth = 0usize;
    let mut folder: Option<&Command> = None;
    let mut rest = script.items.as_slice();
    let stays = |one: &Command| {
        called(one).is_some_and(|(name, args)| {
            let moved = name == "cd" || keeps(shell, &name, args);
            moved && moves(one, sets(shell, &name, args))
        })
    };
    while let [Item::Run(one), more @ ..] = rest
        && stays(one)
    {
        from = one.end + if one.joint == Joint::And { 2 } else { 1 };
        (folder, rest) = (Some(one), more);
    }
    for item in rest {
        match item {
            Item::Enter => depth += 1,
            Item::Leave => depth = depth.saturating_sub(1),
            Item::Run(one) => {
                let alone =
                    |(name, args): (String, &[Word])| is_left_alone(&name) || keeps(shell, &name, args);
                if depth == 0 && called(one).is_none_or(alone) {
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

/// A `cd` that stands before the rest: its effect outlasts the command, so it stays outside of the pipe. So does what
/// may have one in it, or gives a lasting shell its variables (`sets`), whatever they come from.
fn moves(command: &Command, sets: bool) -> bool {
    let known = |part: &Part| match part {
        Part::Text(..) | Part::Var(..) => true,
        Part::Sub(script) => !script.broken && !script.background && (sets || says_nothing(script)),
        _ => false,
    };
    let values = command.assigns.iter().map(|(_, value)| value);
    let known = command.words.iter().chain(values).flatten().all(known);
    // `if cd app`, `! cd app`: it is a condition.
    let plain = command.before.is_empty() && command.redirects.is_empty();
    known && plain && matches!(command.joint, Joint::And | Joint::Next)
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
            (
                "cd \"$(git rev-parse --show-toplevel)\" && make",
                "cd \"$(git rev-parse --show-toplevel)\" && {\nmake",
            ),
            ("command cd app && make", "command cd app && {\nmake"),
            ("command -p -- cd app; make", "command -p -- cd app; {\nmake"),
            ("builtin cd app; make", "builtin cd app; {\nmake"),
            ("command builtin cd app; make", "command builtin cd app; {\nmake"),
            ("\\cd app; make", "\\cd app; {\nmake"),
            ("c''d app && make || echo no", "c''d app; {\n(exit $?) && make || echo no"),
            ("'cd' app\nmake", "'cd' app\n{\nmake"),
            ("$'cd' app; make", "$'cd' app; {\nmake"),
            ("source .venv/bin/activate && pytest", "source .venv/bin/activate && {\npytest"),
            (". ./go.sh; make", ". ./go.sh; {\nmake"),
            ("\\. ./go.sh; make", "\\. ./go.sh; {\nmake"),
            ("eval \"cd app\"; make", "eval \"cd app\"; {\nmake"),
            ("eval \"$X\" && make", "eval \"$X\" && {\nmake"),
            ("command -v cd; make", "{\ncommand -v cd; make"),
            ("(. ./go.sh; $x app; make)", "{\n(. ./go.sh; $x app; make)"),
            ("\"$HOME/bin/x\" y", "{\n\"$HOME/bin/x\" y"),
            ("$(npm bin)/jest", "{\n$(npm bin)/jest"),
            ("[[ -n $A && $B = 2 ]] && make", "{\n[[ -n $A && $B = 2 ]] && make"),
            ("case $A in *) make;; esac", "{\ncase $A in *) make;; esac"),
        ] {
            assert_eq!(
                wrapped(line, SCRUB, Shell::Once).as_deref(),
                Some(format!("{start}{END}").as_str()),
                "{line}"
            );
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
            "cd \"$(cat where)\" && make",
            "git status -s && git ls-files",
            "echo x > out.txt",
            "ls 2>/dev/null",
            "ls > ~/list",
            "command cd app",
            "\\cd app",
            "make; builtin cd app",
            "make; c\"\"d app",
            "pushd app; make",
            "command pushd app; make",
            "builtin popd; make",
            "\\pushd app; make",
            "'popd'; make",
            "p''ushd app; make",
            "x=cd; $x app; make",
            "x=cd; command $x app; make",
            "command -$o cd app; make",
            "\"$x\" app; make",
            "${x:-cd} app; make",
            "$(echo cd) app; make",
            "`echo cd` app; make",
            "{cd,app}; make",
            "{cd,app/deep}; make",
            ". ./go.sh",
            "make; . ./go.sh",
            "make; . ./go.sh ]]",
            "make && source ./go.sh",
            "make; command . ./go.sh",
            "make; eval \"cd app\"",
            "eval \"$(cat where)\"; make",
            "if make; then . ./go.sh; fi",
            "command exec make",
            "\\nohup make",
        ] {
            assert_eq!(wrapped(line, SCRUB, Shell::Once), None, "{line}");
        }
    }

    #[test]
    fn a_lasting_shell_keeps_its_variables() {
        for (line, start) in [
            ("npm test", "{\nnpm test"),
            ("source .venv/bin/activate && pytest", "source .venv/bin/activate && {\npytest"),
            ("export A=1; npm test", "export A=1; {\nnpm test"),
            ("A=1; cd app && make", "A=1; cd app && {\nmake"),
            ("nvm use 20\nmake || echo no", "nvm use 20\n{\nmake || echo no"),
            ("A=1 make", "{\nA=1 make"),
            ("(export A=1; make)", "{\n(export A=1; make)"),
            ("command export A=1; make", "command export A=1; {\nmake"),
            ("builtin export A=1 && make", "builtin export A=1 && {\nmake"),
            ("\\export A=1; make", "\\export A=1; {\nmake"),
            ("printf -v x '%s' hi; make", "printf -v x '%s' hi; {\nmake"),
            ("printf -vx hi; make", "printf -vx hi; {\nmake"),
            ("let x=5; make", "let x=5; {\nmake"),
            ("shift; make", "shift; {\nmake"),
            ("x=$(cat c); export x; export -p", "x=$(cat c); export x; {\nexport -p"),
            ("x=$(cat c); set", "x=$(cat c); {\nset"),
            ("export x=\"$(cat c)\" && npm test", "export x=\"$(cat c)\" && {\nnpm test"),
            ("getopts ab o; make", "getopts ab o; {\nmake"),
            ("mapfile -t a; make", "mapfile -t a; {\nmake"),
            ("exit 3; make", "exit 3; {\nmake"),
            ("(make; exit 3)", "{\n(make; exit 3)"),
            ("(for x in 1 2; do make; done)", "{\n(for x in 1 2; do make; done)"),
            ("for x in 1 2; do make; done", "{\nfor x in 1 2; do make; done"),
            ("printf '%s' -v; make", "{\nprintf '%s' -v; make"),
            ("((x == 5)) && make", "{\n((x == 5)) && make"),
            ("((x <= 5 && x >= 2)) || make", "{\n((x <= 5 && x >= 2)) || make"),
            ("echo $((1+2)) ${A:-b=c} ${A/x/=}; make", "{\necho $((1+2)) ${A:-b=c} ${A/x/=}; make"),
        ] {
            let new = wrapped(line, SCRUB, Shell::Lasting);
            assert_eq!(new.as_deref(), Some(format!("{start}{END}").as_str()), "{line}");
        }
        for line in [
            "set",
            "export -p",
            "command export -p",
            "declare -p A",
            "typeset -f f",
            "declare -x",
            "alias",
            "trap -p",
            "export",
        ] {
            let new = wrapped(line, SCRUB, Shell::Lasting);
            assert_eq!(new, Some(format!("{{\n{line}{END}")), "it prints: {line}");
        }
    }

    #[test]
    fn what_would_set_nothing_in_a_lasting_shell_is_left_alone() {
        for line in [
            "source .venv/bin/activate",
            "export A=1",
            "declare -x A=1",
            "export -f f",
            "set -e",
            "set -- a b",
            "A=1",
            "nvm use 20",
            "alias ll='ls -l'",
            "set -o pipefail",
            "umask 077",
            "make && export A=1",
            "[ -f x ] && source x",
            "if true; then export A=1; fi",
            "eval \"$(direnv hook bash)\"",
            "A=$(make)",
            "conda activate x",
            "command export A=1",
            "builtin export A=1",
            "make; command export A=1",
            "readarray -t a < a.txt; make",
            "mapfile -t a < a.txt; make",
            "make | readarray -t a",
            "make; printf -v x '%s' hi",
            "make; let x=5",
            "((x=5)); make",
            "((x+=5)); make",
            "((x<<=5)); make",
            "x=5; ((x++)); make",
            "make; (( --x ))",
            "while ((i++ < 5)); do make; done",
            "echo $((x=5)); make",
            "for ((i=0;i<3;i++)); do make; done",
            "make; shift",
            "make; getopts ab o",
            ": ${A:=b}; make",
            "echo ${A:=b}; make",
            "echo \"${A=b}\"; make",
            "echo ${A[1]:=b}; make",
            "cat <<E\n${A:=b}\nE",
            "export A=1; make; exit 3",
            "make || exit 1",
            "f() { make; }",
            "function f { make; }",
        ] {
            assert_eq!(wrapped(line, SCRUB, Shell::Lasting), None, "{line}");
        }
    }

    #[test]
    fn what_prints_values_or_text_is_masked() {
        for line in [
            "set",
            "type f",
            "alias",
            "which f",
            "git status -v",
            "git status -sv",
            "git status --verb",
            "date -f names.txt",
            "date -'f'names.txt",
            "file --files-from=names.txt",
            "wc --files0-from names.txt",
            "tree --fromfile names.txt",
            "man ./page.1",
            "git add -p",
            "git add --patch .",
            "git add -i",
            "git add --edit",
            "echo x > \"/nowhere/$DBP\"",
            ": > $DBPATH",
            "ls < $DBPATH",
            "ls > \"/n/$(cat conf.txt)\"",
            "true 2> ${LOG}",
            "test -v 'x[$(cat conf.txt >&2)0]'",
            "printf -v 'x[$DBP]' y",
            "compgen -W '$DBP'",
        ] {
            let new = wrapped(line, SCRUB, Shell::Once);
            assert_eq!(new, Some(format!("{{\n{line}{END}")), "{line}");
        }
    }

    #[test]
    fn words_are_quoted() {
        assert_eq!(quoted("/opt/svault"), "/opt/svault");
        assert_eq!(quoted("/my apps/it's"), "'/my apps/it'\\''s'");
    }
}
