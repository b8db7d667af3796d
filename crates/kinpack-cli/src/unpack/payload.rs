//! What is undone to payloads before they are written: compression, then Avro.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use kinpack_payload::avro::{AvroError, AvroReader, Framing, MemoryStore, Opened};
use kinpack_payload::{Codec, CompressionError, Decompressor, Dictionaries};

use crate::failure::Failure;
use crate::pack::options;
use crate::pack::payload::{read_dictionary, read_schema};

/// What to undo.
#[derive(clap::Args)]
pub(super) struct PayloadArgs {
    /// Decompress payloads. With auto, what is not gzip, zlib or zstd is handed on as it is (raw
    /// deflate cannot be told from other bytes); with a codec, what is not compressed so is a fault
    #[arg(long, value_enum, value_name = "CODEC")]
    decompress: Option<Decompress>,

    /// A zstd dictionary to decompress with; for several, several times
    #[arg(long, value_name = "FILE", requires = "decompress")]
    dict: Vec<PathBuf>,

    /// The most bytes that a Kinesis record or a payload may inflate to; more is a fault
    #[arg(long, value_name = "SIZE", value_parser = options::size, default_value = "64MiB")]
    inflate_limit: usize,

    /// Read payloads as Avro; `data` is then the value as JSON, and for an object container file the
    /// list of its values. With auto, what is neither a single object nor a container file is handed
    /// on as it is; with a framing, what is not framed so is a fault
    #[arg(long, value_enum, value_name = "FRAMING")]
    avro: Option<Avro>,

    /// Schemas: a directory of .avsc files, `301.avsc` for Confluent's schema 301, `<uuid>.avsc` for
    /// Glue's, any name for single objects; or, for these and as --avro datum needs it, a file
    #[arg(long, value_name = "DIR|FILE", requires = "avro")]
    schemas: Option<PathBuf>,
}

impl PayloadArgs {
    /// Bytes that a Kinesis record or a payload may inflate to.
    pub(super) fn inflate_limit(&self) -> usize {
        self.inflate_limit
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Decompress {
    Auto,
    Gzip,
    Zlib,
    Deflate,
    Zstd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Avro {
    /// Single objects and object container files, wherever they are
    Auto,
    /// A single object: C3 01 and the schema's fingerprint
    Single,
    /// Confluent's framing: 00 and the schema id
    Confluent,
    /// AWS Glue's framing: 03 and the schema version id
    Glue,
    /// An object container file
    Ocf,
    /// Nothing but the datum; --schemas is a file
    Datum,
}

/// A payload as it was before it was packed.
pub(super) enum Payload<'a> {
    Bytes(&'a [u8]),
    /// JSON text in one line.
    Json(&'a str),
}

/// Why a payload cannot be had; its bytes are written as they came.
#[derive(Debug)]
pub(super) enum PayloadFault {
    Compression(CompressionError),
    Avro(AvroError),
    /// A container file whose values are more JSON than this.
    TooMuchJson(usize),
}

impl fmt::Display for PayloadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compression(error) => error.fmt(f),
            Self::Avro(error) => write!(f, "Avro: {error}"),
            Self::TooMuchJson(limit) => {
                write!(f, "Avro: a container file of more than {limit} bytes of JSON, the limit")
            }
        }
    }
}

/// Undoes what was done to payloads; its buffers are used again.
pub(super) struct Decoder {
    decompressor: Decompressor,
    decompress: Option<Decompress>,
    avro: Option<(Avro, AvroReader<MemoryStore>)>,
    decompressed: Vec<u8>,
    json: String,
}

impl Decoder {
    pub(super) fn new(args: &PayloadArgs) -> crate::Result<Self> {
        let mut dictionaries = Dictionaries::new();
        for path in &args.dict {
            dictionaries.insert(read_dictionary(path)?);
        }
        let avro = match args.avro {
            Some(avro) => Some((avro, reader(avro, args)?)),
            None => None,
        };
        Ok(Self {
            decompressor: Decompressor::new()
                .with_limit(args.inflate_limit)
                .with_dictionaries(dictionaries),
            decompress: args.decompress,
            avro,
            decompressed: Vec::new(),
            json: String::new(),
        })
    }

    /// What a user record's data was before it was packed.
    pub(super) fn payload<'a>(&'a mut self, data: &'a [u8]) -> Result<Payload<'a>, PayloadFault> {
        let inflated = self.inflate(data).map_err(PayloadFault::Compression)?;
        let data = if inflated { self.decompressed.as_slice() } else { data };
        let Some((avro, reader)) = &self.avro else { return Ok(Payload::Bytes(data)) };
        let opened = match avro.framing() {
            Some(framing) => reader.open_as(framing, data).map(Some),
            None => reader.open(data),
        };
        match opened.map_err(PayloadFault::Avro)? {
            None => Ok(Payload::Bytes(data)),
            Some(opened) => {
                self.json.clear();
                write_json(opened, self.decompressor.limit(), &mut self.json)?;
                Ok(Payload::Json(&self.json))
            }
        }
    }

    /// Whether the data was compressed, and is decompressed now.
    fn inflate(&mut self, data: &[u8]) -> Result<bool, CompressionError> {
        let (decompressor, out) = (&mut self.decompressor, &mut self.decompressed);
        let codec = match self.decompress {
            None => return Ok(false),
            Some(Decompress::Auto) => {
                return decompressor.decompress_detected(data, out).map(|codec| codec.is_some());
            }
            Some(Decompress::Gzip) => Codec::Gzip,
            Some(Decompress::Zlib) => Codec::Zlib,
            Some(Decompress::Deflate) => Codec::Deflate,
            Some(Decompress::Zstd) => Codec::Zstd,
        };
        decompressor.decompress_into(codec, data, out).map(|()| true)
    }
}

impl Avro {
    fn framing(self) -> Option<Framing> {
        match self {
            Self::Auto => None,
            Self::Single => Some(Framing::SingleObject),
            Self::Confluent => Some(Framing::Confluent),
            Self::Glue => Some(Framing::Glue),
            Self::Ocf => Some(Framing::Container),
            Self::Datum => Some(Framing::Datum),
        }
    }
}

fn reader(avro: Avro, args: &PayloadArgs) -> crate::Result<AvroReader<MemoryStore>> {
    let mut store = MemoryStore::new();
    let schemas = args.schemas.as_deref();
    let schema = match schemas.filter(|path| !path.is_dir()) {
        Some(path) => Some(read_schema(path)?),
        None => None,
    };
    if let Some(schema) = &schema {
        store.add(schema.clone());
    } else if let Some(path) = schemas {
        store = read_directory(path)?;
    }
    let reader = AvroReader::new(store).with_limit(args.inflate_limit);
    match (avro, schema) {
        (Avro::Datum, Some(schema)) => Ok(reader.with_reader_schema(schema)),
        (Avro::Datum, None) => Err(Failure::new("--avro datum needs --schemas with a file")),
        (Avro::Confluent | Avro::Glue, Some(_)) => Err(Failure::new(
            "--avro confluent and glue find schemas by their ids: they need --schemas with a \
             directory, and files in it named as 301.avsc or <uuid>.avsc",
        )),
        _ => Ok(reader),
    }
}

fn read_directory(path: &Path) -> crate::Result<MemoryStore> {
    MemoryStore::from_directory(path).map_err(|error| Failure::new(error.to_string()))
}

/// Appends the value, or for a container file the list of its values.
fn write_json(mut opened: Opened<'_>, limit: usize, json: &mut String) -> Result<(), PayloadFault> {
    let is_list = opened.is_container();
    if is_list {
        json.push('[');
    }
    while let Some(datum) = opened.next().map_err(PayloadFault::Avro)? {
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&datum.read_json().map_err(PayloadFault::Avro)?);
        // The names of fields stand there for each value, and only once in the file.
        if is_list && json.len() > limit {
            return Err(PayloadFault::TooMuchJson(limit));
        }
    }
    if is_list {
        json.push(']');
    }
    Ok(())
}
