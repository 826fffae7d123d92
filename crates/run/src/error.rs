//! Why a command was not started, or can't be waited for.

use words::EnvName;

/// An error of this crate. None of them has a value in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such program.
    #[error("no such command: {0}")]
    NoCommand(String),
    /// There is such a file, and it can't be run.
    #[error("not a program that can be run: {0}")]
    NoProgram(String),
    /// There is no such folder to run it in.
    #[error("no such folder: {0}")]
    NoFolder(String),
    /// An argument or the folder is not UTF-8.
    #[error("the command or its folder is not UTF-8 text")]
    NoText,
    /// Nothing is to be run.
    #[error("no command is given")]
    Empty,
    /// Command, folder, secrets and reason are more than a human can be shown at once.
    #[error(
        "command, folder, secrets and reason have {size} bytes on a card, and {} is the most",
        wire::act::MOST_ASKED
    )]
    TooLong {
        /// So many bytes.
        size: usize,
    },
    /// A value that an environment can't hold.
    #[error("{variable} can't be an environment variable: the value has a zero byte")]
    ZeroByte {
        /// Which variable.
        variable: EnvName,
    },
    /// A value came that is no variable and no file.
    #[error("a value was released for another use than was asked")]
    NotForCommands,
    /// The system refused to start it.
    #[error("can't start {program}: {cause}")]
    Start {
        /// Which program.
        program: String,
        /// What the system says.
        cause: String,
    },
    /// Something that the command needs could not be made.
    #[error("can't {doing}")]
    System {
        /// What failed.
        doing: &'static str,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The process between svault and the command has gone; what it had started was ended.
    #[error("the command's guard was killed; the command was ended")]
    GuardGone,
    /// No locked memory for the values.
    #[error(transparent)]
    Memory(#[from] secret::Error),
    /// This system has no way to do it.
    #[error("{0} is not there yet on this system")]
    NotHere(&'static str),
}

/// Says what failed.
pub(crate) fn system(doing: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |cause| Error::System { doing, cause }
}

/// The same for a call of the kernel.
#[cfg(target_os = "linux")]
pub(crate) fn kernel(doing: &'static str) -> impl Fn(rustix::io::Errno) -> Error {
    move |e| Error::System { doing, cause: e.into() }
}
