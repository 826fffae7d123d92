//! What the machine needs at least: an echo over a socket, an append with fdatasync, a process.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use svault_tests::Sandbox;

/// About what a hello and its answer have in bytes.
const HELLO: (usize, usize) = (70, 80);
/// About what a request and its answer with a value have.
const ASK: (usize, usize) = (280, 220);
/// About what a request's record has.
pub const RECORD: usize = 700;

/// A server that does nothing but answer.
pub struct Echo {
    socket: std::path::PathBuf,
    open: UnixStream,
}

impl Echo {
    /// In a folder of the sandbox.
    pub fn start(sandbox: &Sandbox) -> Self {
        let socket = sandbox.path("echo");
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).expect("bind");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || answer(stream));
            }
        });
        let mut open = UnixStream::connect(&socket).expect("connect");
        say(&mut open, HELLO);
        Self { socket, open }
    }

    /// Question and answer, of the size of a request, on a connection that is open.
    pub fn ask(&mut self) {
        say(&mut self.open, ASK);
    }

    /// A new connection: what goes back and forth for a hello and for a request.
    pub fn connect_and_ask(&self) {
        let mut stream = UnixStream::connect(&self.socket).expect("connect");
        say(&mut stream, HELLO);
        say(&mut stream, ASK);
    }
}

fn say(stream: &mut UnixStream, (there, back): (usize, usize)) {
    let mut question = vec![7; there];
    question[0] = if (there, back) == HELLO { 0 } else { 1 };
    stream.write_all(&question).expect("write");
    stream.read_exact(&mut vec![0; back]).expect("read");
}

fn answer(mut stream: UnixStream) {
    let mut first = [0];
    while stream.read_exact(&mut first).is_ok() {
        let (there, back) = if first[0] == 0 { HELLO } else { ASK };
        if stream.read_exact(&mut vec![0; there - 1]).is_err() || stream.write_all(&vec![7; back]).is_err() {
            return;
        }
    }
}

/// A file that grows on the store's own disk.
pub struct Log {
    file: File,
    path: std::path::PathBuf,
}

impl Log {
    /// Beside the store's files.
    pub fn create(sandbox: &Sandbox) -> Self {
        let path = sandbox.path("floor");
        Self { file: File::create(&path).expect("create"), path }
    }

    /// One record, durable.
    pub fn append(&mut self) {
        self.file.write_all(&[7; RECORD]).expect("write");
        rustix::fs::fdatasync(&self.file).expect("fdatasync");
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// `/bin/true`, to its end.
pub fn process() {
    let done = Command::new("/bin/true").stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(done.expect("true").success());
}

/// Every file below a folder, read once.
pub fn read_all(folder: &Path) -> u64 {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            bytes += read_all(&entry.path());
        } else if let Ok(read) = std::fs::read(entry.path()) {
            bytes += read.len() as u64;
        }
    }
    bytes
}
