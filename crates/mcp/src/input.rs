//! What the client says, until it says no more or takes no answers any more: a client that has closed the end that it reads
//! has gone as well as one that has closed the other.

use std::io::{self, PipeReader, Read};

/// What can be waited for together with something else.
#[cfg(unix)]
pub use std::os::fd::AsFd as Waited;

/// Nothing is waited for beside the input here.
#[cfg(not(unix))]
pub trait Waited {}
#[cfg(not(unix))]
impl<T> Waited for T {}

/// An input that ends with `listens`, and where nobody reads the output any more, too.
pub struct Input<R> {
    from: R,
    #[cfg_attr(not(unix), allow(dead_code, reason = "nothing is waited for beside the input there"))]
    listens: PipeReader,
    /// Another descriptor of the output.
    #[cfg(unix)]
    output: std::os::fd::OwnedFd,
}

impl<R: Read + Waited> Input<R> {
    /// `listens`: its other end is closed where the client takes nothing more. `output`: what the client reads.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn new(from: R, listens: PipeReader, output: &impl Waited) -> io::Result<Self> {
        #[cfg(unix)]
        let output = output.as_fd().try_clone_to_owned()?;
        #[cfg(not(unix))]
        let _ = output;
        Ok(Self {
            from,
            listens,
            #[cfg(unix)]
            output,
        })
    }

    /// Waits until there is something to read. False: the client has gone.
    #[cfg(unix)]
    fn wait(&self) -> io::Result<bool> {
        use rustix::event::{PollFd, PollFlags, poll};
        // Of the output it is told without being asked for that its other end is closed, and nothing else.
        let mut fds = [
            PollFd::new(&self.from, PollFlags::IN),
            PollFd::new(&self.listens, PollFlags::IN),
            PollFd::new(&self.output, PollFlags::empty()),
        ];
        rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
        Ok(fds[1].revents().is_empty() && fds[2].revents().is_empty())
    }

    #[cfg(not(unix))]
    fn wait(&self) -> io::Result<bool> {
        Ok(true)
    }
}

impl<R: Read + Waited> Read for Input<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.wait()? { self.from.read(to) } else { Ok(0) }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::io::{Write, pipe};

    #[test]
    fn it_ends_with_what_it_reads_and_with_who_listens() {
        let ((from, mut to), (listens, open)) = (pipe().unwrap(), pipe().unwrap());
        let (reads, output) = pipe().unwrap();
        let mut input = Input::new(from, listens, &output).unwrap();
        let mut buffer = [0; 8];
        to.write_all(b"line").unwrap();
        assert_eq!(input.read(&mut buffer).unwrap(), 4);
        let deaf = std::thread::spawn(move || drop(open));
        assert_eq!(input.read(&mut buffer).unwrap(), 0, "with its other end open");
        deaf.join().unwrap();
        let (listens, _open) = pipe().unwrap();
        input.listens = listens;
        let deaf = std::thread::spawn(move || drop(reads));
        assert_eq!(input.read(&mut buffer).unwrap(), 0, "nobody reads the output");
        deaf.join().unwrap();
        input.output = std::fs::File::options().write(true).open("/dev/null").unwrap().into();
        drop(to);
        assert_eq!(input.read(&mut buffer).unwrap(), 0);
    }
}
