//! One command after the other, with what is known at each: the folder, the variables, what the one before it prints.

use super::expand::{self, Vars, is_blind};
use super::glob;
use super::lex::{Command, Item, Joint, Part, Script, Way, Word, assignment, nested};
use super::paths::Place;
use super::programs::Role;
use super::{Stop, roles};
use crate::hook::guard::{Class, Secret};
use std::path::{Path, PathBuf};

/// How deep lines within lines (`sh -c`, `eval`) are followed.
const DEPTH: usize = 8;

/// What is known at a command.
pub struct Walk<'a> {
    pub(super) place: &'a Place<'a>,
    /// The folder; none where nobody knows.
    pub(super) cwd: Option<PathBuf>,
    pub(super) vars: Vars,
    /// A protected file named where naming is harmless.
    pub(super) named: Option<Secret>,
    /// A program that prints files was given a name that can't be known.
    blind: bool,
    /// Protected names that the command before a pipe prints.
    pub(super) upstream: Option<Secret>,
    /// Text that the command before a pipe prints.
    pub(super) text: Option<String>,
    depth: usize,
}

/// Looks a whole line through.
pub fn line<'a>(place: &'a Place<'a>, cwd: &Path, script: &Script) -> Option<Stop> {
    let mut walk = Walk {
        place,
        cwd: Some(cwd.to_owned()),
        vars: Vars::new(),
        named: None,
        blind: false,
        upstream: None,
        text: None,
        depth: 0,
    };
    walk.script(script).or_else(|| walk.adds_up())
}

impl<'a> Walk<'a> {
    /// A name that was only mentioned, and a reader that takes a name from nobody knows where.
    fn adds_up(&self) -> Option<Stop> {
        self.named.clone().filter(|_| self.blind).map(Stop::Reads)
    }

    fn script(&mut self, script: &Script) -> Option<Stop> {
        let mut folders = Vec::new();
        for item in &script.items {
            match item {
                Item::Enter => folders.push(self.cwd.clone()),
                Item::Leave => {
                    if let Some(folder) = folders.pop() {
                        self.cwd = folder;
                    }
                }
                Item::Run(command) => {
                    let (upstream, text) = (self.upstream.take(), self.text.take());
                    if command.piped {
                        (self.upstream, self.text) = (upstream, text);
                    }
                    if let Some(stop) = self.command(command) {
                        return Some(stop);
                    }
                    if command.joint != Joint::Pipe {
                        (self.upstream, self.text) = (None, None);
                    }
                }
            }
        }
        None
    }

    fn command(&mut self, command: &Command) -> Option<Stop> {
        if !self.place.spend() {
            return Some(Stop::TooMuch);
        }
        let assigned = command.assigns.iter().flat_map(|(_, w)| w);
        let inner = assigned
            .chain(command.words.iter().flatten())
            .chain(command.redirects.iter().flat_map(|(_, w)| w));
        let mut listed = None;
        for part in inner {
            if let Some(stop) = self.substitution(part, &mut listed) {
                return Some(stop);
            }
        }
        if let Some(stop) = self.redirects(command) {
            return Some(stop);
        }
        for (name, value) in &command.assigns {
            self.assign(name, value);
        }
        let words: Vec<Vec<String>> = command.words.iter().map(|w| self.forms(w)).collect();
        let Some((at, name, role)) = expand::program(&words) else {
            return self.heres(command, Role::Mention);
        };
        if name.contains('/')
            && let Some(secret) = words[at].iter().find_map(|f| self.find(f))
        {
            return Some(Stop::Reads(secret));
        }
        // `cat $(find . -name .env)`
        if let Some(secret) = listed {
            if !matches!(role, Role::Mention | Role::List | Role::Cd | Role::For | Role::Declare) {
                return Some(Stop::Reads(secret));
            }
            self.named.get_or_insert(secret);
        }
        let call = roles::Call { name: &name, role, args: &words[at + 1..], raw: &command.words[at + 1..] };
        roles::run(self, &call).or_else(|| self.heres(command, role))
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
            Part::Or(_, word) => word.iter().find_map(|p| self.substitution(p, listed)),
            _ => None,
        }
    }

    /// What the commands of a substitution list: `ls -a`, `find`.
    fn lists(&self, script: &Script) -> Option<Secret> {
        script.commands().find_map(|command| {
            let words: Vec<Vec<String>> = command.words.iter().map(|w| self.forms(w)).collect();
            let (at, name, role) = expand::program(&words)?;
            let call =
                roles::Call { name: &name, role, args: &words[at + 1..], raw: &command.words[at + 1..] };
            roles::listed(self, &call)
        })
    }

    fn child(&self) -> Walk<'a> {
        Walk {
            place: self.place,
            cwd: self.cwd.clone(),
            vars: self.vars.clone(),
            named: None,
            blind: false,
            upstream: None,
            text: None,
            depth: self.depth + 1,
        }
    }

    fn redirects(&mut self, command: &Command) -> Option<Stop> {
        for (way, word) in &command.redirects {
            for form in self.forms(word) {
                match (way, self.find(&form)) {
                    (Way::In, Some(secret)) => return Some(Stop::Reads(secret)),
                    (Way::In, None) => self.blind |= is_blind(&form),
                    (Way::Out, Some(secret)) if writes(&secret) => return Some(Stop::Writes(secret)),
                    (Way::Out, _) => {}
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

    fn assign(&mut self, name: &str, value: &Word) {
        let forms = self.forms(value);
        self.vars.insert(name.to_owned(), forms);
    }

    /// `NAME=VALUE` among the words of `export`.
    pub(super) fn declare(&mut self, raw: &[Word]) {
        for word in raw {
            if let Some((name, value)) = assignment(word) {
                self.assign(&name, &value);
            }
        }
    }

    /// Here documents: code for some, commands for shells; what is in `$(…)` runs in any case.
    fn heres(&mut self, command: &Command, role: Role) -> Option<Stop> {
        for here in &command.heres {
            if role == Role::Shell {
                if let Some(stop) = self.line(&here.body) {
                    return Some(stop);
                }
            } else if role == Role::Patch {
                if let Some(stop) = roles::patch(self, &here.body) {
                    return Some(stop);
                }
            } else if !matches!(role, Role::Reader | Role::Mention | Role::Git | Role::Forge)
                && let Some(secret) = self.in_code(&here.body)
            {
                return Some(Stop::Reads(secret));
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

    /// A command line within this one.
    pub(super) fn line(&mut self, text: &str) -> Option<Stop> {
        if self.depth >= DEPTH {
            return self.in_code(text).map(Stop::Reads);
        }
        let script = nested(text, self.depth);
        self.depth += 1;
        let (upstream, before) = (self.upstream.take(), self.text.take());
        let stop = self.script(&script);
        (self.upstream, self.text) = (upstream, before);
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

    /// A word that is no name but a text, such as a command line for another machine.
    pub(super) fn prose(&self, form: &str) -> Option<Secret> {
        let text = form.contains([' ', '\n', '(', ';', '\'', '"']).then(|| glob::literal(form))?;
        self.in_code(&text?)
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

/// Whether writing there would do harm: to one that is there, or to svault itself.
pub fn writes(secret: &Secret) -> bool {
    secret.class == Class::Own || std::fs::symlink_metadata(&secret.path).is_ok()
}
