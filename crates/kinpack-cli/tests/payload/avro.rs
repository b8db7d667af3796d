//! Avro in its framings.

use serde_json::{Value, json};

use crate::run::{Scratch, kinpack};
use crate::schemas::{SCHEMA, Schemas, UUID};
use crate::{assert_unpacks, pack, packed, unpack, values};

#[test]
fn a_container_file_is_the_list_of_its_values() {
    let schema = Scratch::new("container.avsc", SCHEMA);
    let args = ["--avro-schema", schema.path(), "--framing", "ocf"];
    let run = unpack(&["--avro", "ocf"], &packed(&args));
    let data: Vec<Value> = run.rows().iter_mut().map(|row| row["data"].take()).collect();
    assert_eq!(data, values().into_iter().map(|value| json!([value])).collect::<Vec<_>>());

    // A list is a batch, and what was unpacked can be packed again.
    let batch = json!({"partition_key": "k", "data": values()}).to_string();
    let once = pack(&args, &batch);
    let run = unpack(&["--avro", "auto"], &once.stdout);
    assert_eq!(run.rows()[0]["data"], json!(values()));
    let again = pack(&args, &String::from_utf8(run.stdout).unwrap());
    assert_eq!(unpack(&["--avro", "auto"], &again.stdout).rows()[0]["data"], json!(values()));
}

#[test]
fn a_bare_datum_is_read_by_a_schema_that_is_named() {
    let schema = Scratch::new("datum.avsc", SCHEMA);
    // 42 and "ada".
    let record = r#"{"Data": "VAZhZGE="}"#;
    let run = unpack(&["--avro", "datum", "--schemas", schema.path()], record.as_bytes());
    assert_eq!(run.rows()[0]["data"], json!({"id": 42, "user": "ada"}));

    let schemas = Schemas::new("datum");
    for args in [&["--avro", "datum"][..], &["--avro", "datum", "--schemas", schemas.path()]] {
        let run = unpack(args, record.as_bytes());
        assert_eq!(run.status, 2);
        assert!(run.stderr.contains("--avro datum needs --schemas with a file"));
    }
    // A file's name says nothing of ids.
    for framing in ["confluent", "glue"] {
        let run = unpack(&["--avro", framing, "--schemas", schema.path()], record.as_bytes());
        assert_eq!(run.status, 2);
        assert!(run.stderr.contains("need --schemas with a directory"), "{}", run.stderr);
    }
}

#[test]
fn what_is_not_framed_is_handed_on_unless_a_framing_was_named() {
    assert_unpacks(&["--avro", "auto"], &packed(&[]));
    let run = unpack(&["--avro", "single"], &packed(&[]));
    assert_eq!(run.status, 1);
    assert!(run.faulty_rows().iter().all(|row| row["error"].is_string()));
}

#[test]
fn a_schema_that_is_not_there_is_named() {
    let schema = Scratch::new("absent.avsc", SCHEMA);
    for (framing, name, id) in
        [("confluent:302", "confluent", "302"), (&*format!("glue:{UUID}"), "glue", UUID)]
    {
        let packed = packed(&["--avro-schema", schema.path(), "--framing", framing]);
        let run = unpack(&["--avro", name], &packed);
        assert_eq!(run.status, 1);
        assert!(run.stderr.contains(id), "{}", run.stderr);
        assert!(run.member("data").iter().all(Value::is_string));
    }
}

#[test]
fn a_message_that_is_no_value_of_the_schema_is_left_out() {
    let schema = Scratch::new("misfit.avsc", SCHEMA);
    let rows = "{\"partition_key\":\"k\",\"data\":{\"id\":\"x\",\"user\":\"ada\"}}\n\
                {\"partition_key\":\"k\",\"data\":{\"id\":7,\"user\":\"ada\"}}\n";
    let run = pack(&["--avro-schema", schema.path(), "--framing", "single"], rows);
    assert_eq!(run.status, 1);
    let message = "kinpack: standard input: line 1: not a value of the Avro schema: ";
    assert!(run.stderr.starts_with(message), "{}", run.stderr);
    let args = ["--avro", "single", "--schemas", schema.path()];
    assert_eq!(unpack(&args, &run.stdout).rows()[0]["data"]["id"], json!(7));

    let args = ["pack", "--lines", "--partition-key", "k", "--avro-schema", schema.path()];
    let run = kinpack(&[&args[..], &["--framing", "single"]].concat(), "not JSON\n");
    assert!(run.status == 1 && run.stderr.contains("line 1: not JSON"), "{}", run.stderr);
}

#[test]
fn what_cannot_be_is_said_before_anything_is_read() {
    let broken = Scratch::new("broken.avsc", r#"{"type": "recorb"}"#);
    for args in [
        &["--avro-schema", broken.path(), "--framing", "single"][..],
        &["--avro-schema", "/nowhere.avsc", "--framing", "single"],
        &["--avro-schema", broken.path()],
        &["--framing", "single"],
        &["--avro-schema", broken.path(), "--framing", "confluent"],
    ] {
        let run = pack(args, "");
        assert_eq!((run.status, run.text()), (2, ""), "{args:?}");
        assert!(!run.stderr.is_empty());
    }
}
