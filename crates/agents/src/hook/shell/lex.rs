//! A shell command line in pieces: commands, words, redirections, here documents.
//!
//! Not a grammar. A guard wants every word that may name a file, whatever construct it stands in and whichever shell
//! reads it; so nothing is refused, and what can't be read is said to be broken.

use super::glob::GAP;
use super::param::Param;

/// How deep substitutions may nest.
const DEPTH: usize = 24;

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text; quoted text has no wildcards.
    Text(String, bool),
    /// The value of a variable; in quotes it stays one word.
    Var(String, bool),
    /// `${…}` with more than a name in it.
    Param(Param),
    /// What commands print.
    Sub(Script),
    /// What can't be known from the text.
    Unknown,
}

/// A word. Those of an array are one word with [`super::glob::GAP`] between them.
pub type Word = Vec<Part>;

/// What a redirection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `<`
    In,
    /// `>`, `>>` and their like.
    Out,
    /// The same for what is not stdout: `2>`.
    Side,
    /// `<<<`
    Text,
}

/// A here document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// Its text.
    pub body: String,
    /// Whether the shell leaves it as it is.
    pub literal: bool,
}

/// A simple command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// `NAME=VALUE` before the words.
    pub assigns: Vec<(String, Word)>,
    /// The words; keywords of the shell's grammar left out.
    pub words: Vec<Word>,
    /// The words of the grammar before them: `if`, `then`, `!`.
    pub before: Vec<&'static str>,
    /// `<`, `>`.
    pub redirects: Vec<(Way, Word)>,
    /// `<<`.
    pub heres: Vec<Here>,
    /// It reads what the command before it prints.
    pub piped: bool,
    /// Where its text ends.
    pub end: usize,
    /// What ends it.
    pub joint: Joint,
}

/// What ends a command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Joint {
    /// The end of the text, or of what encloses it.
    #[default]
    End,
    /// `;` or a line's end.
    Next,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `|`
    Pipe,
    /// `&`
    Background,
}

/// A command line's pieces in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A command.
    Run(Command),
    /// The start of a subshell.
    Enter,
    /// Its end.
    Leave,
}

/// A command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Its pieces.
    pub items: Vec<Item>,
    /// Something goes on in the background.
    pub background: bool,
    /// Something is not closed, or nests too deep.
    pub broken: bool,
}

impl Script {
    /// The commands, whatever encloses them.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.items.iter().filter_map(|i| match i {
            Item::Run(c) => Some(c),
            _ => None,
        })
    }
}

/// Reads a command line.
#[must_use]
pub fn read(text: &str) -> Script {
    nested(text, 0)
}

pub(super) fn nested(text: &str, depth: usize) -> Script {
    let mut lexer = Lexer::on(text, depth);
    let mut script = lexer.script(None);
    script.broken |= lexer.broken || !lexer.waiting.is_empty();
    script
}

pub(super) struct Lexer {
    pub(super) text: Vec<char>,
    pub(super) at: usize,
    pub(super) depth: usize,
    pub(super) broken: bool,
    /// Here documents whose text begins at the next line: the delimiter, whether tabs are cut, whether it is literal.
    waiting: Vec<(String, bool, bool)>,
}

/// Words of the grammar that stand before a command.
const KEYWORDS: &[&str] = &[
    "if", "then", "elif", "else", "fi", "do", "done", "while", "until", "!", "{", "}", "time", "esac",
    "coproc",
];

impl Lexer {
    pub(super) fn on(text: &str, depth: usize) -> Self {
        Self { text: text.chars().collect(), at: 0, depth, broken: false, waiting: Vec::new() }
    }

    pub(super) fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn starts(&self, what: &str) -> bool {
        what.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c))
    }

    fn take(&mut self, what: &str) -> bool {
        let there = self.starts(what);
        if there {
            self.at += what.chars().count();
        }
        there
    }

    /// Up to the end, or to the `)` that closes a substitution.
    pub(super) fn script(&mut self, until: Option<char>) -> Script {
        let mut script = Script::default();
        let mut now = Command::default();
        let mut open = 0usize;
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\r' => self.at += 1,
                '\\' if self.peek(1) == Some('\n') => self.at += 2,
                '#' => self.comment(),
                ')' if open == 0 && until == Some(')') => break,
                '(' if self.begins_group(&now) => self.word_of(&mut now),
                '(' | ')' if self.flags() == 0 => {
                    let piped = now.piped && now.words.is_empty() && c == '(';
                    self.close(&mut script, &mut now, Joint::End);
                    now.piped |= piped;
                    self.at += 1;
                    open = if c == '(' { open + 1 } else { open.saturating_sub(1) };
                    script.items.push(if c == '(' { Item::Enter } else { Item::Leave });
                }
                '\n' | ';' | '&' | '|' if !self.starts("&>") => self.joint(&mut script, &mut now),
                '<' | '>' | '&' if !self.starts("<(") && !self.starts(">(") => self.redirect(&mut now),
                _ => self.word_of(&mut now),
            }
        }
        if until.is_some() && self.peek(0).is_none() {
            self.broken = true;
        }
        self.close(&mut script, &mut now, Joint::End);
        script
    }

    /// Whether a group of zsh stands where a word may: `cat (.env|x)`. A choice of `case` is none.
    fn begins_group(&self, now: &Command) -> bool {
        let is_case = |w: &Word| matches!(w.as_slice(), [Part::Text(t, false)] if t == "case");
        now.words.first().is_some_and(|first| !is_case(first)) && self.is_group(true)
    }

    pub(super) fn comment(&mut self) {
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.at += 1;
        }
    }

    fn joint(&mut self, script: &mut Script, now: &mut Command) {
        let at = self.at;
        let joint = match () {
            () if self.take("&&") => Joint::And,
            () if self.take("||") => Joint::Or,
            () if self.take("|&") || self.take("|") => Joint::Pipe,
            () if self.take("&") => Joint::Background,
            () => {
                self.at += 1;
                Joint::Next
            }
        };
        let line = self.text.get(at) == Some(&'\n');
        script.background |= joint == Joint::Background;
        if line {
            self.here_bodies(script, now);
        }
        now.end = at;
        self.close(script, now, joint);
    }

    fn close(&mut self, script: &mut Script, now: &mut Command, joint: Joint) {
        let mut done = std::mem::take(now);
        now.piped = joint == Joint::Pipe;
        let empty = done.words.is_empty() && done.assigns.is_empty();
        if empty && done.redirects.is_empty() && done.heres.is_empty() {
            now.piped |= done.piped && joint == Joint::Next;
            now.before = done.before;
            return;
        }
        if done.end == 0 {
            done.end = self.at;
        }
        done.joint = joint;
        script.items.push(Item::Run(done));
    }

    /// The documents that begin here belong to commands of the line that ended; the last of them gets them all.
    fn here_bodies(&mut self, script: &mut Script, now: &mut Command) {
        for (delimiter, tabs, literal) in std::mem::take(&mut self.waiting) {
            let mut body = String::new();
            loop {
                if self.peek(0).is_none() {
                    self.broken = true;
                    break;
                }
                let mut line = String::new();
                while let Some(c) = self.peek(0) {
                    self.at += 1;
                    if c == '\n' {
                        break;
                    }
                    line.push(c);
                }
                let shown = if tabs { line.trim_start_matches('\t') } else { &line };
                if shown == delimiter {
                    break;
                }
                body.push_str(shown);
                body.push('\n');
            }
            let here = Here { body, literal };
            let empty = now.words.is_empty() && now.redirects.is_empty();
            match script
                .items
                .iter_mut()
                .rev()
                .find_map(|i| if let Item::Run(c) = i { Some(c) } else { None })
            {
                Some(before) if empty || !before.heres.is_empty() => before.heres.push(here),
                _ => now.heres.push(here),
            }
        }
    }

    fn redirect(&mut self, now: &mut Command) {
        if self.take("<<<") {
            let word = self.next_word();
            now.redirects.push((Way::Text, word));
        } else if self.starts("<<") {
            self.at += 2;
            let tabs = self.take("-");
            let word = self.next_word();
            let literal = word.iter().any(|p| matches!(p, Part::Text(_, true)));
            let delimiter =
                word.iter().map(|p| if let Part::Text(t, _) = p { t.as_str() } else { "" }).collect();
            self.waiting.push((delimiter, tabs, literal));
        } else {
            let way = if self.peek(0) == Some('<') { Way::In } else { Way::Out };
            let _ = self.take("&");
            while self.peek(0).is_some_and(|c| matches!(c, '<' | '>' | '|' | '&')) {
                self.at += 1;
            }
            let word = self.next_word();
            let number = |t: &str| t == "-" || t.bytes().all(|b| b.is_ascii_digit());
            if !matches!(word.as_slice(), [Part::Text(t, false)] if number(t)) {
                now.redirects.push((way, word));
            }
        }
    }

    fn next_word(&mut self) -> Word {
        while self.peek(0).is_some_and(|c| c == ' ' || c == '\t') {
            self.at += 1;
        }
        self.word()
    }

    /// The next word, to the place where it belongs.
    fn word_of(&mut self, now: &mut Command) {
        let at = self.at;
        let word = self.word();
        if self.at == at {
            // Nothing that begins a word: never stand still.
            self.at += 1;
            return;
        }
        if let [Part::Text(text, false)] = word.as_slice() {
            let number = text.bytes().all(|b| b.is_ascii_digit());
            if number && matches!(self.peek(0), Some('<' | '>')) {
                if self.peek(1) == Some('(') {
                    return;
                }
                let before = now.redirects.len();
                self.redirect(now);
                let side = now.redirects.get_mut(before).filter(|(way, _)| *way == Way::Out && text != "1");
                if let Some((way, _)) = side {
                    *way = Way::Side;
                }
                return;
            }
            if text == "{" && names_function(&now.words) {
                now.words.clear();
            }
            let keyword = KEYWORDS.iter().find(|k| *k == text).filter(|_| now.words.is_empty());
            if let Some(keyword) = keyword {
                now.before.push(keyword);
                return;
            }
        }
        if now.words.is_empty()
            && let Some(assign) = assignment(&word)
        {
            now.assigns.push(assign);
            return;
        }
        now.words.push(word);
    }
}

/// `function NAME`
fn names_function(words: &[Word]) -> bool {
    let function = |w: &Word| matches!(w.as_slice(), [Part::Text(t, false)] if t == "function");
    words.len() == 2 && words.first().is_some_and(function)
}

/// `NAME=VALUE`, `NAME+=VALUE`, and `NAME[KEY]=VALUE`, which adds a word.
pub fn assignment(word: &Word) -> Option<(String, Word)> {
    let Some(Part::Text(text, false)) = word.first() else { return None };
    let (name, value) = text.split_once('=')?;
    let key = name.strip_suffix(']').and_then(|name| name.split_once('['));
    let added = key.is_some() || name.ends_with('+');
    let name = key.map_or(name.trim_end_matches('+'), |(name, _)| name);
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let mut rest = Vec::new();
    if added {
        rest.push(Part::Var(name.to_owned(), true));
    }
    if key.is_some() {
        rest.push(Part::Text(GAP.to_string(), false));
    }
    if !value.is_empty() {
        rest.push(Part::Text(value.to_owned(), false));
    }
    rest.extend(word.iter().skip(1).cloned());
    Some((name.to_owned(), rest))
}

pub(super) fn too_deep(depth: usize) -> bool {
    depth >= DEPTH
}
