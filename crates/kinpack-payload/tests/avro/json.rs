//! JSON in and out.

use serde_json::{Value, json};

/// Writes by the schema, reads again as JSON.
fn round(schema: &str, value: Value) -> Result<String, String> {
    let schema = super::schema(schema);
    let mut datum = vec![9];
    match schema.write_json(&value, &mut datum) {
        Ok(()) => {}
        Err(error) => {
            assert_eq!(datum, [9]);
            return Err(error.to_string());
        }
    }
    let reader = kinpack_payload::avro::DatumReader::new(&schema);
    let json = reader.read_json(&datum[1..]).unwrap();
    // The library's writer agrees with what was written.
    let mut again = Vec::new();
    schema.write_value(&reader.read_value(&datum[1..]).unwrap(), &mut again).unwrap();
    assert_eq!(again, datum[1..], "{json}");
    Ok(json)
}

fn logical(base: &str, logical: &str) -> String {
    format!(r#"{{"type": "{base}", "logicalType": "{logical}"}}"#)
}

fn decimal(precision: u32, scale: u32) -> String {
    format!(r#"{{"type":"bytes","logicalType":"decimal","precision":{precision},"scale":{scale}}}"#)
}

const FIXED_DECIMAL: &str = r#"{"type":"fixed","name":"D","size":4,"logicalType":"decimal",
    "precision":9,"scale":2}"#;
const DURATION: &str = r#"{"type":"fixed","name":"D","size":12,"logicalType":"duration"}"#;

#[test]
fn each_type() {
    let same = |schema: &str, value: Value| {
        assert_eq!(round(schema, value.clone()).unwrap(), value.to_string(), "{schema}");
    };
    same(r#""null""#, json!(null));
    same(r#""boolean""#, json!(true));
    same(r#""int""#, json!(i32::MIN));
    same(r#""long""#, json!(i64::MAX));
    same(r#""float""#, json!(0.1));
    same(r#""double""#, json!(1e300));
    same(r#""double""#, json!("NaN"));
    same(r#""float""#, json!("-Infinity"));
    same(r#""string""#, json!("\"\\\n\r\t\u{1}ü😀"));
    same(r#""bytes""#, json!("\u{0}\u{ff}a"));
    same(r#"{"type":"fixed","name":"F","size":2}"#, json!("\u{80}b"));
    same(r#"{"type":"enum","name":"E","symbols":["A","B"]}"#, json!("B"));
    same(r#"{"type":"array","items":"int"}"#, json!([]));
    same(r#"{"type":"array","items":"int"}"#, json!([1, 2]));
    same(r#"{"type":"map","values":"int"}"#, json!({"a": 1}));
    same(&logical("int", "date"), json!(20_000));
    same(&logical("long", "timestamp-micros"), json!(-1));
    same(&logical("string", "uuid"), json!("b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63"));
    same(&decimal(6, 2), json!("-12.50"));
    same(&logical("bytes", "big-decimal"), json!("123456789012345678901234567890.5"));
    same(FIXED_DECIMAL, json!("-0.01"));
    assert_eq!(
        round(DURATION, json!({"days": 2, "millis": 3})).unwrap(),
        r#"{"months":0,"days":2,"millis":3}"#
    );
}

#[test]
fn other_spellings() {
    assert_eq!(round(r#""long""#, json!(5.0)).unwrap(), "5");
    assert_eq!(round(r#""double""#, json!(5)).unwrap(), "5.0");
    assert_eq!(round(&decimal(6, 2), json!(12.5)).unwrap(), r#""12.50""#);
    assert_eq!(round(&decimal(6, 2), json!("1e1")).unwrap(), r#""10.00""#);
    // Bytes, as Avro's JSON encoding has them: 0x04e2 is 1250.
    assert_eq!(round(&decimal(6, 2), json!("\u{4}\u{e2}")).unwrap(), r#""12.50""#);
    let bytes = "\u{1}\0\0\0\u{2}\0\0\0\u{3}\0\0\0";
    assert_eq!(round(DURATION, json!(bytes)).unwrap(), r#"{"months":1,"days":2,"millis":3}"#);
}

#[test]
fn misfits_say_what_and_where() {
    let wrong = |schema: &str, value: Value, message: &str| {
        let error = round(schema, value).unwrap_err();
        assert_eq!(error, format!("not a value of the Avro schema{message}"));
    };
    wrong(r#""int""#, json!(1_i64 << 31), ": 2147483648, not an int of 32 bits");
    wrong(r#""long""#, json!(u64::MAX), ": 18446744073709551615, not a long of 64 bits");
    wrong(r#""long""#, json!(0.5), ": 0.5, not a long of 64 bits");
    wrong(r#""string""#, json!(1), ": 1, not string");
    let no_byte = ": the character '€' stands for no byte: U+0000 to U+00FF do";
    wrong(r#""bytes""#, json!("€"), no_byte);
    wrong(r#"{"type":"fixed","name":"F","size":2}"#, json!("a"), ": 1 bytes, not 2");
    wrong(&decimal(6, 2), json!("0.001"), r#": "0.001" does not fit decimal(6, 2)"#);
    wrong(FIXED_DECIMAL, json!("99999999.99"), r#": "99999999.99" does not fit decimal(9, 2)"#);
    let uuid = r#": "x", not a UUID"#;
    wrong(&logical("string", "uuid"), json!("x"), uuid);
    let click = |value: Value, message: &str| wrong(super::CLICK, value, message);
    click(json!({"id": 1}), " at user: missing, and it has no default");
    click(json!({"id": 1, "user": "", "score": 0, "tags": ["a", 2]}), " at tags[1]: 2, not string");
    click(json!({"idd": 1}), r#": kinpack.test.Click has no field "idd""#);
    click(json!([]), ": an array, not kinpack.test.Click");
    let unknown = ": true, no branch of [null, string]";
    wrong(r#"["null","string"]"#, json!(true), unknown);
}

#[test]
fn unions() {
    let index = |schema: &str, value: Value| {
        let mut datum = Vec::new();
        super::schema(schema).write_json(&value, &mut datum).map(|()| datum[0] / 2)
    };
    let numbers = r#"["null","float","double","int","long","string","bytes"]"#;
    for (value, branch) in [
        (json!(null), 0),
        (json!(0.5), 2),
        (json!(5), 3),
        (json!(1_i64 << 40), 4),
        (json!("a"), 5),
        (json!({"float": 5}), 1),
        (json!({"long": 5}), 4),
        (json!({"bytes": "a"}), 6),
    ] {
        assert_eq!(index(numbers, value.clone()), Ok(branch), "{value}");
    }
    let records = r#"["null",
        {"type":"record","name":"n.A","fields":[{"name":"x","type":"int"}]},
        {"type":"record","name":"n.B","fields":[{"name":"x","type":"int"}]},
        {"type":"record","name":"n.C","fields":[{"name":"y","type":"int","default":1}]}]"#;
    assert_eq!(index(records, json!({"n.B": {"x": 1}})), Ok(2));
    assert_eq!(index(records, json!({"A": {"x": 1}})), Ok(1));
    assert_eq!(index(records, json!({"y": 1})), Ok(3));
    assert_eq!(
        index(records, json!({"x": 1})).unwrap_err().to_string(),
        "not a value of the Avro schema: both n.A and n.B of the union; name one: {\"n.A\": …}"
    );
    // A record whose only field is called as a branch is still itself.
    let confusing = r#"["string",{"type":"record","name":"R","fields":[
        {"name":"string","type":"int"}]}]"#;
    assert_eq!(index(confusing, json!({"string": 1})), Ok(1));
    assert_eq!(index(confusing, json!({"string": "a"})), Ok(0));
}

#[test]
fn unions_that_could_be_read_in_countless_ways_are_given_up() {
    let schema = r#"{"type":"record","name":"A","fields":[{"name":"n","type":["null","A",
        {"type":"record","name":"B","fields":[{"name":"n","type":["null","A","B"]}]}]}]}"#;
    let mut value = json!({"n": null});
    for _ in 0..60 {
        value = json!({ "n": value });
    }
    let error = round(schema, value).unwrap_err();
    assert!(error.contains("both") || error.contains("too many ways"), "{error}");
}

#[test]
fn defaults() {
    let record = |field: &str| format!(r#"{{"type":"record","name":"R","fields":[{field}]}}"#);
    let of = |field: &str| round(&record(field), json!({}));
    let field = r#"{"name":"a","type":["string","null"],"default":"x"}"#;
    assert_eq!(of(field).unwrap(), r#"{"a":"x"}"#);
    let field = r#"{"name":"a","type":"bytes","default":"\u00ff"}"#;
    assert_eq!(of(field).unwrap(), "{\"a\":\"\u{ff}\"}");
    let field = r#"{"name":"a","default":{},"type":{"type":"record","name":"I","fields":[
        {"name":"b","type":{"type":"map","values":"int"},"default":{"k":1}}]}}"#;
    assert_eq!(of(field).unwrap(), r#"{"a":{"b":{"k":1}}}"#);
    let wrong = record(r#"{"name":"a","type":"int","default":"x"}"#);
    assert!(kinpack_payload::avro::AvroSchema::parse(&wrong).is_err());
}

#[test]
fn doubles_come_back_to_the_last_bit() {
    // One that serde_json reads as its neighbour, if it is not asked for more.
    for text in ["0.12060109811151687", "0.1", "5e-324", "1.7976931348623157e308"] {
        let value: Value = serde_json::from_str(text).unwrap();
        let json = round(r#""double""#, value).unwrap();
        // As the standard library reads it.
        assert_eq!(json.parse::<f64>().unwrap(), text.parse::<f64>().unwrap(), "{json}");
    }
}
