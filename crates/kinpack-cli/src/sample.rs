//! Sample messages, for what learns from them.

use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::failure::{Failure, Outcome};
use crate::pack::rows::{Fault, NewRecord, Reader};
use crate::pack::source;
use crate::progress::Progress;

/// What was read.
pub(crate) struct Read {
    pub(crate) outcome: Outcome,
    /// Some file could not be read to its end.
    pub(crate) broken: bool,
}

impl Read {
    /// How the command ends if nothing else goes wrong.
    pub(crate) fn outcome(&self) -> crate::Result {
        if self.broken { Err(Failure::Said) } else { Ok(self.outcome) }
    }
}

/// Hands each message of the files (standard input if there are none) to `each`, until it has
/// enough. What cannot be read or is not taken is said, and the rest is gone on with.
pub(crate) fn read(
    files: &[PathBuf],
    mut reader: Reader,
    mut each: impl FnMut(&NewRecord<'_>) -> Result<ControlFlow<()>, Fault>,
) -> Read {
    let progress = Progress::new();
    let standard_input = [PathBuf::from("-")];
    let files = if files.is_empty() { &standard_input[..] } else { files };
    progress.expect(source::total_length(files));
    let mut read = Read { outcome: Outcome::Well, broken: false };
    for file in files {
        let (name, opened) = source::open(file);
        let mut lines = match opened {
            Ok(input) => input,
            Err(error) => {
                read.broken = true;
                progress.complain(&format_args!("{name}: {error}"));
                continue;
            }
        };
        let (mut line, mut number) = (Vec::new(), 0_u64);
        loop {
            line.clear();
            match lines.read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(length) => progress.advance(length),
                Err(error) => {
                    read.broken = true;
                    progress.complain(&format_args!("{name}: {error}"));
                    break;
                }
            }
            number += 1;
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let taken = match reader.read(text) {
                Ok(Some(record)) => each(&record),
                Ok(None) => Ok(ControlFlow::Continue(())),
                Err(fault) => Err(fault),
            };
            match taken {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => {
                    progress.end();
                    return read;
                }
                Err(fault) => {
                    read.outcome = Outcome::Faulty;
                    progress.complain(&format_args!("{name}: line {number}: {fault}"));
                }
            }
        }
    }
    progress.end();
    read
}
