//! Object container files: a schema, then blocks of datums.

use std::borrow::Cow;
use std::sync::Arc;

use super::container_codec::{ContainerCodec, Inflater};
use super::cursor::{Cursor, VALUE_SIZE};
use super::framing::CONTAINER;
use super::{
    AvroError, AvroSchema, ContainerErrorKind, DEFAULT_LIMIT, DatumErrorKind, DatumReader,
};

type Result<T> = std::result::Result<T, AvroError>;

/// Reads the datums of an object container file that is in memory.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use kinpack_payload::avro::{AvroSchema, ContainerCodec, ContainerReader, ContainerWriter};
///
/// let schema = Arc::new(AvroSchema::parse(r#""long""#)?);
/// let mut writer = ContainerWriter::new(&schema, ContainerCodec::Null)?;
/// writer.append(&42i64)?;
/// writer.append(&43i64)?;
/// let file = writer.finish()?;
///
/// let mut reader = ContainerReader::new(&file)?;
/// let mut sum = 0;
/// while let Some(datum) = reader.next()? {
///     sum += datum.read::<i64>()?;
/// }
/// assert_eq!(sum, 85);
/// # Ok::<(), kinpack_payload::avro::AvroError>(())
/// ```
#[derive(Debug)]
pub struct ContainerReader<'a> {
    data: &'a [u8],
    schema: Arc<AvroSchema>,
    datums: DatumReader,
    inflater: Inflater,
    sync: [u8; 16],
    /// Where the next block begins.
    at: usize,
    block: Cow<'a, [u8]>,
    /// Where the block that is being read begins, and how far it is read.
    block_at: usize,
    read: usize,
    left: u64,
    /// What may still be inflated, and what datums without bytes may still come to.
    budget: usize,
    limit: usize,
}

/// A datum and how to read it.
#[derive(Clone, Copy, Debug)]
pub struct Datum<'a> {
    pub(super) reader: &'a DatumReader,
    pub(super) bytes: &'a [u8],
}

impl<'a> Datum<'a> {
    /// The datum's bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// As [`DatumReader::read`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read<T: serde::Deserialize<'a>>(&self) -> Result<T> {
        self.reader.read(self.bytes)
    }

    /// As [`DatumReader::read_value`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read_value(&self) -> Result<super::Value> {
        self.reader.read_value(self.bytes)
    }

    /// As [`DatumReader::read_json`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read_json(&self) -> Result<String> {
        self.reader.read_json(self.bytes)
    }
}

impl<'a> ContainerReader<'a> {
    /// Reads the header, with [`DEFAULT_LIMIT`] and by the file's own schema.
    ///
    /// # Errors
    ///
    /// [`AvroError::NotFramed`] if it is no container file; [`AvroError::Container`] and
    /// [`AvroError::Schema`] if its header is damaged.
    pub fn new(data: &'a [u8]) -> Result<Self> {
        ContainerReader::with(data, None, DEFAULT_LIMIT)
    }

    /// As [`ContainerReader::new`], for datums to be read as another schema says, and with another
    /// limit: the bytes that all blocks together may inflate to, and that the values of each datum
    /// may take (see [`DatumReader::with_limit`]).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use kinpack_payload::avro::{
    ///     AvroSchema, ContainerCodec, ContainerReader, ContainerWriter, Value,
    /// };
    ///
    /// let (int, double) = (AvroSchema::parse(r#""int""#)?, AvroSchema::parse(r#""double""#)?);
    /// let mut writer = ContainerWriter::new(&Arc::new(int), ContainerCodec::Null)?;
    /// writer.append(&42)?;
    /// let file = writer.finish()?;
    /// let mut reader = ContainerReader::with(&file, Some(&Arc::new(double)), 1 << 20)?;
    /// let datum = reader.next()?.map(|datum| datum.read_value()).transpose()?;
    /// assert_eq!(datum, Some(Value::Double(42.0)));
    /// # Ok::<(), kinpack_payload::avro::AvroError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As there, and [`AvroError::Resolution`] if the other schema does not fit the file's.
    pub fn with(data: &'a [u8], reader: Option<&Arc<AvroSchema>>, limit: usize) -> Result<Self> {
        let framing = super::Framing::Container;
        let rest = data.strip_prefix(&CONTAINER).ok_or(AvroError::NotFramed { framing })?;
        let mut cursor = Cursor::new(rest, limit);
        let mut header = Header::default();
        header.read(&mut cursor).map_err(|error| damaged(error, CONTAINER.len()))?;
        let wrong = |kind| Err(AvroError::Container { kind, offset: CONTAINER.len() });
        let Some(schema) = header.schema else { return wrong(ContainerErrorKind::NoSchema) };
        let Ok(schema) = std::str::from_utf8(schema) else {
            return wrong(ContainerErrorKind::NotUtf8);
        };
        let Ok(codec) = std::str::from_utf8(header.codec) else {
            return wrong(ContainerErrorKind::NotUtf8);
        };
        let Some(codec) = ContainerCodec::by_name(codec) else {
            return wrong(ContainerErrorKind::UnknownCodec(codec.to_owned()));
        };
        let schema = Arc::new(AvroSchema::parse_of_writer(schema)?);
        let datums = match reader {
            Some(reader) => DatumReader::resolving(&schema, reader)?,
            None => DatumReader::new(&schema),
        };
        Ok(ContainerReader {
            data,
            schema,
            datums: datums.with_limit(limit),
            inflater: Inflater::new(codec),
            sync: header.sync,
            at: CONTAINER.len() + cursor.position(),
            block: Cow::Borrowed(&[]),
            block_at: 0,
            read: 0,
            left: 0,
            budget: limit,
            limit,
        })
    }

    /// The schema that the file carries, without the defaults of its fields: they are a reader's.
    #[must_use]
    pub fn schema(&self) -> &Arc<AvroSchema> {
        &self.schema
    }

    /// The next datum; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`AvroError::Container`] if a block is damaged, [`AvroError::Datum`] if what it holds is no
    /// datum of the schema. What follows is not read then.
    #[allow(clippy::should_implement_trait)] // What it gives borrows the reader.
    pub fn next(&mut self) -> Result<Option<Datum<'_>>> {
        let range = match self.advance() {
            Ok(Some(range)) => range,
            Ok(None) => return Ok(None),
            Err(error) => {
                (self.at, self.left) = (self.data.len(), 0);
                self.block = Cow::Borrowed(&[]);
                self.read = 0;
                return Err(error);
            }
        };
        Ok(Some(Datum { reader: &self.datums, bytes: &self.block[range] }))
    }

    fn advance(&mut self) -> Result<Option<std::ops::Range<usize>>> {
        while self.left == 0 {
            if self.read < self.block.len() {
                return self.fail(ContainerErrorKind::TrailingBytes);
            }
            if self.at == self.data.len() {
                return Ok(None);
            }
            self.next_block()?;
        }
        let start = self.read;
        let length = self.datums.measure(&self.block[start..])?;
        if length == 0 {
            self.charge(VALUE_SIZE)?;
        }
        self.left -= 1;
        self.read = start + length;
        Ok(Some(start..self.read))
    }

    fn fail<T>(&self, kind: ContainerErrorKind) -> Result<T> {
        Err(AvroError::Container { kind, offset: self.block_at })
    }

    fn charge(&mut self, bytes: usize) -> Result<()> {
        match self.budget.checked_sub(bytes) {
            Some(rest) => self.budget = rest,
            None => return self.fail(ContainerErrorKind::Limit { limit: self.limit }),
        }
        Ok(())
    }

    fn next_block(&mut self) -> Result<()> {
        self.block_at = self.at;
        let mut cursor = Cursor::new(&self.data[self.at..], usize::MAX);
        let at = self.at;
        let read = |cursor: &mut Cursor<'a>| {
            let count = cursor.long()?;
            let bytes = cursor.bytes()?;
            Ok((count, bytes, cursor.array::<16>()?))
        };
        let (count, bytes, sync) = read(&mut cursor).map_err(|error| damaged(error, at))?;
        let Ok(count) = u64::try_from(count) else {
            return self.fail(ContainerErrorKind::Length);
        };
        if sync != self.sync {
            return self.fail(ContainerErrorKind::SyncMarker);
        }
        self.at += cursor.position();
        let block = match self.inflater.inflate(bytes, self.budget) {
            Ok(block) => block,
            Err(AvroError::Container { kind: ContainerErrorKind::Limit { .. }, .. }) => {
                return self.fail(ContainerErrorKind::Limit { limit: self.limit });
            }
            Err(AvroError::Container { kind, .. }) => return self.fail(kind),
            Err(error) => return Err(error),
        };
        self.charge(block.len())?;
        (self.block, self.read, self.left) = (block, 0, count);
        Ok(())
    }
}

/// An error in the file's own numbers.
fn damaged(error: AvroError, base: usize) -> AvroError {
    match error {
        AvroError::Datum { kind, offset } => AvroError::Container {
            kind: match kind {
                DatumErrorKind::Truncated => ContainerErrorKind::Truncated,
                DatumErrorKind::NotUtf8 => ContainerErrorKind::NotUtf8,
                DatumErrorKind::Limit { limit } => ContainerErrorKind::Limit { limit },
                _ => ContainerErrorKind::Length,
            },
            offset: base + offset,
        },
        error => error,
    }
}

/// What the header says.
struct Header<'a> {
    schema: Option<&'a [u8]>,
    codec: &'a [u8],
    sync: [u8; 16],
}

impl Default for Header<'_> {
    fn default() -> Self {
        Header { schema: None, codec: b"null", sync: [0; 16] }
    }
}

impl<'a> Header<'a> {
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<()> {
        loop {
            let count = cursor.block()?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                let (key, value) = (cursor.text()?, cursor.bytes()?);
                match key {
                    "avro.schema" => self.schema = Some(value),
                    "avro.codec" => self.codec = value,
                    _ => {}
                }
            }
        }
        self.sync = cursor.array()?;
        Ok(())
    }
}
