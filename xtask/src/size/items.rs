//! Functions, tests and tables of a source file, measured in lines.

use super::tokens::{At, Token, tokens};

/// How long a file is, and each function in it.
pub struct Measured {
    /// Lines without tests and tables.
    pub lines: usize,
    /// Every function outside tests.
    pub functions: Vec<Function>,
}

/// A function.
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its first line.
    pub at: usize,
    /// From `fn` to its closing brace.
    pub lines: usize,
}

/// A table of data is longer than this; a shorter constant counts like any other code.
const TABLE: usize = 10;

/// Measures a file.
pub fn measure(text: &str) -> Measured {
    let all = tokens(text);
    let mut lines = text.lines().count();
    let mut functions = Vec::new();
    let mut i = 0;
    while i < all.len() {
        if let Some(end) = test_item(&all, i).or_else(|| table(&all, i)) {
            lines -= all[end].1 + 1 - all[i].1;
            i = end + 1;
            continue;
        }
        functions.extend(function(&all, i));
        i += 1;
    }
    Measured { lines, functions }
}

fn is_word(at: Option<&At>, word: &str) -> bool {
    matches!(at, Some((Token::Word(w), _)) if w == word)
}

fn is_mark(at: Option<&At>, mark: char) -> bool {
    matches!(at, Some((Token::Mark(m), _)) if *m == mark)
}

/// The last token of an item that begins at `i` with `#[cfg(test)]` or `#[test]`.
fn test_item(all: &[At], i: usize) -> Option<usize> {
    if !(is_mark(all.get(i), '#') && is_mark(all.get(i + 1), '[')) {
        return None;
    }
    let cfg_test = is_word(all.get(i + 2), "cfg") && is_word(all.get(i + 4), "test");
    (cfg_test || is_word(all.get(i + 2), "test")).then(|| item_end(all, closing(all, i + 1) + 1))
}

/// The last token of a long `const` or `static` that begins at `i`.
fn table(all: &[At], i: usize) -> Option<usize> {
    let named = is_word(all.get(i), "const") || is_word(all.get(i), "static");
    if !named || is_word(all.get(i + 1), "fn") || !matches!(all.get(i + 1), Some((Token::Word(_), _))) {
        return None;
    }
    let end = (i..all.len()).scan(0i32, |depth, j| Some((j, nested(depth, &all[j].0))));
    let end = end.into_iter().find(|&(j, depth)| depth == 0 && is_mark(all.get(j), ';'))?.0;
    (all[end].1 - all[i].1 > TABLE).then_some(end)
}

/// The function whose `fn` is at `i`, if it has a name and a body.
fn function(all: &[At], i: usize) -> Option<Function> {
    let Some((Token::Word(name), _)) = all.get(i + 1).filter(|_| is_word(all.get(i), "fn")) else {
        return None;
    };
    let end = item_end(all, i);
    let at = all[i].1;
    is_mark(all.get(end), '}').then(|| Function { name: name.clone(), at, lines: all[end].1 + 1 - at })
}

/// The last token of the item that begins at `i`: its `;`, or the brace that closes its body.
fn item_end(all: &[At], i: usize) -> usize {
    let mut depth = 0;
    for j in i..all.len() {
        if depth == 0 && is_mark(all.get(j), '{') {
            return closing(all, j);
        }
        if nested(&mut depth, &all[j].0) == 0 && is_mark(all.get(j), ';') {
            return j;
        }
    }
    all.len() - 1
}

/// The token that closes the bracket at `i`.
fn closing(all: &[At], i: usize) -> usize {
    let mut depth = 0;
    (i..all.len()).find(|&j| nested(&mut depth, &all[j].0) == 0).unwrap_or(all.len() - 1)
}

/// How deep in brackets the token leaves us.
fn nested(depth: &mut i32, token: &Token) -> i32 {
    match token {
        Token::Mark('(' | '[' | '{') => *depth += 1,
        Token::Mark(')' | ']' | '}') => *depth -= 1,
        _ => {}
    }
    *depth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_with_their_lines() {
        let text = "impl A {\n    fn f<T>(x: [u8; 3]) -> u8\n    where\n        T: B,\n    {\n        || { 1 }\n    }\n    fn g();\n}\n";
        let found = measure(text).functions;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].at, found[0].lines), ("f", 2, 6));
    }

    #[test]
    fn tests_and_tables_do_not_count() {
        let text = "const A: u8 = 1;\n#[cfg(test)]\nmod tests {\n    fn t() {}\n}\nconst fn f() {}\n#[cfg(test)]\nmod other;\n";
        let found = measure(text);
        assert_eq!(found.lines, 2);
        assert_eq!(found.functions.len(), 1);
        let table = format!("static T: [u8; 2] = [\n{}];\nfn g() {{}}\n", "0,\n".repeat(30));
        assert_eq!(measure(&table).lines, 1);
    }
}
