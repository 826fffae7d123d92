//! The programs that svault knows by name: agents, and editors with an agent in them.

use std::fmt;
use std::str::FromStr;

/// A client of svault that an agent lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    /// Claude Code.
    Claude,
    /// OpenAI's Codex CLI.
    Codex,
    /// GitHub's Copilot CLI, and the Copilot harness of VS Code, which reads the same files.
    Copilot,
    /// VS Code's own (local) agent.
    VsCode,
    /// Cursor, the editor and its command line.
    Cursor,
    /// Aider, which has neither MCP nor hooks.
    Aider,
    /// Gemini CLI.
    Gemini,
    /// opencode, whose hooks are a plugin that asks svault.
    Opencode,
    /// Qwen Code.
    Qwen,
    /// Cline's command line.
    Cline,
    /// Windsurf.
    Windsurf,
    /// Zed, which has MCP and no hooks.
    Zed,
}

/// A name that is none of a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no client is called {0}; known: {known}", known = Client::names())]
pub struct UnknownClient(String);

impl Client {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Claude,
        Self::Codex,
        Self::Copilot,
        Self::VsCode,
        Self::Cursor,
        Self::Aider,
        Self::Gemini,
        Self::Opencode,
        Self::Qwen,
        Self::Cline,
        Self::Windsurf,
        Self::Zed,
    ];

    /// The name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Copilot => "copilot",
            Self::VsCode => "vscode",
            Self::Cursor => "cursor",
            Self::Aider => "aider",
            Self::Gemini => "gemini",
            Self::Opencode => "opencode",
            Self::Qwen => "qwen",
            Self::Cline => "cline",
            Self::Windsurf => "windsurf",
            Self::Zed => "zed",
        }
    }

    /// The names of all, for messages.
    #[must_use]
    pub fn names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Client {
    type Err = UnknownClient;
    fn from_str(name: &str) -> Result<Self, UnknownClient> {
        Self::ALL.into_iter().find(|c| c.as_str() == name).ok_or_else(|| UnknownClient(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_clients_are_one_to_one() {
        for client in Client::ALL {
            assert_eq!(client.as_str().parse(), Ok(client));
        }
        let wrong = "Claude".parse::<Client>().unwrap_err();
        assert!(wrong.to_string().contains("claude, codex"), "{wrong}");
    }
}
