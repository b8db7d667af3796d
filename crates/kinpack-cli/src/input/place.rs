//! Where something stands in an input.

use std::fmt;

/// A line, counted from 1, and a byte in it, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: u64,
    pub(crate) byte: u64,
}

impl Position {
    pub(crate) const START: Self = Self { line: 1, byte: 0 };

    /// Where `text` ends that begins here.
    pub(crate) fn after(self, text: &[u8]) -> Self {
        match text.iter().rposition(|&byte| byte == b'\n') {
            None => Self { byte: self.byte + text.len() as u64, ..self },
            Some(last) => {
                let lines = text.iter().filter(|&&byte| byte == b'\n').count();
                Self { line: self.line + lines as u64, byte: (text.len() - last - 1) as u64 }
            }
        }
    }
}

/// The place of a Kinesis record, as messages name it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a str,
    /// Absent where a file is one record.
    pub(crate) spot: Option<Spot<'a>>,
}

/// The place of a Kinesis record in a stream of documents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot<'a> {
    /// The line of the fault, or that in which the document begins.
    pub(crate) line: u64,
    /// The byte of the fault in that line, if it is known.
    pub(crate) byte: Option<u64>,
    /// Which record of the document, counted from 0.
    pub(crate) record: Option<usize>,
    pub(crate) sequence_number: Option<&'a str>,
}

impl<'a> Place<'a> {
    pub(crate) fn at(file: &'a str, position: Position) -> Self {
        let Position { line, byte } = position;
        let spot = Spot { line, byte: Some(byte), record: None, sequence_number: None };
        Self { file, spot: Some(spot) }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.spot {
            None => f.write_str(self.file),
            Some(spot) => write!(f, "{}: {spot}", self.file),
        }
    }
}

impl fmt::Display for Spot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(byte) = self.byte {
            write!(f, ", byte {byte}")?;
        }
        if let Some(record) = self.record {
            write!(f, ", record {record}")?;
        }
        if let Some(number) = self.sequence_number {
            write!(f, " (sequence number {number})")?;
        }
        Ok(())
    }
}
