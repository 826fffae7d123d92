//! How much one request may ask for: no more than the act shows by which a human approves or denies it.

use super::{Label, MAX};
use crate::{Ask, AskItem};
use words::Way;

/// The most bytes that what a request asks for may have in an act; the rest of one is what the daemon adds: who asks, the
/// line of parents, notes.
pub const MOST_ASKED: usize = MAX - 8 * 1024;

/// The longest name of a vault.
const VAULT: usize = 64;
/// The most digits of a version.
const VERSION: usize = 20;

impl Ask {
    /// How many bytes it has in an act at most, wherever its secrets are found. A control character counts for three, as it
    /// is one byte there, but six in the JSON of the trail's entry, which is to fit into one message as well.
    #[must_use]
    pub fn size(&self) -> usize {
        let items: usize = self.items.iter().map(item).sum();
        let argv: usize = self.argv.iter().map(|word| field(Label::Argv, text(word))).sum();
        let scope = self.scope.as_ref().map_or(0, |scope| field(Label::Scope, scope.as_str().len()));
        let reason = self.reason.as_ref().map_or(0, |reason| field(Label::Reason, text(reason)));
        items + argv + scope + reason + field(Label::Cwd, text(&self.cwd))
    }

    /// Whether it may be asked for: nobody could say yes or no to one with more than [`MOST_ASKED`].
    #[must_use]
    pub fn fits(&self) -> bool {
        self.size() <= MOST_ASKED
    }
}

/// The secret, and once more where it is new in the command's folder.
fn item(item: &AskItem) -> usize {
    let vault = item.secret.vault.as_ref().map_or(VAULT, |vault| vault.as_str().len());
    let secret = vault + 1 + item.secret.name.as_str().len();
    let way = match &item.way {
        Way::Env(name) => field(Label::Env, name.as_str().len()),
        Way::File(name) => field(Label::File, name.as_str().len()),
        Way::Proxy | Way::Value => 0,
    };
    field(Label::Secret, secret)
        + field(Label::Version, VERSION)
        + field(Label::Exposure, item.way.exposure().as_str().len())
        + way
        + field(Label::New, secret)
}

/// A field: u8 and label, u32 and value.
fn field(label: Label, value: usize) -> usize {
    5 + label.as_str().len() + value
}

fn text(text: &str) -> usize {
    text.len() + 2 * text.bytes().filter(u8::is_ascii_control).count()
}
