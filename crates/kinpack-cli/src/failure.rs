//! How a subcommand ends, and what its exit status says.

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// A subcommand went through to its end. What is worse is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// All is well: exit status 0.
    Well,
    /// Some record was faulty, everything else was done: exit status 1.
    Faulty,
}

/// A subcommand could not go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Usage, or input that breaks off: exit status 2.
    Message(String),
    /// Input or output failed: exit status 2; but a closed pipe is no error.
    Io(String, io::Error),
    /// Some input could not be read, or breaks off, as was said; the others were done: exit
    /// status 2.
    Said,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }
}

impl From<io::Error> for Failure {
    /// An error of the output; those of the input say which file.
    fn from(error: io::Error) -> Self {
        Self::Io("standard output".to_owned(), error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => f.write_str(message),
            Self::Io(what, error) => write!(f, "{what}: {error}"),
            Self::Said => f.write_str("some input could not be read"),
        }
    }
}

/// Says something on stderr. If nobody listens there, the exit status still tells.
pub(crate) fn complain(message: &dyn fmt::Display) {
    // In one piece, as stderr is not buffered.
    let _ = io::stderr().write_all(format!("kinpack: {message}\n").as_bytes());
}

/// Says what went wrong on stderr.
pub(crate) fn exit_code(outcome: Result<Outcome, Failure>) -> ExitCode {
    match outcome {
        Ok(Outcome::Well) => ExitCode::SUCCESS,
        Ok(Outcome::Faulty) => ExitCode::from(1),
        Err(Failure::Io(_, error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failure::Said) => ExitCode::from(2),
        Err(failure) => {
            complain(&failure);
            ExitCode::from(2)
        }
    }
}
