//! What a client's hook asks and is answered.
//!
//! Before a tool runs: a call that would read a file with secrets is stopped, a shell command is rewritten so that its
//! output is masked. After: what must not be seen is masked, or the model is told where the client takes no other
//! output. Nothing here asks anybody but the [`Finder`]: it works with the store locked.

pub mod guard;
mod ignore;
mod index;
mod lines;
mod many;
mod mask;
mod names;
mod payload;
mod prompt;
mod references;
pub mod rewrite;
mod search;
mod shape;
pub mod shell;
mod state;
mod tools;
mod urls;
mod wanted;

pub use mask::{Finder, Found};

use crate::Client;
use guard::{Class, Guard, Secret};
use payload::{Event, Stage};
use serde_json::Value;
use shape::Verdict;
use shell::{Look, Stop};
use std::path::PathBuf;

/// The longest payload that is read, in bytes.
pub const LONGEST: usize = 32 * 1024 * 1024;

/// What a hook is asked in.
pub struct Setup<'a> {
    /// The client whose settings name the hook.
    pub client: Client,
    /// What is protected.
    pub guard: Guard,
    /// A variable of the environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The folder that the hook runs in.
    pub folder: PathBuf,
    /// The command that masks what it reads, as a shell reads it; none leaves commands as they are.
    pub scrub: Option<String>,
}

/// What goes back to the client.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    /// The object on stdout; nothing where there is nothing to say.
    pub json: Option<Value>,
    /// The line on stderr.
    pub says: Option<String>,
    /// The exit code.
    pub exit: u8,
}

/// Whether a client has hooks at all.
#[must_use]
pub fn has_hooks(client: Client) -> bool {
    !matches!(client, Client::Aider | Client::Zed)
}

/// The answer to a payload.
#[must_use]
pub fn answer(setup: &Setup, payload: &[u8], finder: &mut dyn Finder) -> Reply {
    if payload.len() > LONGEST {
        return refused(setup.client, "what the hook was given is too long to be looked through");
    }
    let Some(event) = Event::read(setup.client, setup.env, setup.folder.clone(), payload) else {
        return refused(setup.client, "what the hook was given can't be read");
    };
    let look = Look { guard: &setup.guard, cwd: &event.cwd, env: setup.env };
    let verdict = match event.stage {
        Stage::Quiet => Verdict::Pass,
        Stage::Before => before(setup, &look, &event),
        Stage::After | Stage::Failed => after(&event, finder),
        Stage::Prompt => {
            prompt::judge(&look, &event.prompt).map_or(Verdict::Pass, |stop| Verdict::Deny(reason(&stop)))
        }
        Stage::Unknown => {
            return refused(setup.client, "the hook was called at a point that it doesn't know");
        }
    };
    shape::reply(setup.client, &event, verdict)
}

/// The answer where there can be no other: stops the tool, withholds its output.
#[must_use]
pub fn refused(client: Client, why: &str) -> Reply {
    shape::refused(client, &format!("svault: {why}, so this was stopped. Tell the user."))
}

fn before(setup: &Setup, look: &Look, event: &Event) -> Verdict {
    if let Some(stop) = tools::judge(look, event) {
        return Verdict::Deny(reason(&stop));
    }
    rewritten(setup, event).map_or(Verdict::Pass, Verdict::Rewrite)
}

/// The arguments of a shell tool with its command rewritten. Not in Copilot, whichever file it runs: it asks its user
/// about each command with other arguments, and what commands say is masked there afterwards, also of failing ones.
fn rewritten(setup: &Setup, event: &Event) -> Option<Value> {
    if event.real == Client::Copilot {
        return None;
    }
    let scrub = setup.scrub.as_deref().filter(|_| tools::is_shell(&event.tool))?;
    let shell = shell_of(setup, event)?;
    lines::rewritten(&event.tool, &event.input, &|command| rewrite::wrapped(command, scrub, shell))
}

/// The shell that a command is for; none where it can't read what commands are rewritten to.
fn shell_of(setup: &Setup, event: &Event) -> Option<rewrite::Shell> {
    if !matches!(event.real, Client::VsCode | Client::Cursor) {
        return Some(rewrite::Shell::Once);
    }
    // These type commands into a terminal, in which the user's own shell runs.
    let reads = (setup.env)("SHELL").is_none_or(|shell| rewrite::is_read_by(&shell));
    reads.then_some(rewrite::Shell::Lasting)
}

fn after(event: &Event, finder: &mut dyn Finder) -> Verdict {
    let Some(masked) = event.response.as_ref().and_then(|value| mask::mask(value, &event.cwd, finder)) else {
        return Verdict::Pass;
    };
    let what = what(&masked.labels);
    if event.stage == Stage::Failed {
        return Verdict::Warn(shape::exposed(&what));
    }
    Verdict::Replace { value: masked.value, note: format!("svault masked {what} in this output.") }
}

/// What was found, for a sentence.
fn what(labels: &[String]) -> String {
    let mut names = labels.iter().take(8).cloned().collect::<Vec<_>>();
    if labels.len() > names.len() {
        names.push("…".to_owned());
    }
    let one = if labels.len() == 1 { "a credential" } else { "credentials" };
    format!("{one} ({})", names.join(", "))
}

/// What the model is told: what stopped it, and what to do instead.
fn reason(stop: &Stop) -> String {
    let name = |s: &Secret| s.path.file_name().unwrap_or(s.path.as_os_str()).to_string_lossy().into_owned();
    match stop {
        Stop::Reads(s) | Stop::Searches(s) | Stop::Packs(s) | Stop::Stages(s) if s.class == Class::Large => format!(
            "svault: {} is {}, so nobody knows whether there are secrets in it, and this is blocked. Name a narrower \
             folder, or the files themselves.",
            s.path.display(),
            s.class.what()
        ),
        Stop::Reads(s) if s.class == Class::Own => {
            "svault: this is svault's own store; nobody but svault reads or changes it. Ask for a secret by name with \
             svault_get_secret."
                .to_owned()
        }
        Stop::Writes(s) if s.class == Class::Own => reason(&Stop::Reads(s.clone())),
        Stop::Reads(s) => format!("svault: {} is {}, so reading it is blocked. {INSTEAD}", name(s), s.class.what()),
        Stop::Loads(s) => format!(
            "svault: {} is {}, so loading it is blocked. Run the command with svault_run, or as `svault run --env NAME \
             --scope SCOPE --reason 'WHY' -- COMMAND`, which gives it the secrets it needs.",
            name(s),
            s.class.what()
        ),
        Stop::Searches(s) => format!(
            "svault: this search would go through {}, which is {}. Leave it out (for grep: --exclude='{}'), or search a \
             narrower folder. {INSTEAD}",
            s.path.display(),
            s.class.what(),
            name(s)
        ),
        Stop::Writes(s) => format!(
            "svault: {} is {}, so changing it is blocked. Ask the user to change it, or to keep the value in svault \
             ('svault add NAME').",
            name(s),
            s.class.what()
        ),
        Stop::Packs(s) => format!(
            "svault: this archive would print {}, which is {}. Leave it out (--exclude='{}'), or write the archive to a \
             file. {INSTEAD}",
            s.path.display(),
            s.class.what(),
            name(s)
        ),
        Stop::Stages(s) => format!(
            "svault: {} is {}, so forcing it into git, and printing it from there, is blocked. {INSTEAD}",
            name(s),
            s.class.what()
        ),
        Stop::TooMuch => "svault: this command is too long or too deep to be looked through, so it is blocked. Say it in \
                          smaller steps."
            .to_owned(),
    }
}

const INSTEAD: &str =
    "Ask for the secret by name with svault_get_secret, or use it without seeing it with svault_run.";
