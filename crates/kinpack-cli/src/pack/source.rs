//! The input files, line by line.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::packer::Packer;
use super::payload::Payloads;
use super::rows::{Fault, NewRecord, Reader};
use crate::failure::{Failure, Outcome};
use crate::progress::Progress;

/// Reads user records and has them packed. What cannot be read or packed is said, and the rest is
/// gone on with.
pub(super) struct Source<'a> {
    reader: Reader,
    payloads: Payloads,
    progress: &'a Progress,
    outcome: Outcome,
    /// Some file could not be read.
    broken: bool,
}

impl<'a> Source<'a> {
    pub(super) fn new(reader: Reader, payloads: Payloads, progress: &'a Progress) -> Self {
        Self { reader, payloads, progress, outcome: Outcome::Well, broken: false }
    }

    /// Packs the user records of all files; an error is one of the output.
    pub(super) fn pack(&mut self, files: &[PathBuf], packer: &mut Packer<'_>) -> io::Result<()> {
        self.progress.expect(total_length(files));
        for file in files {
            let (name, opened) = open(file);
            match opened {
                Ok(input) => self.pack_lines(&name, input, packer)?,
                Err(error) => self.give_up(&name, &error),
            }
        }
        Ok(())
    }

    /// How it went.
    pub(super) fn outcome(&self) -> crate::Result {
        if self.broken { Err(Failure::Said) } else { Ok(self.outcome) }
    }

    fn pack_lines(
        &mut self,
        name: &str,
        mut input: Box<dyn BufRead>,
        packer: &mut Packer<'_>,
    ) -> io::Result<()> {
        /// The bar need not move more often.
        const PIECE: usize = 64 << 10;
        let (mut line, mut number, mut unsaid) = (Vec::new(), 0_u64, 0);
        loop {
            line.clear();
            match input.read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(read) => unsaid += read,
                // A line that breaks off with the error is none.
                Err(error) => {
                    self.give_up(name, &error);
                    break;
                }
            }
            number += 1;
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            if let Err(fault) = self.pack_line(text, packer)? {
                self.outcome = Outcome::Faulty;
                self.progress.complain(&format_args!("{name}: line {number}: {fault}"));
            }
            if unsaid >= PIECE {
                self.progress.advance(unsaid);
                unsaid = 0;
            }
        }
        self.progress.advance(unsaid);
        Ok(())
    }

    fn pack_line(&mut self, line: &[u8], packer: &mut Packer<'_>) -> io::Result<Result<(), Fault>> {
        match self.reader.read(line) {
            Ok(Some(record)) => match self.payloads.of(record.data) {
                Ok(data) => packer.push(&NewRecord { data, ..record }),
                Err(fault) => Ok(Err(Fault::Payload(fault))),
            },
            Ok(None) => Ok(Ok(())),
            Err(fault) => Ok(Err(fault)),
        }
    }

    fn give_up(&mut self, name: &str, error: &dyn fmt::Display) {
        self.broken = true;
        self.progress.complain(&format_args!("{name}: {error}"));
    }
}

/// What messages call an input, and the input.
pub(crate) fn open(path: &Path) -> (String, io::Result<Box<dyn BufRead>>) {
    if path == Path::new("-") {
        return ("standard input".to_owned(), Ok(Box::new(io::stdin().lock())));
    }
    let file = File::open(path);
    let buffered = file.map(|file| Box::new(BufReader::with_capacity(64 << 10, file)) as _);
    (path.display().to_string(), buffered)
}

/// Bytes of all files, if all are files that have a length.
pub(crate) fn total_length(files: &[PathBuf]) -> Option<u64> {
    files.iter().try_fold(0_u64, |total, file| {
        let metadata = fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
        Some(total + metadata.len())
    })
}
