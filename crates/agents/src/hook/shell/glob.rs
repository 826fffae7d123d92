//! Patterns: what a word may become, and which files it may name.

use std::path::{Path, PathBuf};

/// Stands in a pattern for text that nobody knows: any characters, slashes too.
pub const ANY: char = '\u{f8ff}';
/// Stands between the words of an array.
pub const GAP: char = '\u{f8fe}';
/// How many files a pattern may name before the rest is left out.
const MOST: usize = 2000;

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

/// `a{b,c}d` as its two words. Text in braces without a comma stays.
#[must_use]
pub fn braces(pattern: &str, most: usize) -> Vec<String> {
    if pattern.len() > LONGEST || !pattern.contains('{') {
        return vec![pattern.to_owned()];
    }
    let chars: Vec<char> = pattern.chars().collect();
    let Some((open, commas, close)) = group(&chars) else { return vec![pattern.to_owned()] };
    let text = |a: usize, b: usize| chars[a..b].iter().collect::<String>();
    let mut ends: Vec<usize> = commas;
    ends.push(close);
    let mut from = open + 1;
    let mut all = Vec::new();
    for end in ends {
        let one = format!("{}{}{}", text(0, open), text(from, end), text(close + 1, chars.len()));
        if all.len() < most {
            for form in braces(&one, most - all.len()) {
                if !all.contains(&form) {
                    all.push(form);
                }
            }
        }
        from = end + 1;
    }
    all
}

/// The first `{…,…}`: where it opens, its commas, where it closes.
fn group(chars: &[char]) -> Option<(usize, Vec<usize>, usize)> {
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
                    && !commas.is_empty()
                {
                    return Some((open, commas, at));
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
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
            let Some(close) = pattern.iter().skip(2).position(|p| *p == ']').map(|i| i + 2) else {
                return (c == '[').then_some(1);
            };
            let not = matches!(pattern[1], '!' | '^');
            let set = &pattern[1 + usize::from(not)..close];
            (class(set, c) != not).then_some(close + 1)
        }
        p => same(p).then_some(1),
    }
}

fn class(set: &[char], c: char) -> bool {
    // Named classes are taken for a yes: `[[:alpha:]]`.
    if set.first() == Some(&'[') {
        return true;
    }
    let mut at = 0;
    while at < set.len() {
        if set.get(at + 1) == Some(&'-') && at + 2 < set.len() {
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

/// The files below `cwd` that a pattern names, folder by folder; hidden ones only where a shell would.
#[must_use]
pub fn expand(cwd: &Path, pattern: &str) -> Vec<PathBuf> {
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
            let hidden = part.starts_with(['.', '[', ANY]);
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
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("*.rs", ".env"), (".e?", ".env"), ("\\*", "x"), (".[x]nv", ".env"), ("", "x")]
        {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn braces_become_words() {
        assert_eq!(braces("a{b,c}d", 64), ["abd", "acd"]);
        assert_eq!(braces(".{env,x{1,2}}", 64), [".env", ".x1", ".x2"].map(str::to_owned));
        assert_eq!(braces("{}", 64), ["{}"]);
        assert!(braces(&"{a,b}".repeat(20), 64).len() <= 64);
    }
}
