//! Reading with another schema than was written with.

use kinpack_payload::avro::{AvroError, DatumReader, Value};
use serde_json::json;

fn resolve(writer: &str, reader: &str) -> Result<DatumReader, AvroError> {
    DatumReader::resolving(&super::schema(writer), &super::schema(reader))
}

/// Writes JSON by one schema and reads it by the other, in all three ways.
fn through(writer: &str, reader: &str, value: serde_json::Value) -> Result<String, AvroError> {
    let mut datum = Vec::new();
    super::schema(writer).write_json(&value, &mut datum)?;
    let reading = resolve(writer, reader)?;
    let json = reading.read_json(&datum)?;
    // The Value must be one of the reader's schema: the library's own writer checks that.
    let mut again = Vec::new();
    let schema = super::schema(reader);
    schema.write_value(&reading.read_value(&datum)?, &mut again)?;
    let as_written: serde_json::Value =
        serde_json::from_str(&DatumReader::new(&schema).read_json(&again)?).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), as_written);
    Ok(json)
}

#[test]
fn numbers_widen_and_text_is_bytes() {
    let json = |writer: &str, reader: &str, value| {
        through(&format!("{writer:?}"), &format!("{reader:?}"), value).unwrap()
    };
    assert_eq!(json("int", "long", json!(-3)), "-3");
    assert_eq!(json("int", "float", json!(3)), "3.0");
    assert_eq!(json("int", "double", json!(3)), "3.0");
    assert_eq!(json("long", "float", json!(3)), "3.0");
    assert_eq!(json("long", "double", json!(3)), "3.0");
    assert_eq!(json("float", "double", json!(0.5)), "0.5");
    // The float's own value: as a double, 0.1 is another number.
    assert_eq!(json("float", "double", json!(0.1)), "0.10000000149011612");
    assert_eq!(json("string", "bytes", json!("a\u{7f}")), "\"a\u{7f}\"");
    assert_eq!(json("bytes", "string", json!("ab")), "\"ab\"");
    for (writer, reader) in [("long", "int"), ("double", "float"), ("string", "long")] {
        let error = resolve(&format!("{writer:?}"), &format!("{reader:?}")).unwrap_err();
        assert!(matches!(error, AvroError::Resolution { .. }), "{error}");
    }
}

const WRITER: &str = r#"{"type": "record", "name": "a.V1", "fields": [
    {"name": "gone", "type": {"type": "map", "values": {"type": "array", "items": "double"}}},
    {"name": "old", "type": "int"},
    {"name": "color", "type": {"type": "enum", "name": "C", "symbols": ["RED", "BLUE", "PINK"]}},
    {"name": "kept", "type": "string"}
]}"#;
const READER: &str = r#"{"type": "record", "name": "b.V2", "fields": [
    {"name": "kept", "type": ["null", "string"]},
    {"name": "new", "type": {"type": "array", "items": "string"}, "default": ["x"]},
    {"name": "renamed", "type": "double", "aliases": ["old"]},
    {"name": "inner", "default": {}, "type": {"type": "record", "name": "I", "fields": [
        {"name": "n", "type": "long", "default": 7}
    ]}},
    {"name": "color", "type":
        {"type": "enum", "name": "C", "symbols": ["OTHER", "BLUE", "RED"], "default": "OTHER"}}
]}"#;

#[test]
fn fields_come_go_move_and_are_renamed() {
    let value = |color| json!({"gone": {"a": [1.5]}, "old": 3, "color": color, "kept": "k"});
    let json = through(WRITER, READER, value("RED")).unwrap();
    assert_eq!(json, r#"{"renamed":3.0,"color":"RED","kept":"k","new":["x"],"inner":{"n":7}}"#);
    let json = through(WRITER, READER, value("PINK")).unwrap();
    assert!(json.contains(r#""color":"OTHER""#), "{json}");

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct V2<'a> {
        kept: Option<&'a str>,
        #[serde(borrow)]
        new: Vec<&'a str>,
        renamed: f64,
        inner: Inner,
        color: Color,
    }
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Inner {
        n: i64,
    }
    #[derive(Debug, PartialEq, serde::Deserialize)]
    enum Color {
        #[serde(rename = "BLUE")]
        Blue,
    }
    let mut datum = Vec::new();
    super::schema(WRITER).write_json(&value("BLUE"), &mut datum).unwrap();
    let reader = resolve(WRITER, READER).unwrap();
    let read: V2<'_> = reader.read(&datum).unwrap();
    let inner = Inner { n: 7 };
    let (new, color) = (vec!["x"], Color::Blue);
    assert_eq!(read, V2 { kept: Some("k"), new, renamed: 3.0, inner, color });
    // In the reader's order.
    let Value::Record(fields) = reader.read_value(&datum).unwrap() else { panic!("no record") };
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["kept", "new", "renamed", "inner", "color"]);
}

#[test]
fn what_does_not_fit_is_named_with_its_place() {
    let record = |fields: &str| format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#);
    let outer = |inner: &str| {
        record(&format!(
            r#"{{"name":"a","type":{{"type":"array","items":
        {{"type":"record","name":"I","fields":[{inner}]}}}}}}"#
        ))
    };
    let message = |writer: &str, reader: &str| resolve(writer, reader).unwrap_err().to_string();
    assert_eq!(
        message(&outer(r#"{"name":"n","type":"string"}"#), &outer(r#"{"name":"n","type":"int"}"#)),
        "the reader's schema does not fit the writer's at a.[].n: string, not an int"
    );
    assert_eq!(
        message(&outer(""), &outer(r#"{"name":"n","type":"int"}"#)),
        "the reader's schema does not fit the writer's at a.[].n: the writer does not have this \
         field, and it has no default"
    );
    let decimal = |scale| {
        format!(r#"{{"type":"bytes","logicalType":"decimal","precision":9,"scale":{scale}}}"#)
    };
    assert!(message(&decimal(2), &decimal(3)).ends_with("decimal(9, 2), not decimal(9, 3)"));
}

#[test]
fn unions() {
    assert_eq!(through(r#""int""#, r#"["null","long"]"#, json!(3)).unwrap(), "3");
    assert_eq!(through(r#"["null","int"]"#, r#""long""#, json!(3)).unwrap(), "3");
    assert_eq!(through(r#"["int","string"]"#, r#"["string","double"]"#, json!(3)).unwrap(), "3.0");
    let error = through(r#"["null","int"]"#, r#""long""#, json!(null)).unwrap_err();
    assert_eq!(error.to_string(), "Avro datum: the writer's value is null, not a long (byte 1)");
    // Records are told apart by their names, and then by what fits.
    let two = r#"[{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]},
        {"type":"record","name":"B","fields":[{"name":"x","type":"int"}]}]"#;
    let turned = r#"[{"type":"record","name":"B","fields":[{"name":"x","type":"int"}]},
        {"type":"record","name":"A","fields":[{"name":"x","type":"int"}]}]"#;
    let mut datum = Vec::new();
    super::schema(two).write_json(&json!({"B": {"x": 1}}), &mut datum).unwrap();
    assert_eq!(datum, [2, 2]);
    let value = resolve(two, turned).unwrap().read_value(&datum).unwrap();
    assert!(matches!(value, Value::Union(0, _)), "{value:?}");
}

#[test]
fn types_that_hold_themselves() {
    let list = |value: &str| {
        format!(
            r#"{{"type":"record","name":"n.List","fields":[
            {{"name":"value","type":"{value}"}},
            {{"name":"next","type":["null","n.List"],"default":null}}]}}"#
        )
    };
    let value = json!({"value": 1, "next": {"value": 2, "next": {"value": 3}}});
    let json = through(&list("int"), &list("double"), value).unwrap();
    let all = r#"{"value":1.0,"next":{"value":2.0,"next":{"value":3.0,"next":null}}}"#;
    assert_eq!(json, all);
    // A record that holds itself and nothing else has no value.
    let reader =
        super::reader(r#"{"type":"record","name":"R","fields":[{"name":"r","type":"R"}]}"#);
    let error = reader.read_value(&[]).unwrap_err().to_string();
    assert_eq!(error, "Avro datum: more than 100 records, arrays and maps in each other (byte 0)");
}
