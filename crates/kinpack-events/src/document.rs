//! A document and its records.

use std::fmt;
use std::iter::FusedIterator;
use std::ops::Range;

use crate::read::{self, Notes};
use crate::store::Store;
use crate::{EventError, Kind, Metadata, Record};

/// One JSON document of AWS with Kinesis records in it. It owns all it hands out.
///
/// What a document is shows in its members, in this order: `SubscribeToShardEvent`, `Records`,
/// `records`, else a record by itself; an array is one of records. Within `Records` the first
/// record that looks like one tells Lambda from the others.
///
/// ```
/// use kinpack_events::{Document, EventErrorKind, Kind};
///
/// let document = Document::parse(br#"{"Records": [{"Data": "aGk="}]}"#.to_vec())?;
/// assert_eq!((document.kind(), document.len()), (Kind::GetRecords, 1));
///
/// let error = Document::parse(br#"{"Records": [{"s3": {}}]}"#.to_vec()).unwrap_err();
/// assert_eq!(error.kind(), EventErrorKind::UnknownShape);
/// # Ok::<(), kinpack_events::EventError>(())
/// ```
#[derive(Clone)]
pub struct Document {
    pub(crate) kind: Kind,
    pub(crate) store: Store,
    pub(crate) notes: Notes,
}

impl Document {
    /// A document without records, whose buffers [`Document::read_prefix`] fills.
    pub fn new() -> Self {
        Document { kind: Kind::Record, store: Store::default(), notes: Notes::default() }
    }

    /// Reads a document and finds out what it is. The data of an event whose records look alike is
    /// decoded where it stands, and the document keeps the text.
    ///
    /// # Errors
    /// Text that is not one JSON value, with nothing but white space around it, or JSON of no
    /// known shape.
    pub fn parse(json: Vec<u8>) -> Result<Self, EventError> {
        let mut document = Document::new();
        read::owned(&mut document, None, json)?;
        Ok(document)
    }

    /// Reads a document that is known to be of a kind: it need not look like one. Records that are
    /// none become faulty ones.
    ///
    /// ```
    /// # use kinpack_events::{Document, Kind};
    /// assert!(Document::parse(br#"{"data": "aGk="}"#.to_vec()).is_err());
    /// let document = Document::parse_as(Kind::Record, br#"{"data": "aGk="}"#.to_vec())?;
    /// assert_eq!(document.record(0).unwrap().data, Ok(&b"hi"[..]));
    /// # Ok::<(), kinpack_events::EventError>(())
    /// ```
    ///
    /// # Errors
    /// Text that is not one JSON value, or JSON that has no place for records of this kind or has
    /// records of another.
    pub fn parse_as(kind: Kind, json: Vec<u8>) -> Result<Self, EventError> {
        let mut document = Document::new();
        read::owned(&mut document, Some(kind), json)?;
        Ok(document)
    }

    /// Reads the first of several documents that follow one another, and says how many bytes it
    /// took, with the white space before it.
    ///
    /// ```
    /// # use kinpack_events::Document;
    /// let text = br#" {"Data": "aGk="} {"Data": "#;
    /// let (document, taken) = Document::parse_prefix(None, text)?;
    /// assert_eq!((document.len(), taken), (1, 17));
    /// assert!(Document::parse_prefix(None, &text[taken..]).unwrap_err().is_eof());
    /// # Ok::<(), kinpack_events::EventError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Document::parse`] and [`Document::parse_as`]. [`EventError::is_eof`] tells that the
    /// text breaks off, which includes text of white space only. As each call begins anew, whoever
    /// reads from a stream doubles what it offers.
    pub fn parse_prefix(kind: Option<Kind>, json: &[u8]) -> Result<(Self, usize), EventError> {
        let mut document = Document::new();
        let taken = document.read_prefix(kind, json)?;
        Ok((document, taken))
    }

    /// [`Document::parse_prefix`] into a document whose buffers are used again: a stream of many
    /// small documents allocates nothing per document.
    ///
    /// ```
    /// # use kinpack_events::Document;
    /// let mut rest = &br#"{"Data": "aGk="} {"Data": "aG8="}"#[..];
    /// let (mut document, mut seen) = (Document::new(), Vec::new());
    /// while !rest.is_empty() {
    ///     let taken = document.read_prefix(None, rest)?;
    ///     seen.push(document.record(0).unwrap().data.unwrap().to_vec());
    ///     rest = &rest[taken..];
    /// }
    /// assert_eq!(seen, [b"hi", b"ho"]);
    /// # Ok::<(), kinpack_events::EventError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Document::parse_prefix`]; the document then has no records.
    pub fn read_prefix(&mut self, kind: Option<Kind>, json: &[u8]) -> Result<usize, EventError> {
        read::prefix(self, kind, json)
    }

    /// What the document is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How many records it has, faulty ones included.
    pub fn len(&self) -> usize {
        self.store.len()
    }

    /// Whether it has no records.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The record at `index`, counted from 0 in the order of the document.
    #[inline]
    pub fn record(&self, index: usize) -> Option<Record<'_>> {
        self.store.record(index)
    }

    /// All records, in the order of the document.
    #[inline]
    pub fn records(&self) -> Records<'_> {
        Records { document: self, range: 0..self.len() }
    }

    /// What the document says besides its records.
    pub fn metadata(&self) -> Metadata<'_> {
        self.notes.metadata(&self.store)
    }
}

impl Default for Document {
    fn default() -> Self {
        Document::new()
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("kind", &self.kind)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<'a> IntoIterator for &'a Document {
    type Item = Record<'a>;
    type IntoIter = Records<'a>;

    fn into_iter(self) -> Records<'a> {
        self.records()
    }
}

/// The records of a document, see [`Document::records`].
#[derive(Clone, Debug)]
pub struct Records<'a> {
    document: &'a Document,
    range: Range<usize>,
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    // Of a record's many members a loop mostly needs two or three: let it see which.
    #[inline(always)]
    fn next(&mut self) -> Option<Record<'a>> {
        self.document.store.record(self.range.next()?)
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<Record<'a>> {
        self.document.record(self.range.nth(n)?)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }
}

impl DoubleEndedIterator for Records<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.document.record(self.range.next_back()?)
    }
}

impl ExactSizeIterator for Records<'_> {}
impl FusedIterator for Records<'_> {}
