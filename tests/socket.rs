//! The raw socket, with frames made by hand from the text of the wire's specification: a stranger's client.

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A control message, as JSON.
pub const CONTROL: u8 = 0;
/// Bytes of a secret.
pub const RAW: u8 = 1;
/// Sealed.
pub const SEALED: u8 = 2;

/// One connection.
pub struct Raw {
    stream: UnixStream,
}

impl Raw {
    /// Connects and says nothing.
    ///
    /// # Panics
    /// When nobody listens.
    #[must_use]
    pub fn connect(socket: &Path) -> Self {
        Self::try_connect(socket).expect("connect")
    }

    /// Connects as the user that the tests run as, who may be root.
    ///
    /// # Panics
    /// When nobody listens.
    #[must_use]
    pub fn connect_as_we_are(socket: &Path) -> Self {
        Self { stream: UnixStream::connect(socket).expect("connect") }
    }

    /// As [`Self::connect`]; `None` where nobody listens.
    #[must_use]
    pub fn try_connect(socket: &Path) -> Option<Self> {
        let stream = connected(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        Some(Self { stream })
    }

    /// Connects and says hello; the caller may claim a name.
    #[must_use]
    pub fn hello(socket: &Path, caller: Option<&str>) -> Self {
        let mut raw = Self::connect(socket);
        raw.send(&json!({"type": "hello", "version": 1, "door": "cli", "caller": caller}));
        let answer = raw.control();
        assert_eq!(answer["type"], "hello", "{answer}");
        raw
    }

    /// Sends a control message.
    pub fn send(&mut self, message: &Value) {
        self.frame(CONTROL, message.to_string().as_bytes());
    }

    /// Sends a frame of any kind. A peer that has gone is no error here: what it answered is looked at.
    pub fn frame(&mut self, kind: u8, payload: &[u8]) {
        let length = u32::try_from(payload.len() + 1).expect("length");
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.push(kind);
        bytes.extend_from_slice(payload);
        self.bytes(&bytes);
    }

    /// Sends bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// No more will be sent.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// The next frame: kind and payload. `None`: closed, or silent for too long.
    pub fn frame_in(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head).ok()?;
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let mut payload = vec![0; length.checked_sub(1)?];
        self.stream.read_exact(&mut payload).ok()?;
        Some((head[4], payload))
    }

    /// The next frame, which must be a control message.
    #[track_caller]
    pub fn control(&mut self) -> Value {
        match self.frame_in() {
            Some((CONTROL, payload)) => serde_json::from_slice(&payload).expect("JSON"),
            other => panic!("no control message: {other:?}"),
        }
    }

    /// Everything that comes: the first frame within five seconds, then until the other side closes or is silent.
    pub fn rest(&mut self) -> Vec<(u8, Vec<u8>)> {
        let mut all = Vec::new();
        let mut patience = Duration::from_secs(5);
        loop {
            let _ = self.stream.set_read_timeout(Some(patience));
            let Some(frame) = self.frame_in() else { return all };
            all.push(frame);
            patience = Duration::from_millis(150);
        }
    }

    /// The stream itself.
    #[must_use]
    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }
}

/// A connection of the user that the product runs as: the kernel tells the daemon whose thread connected, and root is
/// not spoken to.
#[cfg(target_os = "linux")]
fn connected(socket: &Path) -> Option<UnixStream> {
    use rustix::process::{Gid, Uid, geteuid};
    if !geteuid().is_root() {
        return UnixStream::connect(socket).ok();
    }
    let socket = socket.to_owned();
    let connect = move || {
        let ordinary = crate::scratch::ordinary();
        let (uid, gid) = (Uid::from_raw(ordinary), Gid::from_raw(ordinary));
        rustix::thread::set_thread_res_gid(gid, gid, gid).expect("setresgid");
        rustix::thread::set_thread_res_uid(uid, uid, uid).expect("setresuid");
        UnixStream::connect(socket).ok()
    };
    std::thread::spawn(connect).join().expect("a thread of another user")
}

#[cfg(not(target_os = "linux"))]
fn connected(socket: &Path) -> Option<UnixStream> {
    UnixStream::connect(socket).ok()
}

/// A request by hand, as `get` makes it. With `env` and `file` the variable is `A`.
#[must_use]
pub fn ask(secret: Value, scope: Option<&str>, reason: Option<&str>, exposure: &str) -> Value {
    let way = match exposure {
        "env" | "file" => json!({exposure: "A"}),
        other => json!(other),
    };
    json!({
        "type": "ask", "items": [{"secret": secret, "way": way}], "scope": scope, "reason": reason,
        "argv": [], "cwd": "", "wait": 0
    })
}

/// A line of a shell: connects with the stranger's program, then becomes another shell, which sends a control message of
/// less than 255 bytes and prints the answer.
#[must_use]
pub fn connect_exec(stranger: &str, socket: &str, shell: &str, message: &str) -> String {
    sent(stranger, socket, shell, &printed(CONTROL, message))
}

/// The same with a value behind the message, which begins with no digit.
#[must_use]
pub fn connect_exec_value(stranger: &str, socket: &str, shell: &str, message: &str, value: &str) -> String {
    sent(stranger, socket, shell, &(printed(CONTROL, message) + &printed(RAW, value)))
}

fn sent(stranger: &str, socket: &str, shell: &str, frames: &str) -> String {
    let write = format!("printf \"{frames}\" >&$FD; timeout 2 cat <&$FD | tail -c +6; :");
    format!("\"{stranger}\" connect-exec \"{socket}\" '{shell}' --norc -c '{write}'")
}

/// A frame as `printf` in double quotes takes it.
fn printed(kind: u8, payload: &str) -> String {
    let (length, quoted) = (payload.len() + 1, payload.replace('"', "\\\""));
    format!("\\\\x{length:x}\\\\0\\\\0\\\\0\\\\{kind}{quoted}")
}
