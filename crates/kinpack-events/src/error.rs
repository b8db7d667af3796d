//! Why a document could not be read at all.

use std::fmt;

use crate::Kind;

/// A document that could not be read. A fault of a single record is no such error: it stands in
/// [`Record::data`](crate::Record::data).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventError {
    kind: EventErrorKind,
    offset: usize,
    value_end: Option<usize>,
    reason: Option<Box<str>>,
}

/// What is wrong with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventErrorKind {
    /// The text is not JSON.
    Syntax,
    /// The text ends before the JSON value does.
    UnexpectedEnd,
    /// JSON, but none of the shapes in [`Kind`].
    UnknownShape,
    /// JSON, but not of the kind that was asked for.
    NotThisKind(Kind),
    /// The document is larger than 4 GiB − 1 byte.
    TooLarge,
}

impl EventError {
    pub(crate) fn too_large() -> Self {
        EventError { kind: EventErrorKind::TooLarge, offset: 0, value_end: None, reason: None }
    }

    /// A JSON value from `start` to `end` that is not what it should be.
    pub(crate) fn shape(kind: EventErrorKind, start: usize, end: usize) -> Self {
        EventError { kind, offset: start, value_end: Some(end), reason: None }
    }

    pub(crate) fn json(error: &serde_json::Error, text: &[u8]) -> Self {
        let message = error.to_string();
        let reason = message.rsplit_once(" at line ").map_or(&*message, |m| m.0);
        let (kind, offset) = if error.is_eof() {
            (EventErrorKind::UnexpectedEnd, text.len())
        } else {
            let offset = offset_of(text, error.line(), error.column());
            (EventErrorKind::Syntax, offset)
        };
        EventError { kind, offset, value_end: None, reason: Some(reason.into()) }
    }

    /// What is wrong.
    pub fn kind(&self) -> EventErrorKind {
        self.kind
    }

    /// Where: a byte offset from 0 in the given text. The offending byte of text that is not JSON,
    /// the text's length where it breaks off, else the first byte of the value.
    ///
    /// ```
    /// # use kinpack_events::Document;
    /// let error = Document::parse(br#"{"Records": oops}"#.to_vec()).unwrap_err();
    /// assert_eq!(error.offset(), 12);
    /// assert_eq!(error.to_string(), "not JSON at byte 12: expected value");
    /// ```
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Where the value ends that is JSON but not a document: an offset in bytes, as
    /// [`EventError::offset`]. A reader of a stream of documents may go on from here.
    pub fn value_end(&self) -> Option<usize> {
        self.value_end
    }

    /// Whether the text breaks off within the value, so that more input may mend it.
    pub fn is_eof(&self) -> bool {
        self.kind == EventErrorKind::UnexpectedEnd
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        let reason = self.reason.as_deref().unwrap_or("no reason known");
        match self.kind {
            EventErrorKind::Syntax => write!(f, "not JSON at byte {offset}: {reason}"),
            EventErrorKind::UnexpectedEnd => {
                write!(f, "the JSON breaks off at byte {offset}: {reason}")
            }
            EventErrorKind::UnknownShape => {
                write!(f, "the JSON at byte {offset} is of no known shape: not ")?;
                for (i, kind) in Kind::ALL.iter().enumerate() {
                    let separator = match i {
                        0 => "",
                        i if i + 1 == Kind::ALL.len() => " or ",
                        _ => ", ",
                    };
                    write!(f, "{separator}{kind}")?;
                }
                Ok(())
            }
            EventErrorKind::NotThisKind(kind) => {
                write!(f, "the JSON at byte {offset} is not of the shape of {kind}")
            }
            EventErrorKind::TooLarge => f.write_str("the JSON document is larger than 4 GiB"),
        }
    }
}

impl std::error::Error for EventError {}

/// The offset of serde_json's position. It counts lines and columns from 1, and a column is 0 where
/// the offending byte is a line feed.
fn offset_of(text: &[u8], line: usize, column: usize) -> usize {
    let mut start = 0;
    for _ in 1..line {
        match text[start..].iter().position(|&byte| byte == b'\n') {
            Some(at) => start += at + 1,
            None => break,
        }
    }
    (start + column).saturating_sub(1).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> EventError {
        let error = serde_json::from_str::<serde_json::Value>(text).unwrap_err();
        EventError::json(&error, text.as_bytes())
    }

    #[test]
    fn offsets_are_those_of_the_offending_byte() {
        assert_eq!(error("{x").offset(), 1);
        assert_eq!(error("\n\n {\"a\":\n ?").offset(), 10);
        assert_eq!(error("[1 2]").offset(), 3);
        assert_eq!(error("[] x").offset(), 3);
        assert_eq!(error("[\"a\nb\"]").offset(), 3);
        assert_eq!(error("\"\\q\"").offset(), 2);
        let end = error("{\"a\": 1,\n");
        assert!(end.is_eof());
        assert_eq!(end.offset(), 9);
    }

    #[test]
    fn messages_name_place_and_choices() {
        let unknown = EventError::shape(EventErrorKind::UnknownShape, 3, 9);
        assert_eq!(
            unknown.to_string(),
            "the JSON at byte 3 is of no known shape: \
             not lambda, get-records, subscribe-to-shard, firehose or records"
        );
        assert_eq!(
            error("{").to_string(),
            "the JSON breaks off at byte 1: EOF while parsing an object"
        );
    }
}
