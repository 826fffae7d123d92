//! One connection: whole frames in and out, none of which can keep the daemon waiting.

use crate::seats::{Pace, Seat, ValueRoom};
use std::io::IoSlice;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout, timeout_at};
use wire::FromDaemon;
use wire::frame::{self, Accept, Decoder, Frame, Kind};

/// A frame that has begun is whole within this time.
const FRAME: Duration = Duration::from_secs(10);
/// A value in the open that has begun, and that there is room for, is whole within this time.
const VALUE: Duration = Duration::from_millis(500);
/// An answer is taken within this time.
const ANSWER: Duration = Duration::from_secs(10);

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub enum ConnError {
    /// A frame that began and didn't end, one that was due and didn't come, or an answer that nobody took.
    #[error("the other side is too slow")]
    Slow,
    /// Its place went to somebody else while it did nothing.
    #[error("too many connections; this one did nothing")]
    Evicted,
    /// A frame that can't be.
    #[error(transparent)]
    Frame(#[from] frame::Error),
}

impl From<std::io::Error> for ConnError {
    fn from(e: std::io::Error) -> Self {
        Self::Frame(e.into())
    }
}

/// A value or text that came in the open, with its share of the room for those.
pub(crate) struct OpenValue {
    bytes: secret::Bytes,
    _room: Option<ValueRoom>,
}

impl std::ops::Deref for OpenValue {
    type Target = secret::Bytes;

    fn deref(&self) -> &secret::Bytes {
        &self.bytes
    }
}

/// A connection with its place among the others.
pub struct Conn {
    stream: UnixStream,
    decoder: Decoder,
    begun: Option<Instant>,
    seat: Rc<Seat>,
    pace: Pace,
}

impl Conn {
    pub(crate) fn new(stream: UnixStream, seat: Rc<Seat>) -> Self {
        Self { stream, decoder: Decoder::new(), begun: None, seat, pace: Pace::New }
    }

    /// What is read from now on waits for such a turn.
    pub(crate) fn paced(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// The socket, for looking at the process behind it.
    #[must_use]
    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Waits for its turn to hear a denial.
    pub(crate) async fn turn_to_be_denied(&self) {
        self.seat.turn(Pace::Denied).await;
    }

    /// The next frame, whenever it comes. While nothing comes the connection may have to make room for others.
    /// None: the other side has closed. May be cancelled and called again.
    ///
    /// # Errors
    /// [`ConnError`]: the connection is of no more use.
    pub async fn next(&mut self, accept: Accept) -> Result<Option<Frame>, ConnError> {
        let seat = Rc::clone(&self.seat);
        let idle = seat.idle();
        tokio::select! {
            biased;
            frame = self.read(accept, None) => frame,
            () = idle.evicted() => Err(ConnError::Evicted),
        }
    }

    /// The same for a connection that is owed an answer: it keeps its place. A waiting request uses it to notice that
    /// its client has gone or takes it back.
    ///
    /// # Errors
    /// As [`Conn::next`].
    pub async fn while_waiting(&mut self, accept: Accept) -> Result<Option<Frame>, ConnError> {
        self.read(accept, None).await
    }

    /// Waits for what many may wait for at once: meanwhile it may have to make room for others.
    ///
    /// # Errors
    /// [`ConnError::Evicted`].
    pub(crate) async fn idly<T>(&self, what: impl Future<Output = T>) -> Result<T, ConnError> {
        let idle = self.seat.idle();
        tokio::select! {
            biased;
            done = what => Ok(done),
            () = idle.evicted() => Err(ConnError::Evicted),
        }
    }

    /// A frame that is due: a value after its announcement, a yes within its time.
    ///
    /// # Errors
    /// As [`Conn::next`]; [`ConnError::Slow`] when the time is over, `Closed` where the other side has closed.
    pub async fn due(&mut self, accept: Accept, within: Duration) -> Result<Frame, ConnError> {
        match self.read(accept, Some(Instant::now() + within)).await? {
            Some(frame) => Ok(frame),
            None => Err(frame::Error::Closed.into()),
        }
    }

    /// The hello: due within a time, and in nobody's way until then.
    pub(crate) async fn first(&mut self, accept: Accept, within: Duration) -> Result<Frame, ConnError> {
        let seat = Rc::clone(&self.seat);
        let idle = seat.idle();
        tokio::select! {
            biased;
            frame = self.due(accept, within) => frame,
            () = idle.evicted() => Err(ConnError::Evicted),
        }
    }

    /// A value or text in the open: it begins within a time. Then it waits for room for it, and has to be whole in a
    /// moment. In nobody's way until it is there.
    ///
    /// # Errors
    /// As [`Conn::due`]; [`ConnError::Evicted`].
    pub(crate) async fn value(&mut self, within: Duration) -> Result<OpenValue, ConnError> {
        let seat = Rc::clone(&self.seat);
        let idle = seat.idle();
        tokio::select! {
            biased;
            value = self.value_with_room(within) => value,
            () = idle.evicted() => Err(ConnError::Evicted),
        }
    }

    async fn value_with_room(&mut self, within: Duration) -> Result<OpenValue, ConnError> {
        // A part of the head: nothing is allocated for the rest before that is whole.
        match timeout(within, self.bytes(1)).await.map_err(|_| ConnError::Slow)?? {
            0 => return Err(frame::Error::Closed.into()),
            n => drop(self.decoder.filled(n, Accept::RAW)?),
        }
        let room = self.seat.value_room().await;
        match self.due(Accept::RAW, VALUE).await? {
            Frame::Raw(bytes) => Ok(OpenValue { bytes, _room: room }),
            _ => Err(frame::Error::Closed.into()),
        }
    }

    /// Reads so many bytes of the frame at most, when it is its turn.
    async fn bytes(&mut self, most: usize) -> std::io::Result<usize> {
        if self.pace != Pace::Free {
            self.stream.readable().await?;
            self.seat.turn(self.pace).await;
        }
        let space = self.decoder.space();
        let most = most.min(space.len());
        self.stream.read(&mut space[..most]).await
    }

    async fn read(&mut self, accept: Accept, due: Option<Instant>) -> Result<Option<Frame>, ConnError> {
        loop {
            let limit = [due, self.begun.map(|at| at + FRAME)].into_iter().flatten().min();
            let read = self.bytes(usize::MAX);
            let n = match limit {
                Some(at) => timeout_at(at, read).await.map_err(|_| ConnError::Slow)??,
                None => read.await?,
            };
            if n == 0 {
                return if self.decoder.is_inside() { Err(frame::Error::Cut.into()) } else { Ok(None) };
            }
            self.begun.get_or_insert_with(Instant::now);
            if let Some(frame) = self.decoder.filled(n, accept)? {
                self.begun = None;
                return Ok(Some(frame));
            }
        }
    }

    /// Sends a control message.
    ///
    /// # Errors
    /// As [`Conn::write`].
    pub async fn send(&mut self, message: &FromDaemon) -> Result<(), ConnError> {
        let bytes = frame::control(message)?;
        self.put(&bytes).await
    }

    /// Sends a frame: a sealed payload, or a value. Values come from `gate::Released` alone.
    ///
    /// # Errors
    /// [`ConnError::Slow`] where the other side doesn't read, and what the socket says.
    pub async fn write(&mut self, kind: Kind, payload: &[u8]) -> Result<(), ConnError> {
        let head = frame::head(kind, payload.len())?;
        self.put(&head).await?;
        self.put(payload).await
    }

    /// Sends a message and the values that it announces in as few calls as the socket allows: the other side wakes
    /// once, and finds all of it. Values come from `gate::Released` alone.
    ///
    /// # Errors
    /// As [`Conn::write`].
    pub async fn send_with(
        &mut self,
        message: &FromDaemon,
        kind: Kind,
        values: &[&[u8]],
    ) -> Result<(), ConnError> {
        let bytes = frame::control(message)?;
        let heads = values.iter().map(|value| frame::head(kind, value.len()));
        let heads = heads.collect::<Result<Vec<_>, _>>()?;
        let raw = heads.iter().zip(values).flat_map(|(head, value)| [&head[..], *value]);
        let mut slices: Vec<_> = std::iter::once(&bytes[..]).chain(raw).map(IoSlice::new).collect();
        timeout(ANSWER, put_all(&mut self.stream, &mut slices)).await.map_err(|_| ConnError::Slow)?
    }

    async fn put(&mut self, bytes: &[u8]) -> Result<(), ConnError> {
        timeout(ANSWER, self.stream.write_all(bytes))
            .await
            .map_err(|_| ConnError::Slow)?
            .map_err(ConnError::from)
    }
}

async fn put_all(stream: &mut UnixStream, mut rest: &mut [IoSlice<'_>]) -> Result<(), ConnError> {
    while !rest.is_empty() {
        match stream.write_vectored(rest).await? {
            0 => return Err(std::io::Error::from(std::io::ErrorKind::WriteZero).into()),
            n => IoSlice::advance_slices(&mut rest, n),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seats::Room;
    use tokio::task::{JoinHandle, LocalSet, spawn_local, yield_now};

    #[test]
    fn who_waits_for_what_many_wait_for_makes_room() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let room = Room::new(1);
            let seat = room.seat().await.unwrap();
            let (stream, _other) = UnixStream::pair().unwrap();
            let waits = spawn_local(async move {
                let conn = Conn::new(stream, seat);
                conn.idly(std::future::pending::<()>()).await
            });
            yield_now().await;
            assert!(room.seat().await.is_some());
            assert!(matches!(waits.await.unwrap(), Err(ConnError::Evicted)));
        });
    }

    /// A connection, and its other side after it has sent a text of so many bytes that it says has one more.
    async fn cut_short(room: &Rc<Room>, group: u32, sent: usize) -> (Conn, UnixStream) {
        let (stream, mut other) = UnixStream::pair().unwrap();
        other.write_all(&frame::head(Kind::Raw, sent + 1).unwrap()).await.unwrap();
        other.write_all(&vec![b'x'; sent]).await.unwrap();
        let seat = room.seat().await.unwrap();
        seat.belongs_to(group);
        (Conn::new(stream, seat), other)
    }

    #[test]
    fn values_in_the_open_take_turns_for_their_room() {
        use crate::seats::{VALUES, VALUES_OF_GROUP};
        const WITHIN: Duration = Duration::from_secs(10);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let room = Room::new(1000);
            let mut others = Vec::new();
            let mut waits = Vec::new();
            for n in 0..VALUES {
                // Who has sent nothing has no room.
                let (stream, silent) = UnixStream::pair().unwrap();
                let mut conn = Conn::new(stream, room.seat().await.unwrap());
                waits.push(spawn_local(async move { conn.value(WITHIN).await.is_ok() }));
                let group = u32::try_from(n / VALUES_OF_GROUP).unwrap();
                let (mut conn, slow) = cut_short(&room, group, 1000).await;
                waits.push(spawn_local(async move { conn.value(WITHIN).await.is_ok() }));
                others.extend([silent, slow]);
            }
            for _ in 0..1000 {
                yield_now().await;
            }
            let (mut conn, mut other) = cut_short(&room, 77, 5).await;
            let late = spawn_local(async move { conn.value(WITHIN).await.map(|value| value.len()) });
            other.write_all(b"x").await.unwrap();
            for _ in 0..1000 {
                yield_now().await;
            }
            assert!(!late.is_finished(), "there is room for so many");
            let began = Instant::now();
            assert_eq!(late.await.unwrap().unwrap(), 6);
            assert!(began.elapsed() < VALUE + Duration::from_secs(2), "{:?}", began.elapsed());
            waits.iter().for_each(JoinHandle::abort);
        });
    }

    /// A terminal session in which hundreds begin to send keeps others of it waiting, and nobody else.
    #[test]
    fn values_of_one_terminal_session_leave_room_for_others() {
        const WITHIN: Duration = Duration::from_secs(10);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let room = Room::new(1000);
            let (mut slow, mut waits) = (Vec::new(), Vec::new());
            for _ in 0..100 {
                let (mut conn, other) = cut_short(&room, 1, 1000).await;
                waits.push(spawn_local(async move { conn.value(WITHIN).await.is_ok() }));
                slow.push(other);
            }
            for _ in 0..1000 {
                yield_now().await;
            }
            for (group, is_served) in [(1, false), (2, true)] {
                let (mut conn, mut other) = cut_short(&room, group, 5).await;
                other.write_all(b"x").await.unwrap();
                let late = spawn_local(async move { conn.value(WITHIN).await.is_ok() });
                for _ in 0..1000 {
                    yield_now().await;
                }
                assert_eq!(late.is_finished(), is_served, "group {group}");
                waits.push(late);
            }
            waits.iter().for_each(JoinHandle::abort);
        });
    }
}
