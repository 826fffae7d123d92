//! How fast text goes through a pipe when values are looked for in it, beside `cat` through the same pipes.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a benchmark")]

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use svault_scan::{Masker, Needles, Piece};

/// Bytes that go through each time.
const BYTES: usize = 256 << 20;
/// Bytes of one read, as `svault run` reads.
const CHUNK: usize = 128 * 1024;
/// Bytes of text that is made; it goes through again and again, and is more than a cache has.
const TEXT: usize = 64 << 20;
/// Bytes of room in the pipe that is read, and in the one that is written, as `svault run` makes them.
const ROOM: (usize, usize) = (1 << 20, 1 << 18);
/// Numbers of values, with the least part of `cat`'s throughput that each shall have.
const ROWS: [(usize, f64); 3] = [(1, 0.5), (100, 0.5), (10_000, 0.25)];

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let Some(values) = args.iter().position(|a| a == "filter").and_then(|at| args.get(at + 1)) {
        return filter(values.parse().expect("a number"));
    }
    let text = text();
    if args.iter().any(|a| a == "memory") {
        return memory(&text);
    }
    println!("{:<54} {:>12} {:>12} {:>8}  bar", "what", "MiB/s", "cat", "ratio");
    for (values, bar) in ROWS {
        let (mut ours, mut cats) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            cats.push(through(&mut Command::new("cat"), &text));
            let mut me = Command::new(std::env::current_exe().expect("this program"));
            ours.push(through(me.args(["filter", &values.to_string()]), &text));
        }
        let (ours, cat) = (rate(&mut ours), rate(&mut cats));
        let missed = if ours / cat < bar { "MISSED" } else { "" };
        let what = format!("text through a pipe, {values} values looked for");
        println!("{what:<54} {ours:>12.0} {cat:>12.0} {:>8.2}  >= {bar} {missed}", ours / cat);
    }
}

/// Without pipes.
fn memory(text: &[u8]) {
    for (values, _) in ROWS {
        let (mut masker, mut out) = (masker(values), Piece::default());
        let begun = Instant::now();
        for piece in text.chunks(CHUNK).cycle().take(BYTES / CHUNK) {
            masker.room()[..piece.len()].copy_from_slice(piece);
            masker.filled(piece.len(), &mut out);
        }
        println!("{values} values, in memory: {:.0} MiB/s", rate(&mut [begun.elapsed()]));
    }
}

/// MiB a second, of the middle time.
fn rate(times: &mut [Duration]) -> f64 {
    times.sort();
    (BYTES >> 20) as f64 / times[times.len() / 2].as_secs_f64()
}

/// What `svault run` does with an output.
fn masker(values: usize) -> Masker {
    let mut needles = Needles::new();
    for n in 0..values {
        let value = format!("sk-test-{:016x}-{n:06}", (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        assert!(needles.add(n as u32, "KEY", &value.as_bytes()[8..]).expect("memory"));
    }
    Masker::new(Arc::new(needles))
}

fn filter(values: usize) {
    let (mut masker, mut out) = (masker(values), Piece::default());
    let mut from = std::fs::File::from(std::io::stdin().as_fd().try_clone_to_owned().expect("stdin"));
    let mut to = std::fs::File::from(std::io::stdout().as_fd().try_clone_to_owned().expect("stdout"));
    rustix::pipe::fcntl_setpipe_size(&from, ROOM.0).expect("a larger pipe");
    rustix::pipe::fcntl_setpipe_size(&to, ROOM.1).expect("a larger pipe");
    loop {
        let read = from.read(masker.room()).expect("read");
        if read == 0 {
            break;
        }
        masker.filled(read, &mut out);
        to.write_all(&out).expect("write");
    }
    masker.finish(&mut out);
    to.write_all(&out).expect("write");
    to.flush().expect("write");
}

/// Lines as build tools and servers write them, with now and then an escape, JSON, hex and base64.
fn text() -> Vec<u8> {
    let mut text = Vec::with_capacity(TEXT + 200);
    for n in 0u64.. {
        if text.len() >= TEXT {
            break;
        }
        let hash = n.wrapping_mul(0x2545_f491_4f6c_dd1d);
        let line = match n % 8 {
            0 => format!(
                "2026-11-23T10:{:02}:{:02}Z INFO request GET /api/v1/items/{n}?page=2&q=a%20b 200 {} ms",
                n % 60,
                n % 59,
                n % 97
            ),
            1 => format!(
                "{{\"level\":\"info\",\"msg\":\"saved \\\"item {n}\\\"\",\"sha\":\"{hash:016x}\",\"ok\":true}}"
            ),
            2 => format!(
                "   Compiling some-crate v1.{}.{} (/home/user/project/crates/some-crate)",
                n % 30,
                n % 7
            ),
            3 => format!("warning: unused variable: `x{n}` at src/main.rs:{}:{}", n % 900, n % 70),
            4 => format!("npm http fetch GET 200 https://registry.example/some-package-{n} {}ms", n % 400),
            5 => format!("\x1b[32mok\x1b[0m   test/integration_{n}.test.js  ({} tests, 0 failed)", n % 40),
            6 => format!("AAAA{hash:x}Zm9vYmFyYmF6cXV4+/aGVsbG8gd29ybGQ{n}=="),
            _ => format!(
                "some longer prose that a tool prints about item {n}, with words, commas and a full stop."
            ),
        };
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    text.truncate(TEXT);
    text
}

/// The time from the first byte into a program to the last one out of it.
fn through(program: &mut Command, text: &[u8]) -> Duration {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
    let (mut to, mut from) = (child.stdin.take().expect("stdin"), child.stdout.take().expect("stdout"));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for piece in text.chunks(CHUNK).cycle().take(BYTES / CHUNK) {
                to.write_all(piece).expect("write");
            }
        });
        let mut buffer = vec![0; CHUNK];
        let mut seen = 0;
        loop {
            match from.read(&mut buffer).expect("read") {
                0 => break,
                n => seen += n,
            }
        }
        assert_eq!(seen, BYTES);
    });
    let took = begun.elapsed();
    assert!(child.wait().expect("ended").success());
    took
}
