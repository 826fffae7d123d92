//! Scripts of `awk` and `sed` that run commands, or open what their input names.

use super::glob;
use super::paths::is_there_or_unknown;
use super::roles::Call;
use super::walk::Walk;
use crate::hook::guard::Secret;

/// The protected file that a script has a command read: named in it, or among the names that it is given.
pub fn runs(walk: &mut Walk, call: &Call, script: &str) -> Option<Secret> {
    let is_awk = call.name.ends_with("awk");
    let text = match is_awk {
        true if starts_commands(script) => script.to_owned(),
        // Its parts are told apart by what is a folder's sign elsewhere.
        false if call.name.ends_with("sed") && has_commands(script) => {
            script.replace(['/', '|', '#', ','], " ")
        }
        _ => return None,
    };
    // Its names come with its input, whatever its words are.
    walk.sets_any = true;
    walk.is_blind();
    walk.in_program(&text).or_else(|| walk.upstream.clone())
}

/// The protected file that a script of `sed` reads in: `r.env`, `$r.env`. The name goes on to the end of its line.
pub fn reads_in(walk: &Walk, call: &Call, script: &str) -> Option<Secret> {
    if !call.name.ends_with("sed") {
        return None;
    }
    script.lines().find_map(|line| {
        let mut before = ';';
        line.char_indices().find_map(|(at, c)| {
            let begins = !std::mem::replace(&mut before, c).is_alphabetic();
            let name = line[at + c.len_utf8()..].trim_start();
            // `s/x/r.env/` has a sign at its end.
            let reads = begins && matches!(c, 'r' | 'R') && !name.ends_with('/');
            let secret = reads.then(|| walk.find(&glob::escaped(name))).flatten();
            secret.filter(|secret| is_there_or_unknown(&secret.path))
        })
    })
}

/// Whether a word of `sed` stands behind `-e`.
#[must_use]
pub fn is_expression(call: &Call, at: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |at| call.word(at));
    let short = before.starts_with('-') && !before.starts_with("--") && before.ends_with('e');
    call.name.ends_with("sed") && (short || before == "--expression")
}

/// `system(…)`, `… | getline`, `getline < FILE`, `print | "sh"`
fn starts_commands(awk: &str) -> bool {
    let text: String = awk.chars().filter(|c| !c.is_whitespace()).collect();
    let shell = ["|\"sh\"", "|\"bash\"", "|\"sh", "|\"bash"].iter().any(|s| text.contains(s));
    shell || text.contains("system(") || (text.contains("getline") && text.contains(['<', '|']))
}

/// The command `e`, or `s` with the flag of that name.
fn has_commands(sed: &str) -> bool {
    let chars: Vec<char> = sed.chars().collect();
    let begins = |at: usize| at == 0 || !chars[at - 1].is_alphabetic();
    let ends = |at: usize| chars.get(at).is_none_or(|c| c.is_whitespace() || matches!(c, ';' | '}'));
    (0..chars.len()).filter(|at| begins(*at)).any(|at| match chars[at] {
        'e' => ends(at + 1),
        's' => flags(&chars[at + 1..]).is_some_and(|flags| flags.contains('e')),
        _ => false,
    })
}

/// The flags of `s/…/…/FLAGS`, from the first sign on.
fn flags(chars: &[char]) -> Option<String> {
    let sign = *chars.first().filter(|c| !c.is_alphanumeric() && !c.is_whitespace())?;
    let mut at = 1;
    for _ in 0..2 {
        while *chars.get(at)? != sign {
            at += if chars[at] == '\\' { 2 } else { 1 };
        }
        at += 1;
    }
    Some(chars[at..].iter().take_while(|c| c.is_alphanumeric()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_that_run_commands_are_known() {
        for sed in
            ["s/.*/cat .env/e", "s|x|cat y|ge", "1e cat .env", "e", "/x/e date", "$!e", "s/a\\/b/c/2e;p"]
        {
            assert!(has_commands(sed), "{sed}");
        }
        for sed in ["s/e/x/", "s/x/e/g", "1d", "/one/d", "y/e/f/", "s/", "s", "", "s/a", "p;d", "s/\\"] {
            assert!(!has_commands(sed), "{sed}");
        }
        for awk in [
            "{system(\"cat \" $0)}",
            "{ system ($0) }",
            "{while ((getline l < $0) > 0) print l}",
            "{print | \"sh\"}",
        ] {
            assert!(starts_commands(awk), "{awk}");
        }
        for awk in ["{print $1}", "{print | \"sort\"}", "/system/", "$1 < 3"] {
            assert!(!starts_commands(awk), "{awk}");
        }
    }
}
