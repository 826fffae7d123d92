//! What goes back on a connection. Values leave here and nowhere else, and only as [`Released`], which the gate makes.

use crate::conn::{Conn, ConnError};
use crate::gate::{Outcome, Released};
use crate::presence::Presence;
use crate::seats::Pace;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use wire::frame::{self, Kind};
use wire::{Failure, FromDaemon, exit, proof};

/// Denials leave so long after the request came, so that their cause can't be told from how long they took.
const DENIAL: Duration = Duration::from_millis(20);

/// An answer, before it is known how it travels.
pub(crate) enum Reply {
    /// A message without a value.
    Message(FromDaemon),
    /// Values, let go by the gate.
    Released(Released),
}

impl From<FromDaemon> for Reply {
    fn from(message: FromDaemon) -> Self {
        Reply::Message(message)
    }
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Self {
        Reply::Message(FromDaemon::Error(failure))
    }
}

impl From<Outcome> for Reply {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Released(released) => Reply::Released(released),
            Outcome::Denied(no) => Reply::Message(FromDaemon::Denied { id: no.id, narrower: no.narrower }),
            Outcome::Pending(id) => Reply::Message(FromDaemon::Pending { id }),
        }
    }
}

/// Sends an answer, sealed where the connection is, to what came at that time.
pub(crate) async fn send(
    came: Instant,
    conn: &mut Conn,
    presence: &mut Presence,
    reply: Reply,
) -> Result<(), ConnError> {
    let served = presence.is_sealed() || matches!(reply, Reply::Released(_));
    conn.paced(if served { Pace::Free } else { Pace::Unserved });
    match reply {
        Reply::Message(message) => {
            if matches!(message, FromDaemon::Denied { .. }) && !presence.is_sealed() {
                hold_back(came).await;
                conn.turn_to_be_denied().await;
            }
            let FromDaemon::Report(report) = message else {
                return send_message(conn, presence, &message).await;
            };
            let mut parts = report.into_parts().into_iter().map(Box::new).peekable();
            while let Some(part) = parts.next() {
                let last = parts.peek().is_none();
                let message = if last { FromDaemon::Report(part) } else { FromDaemon::More(part) };
                send_message(conn, presence, &message).await?;
            }
            Ok(())
        }
        Reply::Released(released) => {
            let (id, items, values) = released.into_parts();
            let message = FromDaemon::Released { id, items };
            if !presence.is_sealed() {
                let values: Vec<&[u8]> = values.iter().map(secret::Bytes::expose).collect();
                return conn.send_with(&message, Kind::Raw, &values).await;
            }
            send_message(conn, presence, &message).await?;
            for value in values {
                let sealed = presence.seal_raw(value.expose()).map_err(|_| ConnError::Slow)?;
                conn.write(Kind::Sealed, sealed.expose()).await?;
            }
            Ok(())
        }
    }
}

/// Sends a message, sealed where the connection is. What is too long for one is said to be that, and what there is no
/// memory for as well.
pub(crate) async fn send_message(
    conn: &mut Conn,
    presence: &mut Presence,
    message: &FromDaemon,
) -> Result<(), ConnError> {
    if !presence.is_sealed() {
        return match conn.send(message).await {
            Err(ConnError::Frame(frame::Error::TooLong { .. })) => conn.send(&too_long()).await,
            sent => sent,
        };
    }
    let sealed = match presence.seal_control(message) {
        Err(e) => presence.seal_control(&instead(&e).ok_or(ConnError::Slow)?),
        sealed => sealed,
    };
    let sealed = sealed.map_err(|_| ConnError::Slow)?;
    conn.write(Kind::Sealed, sealed.expose()).await
}

/// What is said instead of a message that could not be sealed. None: nothing can be said any more.
fn instead(why: &proof::Error) -> Option<FromDaemon> {
    match why {
        proof::Error::Frame(frame::Error::TooLong { .. }) => Some(too_long()),
        proof::Error::Memory(_) => Some(no_memory()),
        _ => None,
    }
}

fn too_long() -> FromDaemon {
    let text = "the answer is too long for one message";
    let hint = "ask for less of it, as with --last or --since";
    FromDaemon::Error(Failure::new("too_long", exit::FAILED, text).hint(hint))
}

fn no_memory() -> FromDaemon {
    let text = "there is no locked memory for the answer; what was asked for may be done";
    let hint = "try again, and see 'svault doctor' for the limit of locked memory";
    FromDaemon::Error(Failure::new("no_memory", exit::FAILED, text).hint(hint))
}

/// Until a denial of what came then may leave.
async fn hold_back(came: Instant) {
    sleep_until(came + DENIAL).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_denial_takes_as_long_whenever_it_came_and_however_soon_it_was_decided() {
        for (later, decided) in [(0, 0), (3, 1), (7, 12), (11, 19), (19, 5)] {
            tokio::time::advance(Duration::from_millis(later)).await;
            let came = Instant::now();
            tokio::time::advance(Duration::from_millis(decided)).await;
            hold_back(came).await;
            assert_eq!(came.elapsed(), DENIAL, "came {later} ms later, decided within {decided} ms");
        }
    }

    #[test]
    fn only_what_is_too_long_is_said_to_be() {
        let code = |e: proof::Error| match instead(&e) {
            Some(FromDaemon::Error(failure)) => failure.code.to_string(),
            _ => String::new(),
        };
        let too_long = frame::Error::TooLong { len: 2, max: 1 };
        assert_eq!(code(too_long.into()), "too_long");
        assert_eq!(code(secret::Error::NoLockedMemory { wanted: 4096, limit: None }.into()), "no_memory");
        assert_eq!(code(proof::Error::Broken), "");
    }
}
