//! Patterns: what a word may become, and which files it may name.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Stands in a pattern for text that nobody knows: any characters, slashes too.
pub const ANY: char = '\u{f8ff}';
/// Stands between the words of an array.
pub const GAP: char = '\u{f8fe}';
/// How many files a pattern may name before the rest is left out.
const MOST: usize = 2000;

/// How many characters are looked at for all words that the braces of one make.
const WORK: usize = 1 << 20;

/// A word longer than this is no name of a file.
const LONGEST: usize = 4096;

/// Text in a pattern, without a meaning of its own.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '{' | '}') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A pattern as it was before [`escaped`]: for words that another program takes as a pattern.
#[must_use]
pub fn unescaped(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    out
}

/// The text of a pattern that has no wildcards.
#[must_use]
pub fn literal(pattern: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(chars.next().unwrap_or('\\')),
            '*' | '?' | '[' | ANY => return None,
            GAP => out.push(' '),
            c => out.push(c),
        }
    }
    Some(out)
}

/// `a{b,c}d` as its two words, `{a..c}` as its three. Other text in braces stays. What is too much work has [`ANY`] in
/// place of its braces.
#[must_use]
pub fn braces(pattern: &str, most: usize) -> Vec<String> {
    unfolded(pattern, most, &mut { WORK })
}

/// As [`braces`]; `left`: how many characters may be looked at, for all that comes of the pattern together.
fn unfolded(pattern: &str, most: usize, left: &mut usize) -> Vec<String> {
    if pattern.len() > LONGEST || !pattern.contains('{') {
        return vec![pattern.to_owned()];
    }
    let chars: Vec<char> = pattern.chars().collect();
    let Some((open, mut inner, close)) = group(&chars) else { return vec![pattern.to_owned()] };
    let text = |a: usize, b: usize| chars[a..b].iter().collect::<String>();
    *left = left.saturating_sub(chars.len());
    if *left == 0 {
        let last = chars.iter().rposition(|c| *c == '}').unwrap_or(close);
        let first = chars.iter().position(|c| *c == '{').unwrap_or(open);
        return vec![format!("{}{ANY}{}", text(0, first), text(last + 1, chars.len()))];
    }
    let mut seen = HashSet::new();
    inner.retain(|one| seen.insert(one.clone()));
    let mut all = Vec::new();
    for inner in inner {
        let one = format!("{}{inner}{}", text(0, open), text(close + 1, chars.len()));
        if all.len() < most {
            for form in unfolded(&one, most - all.len(), left) {
                if !all.contains(&form) {
                    all.push(form);
                }
            }
        }
    }
    all
}

/// The first `{…,…}` or `{…..…}`: where it opens, what it stands for, where it closes.
fn group(chars: &[char]) -> Option<(usize, Vec<String>, usize)> {
    let mut at = 0;
    let mut stack: Vec<(usize, Vec<usize>)> = Vec::new();
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 1,
            '{' => stack.push((at, Vec::new())),
            ',' => {
                if let Some((_, commas)) = stack.last_mut() {
                    commas.push(at);
                }
            }
            '}' => {
                if let Some((open, commas)) = stack.pop()
                    && let Some(words) = choices(&chars[open + 1..at], open + 1, &commas)
                {
                    return Some((open, words, at));
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// What stands between two braces; its commas by their places in the whole, of which `from` is the first inside.
fn choices(inner: &[char], from: usize, commas: &[usize]) -> Option<Vec<String>> {
    if commas.is_empty() {
        return range(inner);
    }
    let ends = commas.iter().map(|at| at - from).chain([inner.len()]);
    let mut start = 0;
    let words = ends.map(|end| {
        let word = inner[start..end].iter().collect();
        start = end + 1;
        word
    });
    Some(words.collect())
}

/// `a..f`, `1..9`, `9..1..2`: a step is gone by.
fn range(inner: &[char]) -> Option<Vec<String>> {
    const LONGEST: usize = 128;
    let inner: String = inner.iter().take(LONGEST).collect();
    let (from, rest) = inner.split_once("..")?;
    let to = rest.split_once("..").map_or(rest, |(to, _)| to);
    let letter = |text: &str| text.parse::<char>().ok().filter(char::is_ascii_alphabetic);
    if let (Some(a), Some(b)) = (letter(from), letter(to)) {
        return Some((a.min(b)..=a.max(b)).map(String::from).collect());
    }
    let (a, b) = (from.parse::<i32>().ok()?, to.parse::<i32>().ok()?);
    Some((a.min(b)..=a.max(b)).take(LONGEST).map(|n| n.to_string()).collect())
}

/// Whether a name fits a pattern. A wildcard matches a leading dot too: shells can be told so.
#[must_use]
pub fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(p) {
            Some('*') | Some(&ANY) => {
                back = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some(_) if n < name.len() => one(&pattern[p..], name[n]),
            None if n == name.len() => return true,
            _ => None,
        };
        if let Some(width) = step {
            p += width;
            n += 1;
        } else if let Some((after, from)) = back.filter(|(_, from)| *from < name.len()) {
            back = Some((after, from + 1));
            (p, n) = (after, from + 1);
        } else {
            return false;
        }
    }
}

/// Whether the first element of a pattern fits a character, and how long that element is.
fn one(pattern: &[char], c: char) -> Option<usize> {
    let same = |a: char| a.eq_ignore_ascii_case(&c);
    match pattern[0] {
        '?' => Some(1),
        '\\' => pattern.get(1).filter(|p| same(**p)).map(|_| 2),
        '[' => {
            let Some(close) = class_end(pattern) else {
                return (c == '[').then_some(1);
            };
            let not = matches!(pattern[1], '!' | '^');
            let set = &pattern[1 + usize::from(not)..close];
            (class(set, c) != not).then_some(close + 1)
        }
        p => same(p).then_some(1),
    }
}

/// Where `[…]` closes; a named class in it has brackets of its own.
fn class_end(pattern: &[char]) -> Option<usize> {
    let mut at = 1 + usize::from(matches!(pattern.get(1), Some('!' | '^')));
    // A bracket that comes first is one of the characters.
    at += usize::from(pattern.get(at) == Some(&']'));
    while let Some(c) = pattern.get(at) {
        match c {
            '[' => at += named(&pattern[at..]).map_or(1, |(_, length)| length),
            ']' => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// `[:NAME:]` at the start: the name, and how long it is.
fn named(set: &[char]) -> Option<(String, usize)> {
    const LONGEST: usize = 16;
    let rest = set.strip_prefix(&['[', ':'])?;
    let rest = &rest[..rest.len().min(LONGEST)];
    let end = rest.windows(2).position(|two| two == [':', ']'])?;
    Some((rest[..end].iter().collect(), end + 4))
}

/// Whether a character is of a named class.
fn is_of(name: &str, c: char) -> bool {
    match name {
        "alpha" => c.is_alphabetic(),
        "lower" => c.is_lowercase(),
        "upper" => c.is_uppercase(),
        "digit" => c.is_ascii_digit(),
        "xdigit" => c.is_ascii_hexdigit(),
        "punct" => c.is_ascii_punctuation(),
        "blank" | "space" => c.is_whitespace(),
        "cntrl" => c.is_control(),
        "alnum" => c.is_alphanumeric(),
        "word" => c.is_alphanumeric() || c == '_',
        _ => true,
    }
}

fn class(set: &[char], c: char) -> bool {
    let mut at = 0;
    while at < set.len() {
        if let Some((name, length)) = named(&set[at..]) {
            if is_of(&name, c) {
                return true;
            }
            at += length;
        } else if set.get(at + 1) == Some(&'-') && at + 2 < set.len() {
            if (set[at]..=set[at + 2]).contains(&c) {
                return true;
            }
            at += 3;
        } else {
            if set[at] == c {
                return true;
            }
            at += 1;
        }
    }
    false
}

/// The files below `cwd` that a pattern names, folder by folder; hidden ones only where a shell would, or where it is
/// told to (`all`).
#[must_use]
pub fn expand(cwd: &Path, pattern: &str, all: bool) -> Vec<PathBuf> {
    if pattern.len() > LONGEST {
        return Vec::new();
    }
    let mut at = vec![if pattern.starts_with('/') { PathBuf::from("/") } else { cwd.to_owned() }];
    for part in pattern.split('/').filter(|p| !p.is_empty()) {
        let mut next = Vec::new();
        for folder in &at {
            if let Some(name) = literal(part) {
                next.push(folder.join(name));
                continue;
            }
            let hidden = all || part.starts_with(['.', '[', ANY]);
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            for entry in entries.flatten().take(MOST) {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if (hidden || !name.starts_with('.')) && fits(part, &name) {
                    next.push(entry.path());
                }
            }
            if part == "**" {
                next.push(folder.clone());
            }
        }
        next.truncate(MOST);
        at = next;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_names() {
        for (pattern, name) in [
            (".e*", ".env"),
            (".??v", ".env"),
            (".[e]nv", ".env"),
            ("*", ".env"),
            (".[!x]nv", ".env"),
            ("*.env*", "a.env.b"),
            ("\\*", "*"),
            (".[a-f]nv", ".env"),
            (".[[:lower:]]nv", ".env"),
            (".[[:digit:]e]nv", ".env"),
            (".[[:alpha:]]*", ".env"),
            (".[![:digit:]]nv", ".env"),
            ("x[]a]y", "x]y"),
            ("x[!]a]y", "xby"),
            ("x[[]y", "x[y"),
            ("[[:", "[[:"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*.rs", ".env"),
            (".e?", ".env"),
            ("\\*", "x"),
            (".[x]nv", ".env"),
            ("", "x"),
            (".[[:digit:]]nv", ".env"),
            ("x[!]a]y", "x]y"),
            (".[![:alpha:]]nv", ".env"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn braces_become_words() {
        assert_eq!(braces("a{b,c}d", 64), ["abd", "acd"]);
        assert_eq!(braces(".{env,x{1,2}}", 64), [".env", ".x1", ".x2"].map(str::to_owned));
        assert_eq!(braces("{}", 64), ["{}"]);
        assert_eq!(braces("{}{a,b}", 64), ["{}a", "{}b"]);
        assert_eq!(braces(".{e..f}nv", 64), [".env", ".fnv"]);
        assert_eq!(braces("x{9..8..1}", 64), ["x8", "x9"]);
        assert_eq!(braces("{1..2000000000}", 64).len(), 64);
        for same in ["{a..}", "{..}", "{a..bc}", "{é..z}"] {
            assert_eq!(braces(same, 64), [same]);
        }
        assert!(braces(&"{a,b}".repeat(20), 64).len() <= 64);
    }

    #[test]
    fn braces_that_make_the_same_words_are_little_work() {
        let mut left = WORK;
        assert_eq!(unfolded(&"{,}".repeat(30), 32, &mut left), [""]);
        assert!(WORK - left < 100 * 100, "{left}");
        // Each of two to the power of 40 ways makes one of 41 words.
        let words = braces(&format!(".{}v", "{e,ee}".repeat(40)), 64);
        assert!(words.iter().any(|word| word.contains(ANY)), "{words:?}");
        assert!(words.len() <= 64);
    }
}
