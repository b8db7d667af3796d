//! A Kinesis record as it was found, and what to say where none was.

use std::fmt;

use kinpack_events::{BadDataKind, Document, EventError, EventErrorKind, Kind};

use super::place::{Place, Position, Spot};
use super::{Format, Visitor};
use crate::data_text::decode_base64;

/// A Kinesis record, or what should have been one.
pub(crate) struct Found<'a> {
    pub(crate) place: Place<'a>,
    /// What it stood in.
    pub(crate) format: Format,
    pub(crate) data: Result<&'a [u8], Unreadable<'a>>,
    pub(crate) sequence_number: Option<&'a str>,
    /// Not 0 where a service has unpacked the aggregate before.
    pub(crate) sub_sequence_number: u64,
    pub(crate) partition_key: Option<&'a str>,
    /// Only what goes into a stream has one.
    pub(crate) explicit_hash_key: Option<&'a str>,
    pub(crate) shard_id: Option<&'a str>,
    /// When it came to the stream, in seconds since 1970.
    pub(crate) arrival: Option<f64>,
}

/// What could not be read, so that nothing is lost.
pub(crate) struct Unreadable<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) reason: String,
}

impl<'a> Found<'a> {
    /// The same record with other data.
    pub(crate) fn with_data<'b>(&self, data: Result<&'b [u8], Unreadable<'b>>) -> Found<'b>
    where
        'a: 'b,
    {
        Found { data, ..*self }
    }

    fn alone(place: Place<'a>, format: Format, data: Result<&'a [u8], Unreadable<'a>>) -> Self {
        Self {
            place,
            format,
            data,
            sequence_number: None,
            sub_sequence_number: 0,
            partition_key: None,
            explicit_hash_key: None,
            shard_id: None,
            arrival: None,
        }
    }

    /// An input that is a record's data.
    pub(super) fn raw(file: &'a str, data: &'a [u8]) -> Self {
        Self::alone(Place { file, spot: None }, Format::Raw, Ok(data))
    }

    /// Text in a stream of documents that is none.
    pub(super) fn malformed(
        file: &'a str,
        position: Position,
        error: &EventError,
        text: &'a [u8],
    ) -> Self {
        // The message names the byte in the document; the place names it in the line.
        let message = error.to_string();
        let reason = match error.kind() {
            EventErrorKind::UnexpectedEnd => "the document breaks off here",
            _ => message.split_once(": ").map_or(&*message, |(_, reason)| reason),
        };
        let reason = format!("not JSON: {reason}");
        let unreadable = Unreadable { text, reason };
        Self::alone(Place::at(file, position), Format::Json, Err(unreadable))
    }

    /// Text that the input ends in the middle of.
    pub(super) fn broken_off(file: &'a str, unfit: Unfit, text: &'a [u8]) -> Self {
        let unreadable = Unreadable { text, reason: unfit.reason() };
        Self::alone(Place::at(file, unfit.position), Format::Json, Err(unreadable))
    }

    pub(super) fn in_document(
        file: &'a str,
        position: Position,
        document: &'a Document,
        text: &'a [u8],
    ) -> InDocument<'a> {
        InDocument { file, position, document, text }
    }
}

/// The base64 of a record's data, white space anywhere in it.
pub(super) struct Base64<'a> {
    pub(super) file: &'a str,
    pub(super) position: Position,
    /// Whether the input holds nothing else.
    pub(super) alone: bool,
    pub(super) text: &'a [u8],
}

/// The data of a record in base64.
#[derive(Default)]
pub(super) struct Line {
    alone: bool,
    data: Vec<u8>,
}

impl Line {
    pub(super) fn len(&self) -> usize {
        self.data.len()
    }

    pub(super) fn found<'a>(&'a self, file: &'a str, position: Position) -> Found<'a> {
        Found::alone(Base64::place(file, position, self.alone), Format::Base64, Ok(&self.data))
    }
}

impl<'a> Base64<'a> {
    /// Where a record is, if nothing more is known of its place than the line.
    fn place(file: &'a str, position: Position, alone: bool) -> Place<'a> {
        let line = Spot { line: position.line, byte: None, record: None, sequence_number: None };
        Place { file, spot: (!alone).then_some(line) }
    }

    /// Decodes the text, and says what to say where it is no base64.
    pub(super) fn decode(&self, line: &mut Line) -> Option<Found<'a>> {
        let Self { file, position, alone, text } = *self;
        let compact: Vec<u8> =
            text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        line.alone = alone;
        line.data.clear();
        let misfit = decode_base64(&compact, &mut line.data).err()?;
        // The misfit knows its place without the white space only.
        let at = misfit.base64_position().and_then(|at| {
            let black = text.iter().enumerate().filter(|(_, byte)| !byte.is_ascii_whitespace());
            black.map(|(at, _)| at).nth(at)
        });
        let place = Self::place(file, position, alone);
        let place = at.map_or(place, |at| Place::at(file, position.after(&text[..at])));
        let unreadable = Unreadable { text: text.trim_ascii(), reason: "not base64".to_owned() };
        Some(Found::alone(place, Format::Base64, Err(unreadable)))
    }
}

/// The records of a document.
pub(super) struct InDocument<'a> {
    file: &'a str,
    position: Position,
    document: &'a Document,
    text: &'a [u8],
}

impl<'a> InDocument<'a> {
    pub(super) fn show(&self, visitor: &mut dyn Visitor) -> crate::Result {
        /// Enough for the digests to be computed side by side.
        const TOGETHER: usize = 128;
        let mut outcome = crate::failure::Outcome::Well;
        let mut found = Vec::with_capacity(self.document.len().min(TOGETHER));
        let mut records = self.records();
        loop {
            found.extend(records.by_ref().take(TOGETHER));
            if found.is_empty() {
                return Ok(outcome);
            }
            outcome = outcome.max(visitor.records(&found)?);
            found.clear();
        }
    }

    pub(super) fn records(&self) -> impl Iterator<Item = Found<'a>> + use<'a> {
        let Self { file, position: start, document, text } = *self;
        let format = Format::from(document.kind());
        // Faults come in the order of the text, most of the time.
        let (mut position, mut seen) = (start, 0);
        document.records().enumerate().map(move |(index, record)| {
            let mut spot = Spot {
                line: start.line,
                byte: None,
                record: Some(index),
                sequence_number: record.sequence_number,
            };
            let data = record.data.map_err(|bad| {
                if bad.offset() < seen {
                    (position, seen) = (start, 0);
                }
                position = position.after(&text[seen..bad.offset()]);
                seen = bad.offset();
                spot.line = position.line;
                spot.byte = Some(position.byte);
                if let BadDataKind::Base64 { position: within } = bad.kind() {
                    // After the quote; escapes in base64 would be odd.
                    spot.byte = Some(position.byte + 1 + within as u64);
                }
                let reason = match bad.kind() {
                    BadDataKind::Base64 { .. } => "the data is not base64".to_owned(),
                    _ => bad.to_string(),
                };
                Unreadable { text: bad.text().as_bytes(), reason }
            });
            Found {
                place: Place { file, spot: Some(spot) },
                format,
                data,
                sequence_number: record.sequence_number,
                sub_sequence_number: record.sub_sequence_number.unwrap_or(0),
                partition_key: record.partition_key,
                explicit_hash_key: record.explicit_hash_key,
                shard_id: record.shard_id,
                arrival: record.approximate_arrival_timestamp,
            }
        })
    }
}

/// Why JSON in an input is no document.
pub(super) struct Unfit {
    pub(super) position: Position,
    pub(super) error: EventError,
}

impl Unfit {
    fn reason(&self) -> String {
        match self.error.kind() {
            EventErrorKind::NotThisKind(kind) => {
                format!("JSON that is not what --input {kind} says")
            }
            EventErrorKind::UnexpectedEnd => {
                "the document that begins here breaks off at the end of the input".to_owned()
            }
            EventErrorKind::TooLarge => {
                "the document that begins here is larger than 4 GiB".to_owned()
            }
            _ => {
                let kinds = Kind::ALL.iter().map(|kind| kind.name());
                let kinds = kinds.chain(["base64", "raw"]).collect::<Vec<_>>().join("|");
                format!("JSON of no known shape; if it is one, say so with --input {kinds}")
            }
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, byte } = self.position;
        write!(f, "line {line}, byte {byte}: {}", self.reason())
    }
}

impl From<Kind> for Format {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Lambda => Self::Lambda,
            Kind::GetRecords => Self::GetRecords,
            Kind::SubscribeToShard => Self::SubscribeToShard,
            Kind::Firehose => Self::Firehose,
            Kind::Record => Self::Records,
            _ => Self::Json,
        }
    }
}
