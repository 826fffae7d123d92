//! What an attack says of itself in its first lines. Nothing here decides how it ended.

use std::path::Path;
use svault_tests::need::{Need, have};

/// How it must end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ends {
    /// It gets nothing.
    Stopped,
    /// It gets something, as a paragraph of the threat model says.
    Documented {
        /// Which paragraph, such as `N3`.
        paragraph: String,
        /// What it must have got, so that the paragraph stays true: a secret's name, `PASSPHRASE`, or nothing named.
        got: Vec<String>,
    },
}

/// The store that it is tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Wide limits.
    Open,
    /// The caller's rate is used up.
    Tight,
    /// The secret `LOW` is sealed.
    Sealed,
    /// A human has made the secret `HIGH` stricter: it has been `low`, and the attack has a copy of the vault from then.
    Edited,
    /// The store lies on a small disk of its own.
    Small,
}

/// The header.
#[derive(Debug, Clone)]
pub struct Header {
    /// How it must end.
    pub ends: Ends,
    /// On which store.
    pub kind: Kind,
    /// What the trail must have of it: events, with `:cause` where it matters. Empty: it asks for nothing.
    pub trail: Vec<String>,
    /// Secrets that policy or a human gives it.
    pub given: Vec<String>,
    /// `clean`: it makes svault print no control characters. `refused`: the store must refuse to open afterwards.
    /// `once`: at most one release. `unwritten`: denials may be missing in the trail, as it lets nothing be written, or
    /// kills the daemon before it has written the count of a burst.
    pub checks: Vec<String>,
    needs: Vec<Need>,
}

impl Header {
    /// Reads it. The first line says what is tried.
    #[track_caller]
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let first = text.lines().next().unwrap_or("");
        assert!(first.starts_with("# Tries to "), "{}: the first line says what it tries", path.display());
        let fields: Vec<(&str, &str)> = text
            .lines()
            .skip(1)
            .map_while(|l| l.strip_prefix("# "))
            .filter_map(|l| l.split_once(": "))
            .collect();
        let field = |name: &str| fields.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
        let words = |name: &str| {
            let text = field(name).unwrap_or("");
            text.split([',', ' ']).filter(|w| !w.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        let kind = match field("House").unwrap_or("open") {
            "open" => Kind::Open,
            "tight" => Kind::Tight,
            "sealed" => Kind::Sealed,
            "edited" => Kind::Edited,
            "small" => Kind::Small,
            other => panic!("{}: no house '{other}'", path.display()),
        };
        let ends = ends(&words("Ends")).unwrap_or_else(|| panic!("{}: how does it end?", path.display()));
        let mut needs: Vec<Need> = words("Needs").iter().map(|n| need(n)).collect();
        needs.push(Need::Linux);
        needs.push(Need::Python);
        if kind == Kind::Small {
            needs.push(Need::Root);
        }
        let trail = words("Trail").into_iter().filter(|w| w != "none").collect();
        Self { ends, kind, trail, given: words("Given"), checks: words("Checks"), needs }
    }

    /// Whether this machine has what it takes.
    pub fn can_run(&self) -> bool {
        have(&self.needs)
    }

    /// Whether something is to be checked besides.
    pub fn checks(&self, what: &str) -> bool {
        self.checks.iter().any(|c| c == what)
    }
}

fn ends(words: &[String]) -> Option<Ends> {
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["stopped"] => Some(Ends::Stopped),
        ["documented", "as", paragraph] => {
            Some(Ends::Documented { paragraph: paragraph.to_owned(), got: Vec::new() })
        }
        ["documented", "as", paragraph, "got", ref got @ ..] => Some(Ends::Documented {
            paragraph: paragraph.to_owned(),
            got: got.iter().map(|g| (*g).to_owned()).collect(),
        }),
        _ => None,
    }
}

fn need(word: &str) -> Need {
    match word {
        "Script" => Need::Script,
        "Cores" => Need::Cores,
        "Gdb" => Need::Gdb,
        "UserNamespaces" => Need::UserNamespaces,
        "Root" => Need::Root,
        other => panic!("nobody knows what '{other}' is"),
    }
}
