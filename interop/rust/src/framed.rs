//! Avro values in every framing, read by one schema or by two.

use std::sync::Arc;

use kinpack_payload::avro::{
    AvroReader, AvroSchema, AvroWriter, ContainerCodec, ContainerWriter, Framing, MemoryStore,
    Opened, SchemaId, Uuid,
};
use serde_json::{Value, json};

use crate::{Result, bytes, data, elements, payloads, text};

/// Each of `values` framed; a container holds them all.
pub(crate) fn frame(request: &Value) -> Result<Vec<Value>> {
    let schema = schema(request, "schema")?;
    let values = elements(request, "values")?;
    let framing = text(request, "framing")?;
    if let Some(codec) = ContainerCodec::by_name(framing) {
        let mut container = ContainerWriter::new(&schema, codec)?;
        for value in values {
            container.append_json(value)?;
        }
        return Ok(vec![data(container.finish()?)]);
    }
    let mut writer = match framing {
        "single" => AvroWriter::single_object(&schema),
        "confluent" => AvroWriter::confluent(&schema, id(request)?),
        "glue" => AvroWriter::glue(&schema, version(request)?),
        "glue-zlib" => AvroWriter::glue_zlib(&schema, version(request)?)?,
        "datum" | "header" => AvroWriter::datum(&schema),
        other => return Err(format!("no framing {other}").into()),
    };
    let framed = |value| {
        let mut out = Vec::new();
        writer.write_json(value, &mut out)?;
        let mut result = data(out);
        if framing == "header" {
            let header = SchemaId::Confluent(id(request)?).to_confluent_header();
            result["header"] = data(header.ok_or("no header")?)["data"].take();
        }
        Ok(result)
    };
    values.iter().map(framed).collect()
}

/// What each payload holds, by the schema that wrote it or, if there is one, by `reader`.
pub(crate) fn unframe(request: &Value) -> Result<Vec<Value>> {
    let writer = schema(request, "schema")?;
    let framing = text(request, "framing")?;
    let store = store(request, &writer)?;
    let mut reader = AvroReader::new(store);
    if !request["reader"].is_null() {
        reader = reader.with_reader_schema(schema(request, "reader")?);
    }
    let mut results = Vec::new();
    for (payload, element) in payloads(request)?.iter().zip(elements(request, "payloads")?) {
        let opened = match framing {
            "single" => reader.open_as(Framing::SingleObject, payload),
            "confluent" => reader.open_as(Framing::Confluent, payload),
            "glue" | "glue-zlib" => reader.open_as(Framing::Glue, payload),
            // A datum alone says nothing: the caller knows its schema by the fingerprint.
            "datum" => reader.open_datum(writer.fingerprint(), payload),
            "header" => {
                let header = bytes(element, "header")?;
                let id = SchemaId::from_confluent_header(&header).ok_or("no Confluent header")?;
                reader.open_datum(id, payload)
            }
            _ => reader.open_as(Framing::Container, payload),
        };
        results.push(json!({ "values": values(opened?)? }));
    }
    Ok(results)
}

fn values(mut opened: Opened<'_>) -> Result<Vec<Value>> {
    let mut values = Vec::new();
    while let Some(datum) = opened.next()? {
        values.push(serde_json::from_str(&datum.read_json()?)?);
    }
    Ok(values)
}

/// Knows the writer's schema by its fingerprint and by whatever ids the request has.
fn store(request: &Value, writer: &Arc<AvroSchema>) -> Result<MemoryStore> {
    let mut store = MemoryStore::new();
    store.add(writer.clone());
    if !request["id"].is_null() {
        store.insert(SchemaId::Confluent(id(request)?), writer.clone());
    }
    if !request["version"].is_null() {
        store.insert(SchemaId::Glue(version(request)?), writer.clone());
    }
    if !request["guid"].is_null() {
        let guid = text(request, "guid")?.parse().map_err(|_| "the guid is no UUID")?;
        store.insert(SchemaId::ConfluentGuid(guid), writer.clone());
    }
    Ok(store)
}

fn schema(request: &Value, member: &str) -> Result<Arc<AvroSchema>> {
    Ok(Arc::new(AvroSchema::parse(text(request, member)?)?))
}

fn id(request: &Value) -> Result<u32> {
    Ok(u32::try_from(request["id"].as_u64().ok_or("no id")?)?)
}

fn version(request: &Value) -> Result<Uuid> {
    Ok(text(request, "version")?.parse()?)
}
