//! What goes back on a connection. Values leave here and nowhere else, and only as [`Released`], which the gate makes.

use crate::clock::Clock;
use crate::conn::{Conn, ConnError};
use crate::gate::{Outcome, Released};
use crate::presence::Presence;
use crate::state::State;
use std::time::Duration;
use wire::frame::Kind;
use wire::{Failure, FromDaemon};

/// Denials leave at the next multiple of this, so that their cause can't be told from how long they took.
const TICK_MS: u64 = 20;

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

/// Sends an answer, sealed where the connection is.
pub(crate) async fn send(
    state: &State,
    conn: &mut Conn,
    presence: &mut Presence,
    reply: Reply,
) -> Result<(), ConnError> {
    match reply {
        Reply::Message(message) => {
            if matches!(message, FromDaemon::Denied { .. }) && !presence.is_sealed() {
                next_tick(state).await;
            }
            send_message(conn, presence, &message).await
        }
        Reply::Released(released) => {
            let (id, items, values) = released.into_parts();
            send_message(conn, presence, &FromDaemon::Released { id, items }).await?;
            for value in values {
                if presence.is_sealed() {
                    let sealed = presence.seal_raw(value.expose()).map_err(|_| ConnError::Slow)?;
                    conn.write(Kind::Sealed, sealed.expose()).await?;
                } else {
                    conn.write(Kind::Raw, value.expose()).await?;
                }
            }
            Ok(())
        }
    }
}

/// Sends a message, sealed where the connection is.
pub(crate) async fn send_message(
    conn: &mut Conn,
    presence: &mut Presence,
    message: &FromDaemon,
) -> Result<(), ConnError> {
    if !presence.is_sealed() {
        return conn.send(message).await;
    }
    let sealed = presence.seal_control(message).map_err(|_| ConnError::Slow)?;
    conn.write(Kind::Sealed, sealed.expose()).await
}

async fn next_tick(state: &State) {
    let left = TICK_MS - state.clock.boot_ms() % TICK_MS;
    tokio::time::sleep(Duration::from_millis(left)).await;
}
