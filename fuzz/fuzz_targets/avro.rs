//! Any bytes as frames, as datums of several schemas, and as a container file. The first byte picks
//! the schema.
#![no_main]

use std::sync::{Arc, LazyLock};

use kinpack_payload::Decompressor;
use kinpack_payload::avro::{
    AvroReader, AvroSchema, ContainerReader, DatumReader, Framing, Framings, MemoryStore, SchemaId,
};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

const LIMIT: usize = 1 << 18;

/// What a writer wrote with, and what a reader makes of it.
const SCHEMAS: [(&str, &str); 4] = [
    (
        r#"{"type":"record","name":"Click","namespace":"kinpack.test","fields":[
            {"name":"id","type":"long"},{"name":"user","type":"string"},
            {"name":"score","type":"double"},
            {"name":"tags","type":{"type":"array","items":"string"}},
            {"name":"ref","type":["null","string"],"default":null}]}"#,
        r#"{"type":"record","name":"Click","fields":[
            {"name":"ref","type":["string","null"]},{"name":"id","type":"double"},
            {"name":"new","type":{"type":"map","values":"int"},"default":{"a":1}}]}"#,
    ),
    (
        r#"{"type":"record","name":"L","fields":[{"name":"v","type":["int","boolean","null"]},
            {"name":"next","type":["null","L",{"type":"array","items":"L"}]}]}"#,
        r#"{"type":"record","name":"L","fields":[{"name":"v","type":["long","null"]},
            {"name":"next","type":["null","L",{"type":"array","items":"L"}]}]}"#,
    ),
    (
        r#"{"type":"map","values":[
            {"type":"fixed","name":"D","size":12,"logicalType":"duration"},
            {"type":"enum","name":"E","symbols":["A","B"]},
            {"type":"bytes","logicalType":"decimal","precision":9,"scale":2},
            {"type":"string","logicalType":"uuid"},"float"]}"#,
        r#"{"type":"map","values":["string","double",
            {"type":"enum","name":"E","symbols":["B","Z"],"default":"Z"},
            {"type":"fixed","name":"D","size":12}]}"#,
    ),
    (
        r#"{"type":"array","items":{"type":"record","name":"N","fields":[]}}"#,
        r#"{"type":"array","items":{"type":"record","name":"N","fields":[
            {"name":"a","type":["double","null"],"default":1.5}]}}"#,
    ),
];

struct Pair {
    writer: Arc<AvroSchema>,
    own: DatumReader,
    resolving: DatumReader,
}

static PAIRS: LazyLock<Vec<Pair>> = LazyLock::new(|| {
    let schema = |text| Arc::new(AvroSchema::parse(text).expect("a schema"));
    let pair = |(writer, reader)| {
        let (writer, reader) = (schema(writer), schema(reader));
        let own = DatumReader::new(&writer).with_limit(LIMIT);
        let resolving = DatumReader::resolving(&writer, &reader).expect("they fit");
        Pair { writer, own, resolving: resolving.with_limit(LIMIT) }
    };
    SCHEMAS.into_iter().map(pair).collect()
});

static READER: LazyLock<AvroReader<MemoryStore>> = LazyLock::new(|| {
    let mut store = MemoryStore::new();
    store.insert(SchemaId::Confluent(301), PAIRS[0].writer.clone());
    PAIRS.iter().for_each(|pair| store.add(pair.writer.clone()));
    let framings = Framings::default().with(Framing::Confluent).with(Framing::Glue);
    AvroReader::new(store).with_framings(framings).with_limit(LIMIT)
});

fuzz_target!(|data: &[u8]| {
    let Some((&pick, data)) = data.split_first() else { return };
    let pair = &PAIRS[usize::from(pick) % PAIRS.len()];
    datum(pair, data);
    frames(data);
    if let Ok(mut reader) = ContainerReader::with(data, None, LIMIT) {
        while let Ok(Some(datum)) = reader.next() {
            let _ = datum.read_json();
        }
    }
});

/// The three ways to read agree, and what was read is written again.
fn datum(pair: &Pair, data: &[u8]) {
    let passed = pair.own.read::<IgnoredAny>(data).is_ok();
    let value = pair.own.read_value(data);
    let json = pair.own.read_json(data);
    // Only logical types are looked at closer than what is passed over.
    assert!(passed || (value.is_err() && json.is_err()));
    if let (Ok(value), Ok(json)) = (&value, &json) {
        let mut again = Vec::new();
        // The library refuses some that are fine, such as decimals with bytes to spare.
        if pair.writer.write_value(value, &mut again).is_ok() {
            assert!(pair.own.read_json(&again).is_ok());
        }
        let json: serde_json::Value = serde_json::from_str(json).expect("it is JSON");
        again.clear();
        // Not all of it can be written again: a decimal may have more digits than it should.
        if pair.writer.write_json(&json, &mut again).is_ok() {
            assert!(pair.own.read_json(&again).is_ok());
        }
    }
    let resolved = pair.resolving.read_value(data);
    assert!(passed || resolved.is_err());
    if let Ok(json) = pair.resolving.read_json(data) {
        serde_json::from_str::<serde_json::Value>(&json).expect("it is JSON");
    }
}

fn frames(data: &[u8]) {
    for framing in [Framing::SingleObject, Framing::Confluent, Framing::Glue] {
        if let Ok(frame) = framing.split(data) {
            assert!(framing.fits(data));
            let _ = frame.protobuf();
            if let Ok(payload) = frame.inflate(&mut Decompressor::new().with_limit(LIMIT)) {
                assert!(payload.len() <= LIMIT.max(data.len()));
            }
        } else {
            assert!(!framing.fits(data));
        }
    }
    if let Ok(Some(mut opened)) = READER.open(data) {
        while let Ok(Some(datum)) = opened.next() {
            let _ = datum.read_value();
        }
    }
}
