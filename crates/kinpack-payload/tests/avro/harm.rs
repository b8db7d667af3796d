//! Bytes that are cut, have a tail, or mean harm.

use std::time::Instant;

use kinpack_payload::CompressionError;
use kinpack_payload::avro::{
    AvroError, ContainerCodec, ContainerErrorKind, ContainerReader, ContainerWriter, DEFAULT_LIMIT,
    DatumErrorKind, Framing,
};

fn kind(error: AvroError) -> DatumErrorKind {
    match error {
        AvroError::Datum { kind, .. } => kind,
        error => panic!("{error}"),
    }
}

/// A varint.
fn long(value: i64) -> Vec<u8> {
    let mut datum = Vec::new();
    super::schema(r#""long""#).write(&value, &mut datum).unwrap();
    datum
}

/// All three ways to read, which must agree that it is an error.
fn refused(schema: &str, datum: &[u8]) -> DatumErrorKind {
    let reader = super::reader(schema);
    let error = reader.read_value(datum).unwrap_err();
    let json = reader.read_json(datum).unwrap_err();
    assert_eq!(json, error, "{schema}");
    let passed = reader.read::<serde::de::IgnoredAny>(datum).unwrap_err();
    assert_eq!(passed, error, "{schema}");
    kind(error)
}

#[test]
fn cut_anywhere_and_with_a_tail() {
    let mut datum = Vec::new();
    let click = super::Click {
        id: 300,
        user: "ada".to_owned(),
        score: 2.5,
        tags: vec!["a".to_owned(), "bc".to_owned()],
        r#ref: Some("x".to_owned()),
    };
    super::schema(super::CLICK).write(&click, &mut datum).unwrap();
    for end in 0..datum.len() {
        assert_eq!(refused(super::CLICK, &datum[..end]), DatumErrorKind::Truncated, "{end}");
        let reader = super::reader(super::CLICK);
        let error = reader.read::<super::Click>(&datum[..end]).unwrap_err();
        assert_eq!(kind(error), DatumErrorKind::Truncated, "{end}");
    }
    datum.push(0);
    assert_eq!(refused(super::CLICK, &datum), DatumErrorKind::TrailingBytes);
}

#[test]
fn values_that_are_none() {
    assert_eq!(refused(r#""boolean""#, &[2]), DatumErrorKind::Boolean(2));
    assert_eq!(refused(r#""int""#, &long(1 << 31)), DatumErrorKind::Number);
    assert_eq!(refused(r#""long""#, &[0xff; 11]), DatumErrorKind::Number);
    let largest = [&[0xff; 9][..], &[2]].concat();
    assert_eq!(refused(r#""long""#, &largest), DatumErrorKind::Number);
    assert_eq!(refused(r#""bytes""#, &long(-1)), DatumErrorKind::Length(-1));
    assert_eq!(refused(r#""bytes""#, &long(i64::MAX)), DatumErrorKind::Truncated);
    assert_eq!(refused(r#""string""#, &[2, 0xff]), DatumErrorKind::NotUtf8);
    assert_eq!(refused(r#"["null"]"#, &long(1)), DatumErrorKind::Index(1));
    assert_eq!(refused(r#"["null"]"#, &long(-1)), DatumErrorKind::Index(-1));
    let symbols = r#"{"type":"enum","name":"E","symbols":["A"]}"#;
    assert_eq!(refused(symbols, &long(1)), DatumErrorKind::Index(1));
    let huge = r#"{"type":"fixed","name":"F","size":4000000000}"#;
    assert_eq!(refused(huge, &[0; 8]), DatumErrorKind::Truncated);
}

#[test]
fn counts_without_bytes_run_into_the_limit() {
    let start = Instant::now();
    let limit = DatumErrorKind::Limit { limit: DEFAULT_LIMIT };
    let nulls = r#"{"type":"array","items":"null"}"#;
    for count in [i64::MAX, i64::MIN] {
        let mut datum = long(count);
        if count < 0 {
            datum.extend(long(0));
        }
        assert_eq!(refused(nulls, &datum), limit);
        let error = super::reader(nulls).read::<Vec<()>>(&datum).unwrap_err();
        assert_eq!(kind(error), limit);
    }
    let mut million = long(1_000_000);
    million.push(0);
    assert_eq!(super::reader(nulls).read::<Vec<()>>(&million).unwrap().len(), 1_000_000);
    // Records of records without bytes, two to the thirtieth.
    let mut schema = r#"{"type":"record","name":"R0","fields":[]}"#.to_owned();
    for level in 1..30 {
        schema = format!(
            r#"{{"type":"record","name":"R{level}","fields":[{{"name":"a","type":{schema}}},
            {{"name":"b","type":"R{}"}}]}}"#,
            level - 1
        );
    }
    assert_eq!(refused(&schema, &[]), limit);
    assert!(start.elapsed().as_secs() < 60);
}

#[test]
fn the_limit_can_be_set_and_is_exact() {
    let reader = super::reader(r#"{"type":"array","items":"string"}"#);
    // The array and two texts of 64 bytes each, and 3 bytes of text.
    let datum = [4, 2, b'a', 4, b'b', b'c', 0];
    let needs = 3 * 64 + 3;
    assert!(reader.clone().with_limit(needs).read_value(&datum).is_ok());
    let error = reader.with_limit(needs - 1).read_value(&datum).unwrap_err();
    assert_eq!(kind(error), DatumErrorKind::Limit { limit: needs - 1 });
}

#[test]
fn depth_is_limited() {
    let list = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
    let mut datum = vec![2; 99];
    datum.push(0);
    assert!(super::reader(list).read_value(&datum).is_ok());
    datum.insert(0, 2);
    assert_eq!(refused(list, &datum), DatumErrorKind::TooDeep);
    assert_eq!(refused(list, &vec![2; 1 << 20]), DatumErrorKind::TooDeep);
    // As JSON it can be parsed again.
    let json = super::reader(list).read_json(&datum[1..]).unwrap();
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
}

#[test]
fn defaults_that_hold_each_other_are_limited() {
    let mut fields = String::new();
    let wide: Vec<_> = (0..99).map(|n| format!("\"{n}\"")).collect();
    for level in 0..5 {
        let items = if level == 0 {
            format!(r#"{{"type":"array","items":"string"}},"default":[{}]"#, wide.join(","))
        } else {
            format!(r#""L{}","default":{{}}"#, level - 1)
        };
        let record = |name: &str| format!(r#"{{"name":"{name}","type":{items}}}"#);
        let inner: Vec<_> = (0..9).map(|n| record(&format!("f{n}"))).collect();
        let comma = if level == 0 { "" } else { "," };
        fields.push_str(&format!(
            r#"{comma}{{"name":"l{level}","type":{{"type":"record","name":"L{level}","fields":[{}]}}}}"#,
            inner.join(",")
        ));
    }
    let text = format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#);
    let error = kinpack_payload::avro::AvroSchema::parse(&text).unwrap_err().to_string();
    assert!(error.contains("more than 65536 bytes"), "{error}");
}

#[test]
#[cfg(feature = "gzip")]
fn glue_zlib_bomb() {
    use kinpack_payload::Codec;
    use kinpack_payload::avro::{AvroReader, AvroWriter, MemoryStore, SchemaId};

    let uuid = kinpack_payload::avro::Uuid([7; 16]);
    let schema = super::schema(r#""bytes""#);
    let mut payload = Vec::new();
    AvroWriter::glue_zlib(&schema, uuid)
        .unwrap()
        .write_json(&serde_json::Value::String("\0".repeat(2 << 20)), &mut payload)
        .unwrap();
    assert!(payload.len() < 4096);
    let mut store = MemoryStore::new();
    store.insert(SchemaId::Glue(uuid), schema);
    let reader = AvroReader::new(store).with_limit(1 << 20);
    assert_eq!(
        reader.open_as(Framing::Glue, &payload).unwrap_err(),
        AvroError::Compression(CompressionError::LimitExceeded {
            codec: Codec::Zlib,
            limit: 1 << 20
        })
    );
    payload.truncate(payload.len() - 1);
    let cut = reader.with_limit(4 << 20).open_as(Framing::Glue, &payload).unwrap_err();
    assert!(matches!(cut, AvroError::Compression(CompressionError::Truncated { .. })), "{cut}");
}

fn container(codec: ContainerCodec, schema: &str, values: &[serde_json::Value]) -> Option<Vec<u8>> {
    let mut writer = ContainerWriter::new(&super::schema(schema), codec).unwrap();
    for value in values {
        writer.append_json(value).unwrap();
    }
    match writer.finish() {
        Err(AvroError::Compression(CompressionError::CodecDisabled { .. })) => None,
        file => Some(file.unwrap()),
    }
}

/// The number of datums, or what is wrong.
fn count(file: &[u8], limit: usize) -> Result<usize, AvroError> {
    let mut reader = ContainerReader::with(file, None, limit)?;
    let mut count = 0;
    while reader.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

#[test]
fn container_bombs() {
    let zeros = serde_json::Value::String("\0".repeat(3 << 20));
    for codec in ContainerCodec::ALL {
        let Some(file) = container(codec, r#""bytes""#, std::slice::from_ref(&zeros)) else {
            continue;
        };
        assert_eq!(count(&file, 4 << 20), Ok(1), "{codec:?}");
        let error = count(&file, 2 << 20).unwrap_err();
        let AvroError::Container { kind, .. } = error else {
            // Without a codec the bytes are all there, and only the value is too large.
            assert_eq!(codec, ContainerCodec::Null);
            continue;
        };
        assert_eq!(kind, ContainerErrorKind::Limit { limit: 2 << 20 }, "{codec:?}");
    }
}

#[test]
fn container_blocks_share_one_limit() {
    let zeros = serde_json::Value::String("\0".repeat(1 << 20));
    let Some(one) = container(ContainerCodec::Snappy, r#""bytes""#, &[zeros]) else { return };
    // The block once more, with its marker.
    let header = container(ContainerCodec::Snappy, r#""bytes""#, &[]).unwrap().len();
    let mut two = one.clone();
    two.extend_from_slice(&one[header..]);
    assert_eq!(count(&two, 4 << 20), Ok(2));
    let limit = 3 << 19;
    let error =
        AvroError::Container { kind: ContainerErrorKind::Limit { limit }, offset: one.len() };
    assert_eq!(count(&two, limit), Err(error));
}

#[test]
fn container_counts_without_bytes() {
    let mut file = container(ContainerCodec::Null, r#""null""#, &[]).unwrap();
    let sync = file[file.len() - 16..].to_vec();
    let header = file.len();
    file.extend([long(i64::MAX), long(0), sync].concat());
    assert_eq!(
        count(&file, DEFAULT_LIMIT),
        Err(AvroError::Container {
            kind: ContainerErrorKind::Limit { limit: DEFAULT_LIMIT },
            offset: header
        })
    );
}

#[test]
fn containers_cut_or_damaged_anywhere() {
    for codec in ContainerCodec::ALL {
        let values: Vec<_> = (0..50).map(|n| serde_json::json!(format!("text {n}"))).collect();
        let Some(file) = container(codec, r#""string""#, &values) else { continue };
        let header = container(codec, r#""string""#, &[]).unwrap().len();
        for end in 0..file.len() {
            let result = count(&file[..end], DEFAULT_LIMIT);
            assert_eq!(result.is_err(), end != header, "{codec:?} {end}");
            let mut damaged = file.clone();
            damaged[end] ^= 0x10;
            // Whatever comes of it, no panic.
            let _ = count(&damaged, 1 << 20);
        }
        let mut longer = file.clone();
        longer.push(0);
        assert!(count(&longer, DEFAULT_LIMIT).is_err());
        let mut unmarked = file.clone();
        *unmarked.last_mut().unwrap() ^= 1;
        let error = AvroError::Container { kind: ContainerErrorKind::SyncMarker, offset: header };
        assert_eq!(count(&unmarked, DEFAULT_LIMIT), Err(error));
    }
    let mut snappy = container(ContainerCodec::Snappy, r#""string""#, &["a".into()]).unwrap();
    let checksum = snappy.len() - 17;
    snappy[checksum] ^= 1;
    let error = count(&snappy, DEFAULT_LIMIT).unwrap_err();
    let AvroError::Container { kind, .. } = error else { panic!("{error}") };
    assert_eq!(kind, ContainerErrorKind::Checksum);
}

#[test]
fn container_headers() {
    let wrong = |file: &[u8]| match ContainerReader::new(file).unwrap_err() {
        AvroError::Container { kind, .. } => kind,
        error => panic!("{error}"),
    };
    let header = |entries: &[(&str, &str)]| {
        let mut file = b"Obj\x01".to_vec();
        let map = entries.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect();
        super::schema(r#"{"type":"map","values":"bytes"}"#)
            .write_json(&serde_json::Value::Object(map), &mut file)
            .unwrap();
        file.extend([0; 16]);
        file
    };
    assert_eq!(wrong(&header(&[])), ContainerErrorKind::NoSchema);
    let xz = [("avro.schema", r#""int""#), ("avro.codec", "xz")];
    assert_eq!(wrong(&header(&xz)), ContainerErrorKind::UnknownCodec("xz".to_owned()));
    assert_eq!(wrong(b"Obj\x01"), ContainerErrorKind::Truncated);
    // Without a codec's name it is null.
    assert!(ContainerReader::new(&header(&[("avro.schema", r#""int""#)])).is_ok());
    let framing = Framing::Container;
    assert_eq!(ContainerReader::new(b"Obj\x02").unwrap_err(), AvroError::NotFramed { framing });
}

#[test]
fn protobuf_indexes() {
    let split = |framing: Framing, payload: &[u8]| {
        let header: &[u8] =
            if framing == Framing::Glue { b"\x03\0sixteen bytes id" } else { &[0; 5] };
        let data = [header, payload].concat();
        let frame = framing.split(&data).unwrap();
        frame.protobuf().map(|(path, rest)| (path, rest.to_vec()))
    };
    let confluent = |payload: &[u8]| split(Framing::Confluent, payload);
    assert_eq!(confluent(&[0, 9]), Ok((vec![0], vec![9])));
    assert_eq!(confluent(&[4, 2, 0, 9]), Ok((vec![1, 0], vec![9])));
    for wrong in [&[][..], &[4, 2], &[1], &[0xff, 0xff, 0xff, 0xff, 0x0e], &[0x80; 9]] {
        assert_eq!(confluent(wrong), Err(AvroError::ProtobufIndexes), "{wrong:?}");
    }
    assert_eq!(split(Framing::Glue, &[3, 9]), Ok((vec![3], vec![9])));
    assert_eq!(split(Framing::Glue, &[]), Err(AvroError::ProtobufIndexes));
}
