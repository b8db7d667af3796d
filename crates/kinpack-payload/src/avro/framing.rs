//! What stands before a datum: the framings, taken off and put on. No Avro library is needed here.

use std::borrow::Cow;
use std::fmt;

use super::{AvroError, SchemaId, Uuid};
use crate::{Codec, Decompressor};

/// How a payload says which schema it was written with.
///
/// # Examples
///
/// ```
/// use kinpack_payload::avro::{Framing, SchemaId};
///
/// let frame = Framing::Confluent.split(b"\0\0\0\x01\x2d{\"id\":42}")?;
/// assert_eq!(frame.schema_id, SchemaId::Confluent(301));
/// assert_eq!(frame.payload, b"{\"id\":42}");
/// # Ok::<(), kinpack_payload::avro::AvroError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Avro's own: `C3 01`, the CRC-64-AVRO fingerprint in little-endian order, the datum.
    SingleObject,
    /// Confluent's: `00`, the schema id in big-endian order, the payload.
    Confluent,
    /// AWS Glue's: `03`, `00` (plain) or `05` (zlib), the 16 bytes of the schema version id, the
    /// payload.
    Glue,
    /// A whole object container file: `Obj` `01`, its own schema, blocks of many datums.
    Container,
    /// Nothing: the datum alone. The schema is known from elsewhere, such as a header.
    Datum,
}

/// `C3 01`, which begins a single object.
const SINGLE_OBJECT: [u8; 2] = [0xc3, 0x01];
/// `Obj` and the version 1, which begin an object container file.
pub(crate) const CONTAINER: [u8; 4] = *b"Obj\x01";
const CONFLUENT: u8 = 0;
const GLUE: u8 = 3;
const GLUE_PLAIN: u8 = 0;
const GLUE_ZLIB: u8 = 5;

impl Framing {
    /// Whether the data begins as this framing does, with a header that is whole.
    ///
    /// [`Framing::SingleObject`] and [`Framing::Container`] begin with bytes that no text begins
    /// with. A `00` or `03` says much less, and [`Framing::Datum`] cannot be told at all.
    ///
    /// # Examples
    ///
    /// ```
    /// use kinpack_payload::avro::Framing;
    ///
    /// assert!(Framing::SingleObject.fits(b"\xc3\x01fingerpr..."));
    /// assert!(!Framing::SingleObject.fits(b"{}"));
    /// assert!(!Framing::Datum.fits(b"any"));
    /// ```
    #[must_use]
    pub fn fits(self, data: &[u8]) -> bool {
        match self {
            Framing::SingleObject => data.starts_with(&SINGLE_OBJECT) && data.len() >= 10,
            Framing::Confluent => data.first() == Some(&CONFLUENT) && data.len() >= 5,
            Framing::Glue => matches!(data, [GLUE, GLUE_PLAIN | GLUE_ZLIB, ..]) && data.len() >= 18,
            Framing::Container => data.starts_with(&CONTAINER),
            Framing::Datum => false,
        }
    }

    /// Takes the header off, and leaves the payload as it is: Avro, JSON or Protobuf.
    ///
    /// # Errors
    ///
    /// [`AvroError::NotFramed`] if the data does not begin so, and for [`Framing::Container`] and
    /// [`Framing::Datum`], which have no schema id to take off.
    pub fn split(self, data: &[u8]) -> Result<Frame<'_>, AvroError> {
        let wrong = AvroError::NotFramed { framing: self };
        if !self.fits(data) {
            return Err(wrong);
        }
        let (header, payload) = match self {
            Framing::SingleObject => data.split_at(10),
            Framing::Confluent => data.split_at(5),
            Framing::Glue => data.split_at(18),
            Framing::Container | Framing::Datum => return Err(wrong),
        };
        let (schema_id, zlib) = match *header {
            [_, _, a, b, c, d, e, f, g, h] => {
                (SchemaId::Fingerprint(u64::from_le_bytes([a, b, c, d, e, f, g, h])), false)
            }
            [_, a, b, c, d] => (SchemaId::Confluent(u32::from_be_bytes([a, b, c, d])), false),
            [_, how, ref id @ ..] => {
                let id = id.try_into().map_err(|_| wrong)?;
                (SchemaId::Glue(Uuid(id)), how == GLUE_ZLIB)
            }
            _ => return Err(wrong),
        };
        Ok(Frame { framing: self, schema_id, zlib, payload })
    }
}

impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Framing::SingleObject => "Avro single object",
            Framing::Confluent => "Confluent frame",
            Framing::Glue => "Glue frame",
            Framing::Container => "Avro object container file",
            Framing::Datum => "Avro datum",
        })
    }
}

/// Which framings are looked for. By default those that begin with bytes of their own: single
/// object and container file.
///
/// # Examples
///
/// ```
/// use kinpack_payload::avro::{Framing, Framings};
///
/// let confluent = b"\0\0\0\x01\x2d\x54";
/// assert_eq!(Framings::default().detect(confluent), None);
/// let framings = Framings::default().with(Framing::Confluent);
/// assert_eq!(framings.detect(confluent), Some(Framing::Confluent));
/// let framings = Framings::NONE.with(Framing::Glue);
/// assert_eq!(framings.detect(confluent), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framings(u8);

/// In the order in which they are tried.
const DETECTABLE: [Framing; 4] =
    [Framing::Container, Framing::SingleObject, Framing::Glue, Framing::Confluent];

impl Framings {
    /// Nothing is looked for.
    pub const NONE: Framings = Framings(0);

    /// With this one. [`Framing::Datum`] is no help: it cannot be told from anything else.
    #[must_use]
    pub fn with(self, framing: Framing) -> Self {
        Framings(self.0 | 1 << framing as u8)
    }

    /// Without this one.
    #[must_use]
    pub fn without(self, framing: Framing) -> Self {
        Framings(self.0 & !(1 << framing as u8))
    }

    /// Whether this one is looked for.
    #[must_use]
    pub fn contains(self, framing: Framing) -> bool {
        self.0 & 1 << framing as u8 != 0
    }

    /// The framing of this data, by its first bytes.
    #[must_use]
    pub fn detect(self, data: &[u8]) -> Option<Framing> {
        DETECTABLE.into_iter().find(|&framing| self.contains(framing) && framing.fits(data))
    }
}

impl Default for Framings {
    fn default() -> Self {
        Framings::NONE.with(Framing::SingleObject).with(Framing::Container)
    }
}

/// A payload and what its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The framing that was taken off.
    pub framing: Framing,
    /// The schema the payload was written with.
    pub schema_id: SchemaId,
    /// Whether the payload is a zlib stream (Glue's `05`).
    pub zlib: bool,
    /// What follows the header.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The payload, inflated where [`Frame::zlib`] is set.
    ///
    /// # Examples
    ///
    /// ```
    /// use kinpack_payload::Decompressor;
    /// use kinpack_payload::avro::Framing;
    ///
    /// let frame = Framing::Glue.split(b"\x03\0sixteen bytes id{}")?;
    /// assert_eq!(*frame.inflate(&mut Decompressor::new())?, *b"{}");
    /// # Ok::<(), kinpack_payload::avro::AvroError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AvroError::Compression`] if it is no zlib stream, or larger than the decompressor's limit.
    pub fn inflate(&self, decompressor: &mut Decompressor) -> Result<Cow<'a, [u8]>, AvroError> {
        if !self.zlib {
            return Ok(Cow::Borrowed(self.payload));
        }
        let inflated = decompressor.decompress(Codec::Zlib, self.payload);
        inflated.map(Cow::Owned).map_err(AvroError::Compression)
    }

    /// Splits a Protobuf payload into the path to its message type and the message.
    ///
    /// Confluent writes a list of indexes (`00` for the first message of the file), Glue one index.
    /// Where [`Frame::zlib`] is set, put what [`Frame::inflate`] gives in place of the payload first.
    ///
    /// # Examples
    ///
    /// ```
    /// use kinpack_payload::avro::Framing;
    ///
    /// let frame = Framing::Confluent.split(b"\0\0\0\0\x03\0\x08\x01\x10\x02")?;
    /// let (path, message) = frame.protobuf()?;
    /// assert_eq!(path, [0]);
    /// assert_eq!(message, b"\x08\x01\x10\x02");
    /// # Ok::<(), kinpack_payload::avro::AvroError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AvroError::ProtobufIndexes`] if the indexes are cut short or out of range; Avro's own
    /// framing carries no Protobuf and answers [`AvroError::NotFramed`].
    pub fn protobuf(&self) -> Result<(Vec<u32>, &'a [u8]), AvroError> {
        let mut rest = self.payload;
        let path = match self.framing {
            Framing::Confluent => match zigzag(&mut rest)? {
                0 => vec![0],
                // Each index takes a byte at least.
                count if count as usize > rest.len() => return Err(AvroError::ProtobufIndexes),
                count => (0..count).map(|_| zigzag(&mut rest)).collect::<Result<_, _>>()?,
            },
            Framing::Glue => {
                vec![u32::try_from(varint(&mut rest)?).map_err(|_| AvroError::ProtobufIndexes)?]
            }
            framing => return Err(AvroError::NotFramed { framing }),
        };
        Ok((path, rest))
    }
}

/// A count or index that is written with a sign which it never has.
fn zigzag(rest: &mut &[u8]) -> Result<u32, AvroError> {
    let value = varint(rest)?;
    if value & 1 != 0 {
        return Err(AvroError::ProtobufIndexes);
    }
    u32::try_from(value >> 1).map_err(|_| AvroError::ProtobufIndexes)
}

fn varint(rest: &mut &[u8]) -> Result<u64, AvroError> {
    let mut value = 0;
    // Five bytes hold all that fits an index.
    for shift in (0..35).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or(AvroError::ProtobufIndexes)?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(AvroError::ProtobufIndexes)
}

/// Writes the header of a frame: what stands before the payload under this schema id.
///
/// # Examples
///
/// ```
/// use kinpack_payload::avro::{SchemaId, write_header};
///
/// let mut frame = Vec::new();
/// write_header(SchemaId::Confluent(2), &mut frame);
/// frame.extend_from_slice(b"{}");
/// assert_eq!(frame, b"\0\0\0\0\x02{}");
/// ```
pub fn write_header(id: SchemaId, out: &mut Vec<u8>) {
    match id {
        SchemaId::Fingerprint(print) => {
            out.extend_from_slice(&SINGLE_OBJECT);
            out.extend_from_slice(&print.to_le_bytes());
        }
        SchemaId::Confluent(id) => {
            out.push(CONFLUENT);
            out.extend_from_slice(&id.to_be_bytes());
        }
        // Travels in a header of the message, not in the payload.
        SchemaId::ConfluentGuid(_) => {}
        SchemaId::Glue(uuid) => {
            out.extend_from_slice(&[GLUE, GLUE_PLAIN]);
            out.extend_from_slice(&uuid.0);
        }
    }
}

/// As [`write_header`], for a payload that is a zlib stream.
#[cfg(feature = "avro")]
pub(crate) fn write_glue_zlib_header(uuid: Uuid, out: &mut Vec<u8>) {
    out.extend_from_slice(&[GLUE, GLUE_ZLIB]);
    out.extend_from_slice(&uuid.0);
}
