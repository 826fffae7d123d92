//! What `echo` and `printf` print.

use super::glob::{self, ANY};

/// How many forms of one text are looked at.
const FORMS: usize = 32;
/// How long a text grows.
const LONGEST: usize = 32 * 1024;

/// What a call prints, as patterns; none where the program is another.
#[must_use]
pub fn said(name: &str, args: &[Vec<String>]) -> Option<Vec<String>> {
    match name {
        "echo" => {
            let flag = |w: &&Vec<String>| w.iter().all(|f| f.starts_with('-'));
            let flags = args.iter().take_while(flag).count();
            let escapes = args[..flags].iter().flatten().any(|f| f.contains('e'));
            let lines = joined(&args[flags..]);
            Some(if escapes { lines.iter().map(|l| unquoted(l)).collect() } else { lines })
        }
        "printf" => {
            let format = args.iter().position(|w| w.first().is_none_or(|f| !f.starts_with('-')))?;
            Some(vec![formatted(args[format].first()?, &args[format + 1..])])
        }
        _ => None,
    }
}

fn joined(words: &[Vec<String>]) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (at, forms) in words.iter().enumerate() {
        let gap = if at > 0 { " " } else { "" };
        lines = lines
            .iter()
            .flat_map(|l| forms.iter().map(move |f| format!("{l}{gap}{f}")))
            .take(FORMS)
            .collect();
    }
    lines
}

/// `printf`, with `%s` alone, as often as there are arguments; each in its first form.
fn formatted(format: &str, args: &[Vec<String>]) -> String {
    let mut args = args.iter().filter_map(|a| a.first()).collect::<Vec<_>>().into_iter();
    let mut out = String::new();
    loop {
        let before = args.len();
        // In a pattern a percent sign is itself, and a backslash two.
        let mut pieces = format.split('%');
        out.push_str(&unquoted(pieces.next().unwrap_or_default()));
        while let Some(piece) = pieces.next() {
            let mut rest = piece.chars();
            match rest.next() {
                Some('s' | 'q') => out.push_str(args.next().map_or("", String::as_str)),
                Some('b') => out.push_str(&unquoted(args.next().map_or("", String::as_str))),
                None => {
                    out.push('%');
                    out.push_str(&unquoted(pieces.next().unwrap_or_default()));
                }
                _ => {
                    args.next();
                    out.push(ANY);
                }
            }
            out.push_str(&unquoted(rest.as_str()));
        }
        if args.len() == 0 || args.len() == before || out.len() > LONGEST {
            return out;
        }
    }
}

/// A pattern with the escapes in its text resolved.
fn unquoted(pattern: &str) -> String {
    const QUOTED: &str = "\\\\";
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(QUOTED) {
        out.push_str(&rest[..at]);
        rest = &rest[at + QUOTED.len()..];
        let digits = |radix: u32, skip: usize, most: usize| {
            let digits = rest.chars().skip(skip).take(most).take_while(|c| c.is_digit(radix));
            let text: String = digits.collect();
            Some((char::from_u32(u32::from_str_radix(&text, radix).ok()?)?, skip + text.len()))
        };
        let first = rest.chars().next();
        let found = match first {
            Some('n' | 'r') => Some(('\n', 1)),
            Some('t') => Some(('\t', 1)),
            Some('x') => digits(16, 1, 2),
            Some('0') => digits(8, 0, 4),
            Some('1'..='7') => digits(8, 0, 3),
            _ => None,
        };
        match found {
            Some((c, length)) => {
                out.push_str(&glob::escaped(c.encode_utf8(&mut [0; 4])));
                rest = &rest[length..];
            }
            None => out.push_str(QUOTED),
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_printed_as_a_shell_does() {
        for (words, printed) in [
            (&["echo", "a", "b"][..], "a b"),
            (&["echo", "-e", r"a\nb"], "a\nb"),
            (&["echo", r"a\nb"], r"a\nb"),
            (&["printf", r"%s\n", "a", "b"], "a\nb\n"),
            (&["printf", r".env\0"], ".env\0"),
            (&["printf", r".\x65\156v"], ".env"),
            (&["printf", "%s%%", "*"], "*%"),
            (&["printf", "--", "%b", r"\056env"], ".env"),
            (&["printf", "100%"], "100%"),
            (&["printf", "x", "a"], "x"),
            (&["printf", r"\é\"], r"\é\"),
        ] {
            let args: Vec<Vec<String>> = words[1..].iter().map(|w| vec![glob::escaped(w)]).collect();
            let said = said(words[0], &args).unwrap();
            assert_eq!(glob::literal(&said[0]).as_deref(), Some(printed), "{words:?}");
        }
        assert_eq!(said("printf", &[]), None);
    }
}
