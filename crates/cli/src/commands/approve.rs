//! `svault approve ID`.

use crate::app::{App, Consent};
use crate::args::Proof;
use crate::report::Outcome;
use crate::times;
use clap::Args;
use serde_json::json;
use wire::{Lasts, Want};
use words::Id;

/// Say yes to a waiting request
///
/// Shows exactly what would be released to whom, takes presence for it, and asks. For tier high a yes is for one
/// release; for medium it can hold for the same command in the same session.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault approve 7K2MQ9XA --for session")]
pub struct Approve {
    /// Which request; see 'svault pending'
    id: Id,
    /// How long it holds: once, session, or a length such as 15m, at most 7d; no longer than until the store is locked
    #[arg(long = "for", value_name = "once|session|15m", default_value = "once", value_parser = lasts)]
    lasts: Lasts,
    /// Show all of a long command or reason
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    proof: Proof,
}

/// Seconds that a yes may hold at most: what is longer was mistyped, as it ends with the lock before that.
const LONGEST: u64 = 7 * 86_400;

fn lasts(text: &str) -> Result<Lasts, String> {
    match text {
        "once" => Ok(Lasts::Once),
        "session" => Ok(Lasts::Session),
        other => times::seconds(other)
            .ok()
            .filter(|s| *s <= LONGEST)
            .and_then(|s| u32::try_from(s).ok())
            .map(Lasts::Seconds)
            .ok_or_else(|| "once, session, or a length such as 15m, at most 7d".to_owned()),
    }
}

impl Approve {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let (id, lasts) = (self.id, self.lasts);
        let consent = if self.full { Consent::Whole("Approve?") } else { Consent::Card("Approve?") };
        app.human(self.proof).act(Want::Approve { id, lasts }, Vec::new(), consent)?;
        app.out.answer(json!({"id": id, "decision": "approve", "lasts": lasts.word()}), |_| {
            let held = match lasts {
                Lasts::Seconds(s) => times::span(s.into()),
                other => other.word(),
            };
            format!("approved {id} ({held})\n")
        })?;
        Ok(wire::exit::DONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_holds_for() {
        assert_eq!(lasts("once"), Ok(Lasts::Once));
        assert_eq!(lasts("15m"), Ok(Lasts::Seconds(900)));
        assert_eq!(lasts("7d"), Ok(Lasts::Seconds(604_800)));
        for bad in ["", "forever", "0m", "m", "8d", "604801s", "999d", "99999999d"] {
            assert!(lasts(bad).is_err(), "{bad}");
        }
    }
}
