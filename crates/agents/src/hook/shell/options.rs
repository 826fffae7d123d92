//! The options of `grep` and its like, as far as they say which files are read.

use super::glob;
use crate::hook::wanted::{Syntax, Wanted};
use std::cell::OnceCell;
use std::path::Path;
use std::slice::Iter;

/// What a search reads.
#[derive(Debug, Default)]
pub struct Search {
    /// Its files and folders, as patterns.
    pub places: Vec<String>,
    /// Files with its patterns or rules.
    pub rules: Vec<String>,
    /// Folders are searched.
    pub deep: bool,
    /// Hidden files are left out.
    pub visible_only: bool,
    /// What git ignores is left out.
    pub ignores: bool,
    /// Links in folders are followed.
    pub links: bool,
    /// Only names are printed.
    pub names_only: bool,
    include: Vec<String>,
    exclude: Vec<String>,
    /// The only types of files.
    types: Vec<String>,
    /// As the shell gives them; none where they can't be known.
    patterns: Option<Vec<String>>,
    syntax: Syntax,
    /// What is no text is searched like text.
    binary: bool,
    wanted: OnceCell<Wanted>,
}

/// Options of `grep` whose value is the next word; letters may have it glued to them.
const GREP: (&str, &[&str]) = (
    "efmABCdD",
    &[
        "regexp",
        "file",
        "max-count",
        "context",
        "after-context",
        "before-context",
        "devices",
        "directories",
        "binary-files",
        "label",
        "include",
        "exclude",
        "exclude-dir",
        "exclude-from",
        "group-separator",
        "threads",
        "max-depth",
    ],
);
/// Those of `rg` and its like.
const RG: (&str, &[&str]) = (
    "efmABCgtTjMrEd",
    &[
        "regexp",
        "file",
        "max-count",
        "context",
        "after-context",
        "before-context",
        "glob",
        "iglob",
        "type",
        "type-not",
        "type-add",
        "type-clear",
        "threads",
        "max-columns",
        "replace",
        "encoding",
        "max-depth",
        "depth",
        "maxdepth",
        "color",
        "colors",
        "sort",
        "sortr",
        "ignore-file",
        "pre",
        "pre-glob",
        "engine",
        "max-filesize",
        "context-separator",
        "path-separator",
        "dfa-size-limit",
        "regex-size-limit",
        "include",
        "exclude",
        "ignore",
        "ignore-dir",
        "hostname-bin",
        "hyperlink-format",
        "field-match-separator",
        "field-context-separator",
    ],
);
/// Options of `grep` that search folders.
const LONG_DEEP: [&str; 2] = ["recursive", "dereference-recursive"];
/// Types of `rg` that are languages, in none of which there is a key. `sh` has `.env` among its names.
const LANGUAGES: &[&str] = &[
    "rust",
    "py",
    "python",
    "js",
    "ts",
    "typescript",
    "tsx",
    "go",
    "java",
    "kotlin",
    "swift",
    "c",
    "cpp",
    "h",
    "cs",
    "csharp",
    "ruby",
    "php",
    "html",
    "css",
    "md",
    "markdown",
    "lua",
    "sql",
    "vue",
    "svelte",
    "elixir",
];

impl Search {
    /// Reads the arguments of `grep`, `rg` and their like.
    #[must_use]
    pub fn of(name: &str, args: &[Vec<String>]) -> Self {
        let grep = !matches!(name, "rg" | "ag" | "ack" | "ugrep");
        let syntax = match name {
            "fgrep" => Syntax::Fixed,
            _ if grep && name != "egrep" => Syntax::Basic,
            _ => Syntax::Extended,
        };
        let mut search = Self {
            deep: !grep || matches!(name, "git-grep" | "rgrep"),
            visible_only: !grep,
            syntax,
            ..Self::default()
        };
        search.ignores = matches!(name, "rg" | "ag");
        search.patterns = Some(Vec::new());
        let (letters, long) = match name {
            "ag" | "ack" => ("ABCmGg", RG.1),
            _ if grep => GREP,
            _ => RG,
        };
        let mut given = false;
        let mut only_places = false;
        let mut rest = args.iter();
        while let Some(forms) = rest.next() {
            let word = forms.first().map_or("", String::as_str);
            if only_places || !word.starts_with('-') || word == "-" {
                if given {
                    search.places.extend(forms.iter().cloned());
                } else {
                    search.pattern(forms);
                }
                given = true;
                continue;
            }
            only_places = word == "--";
            if let Some(flag) = word.strip_prefix("--") {
                let (flag, joined) =
                    flag.split_once('=').map_or((flag, None), |(f, v)| (f, Some(v.to_owned())));
                given |= matches!(flag, "regexp" | "file" | "files");
                search.flag(grep, flag);
                let next = || rest.next().cloned().unwrap_or_default();
                let value = match joined {
                    Some(value) => Some(vec![value]),
                    None => long.contains(&flag).then(next),
                };
                search.value(grep, flag, &value.unwrap_or_default());
                continue;
            }
            given |= search.bundle(grep, word, letters, &mut rest);
        }
        search
    }

    /// Short options in one word, the last of them perhaps with a value. Whether one of them gives a pattern.
    fn bundle(&mut self, grep: bool, word: &str, valued: &str, rest: &mut Iter<Vec<String>>) -> bool {
        for (at, letter) in word.char_indices().skip(1) {
            let flag = letter.to_string();
            if !valued.contains(letter) {
                self.flag(grep, &flag);
                continue;
            }
            let glued = word[at + letter.len_utf8()..].to_owned();
            let value = if glued.is_empty() { rest.next().cloned().unwrap_or_default() } else { vec![glued] };
            self.value(grep, &flag, &value);
            return matches!(letter, 'e' | 'f');
        }
        false
    }

    fn flag(&mut self, grep: bool, flag: &str) {
        match flag {
            "r" | "R" if grep => {
                self.deep = true;
                self.links |= flag == "R";
            }
            // Long ones may be cut short.
            flag if grep && flag.len() > 2 && LONG_DEEP.iter().any(|long| long.starts_with(flag)) => {
                self.deep = true;
                self.links |= flag.starts_with('d');
            }
            "L" | "follow" if !grep => self.links = true,
            "hidden" | "." if !grep => self.visible_only = false,
            "u" | "unrestricted" if !grep => (self.visible_only, self.ignores) = (false, false),
            flag if !grep && flag.starts_with("no-ignore") => {
                (self.visible_only, self.ignores) = (false, false)
            }
            "F" | "fixed-strings" => self.syntax = Syntax::Fixed,
            "E" | "P" | "extended-regexp" | "perl-regexp" if grep => self.syntax = Syntax::Extended,
            "a" | "text" => self.binary = true,
            "L" | "files-without-match" if grep => self.patterns = None,
            // All lines, or what nobody knows here.
            "v" | "invert-match" | "passthru" | "passthrough" | "f" | "file" | "pre" | "z" | "search-zip"
            | "and" | "or" | "not" => self.patterns = None,
            _ => {}
        }
        let names = ["files-with-matches", "files-without-match", "count", "quiet", "files", "name-only"];
        self.names_only |= matches!(flag, "l" | "q" | "c") || names.contains(&flag) || grep && flag == "L";
    }

    fn value(&mut self, grep: bool, flag: &str, forms: &[String]) {
        let Some(form) = forms.first() else { return };
        let value = glob::unescaped(form);
        match flag {
            "e" | "regexp" => self.pattern(forms),
            "f" | "file" => {
                self.patterns = None;
                self.rules.extend(forms.iter().cloned());
            }
            "ignore-file" | "exclude-from" => self.rules.push(form.clone()),
            "d" | "directories" if grep => self.deep |= value == "recurse",
            "exclude" | "ignore" => self.exclude.push(value),
            "include" => self.include.push(value),
            "g" | "glob" | "iglob" => match value.strip_prefix('!') {
                Some(not) => self.exclude.push(not.to_owned()),
                None => self.include.push(value),
            },
            "t" | "type" | "type-add" => self.types.push(value),
            "E" | "encoding" | "pre" | "engine" if !grep => self.patterns = None,
            "binary-files" => self.binary = true,
            _ => {}
        }
    }

    fn pattern(&mut self, forms: &[String]) {
        let known = forms.iter().map(|f| glob::literal(f)).collect::<Option<Vec<String>>>();
        match (known, &mut self.patterns) {
            (Some(more), Some(all)) => all.extend(more),
            _ => self.patterns = None,
        }
    }

    /// Whether a filter names a file.
    #[must_use]
    pub fn names(&self, path: &Path) -> bool {
        fits_any(&self.include, path)
    }

    /// Whether something of a protected file in a searched folder would be printed.
    #[must_use]
    pub fn reads(&self, path: &Path) -> bool {
        self.meets(path) && self.wanted().prints(path)
    }

    /// Whether a line of a protected file in a searched folder is found.
    #[must_use]
    pub fn finds(&self, path: &Path) -> bool {
        self.meets(path) && self.wanted().finds(path)
    }

    fn meets(&self, path: &Path) -> bool {
        if fits_any(&self.exclude, path) {
            return false;
        }
        let hidden = path.file_name().unwrap_or_default().to_string_lossy().starts_with('.');
        let named = self.names(path);
        let typed = !self.types.is_empty() && self.types.iter().all(|t| is_language(t));
        let open = self.include.is_empty() && !typed && !(self.visible_only && hidden);
        named || open
    }

    fn wanted(&self) -> &Wanted {
        let wanted = || match &self.patterns {
            Some(patterns) => Wanted::new(patterns, self.syntax, self.binary),
            None => Wanted::default(),
        };
        self.wanted.get_or_init(wanted)
    }
}

/// Whether a type of `rg` is a language, in whose files there is no key and no settings.
#[must_use]
pub fn is_language(kind: &str) -> bool {
    LANGUAGES.contains(&kind)
}

fn fits_any(patterns: &[String], path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    patterns.iter().any(|p| glob::fits(p.rsplit('/').next().unwrap_or(p), &name))
}
