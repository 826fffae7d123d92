//! The options of `grep` and `find`, as far as they say which files are read.

use super::glob;
use std::path::Path;

/// What a search reads.
#[derive(Debug, Default)]
pub struct Search {
    /// Its files and folders, as patterns.
    pub places: Vec<String>,
    /// Folders are searched.
    pub deep: bool,
    /// Hidden files are left out.
    pub visible_only: bool,
    /// Links in folders are followed.
    pub links: bool,
    include: Vec<String>,
    exclude: Vec<String>,
    /// Only names are printed.
    pub names_only: bool,
}

/// Long options whose value is the next word.
const VALUES: &[&str] = &[
    "-e",
    "-m",
    "-A",
    "-B",
    "-C",
    "--regexp",
    "--max-count",
    "--context",
    "--after-context",
    "--before-context",
    "-t",
    "--type",
    "-T",
    "--type-not",
    "--color",
    "--colour",
    "-d",
    "-D",
    "--include-dir",
    "--exclude-dir",
    "-j",
    "--threads",
    "-M",
    "--max-columns",
    "--sort",
    "-r=",
    "--replace",
    "--max-depth",
    "--depth",
    "-E",
    "--encoding",
];

impl Search {
    /// Reads the arguments of `grep`, `rg` and their like.
    #[must_use]
    pub fn of(name: &str, args: &[Vec<String>]) -> Self {
        let grep = !matches!(name, "rg" | "ag" | "ack" | "ugrep");
        let mut search = Self { deep: !grep, visible_only: !grep, ..Self::default() };
        let words: Vec<String> = args.iter().filter_map(|forms| forms.first().cloned()).collect();
        let mut pattern = false;
        let mut rest = words.iter().enumerate();
        let mut only_places = false;
        while let Some((at, word)) = rest.next() {
            if only_places || !word.starts_with('-') || word == "-" {
                if pattern {
                    search.places.extend(args[at].iter().cloned());
                }
                pattern = true;
                continue;
            }
            only_places = word == "--";
            let (flag, joined) = word.split_once('=').map_or((word.as_str(), None), |(f, v)| (f, Some(v)));
            pattern |= matches!(flag, "-e" | "--regexp" | "-f" | "--file" | "--files");
            search.flag(grep, flag);
            let takes = matches!(
                flag,
                "-g" | "--glob" | "--iglob" | "--include" | "--exclude" | "-f" | "--file" | "--ignore-file"
            );
            let value = match joined {
                Some(value) => Some(value.to_owned()),
                None if takes || VALUES.contains(&flag) => rest.next().map(|(_, v)| v.clone()),
                None => None,
            };
            if let Some(value) = value {
                search.value(flag, value);
            }
        }
        search
    }

    fn flag(&mut self, grep: bool, flag: &str) {
        let short = |c: char| !flag.starts_with("--") && flag.contains(c);
        self.deep |=
            grep && (short('r') || short('R') || matches!(flag, "--recursive" | "--dereference-recursive"));
        self.links |= if grep { short('R') } else { short('L') || flag == "--follow" };
        if !grep && (matches!(flag, "--hidden" | "--no-ignore" | "--unrestricted" | "-.") || short('u')) {
            self.visible_only = false;
        }
        let names = ["--files-with-matches", "--files-without-match", "--count", "--quiet", "--files"];
        self.names_only |=
            short('l') || short('L') || short('q') || names.contains(&flag) || (grep && flag == "-c");
    }

    fn value(&mut self, flag: &str, form: String) {
        let value = glob::unescaped(&form);
        match flag {
            "-f" | "--file" | "--ignore-file" => self.places.push(form),
            "--exclude" => self.exclude.push(value),
            "--include" => self.include.push(value),
            "-g" | "--glob" | "--iglob" => match value.strip_prefix('!') {
                Some(not) => self.exclude.push(not.to_owned()),
                None => self.include.push(value),
            },
            _ => {}
        }
    }

    /// Whether a file in a searched folder is read.
    #[must_use]
    pub fn reads(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let any = |patterns: &[String]| {
            let last = |p: &str| p.rsplit('/').next().unwrap_or(p).to_owned();
            patterns.iter().any(|p| glob::fits(&last(p), &name))
        };
        if any(&self.exclude) {
            return false;
        }
        let named = any(&self.include);
        (self.include.is_empty() || named) && (!self.visible_only || !name.starts_with('.') || named)
    }
}

/// What `find` and `fd` come upon.
#[derive(Debug, Default)]
pub struct Find {
    /// Where it starts.
    pub places: Vec<String>,
    names: Vec<String>,
    not: Vec<String>,
    /// A command for each file: its place among the arguments.
    pub exec: Option<usize>,
    /// Hidden files are left out.
    visible_only: bool,
}

impl Find {
    /// Reads the arguments.
    #[must_use]
    pub fn of(name: &str, args: &[Vec<String>]) -> Self {
        let fd = name.starts_with("fd");
        let mut find = Self { visible_only: fd, ..Self::default() };
        let words: Vec<&str> = args.iter().map(|f| f.first().map_or("", String::as_str)).collect();
        let mut at = 0;
        let mut tests = false;
        let mut negated = false;
        while at < words.len() {
            match words[at] {
                "-exec" | "-execdir" | "-ok" | "-okdir" | "-x" | "-X" | "--exec" | "--exec-batch" => {
                    find.exec = Some(at + 1);
                    break;
                }
                "-name" | "-iname" | "-path" | "-ipath" | "-wholename" => {
                    let pattern = args.get(at + 1).and_then(|f| f.first()).cloned().unwrap_or_default();
                    let pattern = glob::unescaped(pattern.rsplit('/').next().unwrap_or_default());
                    if negated {
                        find.not.push(pattern)
                    } else {
                        find.names.push(pattern)
                    }
                    at += 1;
                }
                "-not" | "\\!" | "!" => {
                    negated = true;
                    at += 1;
                    tests = true;
                    continue;
                }
                "-H" | "--hidden" | "-u" | "-I" | "--no-ignore" | "-HI" if fd => find.visible_only = false,
                word if word.starts_with('-') => tests = true,
                word if !(tests || fd && find.names.is_empty()) => find.places.push(word.to_owned()),
                word if fd && !tests => find.names.push(format!("*{word}*")),
                _ => {}
            }
            negated = false;
            at += 1;
        }
        if find.places.is_empty() {
            find.places.push(".".to_owned());
        }
        find
    }

    /// Whether it comes upon a file.
    #[must_use]
    pub fn meets(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let any = |patterns: &[String]| patterns.iter().any(|p| glob::fits(p, &name));
        (self.names.is_empty() || any(&self.names))
            && !any(&self.not)
            && (!self.visible_only || !name.starts_with('.'))
    }

    /// The names that it looks for.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }
}
