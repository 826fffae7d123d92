//! How clients start svault: as a server, and as a hook on a shell's command line.

use crate::Client;
use crate::machine::System;
use serde_json::{Map, Value, json};
use std::path::Path;

/// This svault, as clients shall start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Svault {
    program: String,
    store: Option<String>,
    system: System,
}

/// A path that can't be written into a settings file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// Settings files are UTF-8.
    #[error("{0} is not UTF-8")]
    NotUtf8(String),
    /// A line end would end the command.
    #[error("{0:?} has a control character in it")]
    Control(String),
}

fn text(path: &Path) -> Result<String, BadPath> {
    let text = path.to_str().ok_or_else(|| BadPath::NotUtf8(path.display().to_string()))?;
    if text.chars().any(char::is_control) {
        return Err(BadPath::Control(text.to_owned()));
    }
    Ok(text.to_owned())
}

impl Svault {
    /// The program at an absolute path; `store` where `SVAULT_HOME` names another folder than the usual one.
    ///
    /// # Errors
    /// When a path can't be written into a settings file.
    pub fn new(program: &Path, store: Option<&Path>, system: System) -> Result<Self, BadPath> {
        Ok(Self { program: text(program)?, store: store.map(text).transpose()?, system })
    }

    /// The absolute path.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Program and arguments of the MCP server.
    #[must_use]
    pub fn server(&self) -> [&str; 2] {
        [&self.program, "mcp"]
    }

    /// The environment that a server's entry adds: clients pass on little, and never what names the store.
    #[must_use]
    pub fn environment(&self) -> Value {
        let store = self.store.iter().map(|s| ("SVAULT_HOME".to_owned(), json!(s)));
        Value::Object(store.collect::<Map<_, _>>())
    }

    /// An entry with `command`, `args` and `env`, as most clients have it.
    #[must_use]
    pub fn entry(&self) -> Value {
        json!({"command": self.program, "args": ["mcp"], "env": self.environment()})
    }

    /// The hook as a shell runs it.
    #[must_use]
    pub fn hook(&self, client: Client) -> String {
        let line = format!("{} hook --client {client}", self.quoted(&self.program));
        match &self.store {
            Some(store) if self.system == System::Windows => format!("set \"SVAULT_HOME={store}\" && {line}"),
            Some(store) => format!("SVAULT_HOME={} {line}", self.quoted(store)),
            None => line,
        }
    }

    /// The same for clients that take any exit code but 2, or a missing program, for a yes.
    #[must_use]
    pub fn hook_or_block(&self, client: Client) -> String {
        format!("{} || exit 2", self.hook(client))
    }

    /// The hook for PowerShell.
    #[must_use]
    pub fn power_shell(&self, client: Client) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let store = self.store.as_ref().map(|s| format!("$env:SVAULT_HOME={}; ", quoted(s)));
        format!("{}& {} hook --client {client}", store.unwrap_or_default(), quoted(&self.program))
    }

    /// One word of the system's usual shell, whatever is in it.
    pub(crate) fn quoted(&self, word: &str) -> String {
        if self.system == System::Windows {
            return format!("\"{word}\"");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-./+@".contains(c);
        if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(program: &str, store: Option<&str>) -> Svault {
        Svault::new(Path::new(program), store.map(Path::new), System::Linux).unwrap()
    }

    #[test]
    fn no_path_gets_out_of_its_quotes() {
        let hook = at("/opt/svault", None).hook(Client::Claude);
        assert_eq!(hook, "/opt/svault hook --client claude");
        let odd = "/tmp/it's $(touch x); `y` & \"z\"/svault";
        let line = at(odd, Some("/a b")).hook_or_block(Client::Codex);
        assert_eq!(
            line,
            "SVAULT_HOME='/a b' '/tmp/it'\\''s $(touch x); `y` & \"z\"/svault' hook --client codex || exit 2"
        );
        assert!(crate::config::is_ours(&line));
        assert!(Svault::new(Path::new("/a\nb"), None, System::Linux).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_an_odd_path_as_one_word() {
        let odd = "/tmp/it's $(touch x); `y` & \"z\" \\ *";
        let word = at(odd, None).quoted(odd);
        let said = std::process::Command::new("/bin/sh").args(["-c", &format!("printf %s {word}")]).output();
        assert_eq!(String::from_utf8(said.unwrap().stdout).unwrap(), odd);
    }
}
