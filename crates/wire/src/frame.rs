//! Frames: 4 bytes of length (little-endian, counting what follows), one byte of kind, then the payload.
//! A decoder without I/O, which both the daemon's loop and the blocking client drive.
//!
//! Payloads that are or may hold a value (kinds 1 and 2) are read straight into locked memory.

use secret::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, IoSlice, Read, Write};

/// Bytes before the payload: the length and the kind.
pub const HEAD: usize = 5;
/// The largest control message, in bytes.
pub const CONTROL_MAX: usize = 256 * 1024;
/// The largest value, in bytes.
pub const RAW_MAX: usize = 64 * 1024;
/// The largest sealed payload, in bytes: a control message with its kind and tag, with room.
pub const SEALED_MAX: usize = 320 * 1024;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A JSON control message.
    Control = 0,
    /// A value, as it is.
    Raw = 1,
    /// One of the other two, sealed; see [`crate::proof::Channel`].
    Sealed = 2,
}

impl Kind {
    /// The kind of a byte.
    ///
    /// # Errors
    /// [`Error::Kind`] for a byte that names none.
    pub fn of(byte: u8) -> Result<Self, Error> {
        match byte {
            0 => Ok(Kind::Control),
            1 => Ok(Kind::Raw),
            2 => Ok(Kind::Sealed),
            other => Err(Error::Kind(other)),
        }
    }

    /// The largest payload, in bytes.
    #[must_use]
    pub const fn max(self) -> usize {
        match self {
            Kind::Control => CONTROL_MAX,
            Kind::Raw => RAW_MAX,
            Kind::Sealed => SEALED_MAX,
        }
    }
}

/// Which kinds may come next. Everything else is refused by its head, before anything is allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accept {
    control: bool,
    raw: bool,
    sealed: bool,
}

impl Accept {
    /// Control messages: a connection without presence.
    pub const CONTROL: Self = Self { control: true, raw: false, sealed: false };
    /// One value, after the message that announces it.
    pub const RAW: Self = Self { control: false, raw: true, sealed: false };
    /// Sealed frames only: a connection with presence.
    pub const SEALED: Self = Self { control: false, raw: false, sealed: true };
    /// The client's side while it waits for the answer to its proof: sealed, or an error in the open.
    pub const SEALED_OR_CONTROL: Self = Self { control: true, raw: false, sealed: true };

    fn takes(self, kind: Kind) -> bool {
        match kind {
            Kind::Control => self.control,
            Kind::Raw => self.raw,
            Kind::Sealed => self.sealed,
        }
    }
}

/// What can be wrong with a frame.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The other side closed the connection inside a frame.
    #[error("the connection ended inside a message")]
    Cut,
    /// The other side closed the connection where an answer was due.
    #[error("the connection was closed")]
    Closed,
    /// A length of zero: there is not even a kind.
    #[error("a message of no length")]
    Empty,
    /// Longer than its kind may be.
    #[error("a message of {len} bytes, and {max} is the most")]
    TooLong {
        /// As its head says.
        len: usize,
        /// As its kind allows.
        max: usize,
    },
    /// A byte that names no kind.
    #[error("a message of unknown kind {0}")]
    Kind(u8),
    /// A kind that has no place here.
    #[error("a {0:?} message where none was expected")]
    NotNow(Kind),
    /// Not the JSON of a message.
    #[error("a message that can't be read: {0}")]
    Json(#[from] serde_json::Error),
    /// No locked memory for a value.
    #[error(transparent)]
    Memory(#[from] secret::Error),
    /// The socket.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
}

impl Error {
    /// Whether the other side has gone.
    #[must_use]
    pub fn is_end(&self) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionReset};
        match self {
            Error::Cut | Error::Closed => true,
            Error::Io(e) => matches!(e.kind(), BrokenPipe | ConnectionReset),
            _ => false,
        }
    }
}

/// A whole frame.
#[derive(Debug)]
pub enum Frame {
    /// The JSON of a control message.
    Control(Vec<u8>),
    /// A value.
    Raw(Bytes),
    /// A sealed payload, not yet opened.
    Sealed(Bytes),
}

impl Frame {
    /// The control message in it.
    ///
    /// # Errors
    /// Where it is of another kind, or not a message.
    pub fn message<T: DeserializeOwned>(&self) -> Result<T, Error> {
        match self {
            Frame::Control(json) => Ok(serde_json::from_slice(json)?),
            Frame::Raw(_) => Err(Error::NotNow(Kind::Raw)),
            Frame::Sealed(_) => Err(Error::NotNow(Kind::Sealed)),
        }
    }
}

enum Body {
    Plain(Vec<u8>),
    Locked(Bytes),
}

/// Puts frames together from pieces, and never asks for a byte of the frame after.
///
/// Read into [`Decoder::space`], say how much came with [`Decoder::filled`]. Between the two nothing is
/// lost when a read is cancelled.
pub struct Decoder {
    head: [u8; HEAD],
    body: Option<(Kind, Body)>,
    got: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// At the start of a frame.
    #[must_use]
    pub fn new() -> Self {
        Self { head: [0; HEAD], body: None, got: 0 }
    }

    /// Where the next bytes go; never empty.
    pub fn space(&mut self) -> &mut [u8] {
        match &mut self.body {
            None => &mut self.head[self.got..],
            Some((_, Body::Plain(b))) => &mut b[self.got..],
            Some((_, Body::Locked(b))) => &mut b.expose_mut()[self.got..],
        }
    }

    /// Whether a frame has begun and is not whole: an end of the stream now cuts it.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.got > 0 || self.body.is_some()
    }

    /// `n` bytes were read into [`Decoder::space`]. Gives the frame when it is whole; `accept` counts when
    /// its head has come.
    ///
    /// # Errors
    /// What is wrong with the head, or no memory for the body. The decoder is of no use after that.
    pub fn filled(&mut self, n: usize, accept: Accept) -> Result<Option<Frame>, Error> {
        self.got += n;
        if self.body.is_none() {
            if self.got < HEAD {
                return Ok(None);
            }
            self.body = Some(begin(self.head, accept)?);
            self.got = 0;
        }
        let whole = match &self.body {
            Some((_, Body::Plain(b))) => b.len(),
            Some((_, Body::Locked(b))) => b.len(),
            None => return Ok(None),
        };
        if self.got < whole {
            return Ok(None);
        }
        self.got = 0;
        Ok(self.body.take().map(|body| match body {
            (Kind::Raw, Body::Locked(b)) => Frame::Raw(b),
            (_, Body::Locked(b)) => Frame::Sealed(b),
            (_, Body::Plain(b)) => Frame::Control(b),
        }))
    }
}

/// Checks a head and makes room for its payload.
fn begin(head: [u8; HEAD], accept: Accept) -> Result<(Kind, Body), Error> {
    let [a, b, c, d, kind] = head;
    let len = u32::from_le_bytes([a, b, c, d]) as usize;
    let len = len.checked_sub(1).ok_or(Error::Empty)?;
    let kind = Kind::of(kind)?;
    if !accept.takes(kind) {
        return Err(Error::NotNow(kind));
    }
    if len > kind.max() {
        return Err(Error::TooLong { len, max: kind.max() });
    }
    let body = match kind {
        Kind::Control => Body::Plain(vec![0; len]),
        Kind::Raw | Kind::Sealed => Body::Locked(Bytes::zeroed(len)?),
    };
    Ok((kind, body))
}

/// The head of a frame with a payload of `len` bytes.
///
/// # Errors
/// [`Error::TooLong`].
pub fn head(kind: Kind, len: usize) -> Result<[u8; HEAD], Error> {
    if len > kind.max() {
        return Err(Error::TooLong { len, max: kind.max() });
    }
    let counted = u32::try_from(len + 1).unwrap_or(u32::MAX).to_le_bytes();
    Ok([counted[0], counted[1], counted[2], counted[3], kind as u8])
}

/// A whole control frame.
///
/// # Errors
/// Where the message is too long.
pub fn control(message: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut out = vec![0; HEAD];
    serde_json::to_writer(&mut out, message)?;
    let head = head(Kind::Control, out.len() - HEAD)?;
    out[..HEAD].copy_from_slice(&head);
    Ok(out)
}

/// Reads one frame, blocking. None: the stream ended between two frames.
///
/// # Errors
/// As [`Decoder::filled`], and what the stream says.
pub fn read(from: &mut impl Read, accept: Accept) -> Result<Option<Frame>, Error> {
    let mut decoder = Decoder::new();
    loop {
        let n = match from.read(decoder.space()) {
            Ok(0) if decoder.is_inside() => return Err(Error::Cut),
            Ok(0) => return Ok(None),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e.into()),
        };
        if let Some(frame) = decoder.filled(n, accept)? {
            return Ok(Some(frame));
        }
    }
}

/// Reads one control message, blocking. None: the stream ended.
///
/// # Errors
/// As [`read`].
pub fn read_control<T: DeserializeOwned>(from: &mut impl Read) -> Result<Option<T>, Error> {
    read(from, Accept::CONTROL)?.map(|f| f.message()).transpose()
}

/// Reads one value, blocking.
///
/// # Errors
/// As [`read`]; [`Error::Closed`] where the stream ended.
pub fn read_raw(from: &mut impl Read) -> Result<Bytes, Error> {
    match read(from, Accept::RAW)? {
        Some(Frame::Raw(value)) => Ok(value),
        Some(_) => Err(Error::NotNow(Kind::Control)),
        None => Err(Error::Closed),
    }
}

/// Writes one control message, blocking.
///
/// # Errors
/// Where it is too long, and what the stream says.
pub fn write_control(to: &mut impl Write, message: &impl Serialize) -> Result<(), Error> {
    Ok(to.write_all(&control(message)?)?)
}

/// Writes one value or sealed payload, blocking, without a copy of it.
///
/// # Errors
/// Where it is too long, and what the stream says.
pub fn write(to: &mut impl Write, kind: Kind, payload: &[u8]) -> Result<(), Error> {
    let head = head(kind, payload.len())?;
    let mut parts = [IoSlice::new(&head), IoSlice::new(payload)];
    let mut parts = &mut parts[..];
    while !parts.is_empty() {
        match to.write_vectored(parts) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
            Ok(n) => IoSlice::advance_slices(&mut parts, n),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}
