//! Where words go: stdout is the answer, stderr the rest; people or JSON; colours only on a terminal.

use serde_json::{Map, Value};
use std::io::{self, IsTerminal, Write};

/// How this run talks.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    json: bool,
    colour: bool,
    err_colour: bool,
    terminal: bool,
}

impl Out {
    /// As flags, terminal and `NO_COLOR` say.
    #[must_use]
    pub fn new(json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            && std::env::var_os("TERM").is_none_or(|v| v != "dumb");
        let terminal = io::stdout().is_terminal();
        Self { json, colour: wanted && terminal, err_colour: wanted && io::stderr().is_terminal(), terminal }
    }

    /// No colours, no JSON, no terminal.
    #[cfg(test)]
    pub fn plain() -> Self {
        Self { json: false, colour: false, err_colour: false, terminal: false }
    }

    /// Whether the answer is JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        self.json
    }

    /// Whether stdout is a terminal.
    #[must_use]
    pub fn terminal(&self) -> bool {
        self.terminal
    }

    /// The answer: as an object with `"ok": true`, or as text for people.
    ///
    /// # Errors
    /// When stdout can't be written.
    pub fn answer(&self, object: Value, text: impl FnOnce(&Self) -> String) -> io::Result<()> {
        if !self.json {
            return self.text(&text(self));
        }
        let mut all = Map::new();
        all.insert("ok".into(), true.into());
        if let Value::Object(more) = object {
            all.extend(more);
        }
        self.object(all)
    }

    /// One JSON object on a line of its own.
    ///
    /// # Errors
    /// When stdout can't be written.
    pub fn object(&self, object: Map<String, Value>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", Value::Object(object))?;
        out.flush()
    }

    /// Text for people on stdout, as it is.
    ///
    /// # Errors
    /// When stdout can't be written.
    pub fn text(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// A remark for people, on stderr; JSON readers don't need it.
    pub fn note(&self, line: &str) {
        if !self.json {
            self.lines_to_stderr(&format!("{line}\n"));
        }
    }

    /// Text on stderr; there is nobody to tell where that fails.
    pub fn lines_to_stderr(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// `text` in an ANSI style (such as `1` for bold), where stdout shows colours.
    #[must_use]
    pub fn style(&self, text: &str, style: &str) -> String {
        if self.colour { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// The same for stderr.
    #[must_use]
    pub fn err_style(&self, text: &str, style: &str) -> String {
        if self.err_colour { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// How wide a line may be: the terminal's width, or none where nobody looks.
    #[must_use]
    pub fn width(&self) -> Option<usize> {
        if !self.terminal {
            return None;
        }
        Some(columns().max(40))
    }

    /// Where what somebody else made long has to be broken, so that it does not go on at the edge: see
    /// [`crate::table::hanging`].
    #[must_use]
    pub fn edge(&self) -> Option<usize> {
        self.terminal.then(columns)
    }
}

/// The columns of the terminal; 80 where it does not say.
#[must_use]
pub fn columns() -> usize {
    let said = crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns));
    said.filter(|columns| *columns > 0).unwrap_or(80)
}

/// A path, or a line that has one in it, in which nothing hides and no line begins. A backslash stays as it is where nothing
/// does.
#[must_use]
pub fn shown(line: &str) -> String {
    let shown = wire::card::visible(line.as_bytes());
    if shown == line.replace('\\', "\\\\") { line.to_owned() } else { shown }
}

/// Text from elsewhere: control, bidi and invisible characters visible, cut at a length.
#[must_use]
pub fn foreign(text: &str, most: usize) -> String {
    let shown = wire::card::visible(text.as_bytes());
    cut(&shown, most)
}

/// At most so many characters, the last one `…` where some were cut.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// A command line as a person would type it.
#[must_use]
pub fn command_line(argv: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,~".contains(c);
    let quoted = argv.iter().map(|a| {
        let shown = wire::card::visible(a.as_bytes());
        if !a.is_empty() && a.chars().all(plain) {
            shown
        } else {
            format!("'{}'", shown.replace('\'', "'\\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_counts_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(foreign("a\x1b[2Jb", 80), "a\\u{1b}[2Jb");
    }

    #[test]
    fn command_lines_show_where_arguments_end() {
        let argv = ["psql", "-c", "select 1", ""].map(str::to_owned);
        assert_eq!(command_line(&argv), "psql -c 'select 1' ''");
    }
}
