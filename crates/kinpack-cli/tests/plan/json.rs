//! `--json`: the members that programs may rely on.

use serde_json::Value;

use super::{SCHEMA, file, plan, rows};

/// Names of an object's members with their types, in order of the names.
fn shape(object: &Value) -> String {
    let members = object.as_object().unwrap().iter();
    let mut shape: Vec<String> =
        members.map(|(name, value)| format!("{name}:{}", type_of(value))).collect();
    shape.sort_unstable();
    shape.join(" ")
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

const REPORT: &str = "kinpack:string limits:object notes:array outer_keys:array payloads:array \
    prices:object sample:object settings:object skipped:array";
const SAMPLE: &str = "bytes:integer cut:bool messages:integer partition_keys:integer";
const SETTINGS: &str = "dictionary_size:integer linger:number max_size:integer producers:integer \
    rate:number record_limit:integer shards:integer";
const PRICES: &str =
    "as_of:string currency:string million_put_units:number shard_hour:number source:string";
const LIMITS: &str = "hours_per_month:number lambda_event_bytes:number \
    lambda_event_records:number put_unit_bytes:integer shard_bytes_per_second:number \
    shard_records_per_second:number";
const ROW: &str = "bytes_per_message:number bytes_per_second:number cost_of_put_units:number \
    cost_of_shards:number cost_per_month:number cut_short:integer fill:number id:string \
    kinesis_bytes:integer kinesis_records:integer longest_wait:number mean_wait:number \
    messages_per_lambda_event:number name:string put_units:integer put_units_per_second:number \
    read_cpu:number readers:string records_per_second:number shards:number write_cpu:number";
const SKIPPED: &str = "id:string name:string reason:string";

#[test]
fn its_members_have_these_names_and_types() {
    let schema = file("json.avsc", SCHEMA);
    let report = plan(&format!("--avro-schema {}", schema.display()), &rows(1_000));
    assert_eq!(shape(&report), REPORT);
    for (member, expected) in
        [("sample", SAMPLE), ("settings", SETTINGS), ("prices", PRICES), ("limits", LIMITS)]
    {
        assert_eq!(shape(&report[member]), expected, "{member}");
    }
    for row in ["payloads", "outer_keys"].iter().flat_map(|it| report[it].as_array().unwrap()) {
        let expected = match row["id"] == "one-by-one" {
            true => ROW.replace("fill:number", "fill:null"),
            false => ROW.to_owned(),
        };
        assert_eq!(shape(row), expected);
        assert!(["any", "kpl", "kinpack-only"].contains(&row["readers"].as_str().unwrap()));
    }
    assert!(report["notes"].as_array().unwrap().iter().all(Value::is_string));

    let few = plan("--linger none", &rows(4));
    assert_eq!(few["settings"]["linger"], Value::Null);
    assert_eq!(shape(&few["skipped"][0]), SKIPPED);
}
