//! Windows: the daemon's pipe is not here yet, so no store is ever unlocked.

use crate::{Error, Result};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;
use wire::paths::{Socket, StoreDir};

/// A stream that can't be had.
#[derive(Debug)]
pub(crate) enum Stream {}

impl Read for Stream {
    fn read(&mut self, _into: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }
}

impl Write for Stream {
    fn write(&mut self, _from: &[u8]) -> io::Result<usize> {
        match *self {}
    }
    fn flush(&mut self) -> io::Result<()> {
        match *self {}
    }
}

impl Stream {
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        match *self {}
    }
    pub(crate) fn shutdown(&self, _how: std::net::Shutdown) -> io::Result<()> {
        match *self {}
    }
    pub(crate) fn set_read_timeout(&self, _after: Option<Duration>) -> io::Result<()> {
        match *self {}
    }
    pub(crate) fn set_write_timeout(&self, _after: Option<Duration>) -> io::Result<()> {
        match *self {}
    }
}

pub(crate) fn connect(_socket: &Socket) -> Result<Option<(Stream, Option<u32>)>> {
    Ok(None)
}

pub(crate) fn silent_for(stream: &Stream, _time: Duration) -> bool {
    match *stream {}
}

/// A daemon that can't be started.
pub(crate) struct Child {
    pub stream: Stream,
}

impl Child {
    pub(crate) fn end(self) {}
}

pub(crate) fn start(
    _store: &StoreDir,
    _program: Option<&Path>,
    _bell: Option<std::fs::File>,
) -> Result<Child> {
    Err(Error::Platform("the daemon"))
}
