//! `svault scrub`: text in, the same text without secrets out.

use crate::app::App;
use crate::hooks;
use crate::report::{Error, Outcome};
use crate::scrubbing::Scrubber;
use clap::Args;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Bytes of a piece of text.
const PIECE: usize = 64 * 1024;
/// Without input for so long, what is held back goes out.
const IDLE: Duration = Duration::from_millis(50);

/// Mask secrets in what comes in on stdin, write the rest to stdout as it is
///
/// Values of the store are looked for by the daemon: this process never has them. They are found whole, raw or encoded,
/// and 'svault audit list' says that they were there. What looks like a credential is masked by rules, here, and so is what the
/// '.env' files of this folder hold, and of those above it in the same repository. With the store locked there is no more than
/// that, and a note says so. Without new input for 50 ms everything goes out.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ./deploy.sh 2>&1 | svault scrub")]
pub struct Scrub {
    /// Don't ask the daemon: mask by rules and what '.env' files hold
    #[arg(long)]
    pub rules_only: bool,
}

impl Scrub {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        if app.out.json() {
            return Err(Error::usage("scrub has no answer but the text: --json makes no sense here"));
        }
        let daemon = if self.rules_only { None } else { connected(app) };
        let (pieces, input) = sync_channel(2);
        let reader = std::thread::Builder::new().name("stdin".into()).spawn(move || read(&pieces));
        reader.map_err(|e| {
            Error::failed("can't start a thread", e).hint("end other programs, then try again")
        })?;
        let nearby = std::env::current_dir().ok().and_then(|here| hooks::nearby(&[&here]));
        match filter(app, &input, Scrubber::new(daemon, nearby)) {
            // Whoever read the output has gone: that is no failure of this command.
            Err(Broken::Output(e)) if e.kind() == io::ErrorKind::BrokenPipe => Ok(wire::exit::DONE),
            Err(Broken::Output(e)) => Err(e.into()),
            Err(Broken::Input(e)) => Err(Error::new("io", wire::exit::FAILED, "can't read the input")
                .cause(e)
                .hint("give it the text on stdin: by a pipe, or from a file")),
            Ok(()) => Ok(wire::exit::DONE),
        }
    }
}

/// What failed: all that had come until then has been written out, where that was possible.
enum Broken {
    Input(io::Error),
    Output(io::Error),
}

/// The daemon, or a note on why there is none.
fn connected(app: &App) -> Option<client::Connection> {
    match app.connect(None) {
        Ok(connection) => Some(connection),
        Err(e) => {
            app.out.note(&format!("masking by rules only: {}", e.message));
            None
        }
    }
}

/// Reads stdin to its end. An error ends the text: it is said where it is written.
fn read(pieces: &SyncSender<io::Result<Vec<u8>>>) {
    let mut stdin = io::stdin().lock();
    loop {
        let mut piece = vec![0; PIECE];
        let piece = match stdin.read(&mut piece) {
            Ok(0) => return,
            Ok(n) => {
                piece.truncate(n);
                Ok(piece)
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => Err(e),
        };
        let ends = piece.is_err();
        if pieces.send(piece).is_err() || ends {
            return;
        }
    }
}

fn filter(app: &App, input: &Receiver<io::Result<Vec<u8>>>, mut scrubber: Scrubber) -> Result<(), Broken> {
    let mut stdout = io::stdout().lock();
    let mut out = Vec::new();
    let mut result = Ok(());
    loop {
        let ends = match input.recv_timeout(IDLE) {
            Ok(Ok(piece)) => {
                scrubber.feed(&gathered(piece, input, &mut result), &mut out);
                false
            }
            Ok(Err(e)) => {
                result = Err(e);
                true
            }
            Err(RecvTimeoutError::Timeout) => {
                scrubber.idle(&mut out);
                false
            }
            Err(RecvTimeoutError::Disconnected) => true,
        };
        if ends || result.is_err() {
            scrubber.finish(&mut out);
        }
        if let Some(note) = scrubber.note() {
            app.out.note(&note);
        }
        stdout.write_all(&out).and_then(|()| stdout.flush()).map_err(Broken::Output)?;
        out.clear();
        if ends || result.is_err() {
            return result.map_err(Broken::Input);
        }
    }
}

/// A piece with those that are there already, as long as they make no more than one: small writes cost little then.
fn gathered(
    mut piece: Vec<u8>,
    input: &Receiver<io::Result<Vec<u8>>>,
    result: &mut io::Result<()>,
) -> Vec<u8> {
    while piece.len() < PIECE {
        match input.try_recv() {
            Ok(Ok(more)) => piece.extend_from_slice(&more),
            Ok(Err(e)) => {
                *result = Err(e);
                break;
            }
            Err(_) => break,
        }
    }
    piece
}
