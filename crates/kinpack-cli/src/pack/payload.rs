//! What is done to messages on their way into user records, and to aggregates on their way out:
//! Avro, then compression.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use clap::ValueEnum;
use kinpack::KinesisRecord;
use kinpack_payload::avro::{
    AvroError, AvroSchema, AvroWriter, ContainerCodec, ContainerWriter, Uuid,
};
use kinpack_payload::{
    Codec, Compression, CompressionError, Compressor, Dictionary, whole_aggregate,
};
use serde_json::Value;

use crate::failure::Failure;

/// How to make messages smaller.
#[derive(clap::Args)]
pub(super) struct PayloadArgs {
    /// Compress: none, gzip[:LEVEL], zlib[:LEVEL], deflate[:LEVEL] or zstd[:LEVEL][,dict=FILE]
    #[arg(long, value_name = "CODEC", default_value = "none")]
    compress: Compress,

    /// What to compress
    #[arg(long, value_enum, value_name = "PLACE", default_value_t)]
    at: Place,

    /// Write messages, which are JSON, as Avro of the schema in this file, before they are
    /// compressed
    #[arg(long, value_name = "FILE", requires = "framing")]
    avro_schema: Option<PathBuf>,

    /// What says in a payload which schema it has: single (its fingerprint), confluent:ID, glue:UUID,
    /// or ocf, an object container file with the schema itself; there a message that is a JSON array
    /// is a batch of values
    #[arg(long, value_name = "FRAMING", requires = "avro_schema")]
    framing: Option<Framing>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Place {
    /// Each user record's data: any KPL or KCL reader still takes the aggregate apart
    #[default]
    Record,
    /// The whole aggregate: the best ratio, but the KCL, Firehose, Flink and Lambda's own
    /// de-aggregation see one opaque record; a record that goes alone stays as it is. Aggregates are
    /// full, and within the record limit, by their bytes before that: with a larger --max-size they
    /// share more, and fill a PUT payload unit
    AggregateKinpackOnly,
}

/// `--compress`
#[derive(Clone, Debug)]
enum Compress {
    None,
    By { compression: Compression, dictionary: Option<PathBuf> },
}

impl FromStr for Compress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::None);
        }
        let (codec, dictionary) = match text.split_once(",dict=") {
            Some((codec, file)) => (codec, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let compression: Compression = codec.parse().map_err(|error| format!("{error}"))?;
        if dictionary.is_some() && compression.codec() != Codec::Zstd {
            return Err("only zstd takes a dictionary".to_owned());
        }
        Ok(Self::By { compression, dictionary })
    }
}

/// `--framing`
#[derive(Clone, Copy, Debug)]
enum Framing {
    Single,
    Confluent(u32),
    Glue(Uuid),
    Container,
}

impl FromStr for Framing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "single" => Ok(Self::Single),
            None if text == "ocf" => Ok(Self::Container),
            Some(("confluent", id)) => {
                id.parse().map(Self::Confluent).map_err(|error| format!("schema id: {error}"))
            }
            Some(("glue", version)) => {
                version.parse().map(Self::Glue).map_err(|error| format!("{error}"))
            }
            _ => Err("single, confluent:ID, glue:UUID or ocf is wanted".to_owned()),
        }
    }
}

/// Why a message is not packed.
#[derive(Debug)]
pub(crate) enum PayloadFault {
    NotJson(serde_json::Error),
    Avro(AvroError),
    Compression(CompressionError),
}

impl fmt::Display for PayloadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(error) => write!(f, "not JSON, which becomes Avro: {error}"),
            Self::Avro(error) => write!(f, "not a value of the Avro schema: {error}"),
            Self::Compression(error) => error.fmt(f),
        }
    }
}

/// Makes payloads of messages; its buffers are used again.
#[derive(Default)]
pub(crate) struct Payloads {
    avro: Option<Avro>,
    compressor: Option<Compressor>,
    framed: Vec<u8>,
    compressed: Vec<u8>,
}

enum Avro {
    Framed(Box<AvroWriter>),
    Container(Arc<AvroSchema>),
}

/// Compresses whole aggregates, if that was asked for.
#[derive(Default)]
pub(crate) struct Envelopes {
    compressor: Option<Compressor>,
    compressed: Vec<u8>,
}

impl PayloadArgs {
    /// What is to be done to messages, and to aggregates.
    pub(super) fn read(&self) -> crate::Result<(Payloads, Envelopes)> {
        let (mut payloads, mut envelopes) = (Payloads::default(), Envelopes::default());
        if let (Some(path), Some(framing)) = (&self.avro_schema, self.framing) {
            payloads.avro = Some(Avro::new(&read_schema(path)?, framing));
        }
        match (&self.compress, self.at) {
            (Compress::None, Place::Record) => {}
            (Compress::None, Place::AggregateKinpackOnly) => {
                return Err(Failure::new("--at aggregate-kinpack-only needs --compress"));
            }
            (Compress::By { compression, dictionary }, place) => {
                let compressor = Some(compressor(*compression, dictionary.as_deref(), place)?);
                match place {
                    Place::Record => payloads.compressor = compressor,
                    Place::AggregateKinpackOnly => envelopes.compressor = compressor,
                }
            }
        }
        Ok((payloads, envelopes))
    }
}

impl Payloads {
    pub(crate) fn new(avro: Option<AvroWriter>, compressor: Option<Compressor>) -> Self {
        let avro = avro.map(|writer| Avro::Framed(Box::new(writer)));
        Self { avro, compressor, ..Self::default() }
    }

    /// The payload of a user record.
    pub(crate) fn of<'a>(&'a mut self, message: &'a [u8]) -> Result<&'a [u8], PayloadFault> {
        let mut data = message;
        if let Some(avro) = &mut self.avro {
            avro.write(message, &mut self.framed)?;
            data = &self.framed;
        }
        let Some(compressor) = &mut self.compressor else { return Ok(data) };
        let done = compressor.compress_into(data, &mut self.compressed);
        done.map_err(PayloadFault::Compression)?;
        Ok(&self.compressed)
    }
}

impl Envelopes {
    /// By a codec that the envelope has, without a dictionary.
    pub(crate) fn new(compressor: Option<Compressor>) -> Self {
        Self { compressor, compressed: Vec::new() }
    }

    /// Puts an aggregate into an envelope, if that makes it smaller.
    pub(crate) fn close(&mut self, record: &mut KinesisRecord) -> io::Result<()> {
        let Some(compressor) = self.compressor.as_mut().filter(|_| record.aggregated) else {
            return Ok(());
        };
        let (aggregate, out) = (&record.data, &mut self.compressed);
        whole_aggregate::compress_for_kinpack_readers_only(aggregate, compressor, out)
            .map_err(io::Error::other)?;
        if out.len() < aggregate.len() {
            std::mem::swap(&mut record.data, &mut self.compressed);
        }
        Ok(())
    }
}

impl Avro {
    fn new(schema: &Arc<AvroSchema>, framing: Framing) -> Self {
        match framing {
            Framing::Single => Self::Framed(Box::new(AvroWriter::single_object(schema))),
            Framing::Confluent(id) => Self::Framed(Box::new(AvroWriter::confluent(schema, id))),
            Framing::Glue(version) => Self::Framed(Box::new(AvroWriter::glue(schema, version))),
            Framing::Container => Self::Container(Arc::clone(schema)),
        }
    }

    fn write(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<(), PayloadFault> {
        let value: Value = serde_json::from_slice(message).map_err(PayloadFault::NotJson)?;
        out.clear();
        match self {
            Self::Framed(writer) => writer.write_json(&value, out).map_err(PayloadFault::Avro),
            Self::Container(schema) => {
                *out = container(schema, &value).map_err(PayloadFault::Avro)?;
                Ok(())
            }
        }
    }
}

fn container(schema: &Arc<AvroSchema>, message: &Value) -> Result<Vec<u8>, AvroError> {
    let mut writer = ContainerWriter::new(schema, ContainerCodec::Null)?;
    match message {
        Value::Array(values) => {
            for value in values {
                writer.append_json(value)?;
            }
        }
        value => writer.append_json(value)?,
    }
    writer.finish()
}

fn compressor(
    compression: Compression,
    dictionary: Option<&Path>,
    place: Place,
) -> crate::Result<Compressor> {
    let failed = |error: CompressionError| Failure::new(format!("--compress: {error}"));
    let compressor = match dictionary {
        Some(path) => Compressor::with_dictionary(compression, &read_dictionary(path)?),
        None => Compressor::new(compression),
    }
    .map_err(failed)?;
    if place == Place::AggregateKinpackOnly {
        let codec = compression.codec();
        if codec == Codec::Deflate || compressor.has_dictionary() {
            return Err(failed(CompressionError::NotForWholeAggregates { codec }));
        }
    }
    Ok(compressor)
}

/// Reads a file of a trained dictionary.
pub(crate) fn read_dictionary(path: &Path) -> crate::Result<Dictionary> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| Failure::Io(name.clone(), error))?;
    Dictionary::from_bytes(bytes).map_err(|error| Failure::new(format!("{name}: {error}")))
}

/// Reads a file of an Avro schema.
pub(crate) fn read_schema(path: &Path) -> crate::Result<Arc<AvroSchema>> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| Failure::Io(name.clone(), error))?;
    let schema = AvroSchema::parse(&text);
    schema.map(Arc::new).map_err(|error| Failure::new(format!("{name}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_have_levels_and_dictionaries() {
        for text in ["none", "gzip", "gzip:9", "zlib:0", "deflate:6", "zstd:-7", "zstd:3,dict=a,b"]
        {
            assert!(text.parse::<Compress>().is_ok(), "{text}");
        }
        for text in ["", "None", "gzip:10", "gzip:", "zstd:23", "gzip,dict=f", "lz4", "zstd,dic=f"]
        {
            assert!(text.parse::<Compress>().is_err(), "{text}");
        }
    }

    #[test]
    fn framings_have_ids() {
        for text in ["single", "ocf", "confluent:0", "glue:b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63"] {
            assert!(text.parse::<Framing>().is_ok(), "{text}");
        }
        for text in ["", "confluent", "confluent:-1", "confluent:4294967296", "glue:1", "datum"] {
            assert!(text.parse::<Framing>().is_err(), "{text}");
        }
    }
}
