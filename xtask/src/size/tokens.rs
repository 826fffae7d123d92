//! Just enough of Rust's lexer to match braces: words and marks with their lines, no comments, no literals.

/// A word or a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// An identifier or a keyword.
    Word(String),
    /// One character of punctuation.
    Mark(char),
    /// A string, a character or a number: what is in it doesn't matter.
    Literal,
}

/// A token and the line it begins on, from 1.
pub type At = (Token, usize);

/// The tokens of a file.
pub fn tokens(text: &str) -> Vec<At> {
    let mut reader = Reader { chars: text.chars().collect(), at: 0, line: 1 };
    let mut out = Vec::new();
    while let Some(c) = reader.peek(0) {
        let line = reader.line;
        if let Some(token) = reader.next_token(c) {
            out.push((token, line));
        }
    }
    out
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn step(&mut self) {
        if self.peek(0) == Some('\n') {
            self.line += 1;
        }
        self.at += 1;
    }

    fn next_token(&mut self, c: char) -> Option<Token> {
        match c {
            c if c.is_whitespace() => {
                self.step();
                None
            }
            '/' if self.peek(1) == Some('/') => {
                self.until(|r| r.peek(0) == Some('\n'));
                None
            }
            '/' if self.peek(1) == Some('*') => {
                self.block_comment();
                None
            }
            '"' => Some(self.string()),
            '\'' => Some(self.quote()),
            c if c.is_ascii_digit() => {
                self.word();
                Some(Token::Literal)
            }
            c if c.is_alphabetic() || c == '_' => Some(self.word_or_string()),
            c => {
                self.step();
                Some(Token::Mark(c))
            }
        }
    }

    fn until(&mut self, stop: impl Fn(&Self) -> bool) {
        while self.peek(0).is_some() && !stop(self) {
            self.step();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.peek(0).is_some() {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                _ => {
                    self.step();
                    continue;
                }
            }
            self.step();
            self.step();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) -> Token {
        self.step();
        while let Some(c) = self.peek(0) {
            self.step();
            match c {
                '\\' => self.step(),
                '"' => break,
                _ => {}
            }
        }
        Token::Literal
    }

    /// A character, or a lifetime.
    fn quote(&mut self) -> Token {
        self.step();
        if self.peek(0) == Some('\\') {
            self.step();
            self.step();
            self.until(|r| r.peek(0) == Some('\''));
            self.step();
        } else if self.peek(1) == Some('\'') {
            self.step();
            self.step();
        } else {
            self.word();
        }
        Token::Literal
    }

    fn word(&mut self) -> String {
        let from = self.at;
        while self.peek(0).is_some_and(|c| c.is_alphanumeric() || c == '_') {
            self.step();
        }
        self.chars[from..self.at].iter().collect()
    }

    /// A word, or a string with a prefix such as `b"…"` and `r#"…"#`.
    fn word_or_string(&mut self) -> Token {
        let word = self.word();
        let prefix = matches!(word.as_str(), "b" | "c" | "r" | "br" | "cr");
        match self.peek(0) {
            Some('\'') if word == "b" => self.quote(),
            Some('"') if prefix && !word.contains('r') => self.string(),
            Some('"' | '#') if prefix && word.contains('r') => self.raw_string(word),
            _ => Token::Word(word),
        }
    }

    fn raw_string(&mut self, word: String) -> Token {
        let hashes = (0..).take_while(|&n| self.peek(n) == Some('#')).count();
        if self.peek(hashes) != Some('"') {
            return Token::Word(word); // a raw identifier
        }
        (0..=hashes).for_each(|_| self.step());
        self.until(|r| r.peek(0) == Some('"') && (1..=hashes).all(|n| r.peek(n) == Some('#')));
        (0..=hashes).for_each(|_| self.step());
        Token::Literal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(text: &str) -> String {
        let mark = |t: At| if let (Token::Mark(c), _) = t { Some(c) } else { None };
        tokens(text).into_iter().filter_map(mark).collect()
    }

    #[test]
    fn braces_in_text_are_not_braces() {
        assert_eq!(
            marks(r##"f("{", r#"" { "#, b'{', '{', '\'', '\u{7b}') /* { /* { */ */ // {"##),
            "(,,,,,)"
        );
        assert_eq!(marks("fn f<'a>(x: &'a str) {}"), "<>(:&){}");
    }

    #[test]
    fn lines_are_counted_in_strings_too() {
        assert_eq!(tokens("\"a\nb\"\nx"), [(Token::Literal, 1), (Token::Word("x".into()), 3)]);
    }
}
