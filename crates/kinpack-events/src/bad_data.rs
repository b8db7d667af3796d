//! A record whose data could not be had.

use std::fmt;

/// Why the data of one record could not be had, with what is needed to find and to keep it.
///
/// ```
/// # use kinpack_events::{BadDataKind, Document};
/// let text = br#"[{"Data": "aGk="}, {"Data": "a?k="}]"#;
/// let document = Document::parse(text.to_vec())?;
/// let mut records = document.records();
/// assert_eq!(records.next().unwrap().data, Ok(&b"hi"[..]));
///
/// let bad = records.next().unwrap().data.unwrap_err();
/// assert_eq!(bad.kind(), BadDataKind::Base64 { position: 1 });
/// assert_eq!(bad.offset(), 28);
/// assert_eq!(bad.text(), "a?k=");
/// # Ok::<(), kinpack_events::EventError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadData<'a> {
    pub(crate) kind: BadDataKind,
    pub(crate) offset: usize,
    pub(crate) text: &'a str,
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadDataKind {
    /// There is no data, or it is null, or what stands in the record's place is no object.
    Missing,
    /// The data is not a string.
    NotAString,
    /// The data is not base64 (standard alphabet, padded, unused bits zero).
    Base64 {
        /// The first byte at fault, counted from 0 in [`BadData::text`]; its length where the text
        /// is too short.
        position: usize,
    },
    /// The member of this name (partition key, sequence number or explicit hash key) is neither a
    /// string nor null. The data alone would lose what it says.
    MemberNotAString(&'static str),
}

impl<'a> BadData<'a> {
    /// What is wrong.
    pub fn kind(&self) -> BadDataKind {
        self.kind
    }

    /// Where the faulty value stands, or the record if the value is missing: a byte offset from 0
    /// in the text the document was read from. A string's offset is that of its opening quote.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The text that could not be read, so that nothing is lost: the data as a string if it is one
    /// that is not base64, else the JSON of the whole record.
    pub fn text(&self) -> &'a str {
        self.text
    }
}

impl fmt::Display for BadData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            BadDataKind::Missing => f.write_str("the record has no data"),
            BadDataKind::NotAString => f.write_str("the data is not a string"),
            BadDataKind::Base64 { position } if position == self.text.len() => {
                write!(f, "the data is not base64: it breaks off after {position} bytes")
            }
            BadDataKind::Base64 { position } => {
                write!(f, "the data is not base64 at its byte {position}")
            }
            BadDataKind::MemberNotAString(name) => write!(f, "{name} is not a string"),
        }
    }
}

impl std::error::Error for BadData<'_> {}
