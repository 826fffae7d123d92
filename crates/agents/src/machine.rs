//! Where things are for this user: the home, what the environment moves, and the programs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The kind of system; clients keep their settings elsewhere on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Linux and other Unixes.
    Linux,
    /// macOS.
    Mac,
    /// Windows.
    Windows,
}

impl System {
    /// This one.
    #[must_use]
    pub fn here() -> Self {
        if cfg!(target_os = "macos") {
            Self::Mac
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Linux
        }
    }
}

/// Variables that move a client's settings, or svault's.
const VARIABLES: &[&str] = &[
    "PATH",
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "COPILOT_HOME",
    "GEMINI_CLI_HOME",
    "QWEN_HOME",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "APPDATA",
    "LOCALAPPDATA",
    "SVAULT_HOME",
];

/// The user's side of this machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The home folder, absolute.
    pub home: PathBuf,
    /// The system.
    pub system: System,
    variables: BTreeMap<String, OsString>,
}

impl Machine {
    /// A machine with this home and these variables; others than those that matter are dropped.
    #[must_use]
    pub fn new(
        home: PathBuf,
        system: System,
        variables: impl IntoIterator<Item = (String, OsString)>,
    ) -> Self {
        let variables = variables
            .into_iter()
            .filter(|(name, value)| VARIABLES.contains(&name.as_str()) && !value.is_empty());
        Self { home, system, variables: variables.collect() }
    }

    /// This process's own.
    #[must_use]
    pub fn here() -> Option<Self> {
        let home = std::env::home_dir().filter(|h| h.is_absolute())?;
        let all = VARIABLES.iter().filter_map(|v| Some(((*v).to_owned(), std::env::var_os(v)?)));
        Some(Self::new(home, System::here(), all))
    }

    /// A folder that a variable names; a relative one is none.
    #[must_use]
    pub fn folder(&self, variable: &str) -> Option<PathBuf> {
        self.variables.get(variable).map(PathBuf::from).filter(|p| p.is_absolute())
    }

    /// A folder that a variable names, else one in the home.
    #[must_use]
    pub fn folder_or(&self, variable: &str, in_home: &str) -> PathBuf {
        self.folder(variable).unwrap_or_else(|| self.home.join(in_home))
    }

    /// Whether a path is one of the home, as it is written; the home may be named with or without its links.
    #[must_use]
    pub fn is_in_home(&self, path: &Path) -> bool {
        path.starts_with(&self.home) || self.home.canonicalize().is_ok_and(|home| path.starts_with(home))
    }

    /// Where programs keep their settings.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        match self.system {
            System::Linux => self.folder_or("XDG_CONFIG_HOME", ".config"),
            System::Mac => self.home.join("Library/Application Support"),
            System::Windows => self.folder_or("APPDATA", "AppData/Roaming"),
        }
    }

    /// Where svault keeps what it has to remember about the files of others.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        match self.system {
            System::Linux => self.folder_or("XDG_STATE_HOME", ".local/state").join("svault/agents"),
            System::Mac => self.home.join("Library/Application Support/svault/agents"),
            System::Windows => self.folder_or("LOCALAPPDATA", "AppData/Local").join("svault/agents"),
        }
    }

    /// A program on the path, links on the way to it left as they are.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let path = self.variables.get("PATH")?;
        std::env::split_paths(path)
            .filter(|folder| folder.is_absolute())
            .flat_map(|folder| [folder.join(name), folder.join(format!("{name}.exe"))])
            .find(|p| is_program(p))
    }
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}
