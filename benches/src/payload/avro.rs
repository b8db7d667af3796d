//! The same messages as Avro: framed in an aggregate, in a container file, and the datums alone
//! beside apache-avro.

use std::sync::Arc;

use kinpack::{Aggregator, Digest, KinesisRecord, Limits, OuterKey, Push, deaggregate};
use kinpack_payload::avro::{
    AvroReader, AvroSchema, AvroWriter, ContainerCodec, ContainerReader, ContainerWriter,
    DatumReader, MemoryStore, apache_avro,
};
use kinpack_payload::{Codec, Compressor, Decompressor, whole_aggregate};
use serde::{Deserialize, Serialize};

use super::{Row, message};

const MESSAGES: usize = 450;
const KEYS: usize = 10;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    device: String,
    time: i64,
    t: f64,
    rh: f64,
    #[serde(rename = "mV")]
    millivolts: i32,
    state: State,
    n: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Low,
}

const SCHEMA: &str = r#"{"type": "record", "name": "Reading", "namespace": "kinpack.bench", "fields": [
    {"name": "device", "type": "string"},
    {"name": "time", "type": "long"},
    {"name": "t", "type": "double"},
    {"name": "rh", "type": "double"},
    {"name": "mV", "type": "int"},
    {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["ok", "low"]}},
    {"name": "n", "type": "int"}
]}"#;

fn schema() -> Arc<AvroSchema> {
    Arc::new(AvroSchema::parse(SCHEMA).expect("a schema"))
}

fn readings() -> Vec<Reading> {
    (0..MESSAGES).map(|n| serde_json::from_str(&message(n)).expect("it is a reading")).collect()
}

/// Framed messages, aggregate included.
///
/// # Panics
///
/// If one of them does not give its messages back.
#[must_use]
pub fn rows() -> Vec<Row> {
    vec![aggregate(None), aggregate(Some(1)), aggregate(Some(3)), container()]
}

fn aggregate(zstd: Option<i32>) -> Row {
    let (schema, readings) = (schema(), readings());
    let mut packer = Packer::new(&schema, zstd);
    let data = packer.pack(&readings).to_vec();
    let mut store = MemoryStore::new();
    store.add(schema);
    let reader = AvroReader::new(store);
    let (mut decompressor, mut inflated) = (Decompressor::new(), Vec::new());
    let mut unpack = move |data: &[u8], each: &mut dyn FnMut(Reading)| {
        let unwrapped = whole_aggregate::unwrap(data, &mut decompressor, &mut inflated);
        let contents = deaggregate(unwrapped.expect("our own bytes").data, Digest::Verify);
        for record in contents.expect("our own bytes").records(None) {
            let mut opened = reader.open(record.data).expect("known").expect("framed");
            each(opened.next().expect("one").expect("one").read().expect("our own bytes"));
        }
    };
    let mut unpacked = Vec::new();
    unpack(&data, &mut |reading| unpacked.push(reading));
    assert_eq!(unpacked, readings);
    let name = match zstd {
        None => "Avro single object, plain aggregate".to_owned(),
        Some(level) => format!("Avro single object, zstd:{level}, the whole aggregate"),
    };
    Row {
        name,
        messages: MESSAGES,
        bytes: data.len(),
        encode: Box::new(move || packer.pack(&readings).len()),
        decode: Box::new(move || {
            let mut sum = 0;
            unpack(&data, &mut |reading| sum += reading.n as usize);
            sum
        }),
    }
}

struct Packer {
    writer: AvroWriter,
    zstd: Option<Compressor>,
    aggregator: Aggregator,
    record: KinesisRecord,
    keys: Vec<String>,
    payload: Vec<u8>,
}

impl Packer {
    fn new(schema: &Arc<AvroSchema>, zstd: Option<i32>) -> Self {
        let limits = Limits::new(1 << 20, u32::MAX, 1 << 20).expect("limits are in bounds");
        let compression =
            |level| kinpack_payload::Compression::new(Codec::Zstd, level).expect("a level it has");
        Packer {
            writer: AvroWriter::single_object(schema),
            zstd: zstd.map(|level| Compressor::new(compression(level)).expect("compiled in")),
            aggregator: Aggregator::new(limits, OuterKey::Kpl),
            record: KinesisRecord::default(),
            keys: (0..KEYS).map(|n| format!("device-{n}")).collect(),
            payload: Vec::new(),
        }
    }

    fn pack(&mut self, readings: &[Reading]) -> &[u8] {
        for (reading, key) in readings.iter().zip(self.keys.iter().cycle()) {
            self.payload.clear();
            self.writer.write(reading, &mut self.payload).expect("it fits the schema");
            assert_eq!(self.aggregator.try_push(key, None, &self.payload), Ok(Push::Added));
        }
        assert!(self.aggregator.finish_into(&mut self.record));
        let Some(compressor) = &mut self.zstd else { return &self.record.data };
        whole_aggregate::compress_for_kinpack_readers_only(
            &self.record.data,
            compressor,
            &mut self.payload,
        )
        .expect("it is an aggregate");
        &self.payload
    }
}

fn container() -> Row {
    let (schema, readings) = (schema(), readings());
    let pack = move |readings: &[Reading]| {
        let codec = ContainerCodec::Zstandard;
        let mut writer = ContainerWriter::new(&schema, codec).expect("it has a text");
        readings.iter().for_each(|it| writer.append(it).expect("it fits the schema"));
        writer.finish().expect("compiled in")
    };
    let unpack = |data: &[u8]| {
        let mut reader = ContainerReader::new(data).expect("our own bytes");
        let mut readings = Vec::new();
        while let Some(datum) = reader.next().expect("our own bytes") {
            readings.push(datum.read::<Reading>().expect("our own bytes"));
        }
        readings
    };
    let data = pack(&readings);
    assert_eq!(unpack(&data), readings);
    Row {
        name: "Avro container file, zstandard, no aggregate".to_owned(),
        messages: MESSAGES,
        bytes: data.len(),
        encode: Box::new(move || pack(&readings).len()),
        decode: Box::new(move || unpack(&data).len()),
    }
}

/// Bare datums to and from a struct, by kinpack and by apache-avro's two ways.
///
/// # Panics
///
/// If the ways do not agree.
#[must_use]
pub fn datums() -> Vec<Row> {
    let value = |reading: &Reading| apache_avro::to_value(reading).expect("it is one");
    let schema = schema();
    let (ours, library) = (schema.clone(), schema.schema().clone());
    let library: &'static apache_avro::Schema = Box::leak(Box::new(library));
    let writer = || {
        apache_avro::writer::datum::GenericDatumWriter::builder(library).build().expect("it is one")
    };
    let reader = || {
        apache_avro::reader::datum::GenericDatumReader::builder(library).build().expect("it is one")
    };
    let (direct, tree) = (writer(), writer());
    let (read_direct, read_tree) = (reader(), reader());
    let datum_reader = DatumReader::new(&schema);
    let wider = SCHEMA.replace(r#""mV", "type": "int""#, r#""mV", "type": "long""#);
    let wider = Arc::new(AvroSchema::parse(&wider).expect("a schema"));
    let resolving = DatumReader::resolving(&schema, &wider).expect("they fit");
    let (theirs, read_theirs) = (writer(), resolving.clone());
    vec![
        row(
            "kinpack, serde",
            move |it, out| ours.write(it, out).expect("it fits"),
            move |data| datum_reader.read(data).expect("our own bytes"),
        ),
        row(
            "apache-avro, serde (write_ser, read_deser)",
            move |it, out| {
                direct.write_ser(out, it).expect("it fits");
            },
            move |mut data| read_direct.read_deser(&mut data).expect("our own bytes"),
        ),
        row(
            "apache-avro, by Value",
            move |it, out| {
                tree.write_value(out, value(it)).expect("it fits");
            },
            move |mut data| {
                let value = read_tree.read_value(&mut data).expect("our own bytes");
                apache_avro::from_value(&value).expect("a reading")
            },
        ),
        row(
            "kinpack, read with another schema",
            move |it, out| {
                theirs.write_ser(out, it).expect("it fits");
            },
            move |data| read_theirs.read(data).expect("our own bytes"),
        ),
        row(
            "apache-avro, by Value, read with another schema",
            move |it, out| {
                writer().write_value(out, value(it)).expect("it fits");
            },
            {
                let wider: &'static AvroSchema =
                    Box::leak(Box::new(AvroSchema::new(wider.schema().clone()).expect("a schema")));
                let reader = apache_avro::reader::datum::GenericDatumReader::builder(library)
                    .reader_schema(wider.schema())
                    .build()
                    .expect("they fit");
                move |mut data: &[u8]| {
                    let value = reader.read_value(&mut data).expect("our own bytes");
                    apache_avro::from_value(&value).expect("a reading")
                }
            },
        ),
    ]
}

fn row(
    name: &str,
    mut write: impl FnMut(&Reading, &mut Vec<u8>) + 'static,
    mut read: impl FnMut(&[u8]) -> Reading + 'static,
) -> Row {
    let readings = readings();
    let mut datums = Vec::new();
    let mut ends = Vec::new();
    for reading in &readings {
        write(reading, &mut datums);
        ends.push(datums.len());
    }
    let starts = std::iter::once(0).chain(ends.clone());
    let ranges: Vec<_> = starts.zip(ends).map(|(start, end)| start..end).collect();
    let read_again: Vec<_> = ranges.iter().map(|range| read(&datums[range.clone()])).collect();
    assert_eq!(read_again, readings, "{name}");
    let mut expected = Vec::new();
    readings.iter().for_each(|it| schema().write(it, &mut expected).expect("it fits"));
    assert_eq!(datums, expected, "{name}");
    let mut out = Vec::new();
    Row {
        name: name.to_owned(),
        messages: MESSAGES,
        bytes: datums.len(),
        encode: Box::new(move || {
            out.clear();
            readings.iter().for_each(|it| write(it, &mut out));
            out.len()
        }),
        decode: Box::new(move || {
            ranges.iter().map(|range| read(&datums[range.clone()]).n as usize).sum()
        }),
    }
}
