//! Options that say how a secret may be used, for `add` and `edit`.

use crate::app::{App, Human};
use crate::output::foreign;
use crate::report::Error;
use clap::Args;
use wire::{Report, Want};
use words::{CallerName, Class, Exposure, Scope, Tier};

/// Everything a classification says; what is not given stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ClassArgs {
    /// The one capability that a caller must hold [default of a new secret: default]
    #[arg(long)]
    pub scope: Option<Scope>,
    /// low: an agent may read it; medium: it may use it; high: a human is asked every time [default: medium]
    #[arg(long)]
    pub tier: Option<Tier>,
    /// How far the value travels at most: proxy, env, file, value; tier: as the tier says
    #[arg(long, value_name = "EXPOSURE", value_parser = expose)]
    pub expose: Option<Expose>,
    /// Whether callers must say why; policy: as the policy says
    #[arg(long, value_name = "yes|no|policy", value_parser = yes_no)]
    pub require_reason: Option<YesNo>,
    /// What it is for; agents may read this
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// A host that the proxy may send it to; there is no proxy yet, so no agent gets a medium or high secret that has one;
    /// may be given several times
    #[arg(long, value_name = "HOST")]
    pub destination: Vec<String>,
    /// A command that may get it, path and exact arguments in one word: "/usr/bin/psql -1"; may be given several times
    #[arg(long, value_name = "\"CMD ARGS\"")]
    pub command: Vec<String>,
    /// When it may be used: "mon-fri 09:00-18:00"; may be given several times
    #[arg(long, value_name = "WINDOW")]
    pub window: Vec<String>,
    /// A caller that may ask for it, instead of all with the scope; may be given several times
    #[arg(long, value_name = "CALLER")]
    pub caller: Vec<CallerName>,
}

/// `--expose`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expose {
    /// This one.
    To(Exposure),
    /// What the tier gives.
    Tier,
}

/// `--require-reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YesNo {
    /// Always.
    Yes,
    /// Never.
    No,
    /// As the policy says.
    Policy,
}

fn expose(text: &str) -> Result<Expose, words::BadWord> {
    if text == "tier" { Ok(Expose::Tier) } else { text.parse().map(Expose::To) }
}

fn yes_no(text: &str) -> Result<YesNo, String> {
    match text {
        "yes" => Ok(YesNo::Yes),
        "no" => Ok(YesNo::No),
        "policy" => Ok(YesNo::Policy),
        _ => Err("one of yes, no, policy".to_owned()),
    }
}

impl ClassArgs {
    /// The classification of a new secret.
    ///
    /// # Errors
    /// When an option can't be read.
    pub fn new_class(&self) -> Result<Class, Error> {
        let scope = "default".parse().map_err(|e: words::BadWord| Error::usage(e.to_string()))?;
        let mut class = Class::new(scope, Tier::Medium);
        self.apply(&mut class)?;
        Ok(class)
    }

    /// Changes what is given.
    ///
    /// # Errors
    /// When an option can't be read.
    pub fn apply(&self, class: &mut Class) -> Result<(), Error> {
        if let Some(scope) = &self.scope {
            class.scope = scope.clone();
        }
        if let Some(tier) = self.tier {
            class.tier = tier;
        }
        match self.expose {
            Some(Expose::To(e)) => class.expose = Some(e),
            Some(Expose::Tier) => class.expose = None,
            None => {}
        }
        match self.require_reason {
            Some(YesNo::Yes) => class.require_reason = Some(true),
            Some(YesNo::No) => class.require_reason = Some(false),
            Some(YesNo::Policy) => class.require_reason = None,
            None => {}
        }
        if let Some(text) = &self.description {
            class.description.clone_from(text);
        }
        replace(&mut class.destinations, &self.destination);
        replace(&mut class.callers, &self.caller);
        if !self.window.is_empty() {
            policy::parse_windows(&self.window).map_err(|e| {
                Error::usage(format!("--window: {e}")).hint("for example: --window 'mon-fri 09:00-18:00'")
            })?;
            class.windows.clone_from(&self.window);
        }
        if !self.command.is_empty() {
            class.commands = self.command.iter().map(|c| pinned(c)).collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    /// What of this would keep agents from it: said to the human who has just chosen it.
    pub fn note(&self, app: &App, human: &mut Human<'_>) {
        for path in self.command.iter().filter_map(|c| pinned(c).ok()?.into_iter().next()) {
            if !daemon::program::is_fixed(std::path::Path::new(&path)) {
                app.out.note(&format!(
                    "note: {} can be changed by others than root, so what agents ask for it is denied (command_writable)",
                    foreign(&path, 200)
                ));
            }
        }
        if self.caller.is_empty() {
            return;
        }
        // It is done; whom the policy knows is for the note alone.
        let Ok(Report::Callers(rows)) = human.read(Want::Callers) else { return };
        for name in self.caller.iter().filter(|name| rows.iter().all(|row| row.name != **name)) {
            app.out
                .note(&format!("note: the policy has no caller {name}: svault caller add {name} --exe PATH"));
        }
    }

    /// Whether this may be proposed: nothing in it is laxer than what a vault gives by itself.
    ///
    /// # Errors
    /// A usage error that names the option.
    pub fn check_proposal(&self) -> Result<(), Error> {
        let no = |option: &str| {
            Err(Error::usage(format!("a proposal can't have {option}: that takes a human"))
                .hint("add it in your own terminal, or with --passphrase-fd"))
        };
        if self.tier == Some(Tier::Low) {
            return no("--tier low");
        }
        if !self.caller.is_empty() {
            return no("--caller");
        }
        if self.require_reason == Some(YesNo::No) {
            return no("--require-reason no");
        }
        if self.new_class()?.is_wider_than_tier() {
            return no("an --expose that is wider than its tier");
        }
        Ok(())
    }
}

fn replace<T: Clone>(old: &mut Vec<T>, new: &[T]) {
    if !new.is_empty() {
        *old = new.to_vec();
    }
}

fn pinned(text: &str) -> Result<Vec<String>, Error> {
    let argv = split(text).ok_or_else(|| Error::usage("--command: a quote is not closed"))?;
    if argv.first().is_none_or(|a| !a.starts_with('/')) {
        return Err(Error::usage("--command must begin with an absolute path")
            .hint("for example: --command '/usr/bin/psql -1'"));
    }
    Ok(argv)
}

/// Words as a shell splits them: blanks, single and double quotes, backslash. No variables, no patterns.
pub fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some('"') | None, '\\') => {
                let next = chars.next()?;
                if next == '\n' {
                    // The line goes on.
                    continue;
                }
                let word = word.get_or_insert_default();
                if quote.is_some() && !matches!(next, '$' | '`' | '"' | '\\') {
                    word.push('\\');
                }
                word.push(next);
            }
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_like_a_shell_does() {
        assert_eq!(
            split(r#"/bin/a 'b c' "d \" e" f\ g '' "#).unwrap(),
            ["/bin/a", "b c", "d \" e", "f g", ""]
        );
        assert_eq!(split(r#"/usr/bin/psql -c "\dt \\ \$x""#).unwrap(), ["/usr/bin/psql", "-c", r"\dt \ $x"]);
        assert_eq!(split("/bin/a \"b\\\nc\" \\\nd").unwrap(), ["/bin/a", "bc", "d"]);
        assert_eq!(split("a 'b"), None);
        assert!(pinned("psql -1").is_err());
    }

    #[test]
    fn a_proposal_is_never_laxer() {
        let lax = [
            ClassArgs { tier: Some(Tier::Low), ..ClassArgs::default() },
            ClassArgs { expose: Some(Expose::To(Exposure::Value)), ..ClassArgs::default() },
            ClassArgs {
                expose: Some(Expose::To(Exposure::File)),
                tier: Some(Tier::High),
                ..ClassArgs::default()
            },
            ClassArgs { require_reason: Some(YesNo::No), ..ClassArgs::default() },
            ClassArgs { caller: vec!["a".parse().unwrap()], ..ClassArgs::default() },
        ];
        for c in &lax {
            assert!(c.check_proposal().is_err(), "{c:?}");
        }
        let fine = ClassArgs {
            tier: Some(Tier::High),
            expose: Some(Expose::To(Exposure::Proxy)),
            scope: Some("database".parse().unwrap()),
            window: vec!["mon-fri 09:00-18:00".into()],
            ..ClassArgs::default()
        };
        fine.check_proposal().unwrap();
        ClassArgs::default().check_proposal().unwrap();
    }

    #[test]
    fn what_is_not_given_stays() {
        let mut class = Class::new("db".parse().unwrap(), Tier::High);
        class.description = "orders".into();
        let edit = ClassArgs { tier: Some(Tier::Medium), ..ClassArgs::default() };
        edit.apply(&mut class).unwrap();
        assert_eq!((class.tier, class.description.as_str()), (Tier::Medium, "orders"));
    }
}
