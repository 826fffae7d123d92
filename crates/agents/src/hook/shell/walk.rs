//! One command after the other, with what is known at each: the folder, the variables, what the one before it prints.

use super::absent::{self, Absent};
use super::archive::{self, Packed, Takes};
use super::expand::{self, Vars, is_blind};
use super::folders::Folders;
use super::glob;
use super::lex::{Command, Item, Joint, Part, Script, Way, Word, assignment, nested};
use super::opened::{self, Archive};
use super::param::Change;
use super::paths::{Place, is_there_or_unknown};
use super::programs::Role;
use super::staging::{self, Staging};
use super::{Stop, lists, loaders, roles, searches, setters, settings, wrappers};
use crate::hook::guard::{Class, Secret, normal};
use crate::hook::names;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// How deep lines within lines (`sh -c`, `eval`) are followed.
const DEPTH: usize = 8;
/// How many keys of a line are remembered; behind them each counts.
const KEYS: usize = 64;

/// What is known at a command.
pub struct Walk<'a> {
    pub(super) place: &'a Place<'a>,
    /// The folder; none where nobody knows.
    pub(super) cwd: Option<PathBuf>,
    /// Those that it goes back to.
    pub(super) folders: Folders,
    pub(super) vars: Vars,
    /// A protected file named where naming is harmless.
    pub(super) named: Option<Secret>,
    /// A program that prints files was given a name that can't be known.
    blind: bool,
    /// What nobody knows may come of any name that the line says.
    pub(super) sets_any: bool,
    /// Protected names that the command before a pipe prints.
    pub(super) upstream: Option<Secret>,
    /// One of the names that it passes on from a file.
    pub(super) names: Option<Secret>,
    /// Text that the command before a pipe prints.
    pub(super) text: Option<String>,
    /// A protected file in an archive that the command at hand prints.
    pub(super) packs: Option<Secret>,
    /// Archives in files that this line wrote.
    pub(super) archives: Vec<Archive>,
    /// An archive that goes down a pipe.
    packed: Option<Packed>,
    /// What git has of this line.
    pub(super) staging: Staging,
    /// Keys that commands before this one named: they may be there by now.
    keys: Vec<PathBuf>,
    /// What is missing here.
    absent: Absent,
    depth: usize,
}

/// Looks a whole line through.
pub fn line<'a>(place: &'a Place<'a>, cwd: &Path, script: &Script) -> Option<Stop> {
    let mut walk = Walk::new(place, Some(cwd.to_owned()), Vars::new(), 0);
    walk.script(script).or_else(|| walk.adds_up())
}

impl<'a> Walk<'a> {
    fn new(place: &'a Place<'a>, cwd: Option<PathBuf>, vars: Vars, depth: usize) -> Self {
        Self {
            place,
            cwd,
            folders: Folders::default(),
            vars,
            named: None,
            blind: false,
            sets_any: false,
            upstream: None,
            names: None,
            text: None,
            packs: None,
            archives: Vec::new(),
            packed: None,
            staging: Staging::default(),
            keys: Vec::new(),
            absent: Absent::default(),
            depth,
        }
    }

    /// A name that was only mentioned, and a reader that takes a name from nobody knows where.
    fn adds_up(&self) -> Option<Stop> {
        self.named.clone().filter(|_| self.blind).map(Stop::Reads)
    }

    fn script(&mut self, script: &Script) -> Option<Stop> {
        let mut folders = Vec::new();
        for item in &script.items {
            match item {
                Item::Enter => folders.push((self.cwd.clone(), self.folders.clone())),
                Item::Leave => {
                    if let Some(outside) = folders.pop() {
                        (self.cwd, self.folders) = outside;
                    }
                }
                Item::Run(command) => {
                    if !command.piped {
                        (self.upstream, self.names, self.text) = (None, None, None);
                    }
                    self.absent.enter(&command.before);
                    if let Some(stop) = self.command(command) {
                        return Some(stop);
                    }
                    let tested = absent::looked_for(self, command);
                    self.absent.leave(command.joint, tested);
                    // What a subshell prints may go on behind its end.
                    if !matches!(command.joint, Joint::Pipe | Joint::End) {
                        (self.upstream, self.names, self.text) = (None, None, None);
                    }
                }
            }
        }
        self.packed.take().map(|packed| Stop::Packs(packed.secret))
    }

    fn command(&mut self, command: &Command) -> Option<Stop> {
        if !self.place.spend() {
            return Some(Stop::TooMuch);
        }
        let mut listed = None;
        let redirected = command.redirects.iter().flat_map(|(_, w)| w);
        let mut inner = command.words.iter().flatten().chain(redirected);
        let stop = inner.find_map(|part| self.substitution(part, &mut listed));
        let stop = stop.or_else(|| self.redirects(command)).or_else(|| self.assigns(command));
        if stop.is_some() {
            return stop;
        }
        let (words, raw) = expand::words(self.place, &self.vars, &command.words);
        // The last word of the command before.
        self.vars.insert("_".to_owned(), words.last().cloned().unwrap_or_default());
        let Some((at, name, role)) = expand::program(&words) else {
            staging::empties(self, command);
            let stop = self.wrappers(&words).or_else(|| self.passes("", command, &[]));
            return stop.or_else(|| self.heres(command, Role::Mention));
        };
        if let Some(stop) =
            self.wrappers(&words[..at]).or_else(|| self.passes(&name, command, &words[at + 1..]))
        {
            return Some(stop);
        }
        if name.contains('/')
            && let Some(secret) = words[at].iter().find_map(|f| self.find(f))
        {
            return Some(Stop::Reads(secret));
        }
        // `cat $(find . -name .env)`
        if let Some(secret) = listed.or_else(|| lists::substituted(self, command, role)) {
            if !matches!(role, Role::Mention | Role::List | Role::Cd | Role::For | Role::Declare) {
                return Some(Stop::Reads(secret));
            }
            self.named.get_or_insert(secret);
        }
        let call = roles::Call { name: &name, role, args: &words[at + 1..], raw: &raw[at + 1..] };
        wrappers::within(self, &words[..at], |walk| walk.called(&call, command))
    }

    fn called(&mut self, call: &roles::Call, command: &Command) -> Option<Stop> {
        let role = call.role;
        let takes = matches!(role, Role::Shell | Role::Read | Role::Git | Role::Filter)
            || roles::is_source(call.name);
        if takes && !command.heres.is_empty() {
            self.text = Some(command.heres.iter().map(|here| here.body.as_str()).collect());
        }
        let was_blind = self.blind;
        let opened = opened::judge(self, call, command);
        if command.joint == Joint::Pipe {
            self.names = lists::passed(self, call).or_else(|| self.names.take());
        }
        let stop = opened.or_else(|| roles::run(self, call)).or_else(|| self.heres(command, role));
        staging::takes_rules(self, call, command);
        let told = setters::may_be_told(self, call);
        self.blind = was_blind || (self.blind && told);
        self.remember_keys(call, command);
        // Not where it goes to a file.
        match self.packs.take() {
            Some(secret) if goes_out(command) => opened::keep(self, command, &secret),
            Some(secret) => self.packed = Some(Packed { secret, feeds: command.joint == Joint::Pipe }),
            None => {}
        }
        stop
    }

    /// Remembers the keys that a command names: it may be the one that makes them.
    fn remember_keys(&mut self, call: &roles::Call, command: &Command) {
        let written = command.redirects.iter().flat_map(|(_, word)| self.forms(word));
        let forms = call.args.iter().flatten().cloned().chain(written);
        let names = forms.map(|f| f.rsplit(['=', ',']).next().unwrap_or_default().to_owned());
        let is_key = |path: &PathBuf| {
            names::class(&path.to_string_lossy()).is_some_and(|(class, _)| class == Class::Key)
        };
        let keys = names.filter_map(|name| self.place.folder(self.cwd.as_deref(), &name)).map(|p| normal(&p));
        let keys: Vec<PathBuf> = keys.filter(is_key).take(KEYS).collect();
        self.keys.extend(keys);
        self.keys.truncate(KEYS);
    }

    /// Whether a key is there, may be by now, or is in a folder that nobody knows.
    pub(super) fn has_key(&self, path: &Path) -> bool {
        self.keys.iter().any(|key| key == path) || self.keys.len() >= KEYS || is_there_or_unknown(path)
    }

    /// The options of `sudo`, `env`, `script` and their like, and the variables that they set.
    fn wrappers(&mut self, words: &[Vec<String>]) -> Option<Stop> {
        words.iter().find_map(|forms| {
            let variable = forms.first().and_then(|f| f.split_once('='));
            if let Some((name, value)) = variable {
                self.vars.insert(name.to_owned(), vec![value.to_owned()]);
            }
            let loads =
                variable.and_then(|(name, value)| settings::variable(self, name, &[value.to_owned()]));
            let option = || forms.iter().filter(|f| f.starts_with('-')).find_map(|f| self.prose(f));
            loads.or_else(|| option().map(Stop::Reads))
        })
    }

    /// What becomes of an archive with a protected file in it.
    fn passes(&mut self, name: &str, command: &Command, args: &[Vec<String>]) -> Option<Stop> {
        let packed = self.packed.take()?;
        let reads = command.piped || packed.feeds;
        // `(…) > FILE` is a command of its own.
        if goes_out(command) && (reads || name.is_empty()) {
            opened::keep(self, command, &packed.secret);
            return None;
        }
        match archive::takes(name, args) {
            Takes::Up if reads => None,
            Takes::On if reads => {
                self.packed = Some(Packed { feeds: command.joint == Joint::Pipe, ..packed });
                None
            }
            Takes::Next if reads => {
                self.packed = Some(Packed { feeds: true, ..packed });
                None
            }
            _ => Some(Stop::Packs(packed.secret)),
        }
    }

    /// Whether writing to a protected file does harm here: not where it is surely missing.
    pub(super) fn overwrites(&self, secret: &Secret, keeps: bool) -> bool {
        let spared = keeps || self.absent.holds(&secret.path);
        writes(secret) && (secret.class == Class::Own || !spared)
    }

    /// Looks at the commands of a substitution; what they list goes to `listed`.
    fn substitution(&mut self, part: &Part, listed: &mut Option<Secret>) -> Option<Stop> {
        match part {
            Part::Sub(script) => {
                let mut inner = self.child();
                let stop = inner.script(script);
                *listed = listed.take().or_else(|| inner.lists(script)).or(inner.named.take());
                self.blind |= inner.blind;
                stop.or_else(|| script.broken.then_some(Stop::TooMuch).filter(|_| self.depth >= DEPTH))
            }
            Part::Param(param) => {
                // `${f:=.env}`
                self.sets_any |= param.change == Change::Or;
                let stop = param.by.iter().find_map(|p| self.substitution(p, listed));
                stop.or_else(|| settings::prompted(self, param))
            }
            _ => None,
        }
    }

    /// What the commands of a substitution list: `ls -a`, `find`.
    fn lists(&self, script: &Script) -> Option<Secret> {
        // A count of names is no name.
        let counts = |w: &Word| matches!(w.as_slice(), [Part::Text(t, _)] if t == "wc");
        if script.commands().last().and_then(|c| c.words.first()).is_some_and(counts) {
            return None;
        }
        script.commands().find_map(|command| {
            let (words, raw) = expand::words(self.place, &self.vars, &command.words);
            let (at, name, role) = expand::program(&words)?;
            let call = roles::Call { name: &name, role, args: &words[at + 1..], raw: &raw[at + 1..] };
            searches::listed(self, &call)
        })
    }

    fn child(&self) -> Walk<'a> {
        self.place.charge(self.vars.values().flatten());
        let vars = if self.place.exhausted() { Vars::new() } else { self.vars.clone() };
        let mut child = Walk::new(self.place, self.cwd.clone(), vars, self.depth + 1);
        child.folders = self.folders.clone();
        child.staging = self.staging.clone();
        child.archives = self.archives.clone();
        child.keys = self.keys.clone();
        child.sets_any = self.sets_any;
        child
    }

    fn redirects(&mut self, command: &Command) -> Option<Stop> {
        for (way, word) in &command.redirects {
            for form in self.forms(word) {
                match (way, self.find(&form)) {
                    (Way::In, Some(secret)) => return Some(Stop::Reads(secret)),
                    (Way::In, None) => {
                        lists::redirected(self, command, &form);
                        self.blind |= is_blind(&form);
                    }
                    (Way::Out | Way::Side, Some(secret)) if self.overwrites(&secret, false) => {
                        return Some(Stop::Writes(secret));
                    }
                    (Way::Out | Way::Side, _) => {}
                    (Way::Text, found) => {
                        self.text = glob::literal(&form);
                        self.named = self.named.take().or(found);
                        self.upstream = self.upstream.take().or_else(|| self.named.clone());
                    }
                }
            }
        }
        None
    }

    /// `NAME=VALUE` before a command. What a substitution lists is among the values: `x=$(realpath .env)`.
    fn assigns(&mut self, command: &Command) -> Option<Stop> {
        command.assigns.iter().find_map(|(name, value)| {
            let mut listed = None;
            let stop = value.iter().find_map(|part| self.substitution(part, &mut listed));
            let stop = stop.or_else(|| self.assign(name, value));
            if let (Some(secret), Some(forms)) = (listed, self.vars.get_mut(name)) {
                forms.push(glob::escaped(&secret.path.to_string_lossy()));
            }
            stop
        })
    }

    fn assign(&mut self, name: &str, value: &Word) -> Option<Stop> {
        let forms = self.forms(value);
        let stop = settings::variable(self, name, &forms);
        self.vars.insert(name.to_owned(), forms);
        stop
    }

    /// `NAME=VALUE` among the words of `export`.
    pub(super) fn declare(&mut self, raw: &[&Word]) -> Option<Stop> {
        raw.iter().filter_map(|w| assignment(w)).find_map(|(name, value)| self.assign(&name, &value))
    }

    /// Here documents: code for some, commands for shells; what is in `$(…)` runs in any case.
    fn heres(&mut self, command: &Command, role: Role) -> Option<Stop> {
        for here in &command.heres {
            if let Some(stop) = self.here(&here.body, role) {
                return Some(stop);
            }
            if !here.literal && self.depth < DEPTH {
                let word = super::lex::Lexer::quoted_text(&here.body, self.depth + 1);
                let mut listed = None;
                if let Some(stop) = word.iter().find_map(|p| self.substitution(p, &mut listed)) {
                    return Some(stop);
                }
            }
        }
        None
    }

    fn here(&self, body: &str, role: Role) -> Option<Stop> {
        match role {
            Role::Shell | Role::Reader | Role::Mention | Role::Git | Role::Forge => None,
            Role::Patch => roles::patch(self, body),
            Role::Code => self.in_program(body).map(Stop::Reads).or_else(|| loaders::code(self, body)),
            Role::Filter | Role::Query => self.in_program(body).map(Stop::Reads),
            _ => self.in_text(body).map(Stop::Reads),
        }
    }

    /// A command line within this one.
    pub(super) fn line(&mut self, text: &str) -> Option<Stop> {
        if self.depth >= DEPTH {
            return self.in_code(text).map(Stop::Reads);
        }
        let script = nested(text, self.depth);
        self.depth += 1;
        let (upstream, names, before) = (self.upstream.take(), self.names.take(), self.text.take());
        let (packed, absent) = (self.packed.take(), std::mem::take(&mut self.absent));
        let stop = self.script(&script);
        (self.upstream, self.names, self.text) = (upstream, names, before);
        (self.packed, self.absent) = (packed, absent);
        self.depth -= 1;
        stop.or_else(|| script.broken.then(|| self.in_code(text).map(Stop::Reads)).flatten())
    }

    /// The forms of a word here.
    pub(super) fn forms(&self, word: &Word) -> Vec<String> {
        expand::word(self.place, &self.vars, word)
    }

    /// The protected file that a pattern names here.
    pub(super) fn find(&self, form: &str) -> Option<Secret> {
        self.place.find(self.cwd.as_deref(), form)
    }

    /// The protected file that code names here.
    pub(super) fn in_code(&self, code: &str) -> Option<Secret> {
        self.place.find_in_code(self.cwd.as_deref(), code)
    }

    /// As [`Self::in_code`], for a program: one that looks up a variable may open what the variable names.
    pub(super) fn in_program(&self, code: &str) -> Option<Secret> {
        self.in_code(code).or_else(|| self.looked_up(code))
    }

    /// As [`Self::in_program`] for text that may be anything, such as a file for another machine: a file that it names
    /// counts where it is there, or where a command in it reads it.
    pub(super) fn in_text(&self, text: &str) -> Option<Secret> {
        let there = self.place.find_in_text(self.cwd.as_deref(), text);
        there.or_else(|| self.elsewhere(text)).or_else(|| self.looked_up(text))
    }

    fn looked_up(&self, code: &str) -> Option<Secret> {
        if !code.to_ascii_lowercase().contains("env") {
            return None;
        }
        let names = code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        // `$_` is no variable that a program is given by the user.
        let names: HashSet<&str> = names.filter(|name| *name != "_").collect();
        let named = self.vars.iter().filter(|(name, _)| names.contains(name.as_str()));
        named.flat_map(|(_, forms)| forms).find_map(|f| self.find(f))
    }

    /// A reader's arguments: a protected file stops it, an unknown one is remembered.
    pub(super) fn reads(&mut self, args: &[Vec<String>]) -> Option<Stop> {
        for form in args.iter().flatten() {
            if let Some(secret) = self.find(form).or_else(|| self.prose(form)) {
                return Some(Stop::Reads(secret));
            }
            self.blind |= is_blind(form);
        }
        None
    }

    /// As [`Self::reads`] for words whose names were looked at: only the unknown ones are remembered.
    pub(super) fn blind_reads(&mut self, args: &[Vec<String>]) {
        self.blind |= args.iter().flatten().any(|f| is_blind(f));
    }

    /// A word that is no name but a text, such as a command line for another machine.
    pub(super) fn prose(&self, form: &str) -> Option<Secret> {
        let text = form.contains([' ', '\n', '(', ';', '\'', '"']).then(|| glob::literal(form))??;
        self.in_code(&text).or_else(|| self.elsewhere(&text))
    }

    /// A command line for another machine, whose files nobody can look at: the protected file that a reader in it names.
    fn elsewhere(&self, text: &str) -> Option<Secret> {
        if self.depth >= DEPTH {
            return None;
        }
        let script = nested(text, self.depth + 1);
        let reads = |role| {
            let shells = matches!(role, Role::Shell | Role::Eval | Role::Code);
            shells || matches!(role, Role::Reader | Role::Copy | Role::Search | Role::Filter)
        };
        let named = script.commands().any(|command| {
            let words = command.words.iter().map(|word| self.forms(word)).collect::<Vec<_>>();
            expand::program(&words).is_some_and(|(_, _, role)| reads(role))
        });
        let mut child = self.child();
        child.cwd = None;
        match named.then(|| child.script(&script))?? {
            Stop::Reads(secret) | Stop::Loads(secret) => Some(secret),
            _ => None,
        }
    }

    /// Names that do no harm where they stand.
    pub(super) fn mention(&mut self, args: &[Vec<String>]) {
        if self.named.is_none() {
            self.named = args.iter().flatten().find_map(|f| self.find(f));
        }
    }

    /// A reader without a name to read by: it takes it from elsewhere.
    pub(super) fn is_blind(&mut self) {
        self.blind = true;
    }
}

/// Whether what a command prints goes to a file.
fn goes_out(command: &Command) -> bool {
    command.redirects.iter().any(|(way, _)| *way == Way::Out)
}

/// Whether writing there would do harm: to one that is there, or to svault itself.
pub fn writes(secret: &Secret) -> bool {
    secret.class == Class::Own || std::fs::symlink_metadata(&secret.path).is_ok()
}
