//! What other implementations wrote: `vectors/avro`, whose README tells who they are.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use kinpack_payload::Decompressor;
use kinpack_payload::avro::{
    AvroReader, AvroSchema, AvroWriter, ContainerCodec, ContainerReader, ContainerWriter,
    DatumReader, Framing, Framings, MemoryStore, SchemaId,
};
use serde_json::Value;

struct Vector {
    json: Value,
    bytes: Vec<u8>,
}

fn from_hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn vector(name: &str) -> Vector {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/avro");
    let json: Value =
        serde_json::from_slice(&fs::read(folder.join(format!("{name}.json"))).unwrap()).unwrap();
    let bytes = from_hex(json["bytes"].as_str().unwrap());
    Vector { json, bytes }
}

impl Vector {
    fn schema(&self) -> Arc<AvroSchema> {
        super::schema(&self.json["schema"].to_string())
    }

    fn value(&self) -> &Value {
        &self.json["value"]
    }

    /// Reads it as each of the three, and writes it again.
    fn check(&self, framing: Framing, id: SchemaId, mut writer: AvroWriter) {
        let mut store = MemoryStore::new();
        store.insert(id, self.schema());
        let reader = AvroReader::new(store);
        let mut opened = reader.open_as(framing, &self.bytes).unwrap();
        assert_eq!(opened.schema_id(), Some(id));
        self.check_datum(opened.next().unwrap().unwrap().bytes());
        assert!(opened.next().unwrap().is_none());

        let mut written = Vec::new();
        writer.write_json(self.value(), &mut written).unwrap();
        assert_eq!(written, self.bytes);
        let click: super::Click = serde_json::from_value(self.value().clone()).unwrap();
        written.clear();
        writer.write(&click, &mut written).unwrap();
        assert_eq!(written, self.bytes);
    }

    fn check_datum(&self, datum: &[u8]) {
        let reader = DatumReader::new(&self.schema());
        let json: Value = serde_json::from_str(&reader.read_json(datum).unwrap()).unwrap();
        assert_eq!(json, *self.value());
        let click: super::Click = reader.read(datum).unwrap();
        assert_eq!(serde_json::to_value(click).unwrap(), *self.value());
        let value = reader.read_value(datum).unwrap();
        let click: super::Click = kinpack_payload::avro::apache_avro::from_value(&value).unwrap();
        assert_eq!(serde_json::to_value(click).unwrap(), *self.value());
        let mut written = Vec::new();
        self.schema().write_value(&value, &mut written).unwrap();
        assert_eq!(written, datum);
    }
}

#[test]
fn bare_datum_of_java() {
    let vector = vector("avro-datum-java");
    vector.check_datum(&vector.bytes);
    let reader = AvroReader::new(MemoryStore::new()).with_reader_schema(vector.schema());
    let mut opened = reader.open_as(Framing::Datum, &vector.bytes).unwrap();
    vector.check_datum(opened.next().unwrap().unwrap().bytes());
}

#[test]
fn single_objects_and_fingerprints() {
    for name in ["avro-single-object-java", "avro-single-object-fastavro"] {
        let vector = vector(name);
        let id = vector.schema().fingerprint();
        let SchemaId::Fingerprint(print) = id else { panic!("{id}") };
        if let Some(print_of_java) = vector.json["fingerprint_u64"].as_str() {
            assert_eq!(format!("{print:016x}"), print_of_java);
            assert_eq!(vector.schema().canonical_form(), vector.json["canonical_form"]);
        }
        if let Some(print_of_fastavro) = vector.json["fingerprint"].as_str() {
            assert_eq!(id.to_string(), format!("schema fingerprint {print_of_fastavro}"));
        }
        assert_eq!(Framings::default().detect(&vector.bytes), Some(Framing::SingleObject));
        vector.check(Framing::SingleObject, id, AvroWriter::single_object(&vector.schema()));
    }
}

#[test]
fn confluent_avro() {
    let vector = vector("confluent-avro");
    let id = vector.json["schema_id"].as_u64().unwrap() as u32;
    assert_eq!(Framings::default().detect(&vector.bytes), None);
    let writer = AvroWriter::confluent(&vector.schema(), id);
    vector.check(Framing::Confluent, SchemaId::Confluent(id), writer);
}

#[test]
fn confluent_guid_in_a_header() {
    let vector = vector("confluent-avro-header-guid");
    let header = from_hex(vector.json["headers"][0][1].as_str().unwrap());
    let id = SchemaId::from_confluent_header(&header).unwrap();
    assert_eq!(id.to_string(), "Confluent schema GUID 5bbca882-d07a-417f-a192-6d505b27e533");
    assert_eq!(id.to_confluent_header().unwrap(), header);
    let mut store = MemoryStore::new();
    store.insert(id, vector.schema());
    let reader = AvroReader::new(store);
    let mut opened = reader.open_datum(id, &vector.bytes).unwrap();
    vector.check_datum(opened.next().unwrap().unwrap().bytes());
}

#[test]
fn confluent_json_and_protobuf_are_taken_off() {
    let json = vector("confluent-json");
    let frame = Framing::Confluent.split(&json.bytes).unwrap();
    assert_eq!(frame.schema_id, SchemaId::Confluent(2));
    assert_eq!(serde_json::from_slice::<Value>(frame.payload).unwrap(), *json.value());

    let protobuf = vector("confluent-protobuf");
    let frame = Framing::Confluent.split(&protobuf.bytes).unwrap();
    assert_eq!(frame.schema_id, SchemaId::Confluent(3));
    let (path, message) = frame.protobuf().unwrap();
    assert_eq!(path, [0]);
    // Fields 1 and 2 of google.protobuf.Timestamp.
    assert_eq!(message, [0x08, 1, 0x10, 2]);
}

#[test]
fn glue_avro() {
    for (name, zlib) in [("glue-avro-none", false), ("glue-avro-zlib", true)] {
        let vector = vector(name);
        let uuid = vector.json["uuid"].as_str().unwrap().parse().unwrap();
        let schema = vector.schema();
        let writer = if zlib {
            if cfg!(not(feature = "gzip")) {
                continue;
            }
            AvroWriter::glue_zlib(&schema, uuid).unwrap()
        } else {
            AvroWriter::glue(&schema, uuid)
        };
        let found = Framings::default().with(Framing::Glue).detect(&vector.bytes);
        assert_eq!(found, Some(Framing::Glue));
        assert_eq!(Framings::default().detect(&vector.bytes), None);
        if zlib {
            // Another deflate gives other bytes: what is written is read again instead.
            let mut store = MemoryStore::new();
            store.insert(SchemaId::Glue(uuid), schema);
            let reader = AvroReader::new(store);
            let mut ours = Vec::new();
            let mut writer = writer;
            writer.write_json(vector.value(), &mut ours).unwrap();
            for bytes in [&vector.bytes, &ours] {
                let mut opened = reader.open_as(Framing::Glue, bytes).unwrap();
                assert_eq!(opened.schema_id(), Some(SchemaId::Glue(uuid)));
                vector.check_datum(opened.next().unwrap().unwrap().bytes());
            }
        } else {
            vector.check(Framing::Glue, SchemaId::Glue(uuid), writer);
        }
    }
}

#[test]
fn glue_json_is_taken_off() {
    for name in ["glue-json-none", "glue-json-zlib"] {
        let vector = vector(name);
        let frame = Framing::Glue.split(&vector.bytes).unwrap();
        if frame.zlib && cfg!(not(feature = "gzip")) {
            continue;
        }
        let uuid = vector.json["uuid"].as_str().unwrap().parse().unwrap();
        assert_eq!(frame.schema_id, SchemaId::Glue(uuid));
        let payload = frame.inflate(&mut Decompressor::new()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&payload).unwrap(), *vector.value());
    }
}

#[test]
fn container_files_of_fastavro() {
    for codec in ContainerCodec::ALL {
        if codec == ContainerCodec::Deflate && cfg!(not(feature = "gzip"))
            || codec == ContainerCodec::Zstandard && cfg!(not(feature = "zstd"))
        {
            continue;
        }
        let vector = vector(&format!("avro-container-{}-fastavro", codec.name()));
        assert_eq!(Framings::default().detect(&vector.bytes), Some(Framing::Container));
        let rows = vector.value().as_array().unwrap();
        let mut writer = ContainerWriter::new(&vector.schema(), codec).unwrap();
        for row in rows {
            writer.append_json(row).unwrap();
        }
        let ours = writer.finish().unwrap();
        for file in [&vector.bytes, &ours] {
            let mut reader = ContainerReader::new(file).unwrap();
            assert_eq!(reader.schema().fingerprint(), vector.schema().fingerprint());
            let mut read = Vec::new();
            while let Some(datum) = reader.next().unwrap() {
                read.push(serde_json::from_str::<Value>(&datum.read_json().unwrap()).unwrap());
            }
            assert_eq!(read, *rows, "{codec:?}");
        }
    }
}
