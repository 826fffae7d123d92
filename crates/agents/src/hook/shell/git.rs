//! `git`: which of its commands print what is in files.

use super::glob;
use super::options::Search;
use super::programs::{GIT_MENTIONS, Role};
use super::roles::{self, Call};
use super::searches::{self, BRIEF};
use super::walk::Walk;
use super::{Stop, settings, staging};
use crate::hook::guard::{Class, Secret, normal};
use crate::hook::ignore::Ignored;
use crate::hook::index::{self, Tracked};
use std::path::{Path, PathBuf};

/// How many names on stdin are looked at.
const NAMES: usize = 256;
/// How many folders that were added are looked at.
const ADDED: usize = 16;

/// Options with a file whose text a command shows or makes its message, by the command: letters and words.
const FILES: &[(&str, &str, &[&str])] = &[
    ("commit", "Ft", &["--file", "--template"]),
    ("tag", "F", &["--file"]),
    ("merge", "F", &["--file"]),
    ("config", "f", &["--file"]),
];
/// The same for every command: a line that names no file is printed.
const PATHS: &str = "--pathspec-from-file";
/// Letters that take the rest of their word for something else: `-mFIX`.
const VALUED: &str = "mcCuSX";

/// A call of git, in pieces.
pub struct Git {
    /// All words but those that say what is left out.
    args: Vec<Vec<String>>,
    /// The command.
    pub name: String,
    /// Where the words behind the command's name begin.
    from: usize,
    /// The folder that it runs in.
    pub folder: Option<PathBuf>,
    /// Patterns of what is left out.
    left_out: Vec<String>,
}

/// Why a call is stopped, if it is.
pub fn run(walk: &mut Walk, call: &Call) -> Option<Stop> {
    let git = Git::of(walk, call);
    let call = &git.call();
    let name = git.name.as_str();
    if let Some(stop) = git.shows(walk).or_else(|| git.takes_in(walk)) {
        return Some(stop);
    }
    if name == "cat-file" && (git.has_long("--batch") || call.has(&["--batch-command"])) {
        let names = walk.text.take();
        let mut names = names.iter().flat_map(|text| text.split_whitespace()).take(NAMES);
        let found = names.find_map(|name| walk.find(&glob::escaped(name)));
        return found.or_else(|| walk.upstream.clone()).map(Stop::Reads);
    }
    walk.upstream = git.listed(walk).or_else(|| walk.upstream.take());
    let patch = call.short(&['p', 'u']) || call.has(&["--patch", "-L"]);
    if GIT_MENTIONS.contains(&name) || (name == "log" && !patch) {
        walk.mention(call.args);
        return git.takes_text(walk).map(Stop::Reads).or_else(|| roles::own(walk, call));
    }
    if name == "stash" && call.word(git.from) == "save" {
        return None;
    }
    if !matches!(name, "grep" | "diff" | "log") {
        return roles::other(walk, call);
    }
    // What is looked for: `git log -S'process.env'`, `git grep -eprocess.env`.
    let sought: &[&str] = if name == "grep" { &["-e"] } else { &["-S", "-G"] };
    let is_file = |word: &&String| !sought.iter().any(|option| word.starts_with(option));
    let found = call.args.iter().flatten().filter(is_file).find_map(|f| walk.find(f));
    found.map(Stop::Reads).or_else(|| match name {
        "grep" => git.greps(walk, |search| !search.names_only).map(Stop::Searches),
        "diff" if call.has(&["--no-index"]) => {
            let words = Call { args: &git.args[git.from..], ..git.call() };
            searches::compared(walk, &words, false)
        }
        _ => None,
    })
}

/// The protected file whose name a call prints.
pub fn listed(walk: &Walk, call: &Call) -> Option<Secret> {
    Git::of(walk, call).listed(walk)
}

impl Git {
    fn of(walk: &Walk, call: &Call) -> Self {
        let (out, kept): (Vec<_>, Vec<_>) =
            call.args.iter().cloned().partition(|forms| leaves_out(forms.first().map_or("", String::as_str)));
        let left_out = out.iter().filter_map(|forms| forms.first());
        let left_out = left_out.map(|w| w.trim_start_matches([':', '!', '^', '\\']));
        let left_out = left_out.map(|w| w.rsplit([')', '/']).next().unwrap_or(w).to_owned()).collect();
        let mut git = Self { args: kept, name: String::new(), from: 0, folder: None, left_out };
        let (at, folder) = command(walk, &git.call());
        git.name = at.map_or(String::new(), |at| git.call().word(at).to_owned());
        git.from = at.map_or(0, |at| at + 1);
        git.folder = folder.map(|folder| normal(&folder));
        git
    }

    fn call(&self) -> Call<'_> {
        Call { name: "git", role: Role::Git, args: &self.args, raw: &[] }
    }

    /// What is told to git to run, or is shown of what this line has put into it.
    fn shows(&self, walk: &mut Walk) -> Option<Stop> {
        let call = &self.call();
        if let Some(stop) = settings::of_git(walk, call, self.name == "config") {
            return Some(stop);
        }
        if let Some(secret) = staging::unstashed(walk, self, call) {
            return Some(Stop::Stages(secret));
        }
        let staged =
            || walk.staging.named.clone().or_else(|| self.added(walk)).or_else(|| self.changed(walk));
        shows_staged(&self.name, call).then(staged).flatten().map(Stop::Stages)
    }

    /// What a call puts into git, or into an archive of it.
    fn takes_in(&self, walk: &mut Walk) -> Option<Stop> {
        let call = &self.call();
        match self.name.as_str() {
            "stash" => staging::stash(walk, self, call),
            "update-index" if call.has(&["--add"]) => {
                walk.staging.named = walk.staging.named.take().or_else(|| self.names(walk));
            }
            "add" => return self.adds(walk),
            "commit" if call.short(&['a']) || call.has(&["--all"]) => {
                walk.staging.named =
                    walk.staging.named.take().or_else(|| self.tracked(walk, Tracked::is_changed));
            }
            "archive" if !call.short(&['o']) && !self.has_long("--output") => {
                walk.packs = self.tracked(walk, |_| true).or_else(|| self.added(walk));
            }
            _ => {}
        }
        None
    }

    /// The protected file whose text the command is told to take: `commit -F FILE`.
    fn takes_text(&self, walk: &Walk) -> Option<Secret> {
        let known = FILES.iter().find(|(name, ..)| *name == self.name);
        let (letters, words) = known.map_or(("", &[][..]), |(_, letters, words)| (*letters, *words));
        let base = self.folder.as_deref();
        let args = self.args.get(self.from..).unwrap_or_default();
        args.iter().enumerate().find_map(|(at, forms)| {
            let next = args.get(at + 1).into_iter().flatten();
            let values = forms.iter().filter_map(|form| value(form, letters, words));
            values
                .flat_map(|value| match value {
                    "" => next.clone().map(String::as_str).collect(),
                    value => vec![value],
                })
                .find_map(|file| walk.place.find(base, file))
        })
    }

    /// `--OPTION`, with a value or without.
    fn has_long(&self, option: &str) -> bool {
        self.args.iter().flatten().any(|f| f.split('=').next() == Some(option))
    }

    /// Whether the call is about a file: its words name no others, and none leaves it out.
    fn is_about(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let base = self.folder.as_deref().unwrap_or(Path::new("/"));
        if self.left_out.iter().any(|p| glob::fits(p, &name)) {
            return false;
        }
        let words = &self.args[self.from..];
        let words = if self.name == "grep" { Search::of("git-grep", words).places } else { words.concat() };
        let words = words.iter().filter(|w| !w.starts_with('-')).map(|w| glob::unescaped(w));
        let mut named = words.filter_map(|word| {
            let place = normal(&base.join(word.trim_start_matches(":/")));
            let is_pattern = word.contains(['*', '?', '[']);
            let fits = || is_pattern && glob::fits(&place.to_string_lossy(), &path.to_string_lossy());
            (is_pattern || place.exists()).then(|| path.starts_with(&place) || fits())
        });
        named.next().is_none_or(|first| first || named.any(|is| is))
    }

    /// The first protected file in git's index that the call is about, for which `reads` says yes.
    fn tracked(&self, walk: &Walk, mut reads: impl FnMut(&Tracked) -> bool) -> Option<Secret> {
        let all = index::tracked(self.folder.as_deref()?);
        let mut all = all.iter().filter(|t| self.is_about(&t.path) && reads(t));
        all.find_map(|t| walk.find(&glob::escaped(&t.path.to_string_lossy())))
    }

    /// What `git diff` shows of a file that is in the index and has changed since. Two commits that are held against each
    /// other have nothing of it.
    fn changed(&self, walk: &Walk) -> Option<Secret> {
        let call = self.call();
        let commits = self.args.iter().flatten().any(|f| f.contains(".."));
        if self.name != "diff" || commits || call.has(&["--cached", "--staged", "--no-index"]) {
            return None;
        }
        self.tracked(walk, Tracked::is_changed)
    }

    /// The protected file that a folder has which was added; one that git has had before, as it is, is not shown.
    fn added(&self, walk: &Walk) -> Option<Secret> {
        walk.staging.folders.iter().find_map(|folder| {
            let quiet = Ignored::by_git(folder, walk.place.guard.home.as_deref());
            let known = index::tracked(folder);
            let is_new = |path: &Path| !known.iter().any(|t| t.path == path && !t.is_changed());
            let out = |path: &Path| !walk.staging.unruled && quiet.leaves_out(path);
            let reads = |path: &Path| self.is_about(path) && !out(path) && is_new(path);
            walk.place.in_tree(folder, false, reads)
        })
    }

    /// The protected file that the words name, where it is there.
    fn names(&self, walk: &Walk) -> Option<Secret> {
        let words = self.args[self.from..].iter().flatten();
        let mut named = words.filter_map(|f| walk.place.find(self.folder.as_deref(), f));
        named.find(|s| s.path.exists() && s.class != Class::Own)
    }

    /// `git add`: a file that is named is remembered, and so are folders; by force none may be added.
    fn adds(&self, walk: &mut Walk) -> Option<Stop> {
        let call = self.call();
        let forced = call.short(&['f']) || call.has(&["--force"]);
        let base = self.folder.as_deref();
        let words = &self.args[self.from..];
        let mut named = self.names(walk);
        let bundle = |f: &str| f.starts_with('-') && !f.starts_with("--") && f.contains('A');
        let whole = |f: &String| bundle(f) || matches!(f.as_str(), "--all" | "--no-ignore-removal" | ":/");
        let folders = words.iter().flatten().filter_map(|f| match base? {
            base if whole(f) => Some(index::root(base).unwrap_or(base).to_owned()),
            base => Some(normal(&base.join(glob::literal(f)?))).filter(|f| f.is_dir()),
        });
        let folders: Vec<PathBuf> = folders.collect();
        if forced {
            named = named.or_else(|| folders.iter().find_map(|f| walk.place.in_tree(f, false, |_| true)));
            return named.map(Stop::Stages);
        }
        walk.staging.named = named.or_else(|| walk.staging.named.take());
        walk.staging.folders.extend(folders);
        walk.staging.folders.truncate(ADDED);
        None
    }

    /// The protected file that `git grep` finds a line of. It goes through files that git does not know where it is told to.
    fn greps(&self, walk: &Walk, wanted: impl Fn(&Search) -> bool) -> Option<Secret> {
        let has = |word: &str| self.args.iter().flatten().any(|f| f == word);
        let (any, untracked) = (has("--no-index"), has("--untracked"));
        let search = Search::of("git-grep", &self.args[self.from..]);
        if !wanted(&search) {
            return None;
        }
        let base = self.folder.as_deref()?;
        if !(any || untracked) {
            return self
                .tracked(walk, |t| t.path.starts_with(base) && t.path.exists() && search.finds(&t.path));
        }
        // `--untracked` leaves out what git ignores, `--no-index` does so when it is told.
        let quiet =
            (has("--exclude-standard") || !any && !has("--no-exclude-standard")).then(|| Ignored::of(base));
        let mut places = search.places.clone();
        if places.is_empty() {
            places.push(".".to_owned());
        }
        let folders = places.iter().filter_map(|p| Some(base.join(glob::literal(p)?)));
        let mut folders = folders.filter(|f| f.is_dir()).collect::<Vec<_>>().into_iter();
        let reads = |path: &Path| search.reads(path) && !quiet.as_ref().is_some_and(|q| q.leaves_out(path));
        folders.find_map(|f| walk.place.in_tree(&f, false, reads))
    }

    /// `git ls-files`, `git status -s`, `git grep -l`
    fn listed(&self, walk: &Walk) -> Option<Secret> {
        if self.name == "grep" {
            return self.greps(walk, |search| search.names_only);
        }
        let call = self.call();
        let others = match self.name.as_str() {
            "ls-files" => call.short(&['o']) || call.has(&["--others"]),
            "status" if call.short(&['s']) || call.has(&["--short"]) || self.has_long("--porcelain") => true,
            "status" if self.has_long("--ignored") => true,
            "clean" | "add" if call.short(&['n']) || call.has(&["--dry-run"]) => true,
            _ => return None,
        };
        if !others {
            return self.tracked(walk, |t| t.path.exists());
        }
        let base = self.folder.as_deref()?;
        // What git ignores is what these are after.
        let ignored = match self.name.as_str() {
            "clean" => call.short(&['x', 'X']),
            "status" => self.has_long("--ignored"),
            "add" => false,
            _ => call.short(&['i']) || call.has(&["--ignored"]) || !call.has(&["--exclude-standard"]),
        };
        let quiet = (!ignored).then(|| Ignored::by_git(base, walk.place.guard.home.as_deref()));
        let reads = |path: &Path| self.is_about(path) && !quiet.as_ref().is_some_and(|q| q.leaves_out(path));
        walk.place.in_tree(base, true, reads)
    }
}

/// What an option with a file has in its own word, `-qFFILE` or `--file=FILE`; nothing where the next word is the file.
/// Long ones may be cut short.
fn value<'a>(option: &'a str, letters: &str, words: &[&str]) -> Option<&'a str> {
    if option.starts_with("--") {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let mut words = words.iter().chain([&PATHS]);
        return words.any(|word| name.len() > 3 && word.starts_with(name)).then_some(value);
    }
    let bundle = option.strip_prefix('-')?;
    let at = bundle.find(|letter| letters.contains(letter) || VALUED.contains(letter))?;
    let (letter, value) = bundle[at..].split_at(1);
    letters.contains(letter).then_some(value)
}

/// The place of git's command among the words, and the folder that `-C` names.
fn command(walk: &Walk, call: &Call) -> (Option<usize>, Option<PathBuf>) {
    let skipped = |at: usize| at > 0 && matches!(call.word(at - 1), "-C" | "-c");
    let at = call.plain().into_iter().find(|at| !skipped(*at));
    let end = at.unwrap_or(call.args.len());
    let named = (1..end).find(|at| call.word(at - 1) == "-C").map(|at| call.word(at));
    let folder = walk.place.folder(walk.cwd.as_deref(), named.unwrap_or("."));
    (at, folder)
}

/// `:!NAME`, `:^NAME`, `:(exclude)NAME`
fn leaves_out(word: &str) -> bool {
    let magic = || word.strip_prefix(":(").and_then(|rest| rest.split_once(')')).map(|(magic, _)| magic);
    let plain = word.starts_with(":!") || word.starts_with(":\\!") || word.starts_with(":^");
    plain || magic().is_some_and(|all| all.split(',').any(|m| m == "exclude"))
}

/// Whether a command prints what was added just now, or has changed since.
fn shows_staged(name: &str, call: &Call) -> bool {
    match name {
        "stash" if !call.has(&["show"]) => false,
        "diff" | "show" | "stash" | "diff-index" | "cat-file" => !call.has(BRIEF),
        "commit" | "status" => call.short(&['v']) || call.has(&["--verbose"]),
        "log" => call.short(&['p']) || call.has(&["--patch"]),
        "grep" => true,
        _ => false,
    }
}
