//! Messages are lines. A line has a bound: what is longer is skipped to its end and told, never held.

use std::io::{self, BufRead, BufReader, Read};

/// The most bytes of a line. Arguments are far smaller (see `tools`); what is above is no call.
pub const MOST: usize = 1024 * 1024;

/// A line as it came.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// Without its end.
    Text(Vec<u8>),
    /// Longer than [`MOST`]; none of it is kept.
    TooLong,
}

/// Reads lines.
pub struct Lines<R>(BufReader<R>);

impl<R: Read> Lines<R> {
    /// From an input.
    pub fn new(input: R) -> Self {
        Self(BufReader::with_capacity(64 * 1024, input))
    }

    /// The next line; none at the end of the input. A last line without an end counts.
    ///
    /// # Errors
    /// The input's.
    pub fn next(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        let mut long = false;
        loop {
            let chunk = match self.0.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if chunk.is_empty() {
                let nothing = line.is_empty() && !long;
                return Ok((!nothing).then(|| whole(line, long)));
            }
            let end = chunk.iter().position(|b| *b == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            long |= line.len() + part.len() > MOST;
            if long {
                line = Vec::new();
            } else {
                line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.0.consume(used);
            if end.is_some() {
                return Ok(Some(whole(line, long)));
            }
        }
    }
}

fn whole(mut line: Vec<u8>, long: bool) -> Line {
    if long {
        return Line::TooLong;
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Line::Text(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(input: &[u8]) -> Vec<Line> {
        let mut lines = Lines::new(input);
        std::iter::from_fn(|| lines.next().unwrap()).collect()
    }

    #[test]
    fn lines_end_with_either_end_or_with_the_input() {
        let text = |s: &str| Line::Text(s.as_bytes().to_vec());
        assert_eq!(all(b"a\r\n\nb\nc"), [text("a"), text(""), text("b"), text("c")]);
        assert_eq!(all(b""), []);
    }

    #[test]
    fn a_long_line_is_told_and_the_next_one_is_read() {
        let mut input = vec![b'x'; MOST];
        input.push(b'\n');
        input.extend(vec![b'y'; 5 * MOST]);
        input.extend(b"\nnext\n");
        let lines = all(&input);
        assert_eq!(lines.len(), 3);
        assert!(matches!(&lines[0], Line::Text(t) if t.len() == MOST));
        assert_eq!(lines[1..], [Line::TooLong, Line::Text(b"next".to_vec())]);
        assert_eq!(all(&vec![b'z'; MOST + 1]), [Line::TooLong]);
    }
}
