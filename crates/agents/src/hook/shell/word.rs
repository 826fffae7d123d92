//! Words: quotes, escapes, variables, substitutions.

use super::glob::{ANY, GAP};
use super::lex::{Lexer, Part, Script, Word, nested, too_deep};
use super::param;

/// How far the end of a sum is looked for.
const SUM: usize = 4096;
/// How far the end of a pattern's group is looked for.
const GROUP: usize = 256;

impl Lexer {
    /// A word; empty where none begins here.
    pub(super) fn word(&mut self) -> Word {
        let mut parts = Parts::default();
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | ')' => break,
                '<' | '>' if self.peek(1) == Some('(') => {
                    self.at += 2;
                    let sub = self.inside();
                    parts.push(Part::Sub(sub));
                }
                '<' | '>' => break,
                '(' if self.flags() > 0 => self.at += self.flags(),
                '(' if self.is_hidden(&parts) => self.hidden(&mut parts),
                '(' if parts.extglob() => self.choice(&mut parts),
                '(' if parts.names_array() && !too_deep(self.depth) => self.array(&mut parts),
                '(' if parts.takes_group() && self.is_group(parts.0.is_empty()) => self.group(&mut parts),
                '(' => break,
                _ => self.piece(&mut parts, false),
            }
        }
        parts.done()
    }

    /// How long the flags of a pattern in zsh are that stand here: `(#i)`. No subshell begins so and ends at once.
    pub(super) fn flags(&self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(rest) = rest.strip_prefix(&['(', '#']) else { return 0 };
        let letters = rest.iter().take(GROUP).take_while(|c| c.is_ascii_alphanumeric() || **c == ',').count();
        if letters > 0 && rest.get(letters) == Some(&')') { letters + 3 } else { 0 }
    }

    /// What stands in brackets here, where they are no more than text.
    fn bracketed(&self) -> Option<String> {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let inner: String = rest.iter().take(GROUP).take_while(|c| **c != ')').collect();
        let end = self.at + 1 + inner.chars().count();
        let plain = !inner.contains(['(', '$', '`', '\'', '"', '\\', '{', '}', ',', '\n']);
        (plain && self.text.get(end) == Some(&')')).then_some(inner)
    }

    /// Whether a group of zsh stands here, where a word begins or within one: `.(env|local)`, `.(e)nv`. In other shells
    /// nothing does.
    pub(super) fn is_group(&self, begins: bool) -> bool {
        let Some(inner) = self.bracketed() else { return false };
        let next = self.text.get(self.at + inner.chars().count() + 2);
        let goes_on = next.is_some_and(|c| c.is_alphanumeric());
        let is_word = !inner.is_empty() && !inner.contains(char::is_whitespace);
        is_word && (begins || inner.contains('|') || goes_on)
    }

    fn group(&mut self, parts: &mut Parts) {
        let inner = self.bracketed().unwrap_or_default();
        self.at += inner.chars().count() + 2;
        let text = if inner.contains('|') { format!("{{{}}}", inner.replace('|', ",")) } else { inner };
        parts.text(&text, false);
    }

    /// Whether a qualifier of zsh ends a pattern here that takes hidden files in: `?env(D)`.
    fn is_hidden(&self, parts: &Parts) -> bool {
        let Some(Part::Text(text, false)) = parts.0.last() else { return false };
        let pattern = text.contains(['*', '?', '[', '^']) && !text.ends_with('*');
        let Some(inner) = self.bracketed().filter(|_| pattern) else { return false };
        let next = self.text.get(self.at + inner.chars().count() + 2);
        inner.contains('D')
            && is_qualifier(&inner)
            && next.is_none_or(|c| c.is_whitespace() || ";&|)".contains(*c))
    }

    /// What it may fit begins with anything.
    fn hidden(&mut self, parts: &mut Parts) {
        self.at += self.bracketed().unwrap_or_default().chars().count() + 2;
        if let Some(Part::Text(text, _)) = parts.0.last_mut() {
            text.insert(text.rfind('/').map_or(0, |at| at + 1), ANY);
        }
    }

    /// `@(a|b)` and its like, as `{a,b}`; what they may leave out or repeat is one more choice.
    fn choice(&mut self, parts: &mut Parts) {
        let Some(inner) = self.bracketed() else { return self.skip_group(parts) };
        let Some(Part::Text(text, _)) = parts.0.last_mut() else { return self.skip_group(parts) };
        self.at += inner.chars().count() + 2;
        let choices = inner.replace('|', ",");
        let ends = self.text.get(self.at).is_none_or(|c| c.is_whitespace() || ";&|)".contains(*c));
        match text.pop() {
            Some('!') => text.push('*'),
            // In zsh it says which of the files that fit: `*(.)`, with hidden ones `*(D)`.
            Some('*') if ends && is_qualifier(&inner) => {
                let hidden = if inner.contains('D') { ",.*" } else { "" };
                text.push_str(&format!("{{,{choices},*{hidden}}}"));
            }
            Some('?' | '*') => text.push_str(&format!("{{,{choices}}}")),
            _ if inner.contains('|') => text.push_str(&format!("{{{choices}}}")),
            _ => text.push_str(&inner),
        }
    }

    /// `(…)` behind `NAME=`.
    fn array(&mut self, parts: &mut Parts) {
        self.at += 1;
        self.depth += 1;
        loop {
            match self.peek(0) {
                None => break self.broken = true,
                Some(')') => break self.at += 1,
                Some('#') => self.comment(),
                Some(_) => {
                    let at = self.at;
                    let word = self.word();
                    if self.at == at {
                        self.at += 1;
                    } else {
                        parts.text(GAP.encode_utf8(&mut [0; 4]), false);
                        parts.0.extend(word);
                    }
                }
            }
        }
        self.depth -= 1;
    }

    /// The text of a here document or of double quotes: substitutions and nothing else.
    pub(super) fn quoted_text(text: &str, depth: usize) -> Word {
        let mut lexer = Lexer::on(text, depth);
        let mut parts = Parts::default();
        while lexer.peek(0).is_some() {
            lexer.piece(&mut parts, true);
        }
        parts.done()
    }

    /// One character or one construct; `quoted`: inside of double quotes.
    fn piece(&mut self, parts: &mut Parts, quoted: bool) {
        let Some(c) = self.peek(0) else { return };
        match c {
            '\'' if !quoted => self.single(parts),
            '"' if !quoted => self.double(parts),
            '\\' => self.escape(parts, quoted),
            '`' => self.backticks(parts),
            '$' => self.dollar(parts, quoted),
            _ => {
                self.at += 1;
                parts.char(c, quoted);
            }
        }
    }

    fn single(&mut self, parts: &mut Parts) {
        self.at += 1;
        parts.text("", true);
        loop {
            match self.peek(0) {
                None => return self.broken = true,
                Some('\'') => return self.at += 1,
                Some(c) => parts.char(c, true),
            }
            self.at += 1;
        }
    }

    fn double(&mut self, parts: &mut Parts) {
        self.at += 1;
        parts.text("", true);
        loop {
            match self.peek(0) {
                None => return self.broken = true,
                Some('"') => return self.at += 1,
                Some(_) => self.piece(parts, true),
            }
        }
    }

    fn escape(&mut self, parts: &mut Parts, quoted: bool) {
        let next = self.peek(1);
        self.at += 2;
        match next {
            None => self.broken = true,
            Some('\n') => {}
            Some(c) if quoted && !matches!(c, '$' | '`' | '"' | '\\') => {
                parts.char('\\', true);
                parts.char(c, true);
            }
            Some(c) => parts.char(c, true),
        }
    }

    fn backticks(&mut self, parts: &mut Parts) {
        self.at += 1;
        let mut inner = String::new();
        loop {
            match (self.peek(0), self.peek(1)) {
                (None, _) => {
                    self.broken = true;
                    break;
                }
                (Some('`'), _) => {
                    self.at += 1;
                    break;
                }
                (Some('\\'), Some(c @ ('`' | '\\' | '$'))) => {
                    inner.push(c);
                    self.at += 2;
                }
                (Some(c), _) => {
                    inner.push(c);
                    self.at += 1;
                }
            }
        }
        let sub = self.sub_script(&inner);
        parts.push(Part::Sub(sub));
    }

    fn sub_script(&mut self, text: &str) -> Script {
        if too_deep(self.depth) {
            self.broken = true;
            return Script { broken: true, ..Script::default() };
        }
        nested(text, self.depth + 1)
    }

    fn dollar(&mut self, parts: &mut Parts, quoted: bool) {
        match self.peek(1) {
            Some('\'') if !quoted => {
                self.at += 2;
                self.ansi(parts);
            }
            Some('"') if !quoted => {
                self.at += 1;
                self.double(parts);
            }
            Some('(') if self.peek(2) == Some('(') && self.is_sum() => {
                self.at += 1;
                self.skip_group(parts);
            }
            Some('(') => {
                self.at += 2;
                let sub = self.inside();
                parts.push(Part::Sub(sub));
            }
            Some('{') => self.braces(parts, quoted),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                self.at += 1;
                let mut name = String::new();
                while let Some(c) = self.peek(0).filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                    self.at += 1;
                }
                parts.push(Part::Var(name, quoted));
            }
            Some(c @ ('1'..='9' | '@' | '*')) => {
                self.at += 2;
                parts.push(Part::Var(c.to_string(), quoted));
            }
            Some('0' | '#' | '?' | '$' | '!' | '-') => {
                self.at += 2;
                parts.push(Part::Unknown);
            }
            _ => {
                self.at += 1;
                parts.char('$', quoted);
            }
        }
    }

    /// The commands of `$(…)`, behind its opening.
    fn inside(&mut self) -> Script {
        if too_deep(self.depth) {
            self.broken = true;
            self.at = self.text.len();
            return Script { broken: true, ..Script::default() };
        }
        self.depth += 1;
        let mut sub = self.script(Some(')'));
        self.depth -= 1;
        self.at += 1;
        sub.broken |= self.broken;
        sub
    }

    /// `$'…'`.
    fn ansi(&mut self, parts: &mut Parts) {
        parts.text("", true);
        loop {
            match self.peek(0) {
                None => return self.broken = true,
                Some('\'') => return self.at += 1,
                Some('\\') => {
                    self.at += 1;
                    let c = self.ansi_escape();
                    parts.char(c, true);
                }
                Some(c) => {
                    parts.char(c, true);
                    self.at += 1;
                }
            }
        }
    }

    fn ansi_escape(&mut self) -> char {
        let c = self.peek(0).unwrap_or('\\');
        self.at += 1;
        match c {
            'n' => '\n',
            't' => '\t',
            'x' => self.number(16, 2),
            'u' => self.number(16, 4),
            'U' => self.number(16, 8),
            '0'..='7' => {
                self.at -= 1;
                self.number(8, 3)
            }
            c => c,
        }
    }

    fn number(&mut self, radix: u32, most: usize) -> char {
        let mut value = 0u32;
        for _ in 0..most {
            let Some(digit) = self.peek(0).and_then(|c| c.to_digit(radix)) else { break };
            value = value.wrapping_mul(radix).wrapping_add(digit);
            self.at += 1;
        }
        char::from_u32(value).unwrap_or('\u{fffd}')
    }

    /// `${…}`.
    fn braces(&mut self, parts: &mut Parts, quoted: bool) {
        self.at += 2;
        let mut inner = String::new();
        let mut open = 1;
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match c {
                '{' => open += 1,
                '}' => open -= 1,
                _ => {}
            }
            if open == 0 {
                break;
            }
            inner.push(c);
        }
        self.broken |= open > 0;
        parts.push(param::read(&inner, quoted, self.depth));
    }

    /// Whether `$((` begins a sum: it ends with `))`. A subshell in a substitution ends otherwise.
    fn is_sum(&self) -> bool {
        let mut open = 0usize;
        let mut inner = None;
        for (at, c) in self.text.iter().enumerate().skip(self.at + 1).take(SUM) {
            match c {
                '(' => open += 1,
                ')' => open = open.saturating_sub(1),
                _ => continue,
            }
            match open {
                1 if *c == ')' => inner = Some(at),
                0 => return inner == Some(at - 1),
                _ => {}
            }
        }
        true
    }

    /// `$((…))`, `@(…)`: over it, to the bracket that closes it. What is substituted in it runs.
    fn skip_group(&mut self, parts: &mut Parts) {
        let mut open = 0usize;
        while let Some(c) = self.peek(0) {
            let runs = c == '`' || (c == '$' && matches!(self.peek(1), Some('(' | '{')));
            if runs && !too_deep(self.depth) {
                self.depth += 1;
                self.piece(parts, true);
                self.depth -= 1;
                continue;
            }
            self.at += 1;
            match c {
                '(' => open += 1,
                ')' => open = open.saturating_sub(1),
                _ => {}
            }
            if open == 0 {
                return parts.push(Part::Unknown);
            }
        }
        self.broken = true;
        parts.push(Part::Unknown);
    }
}

/// Whether what stands behind `*` in brackets may be a qualifier of zsh: `D`, `.`, `om[1]`.
fn is_qualifier(inner: &str) -> bool {
    const LONGEST: usize = 16;
    let sign = |c: char| c.is_ascii_alphanumeric() || ".^/@=%*+-:#[]".contains(c);
    inner.len() <= LONGEST && inner.chars().all(sign)
}

/// A word as it grows.
#[derive(Default)]
struct Parts(Word);

impl Parts {
    fn push(&mut self, part: Part) {
        self.0.push(part);
    }

    fn text(&mut self, more: &str, quoted: bool) {
        if let Some(Part::Text(text, q)) = self.0.last_mut()
            && *q == quoted
        {
            return text.push_str(more);
        }
        self.0.push(Part::Text(more.to_owned(), quoted));
    }

    fn char(&mut self, c: char, quoted: bool) {
        self.text(c.encode_utf8(&mut [0; 4]), quoted);
    }

    fn extglob(&self) -> bool {
        matches!(self.0.last(), Some(Part::Text(t, false)) if t.ends_with(['?', '*', '+', '@', '!']))
    }

    /// Whether brackets may belong to the word: there is none yet, or text.
    fn takes_group(&self) -> bool {
        self.0.is_empty() || matches!(self.0.last(), Some(Part::Text(text, false)) if !text.is_empty())
    }

    /// Whether an array may follow: `NAME=`, `NAME+=`.
    fn names_array(&self) -> bool {
        let [Part::Text(text, false)] = self.0.as_slice() else { return false };
        let name = text.strip_suffix('=').map(|t| t.strip_suffix('+').unwrap_or(t));
        name.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
    }

    fn done(self) -> Word {
        self.0
    }
}
