//! Any value of any schema through each framing.

use kinpack_payload::avro::{
    AvroReader, AvroWriter, ContainerCodec, ContainerReader, ContainerWriter, DatumReader, Framing,
    Framings, MemoryStore, SchemaId, Uuid,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A schema and values of it, as JSON.
fn any_type() -> impl Strategy<Value = (Value, Vec<Value>)> {
    let of = |schema: Value, values: BoxedStrategy<Value>| {
        prop::collection::vec(values, 1..4).prop_map(move |values| (schema.clone(), values))
    };
    let text = "\\PC{0,8}".prop_map(Value::from);
    let leaf = prop_oneof![
        of(json!("null"), Just(Value::Null).boxed()),
        of(json!("boolean"), any::<bool>().prop_map(Value::from).boxed()),
        of(json!("int"), any::<i32>().prop_map(Value::from).boxed()),
        of(json!("long"), any::<i64>().prop_map(Value::from).boxed()),
        of(json!("double"), any::<i32>().prop_map(|n| Value::from(f64::from(n) / 8.0)).boxed()),
        of(json!("string"), text.boxed()),
        of(json!("bytes"), "[\u{0}-\u{ff}]{0,8}".prop_map(Value::from).boxed()),
        of(
            json!({"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 3}),
            any::<i64>()
                .prop_map(|n| format!("{}.{:03}", n / 8, n.unsigned_abs() % 1000).into())
                .boxed()
        ),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|(schema, values)| {
                (json!({"type": "array", "items": schema}), vec![values.into(), json!([])])
            }),
            inner.clone().prop_map(|(schema, values)| {
                let map = values.into_iter().enumerate().map(|(n, v)| (format!("k{n}"), v));
                (json!({"type": "map", "values": schema}), vec![map.collect()])
            }),
            inner.clone().prop_filter_map("no null twice", |(schema, mut values)| {
                values.push(Value::Null);
                let union = schema.is_array() || schema == "null";
                (!union).then(|| (json!(["null", schema]), values))
            }),
            prop::collection::vec(inner, 0..4).prop_map(|fields| {
                let value = |pick: usize| {
                    let fields = fields.iter().enumerate();
                    fields.map(|(n, (_, v))| (format!("f{n}"), v[pick % v.len()].clone())).collect()
                };
                let values = vec![value(0), value(1)];
                let types = fields.iter().enumerate();
                let fields: Vec<_> =
                    types.map(|(n, (s, _))| json!({"name": format!("f{n}"), "type": s})).collect();
                // Named later: each record needs a name of its own.
                (json!({"type": "record", "name": "", "fields": fields}), values)
            }),
        ]
    })
    .prop_map(|(mut schema, values)| {
        name_records(&mut schema, &mut 0);
        (schema, values)
    })
}

fn name_records(schema: &mut Value, count: &mut u32) {
    match schema {
        Value::Object(object) => {
            if let Some(name) = object.get_mut("name").filter(|name| *name == "") {
                *count += 1;
                *name = format!("n{}.R{count}", *count % 3).into();
            }
            object.values_mut().for_each(|value| name_records(value, count));
        }
        Value::Array(array) => array.iter_mut().for_each(|value| name_records(value, count)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn through_each_framing((schema, values) in any_type(), id: u32, uuid: [u8; 16]) {
        let schema = super::schema(&schema.to_string());
        let uuid = Uuid(uuid);
        let mut store = MemoryStore::new();
        store.insert(SchemaId::Confluent(id), schema.clone());
        store.insert(SchemaId::Glue(uuid), schema.clone());
        let framings = Framings::default().with(Framing::Confluent).with(Framing::Glue);
        let reader = AvroReader::new(&store).with_framings(framings);
        let datums = DatumReader::new(&schema);
        let mut writers = vec![
            (Framing::SingleObject, AvroWriter::single_object(&schema)),
            (Framing::Confluent, AvroWriter::confluent(&schema, id)),
            (Framing::Glue, AvroWriter::glue(&schema, uuid)),
        ];
        if cfg!(feature = "gzip") {
            writers.push((Framing::Glue, AvroWriter::glue_zlib(&schema, uuid).unwrap()));
        }
        for value in &values {
            let mut datum = Vec::new();
            schema.write_json(value, &mut datum).unwrap();
            let json: Value = serde_json::from_str(&datums.read_json(&datum).unwrap()).unwrap();
            prop_assert_eq!(&json, value);
            let tree = datums.read_value(&datum).unwrap();
            for (framing, writer) in &mut writers {
                let mut payload = Vec::new();
                writer.write_json(value, &mut payload).unwrap();
                prop_assert_eq!(framings.detect(&payload), Some(*framing));
                let mut opened = reader.open(&payload).unwrap().unwrap();
                let read = opened.next().unwrap().unwrap();
                prop_assert_eq!(read.bytes(), &datum[..]);
                prop_assert_eq!(&read.read_value().unwrap(), &tree);
                prop_assert!(opened.next().unwrap().is_none());
                // Refused, it is handed on.
                let refused = framings.without(*framing);
                prop_assert_eq!(refused.detect(&payload), None);
            }
            // Cut anywhere it is an error, in each way to read, and never a panic.
            for end in 0..datum.len() {
                prop_assert!(datums.read_value(&datum[..end]).is_err());
                prop_assert!(datums.read_json(&datum[..end]).is_err());
                prop_assert!(datums.read::<serde::de::IgnoredAny>(&datum[..end]).is_err());
            }
        }
        for codec in ContainerCodec::ALL {
            let mut writer = ContainerWriter::new(&schema, codec).unwrap();
            for value in &values {
                writer.append_json(value).unwrap();
            }
            let Ok(file) = writer.finish() else {
                prop_assert!(cfg!(not(all(feature = "gzip", feature = "zstd"))));
                continue;
            };
            let mut reader = ContainerReader::new(&file).unwrap();
            for value in &values {
                let json = reader.next().unwrap().unwrap().read_json().unwrap();
                prop_assert_eq!(&serde_json::from_str::<Value>(&json).unwrap(), value);
            }
            prop_assert!(reader.next().unwrap().is_none());
        }
    }

    #[test]
    fn any_bytes_are_read_alike((schema, _) in any_type(), bytes: Vec<u8>) {
        let reader = super::reader(&schema.to_string()).with_limit(1 << 16);
        let value = reader.read_value(&bytes).map(drop);
        let passed = reader.read::<serde::de::IgnoredAny>(&bytes).map(drop);
        prop_assert_eq!(value.is_ok(), passed.is_ok());
        prop_assert_eq!(reader.read_json(&bytes).is_ok(), value.is_ok());
    }
}
