//! `serde` types, straight to datums and back.

use std::collections::BTreeMap;

use kinpack_payload::avro::apache_avro;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Writes and reads again; the library's own serializer must agree on the bytes where `agrees`.
fn round<T>(schema: &str, value: &T, agrees: bool) -> Vec<u8>
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let schema = super::schema(schema);
    let mut datum = Vec::new();
    schema.write(value, &mut datum).unwrap();
    let reader = kinpack_payload::avro::DatumReader::new(&schema);
    assert_eq!(reader.read::<T>(&datum).unwrap(), *value);
    reader.read_value(&datum).unwrap();
    if agrees {
        let writer = apache_avro::writer::datum::GenericDatumWriter::builder(schema.schema());
        let theirs = writer.build().unwrap().write_ser_to_vec(value).unwrap();
        assert_eq!(datum, theirs);
        let reader = apache_avro::reader::datum::GenericDatumReader::builder(schema.schema());
        let read: T = reader.build().unwrap().read_deser(&mut &datum[..]).unwrap();
        assert_eq!(read, *value);
    }
    datum
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Suit {
    Hearts,
    Spades,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct All {
    flag: bool,
    small: i32,
    large: i64,
    float: f32,
    double: f64,
    text: String,
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    list: Vec<Option<i64>>,
    map: BTreeMap<String, Suit>,
    suit: Suit,
    nested: Option<Box<All>>,
}

const ALL: &str = r#"{"type":"record","name":"All","namespace":"x.y","fields":[
    {"name":"flag","type":"boolean"},
    {"name":"small","type":"int"},
    {"name":"large","type":"long"},
    {"name":"float","type":"float"},
    {"name":"double","type":"double"},
    {"name":"text","type":"string"},
    {"name":"bytes","type":"bytes"},
    {"name":"list","type":{"type":"array","items":["null","long"]}},
    {"name":"map","type":{"type":"map","values":
        {"type":"enum","name":"Suit","symbols":["Hearts","Spades"]}}},
    {"name":"suit","type":"Suit"},
    {"name":"nested","type":["null","All"]}
]}"#;

fn all(nested: Option<Box<All>>) -> All {
    All {
        flag: true,
        small: -1,
        large: i64::MIN,
        float: 0.1,
        double: f64::MAX,
        text: "ü".to_owned(),
        bytes: vec![0, 255],
        list: vec![Some(1), None],
        map: [("a".to_owned(), Suit::Spades)].into(),
        suit: Suit::Hearts,
        nested,
    }
}

#[test]
fn all_types() {
    round(ALL, &all(Some(Box::new(all(None)))), true);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Named {
    n: i32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum ByIndex {
    Nothing,
    Number(i64),
    Text(String),
    Other { n: i32 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum ByName {
    Named(Named),
    String(String),
}

#[test]
fn enums_are_unions() {
    let schema = r#"["null","long","string",
        {"type":"record","name":"Other","fields":[{"name":"n","type":"int"}]}]"#;
    assert_eq!(round(schema, &ByIndex::Nothing, true), [0]);
    assert_eq!(round(schema, &ByIndex::Number(1), true), [2, 2]);
    assert_eq!(round(schema, &ByIndex::Text("a".to_owned()), true), [4, 2, b'a']);
    assert_eq!(round(schema, &ByIndex::Other { n: 1 }, true), [6, 2]);
    // By name, wherever the branch stands, and beside null.
    let schema = r#"["null","string",
        {"type":"record","name":"Named","fields":[{"name":"n","type":"int"}]}]"#;
    assert_eq!(round(schema, &Some(ByName::Named(Named { n: 1 })), false), [4, 2]);
    assert_eq!(round(schema, &Some(ByName::String("a".to_owned())), false), [2, 2, b'a']);
    assert_eq!(round(schema, &None::<ByName>, false), [0]);
    let schema = r#"["null",{"type":"enum","name":"Suit","symbols":["Hearts","Spades"]}]"#;
    assert_eq!(round(schema, &Some(Suit::Spades), true), [2, 2]);
    assert_eq!(round(schema, &Suit::Spades, false), [2, 2]);
}

#[test]
fn fields_in_any_order_and_tuples() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Turned {
        c: i32,
        a: i32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        d: Option<i32>,
        b: i32,
    }
    let schema = r#"{"type":"record","name":"Turned","fields":[{"name":"a","type":"int"},
        {"name":"b","type":"int"},{"name":"c","type":"int"},
        {"name":"d","type":["null","int"],"default":null}]}"#;
    assert_eq!(round(schema, &Turned { a: 1, b: 2, c: 3, d: None }, false), [2, 4, 6, 0]);
    assert_eq!(round(schema, &Turned { a: 1, b: 2, c: 3, d: Some(4) }, false), [2, 4, 6, 2, 8]);
    assert_eq!(round(schema, &(1, 2, 3, Some(4)), false), [2, 4, 6, 2, 8]);
    // A byte sequence without serde_bytes, and an iterator of unknown length.
    assert_eq!(round(r#""bytes""#, &vec![1u8, 2], false), [4, 1, 2]);
    let mut datum = Vec::new();
    let schema = super::schema(r#"{"type":"array","items":"int"}"#);
    struct Odd;
    impl Serialize for Odd {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq((0..9).filter(|n| n % 4 == 1))
        }
    }
    schema.write(&Odd, &mut datum).unwrap();
    let reader = kinpack_payload::avro::DatumReader::new(&schema);
    assert_eq!(reader.read::<Vec<i32>>(&datum).unwrap(), [1, 5]);
}

#[test]
fn text_is_borrowed_and_unwanted_fields_are_passed() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Part<'a> {
        user: &'a str,
    }
    let reader = super::reader(super::CLICK);
    let mut datum = Vec::new();
    let click = super::Click {
        id: 1,
        user: "ada".to_owned(),
        score: 0.5,
        tags: vec!["a".to_owned()],
        r#ref: None,
    };
    super::schema(super::CLICK).write(&click, &mut datum).unwrap();
    assert_eq!(reader.read::<Part<'_>>(&datum).unwrap(), Part { user: "ada" });
    // What is passed over is still checked.
    let last = datum.len() - 1;
    datum[last] = 4;
    let error = reader.read::<Part<'_>>(&datum).unwrap_err().to_string();
    assert_eq!(
        error,
        "Avro datum: the union branch or enum symbol 2, which the schema does not have (byte 17)"
    );
}

#[test]
fn types_that_do_not_fit_are_errors_and_leave_nothing() {
    let mut out = vec![1];
    let schema = super::schema(super::CLICK);
    let fail = |value: &dyn erased::Write, out: &mut Vec<u8>| value.write(&schema, out);
    assert_eq!(
        fail(&Named { n: 1 }, &mut out),
        r#"not a type of the Avro schema: kinpack.test.Click has no field "n""#
    );
    assert_eq!(
        fail(&BTreeMap::from([("id", 1)]), &mut out),
        "not a type of the Avro schema: no field \"user\" for kinpack.test.Click, and no default"
    );
    assert_eq!(fail(&1, &mut out), "not a type of the Avro schema: 1, not kinpack.test.Click");
    assert_eq!(out, [1]);
    let reader = super::reader(r#""long""#);
    assert!(reader.read::<String>(&[0]).is_err());
    assert!(reader.read::<Suit>(&[0]).is_err());
    assert!(reader.read::<Vec<u8>>(&[0]).is_err());
}

mod erased {
    use kinpack_payload::avro::AvroSchema;

    pub(super) trait Write {
        fn write(&self, schema: &AvroSchema, out: &mut Vec<u8>) -> String;
    }

    impl<T: serde::Serialize> Write for T {
        fn write(&self, schema: &AvroSchema, out: &mut Vec<u8>) -> String {
            schema.write(self, out).unwrap_err().to_string()
        }
    }
}
