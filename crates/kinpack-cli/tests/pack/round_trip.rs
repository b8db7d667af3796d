//! `unpack | pack` and `pack | unpack`.

use kinpack::HashKey;
use serde_json::{Value, json};

use crate::{Run, kinpack, pack, row, rows};

fn unpack(options: &str, input: &str) -> Run {
    let words: Vec<&str> = ["unpack"].into_iter().chain(options.split_whitespace()).collect();
    kinpack(&words, input)
}

#[test]
fn what_is_packed_is_unpacked_and_packed_to_the_same_bytes() {
    let input = [
        rows(1_000, 100),
        row("é\"\n", Some("7"), &[0, 255, 10]),
        row("k", None, b""),
        row("k", None, &[b'x'; 70_000]),
    ]
    .concat();
    for output in ["entries", "put-records --stream s", "event"] {
        let run =
            kinpack(&format!("pack --output {output}").split(' ').collect::<Vec<_>>(), &input);
        let rows = unpack("", &run.stdout);
        assert_eq!((rows.status, rows.stderr.as_str()), (0, ""), "{output}");
        assert_eq!(rows.stdout.lines().count(), 1_003, "{output}");
        assert_eq!(pack("", rows.stdout), pack("", &input), "{output}");
    }
}

/// Else it would go to another shard when it is packed again.
#[test]
fn a_lone_record_keeps_its_explicit_hash_key() {
    let hash_key_of = |rows: &Run| rows.documents()[0]["explicit_hash_key"].clone();
    let own = HashKey::of_partition_key("k").to_string();
    for output in ["entries", "put-records --stream s"] {
        let words = format!("pack --shards 2 --output {output}");
        let words: Vec<&str> = words.split(' ').collect();
        for (explicit, expected) in
            [(Some("7"), json!("7")), (None, Value::Null), (Some(own.as_str()), Value::Null)]
        {
            let packed = kinpack(&words, row("k", explicit, b"hi")).stdout;
            let rows = unpack("", &packed);
            assert_eq!(hash_key_of(&rows), expected, "{output}");
            assert_eq!(kinpack(&words, rows.stdout).stdout, packed, "{output}");
        }
    }
    // Whatever else is wrong with it.
    for record in [
        r#"{"Data":"a?k=","PartitionKey":"k","ExplicitHashKey":"7"}"#,
        r#"{"Data":"aGk=","ExplicitHashKey":"7"}"#,
    ] {
        assert_eq!(hash_key_of(&unpack("", record)), "7", "{record}");
    }
    // An aggregate's user records have their own, or none.
    let aggregate = kinpack(&["pack"], rows(1, 10) + &row("key-0", Some("7"), b"hi")).stdout;
    let aggregate = aggregate.replace("\"ExplicitHashKey\":\"", "\"ExplicitHashKey\":\"1");
    assert_eq!(hash_key_of(&unpack("", &aggregate)), Value::Null);
}

#[test]
fn data_goes_round_in_every_format() {
    let texts = [r#"{"a":"\u0000\" é"}"#, "null", "[1.50,1e400]", "\"\""];
    let input: String = texts.iter().map(|text| row("k", None, text.as_bytes())).collect();
    let packed = kinpack(&["pack"], &input).stdout;
    for format in ["base64", "utf8", "hex", "json"] {
        let option = format!("--data {format}");
        let rows = unpack(&option, &packed);
        assert_eq!(rows.status, 0, "{}", rows.stderr);
        assert_eq!(kinpack(&["pack", "--data", format], rows.stdout).stdout, packed, "{format}");
    }
}

/// What could not be read is not packed as if it had been.
#[test]
fn rows_with_an_error_are_left_out() {
    let records = r#"{"Data":"aGk=","PartitionKey":"k"}
{"Data":"a?k=","PartitionKey":"k"}
{"Data":"aG8="}
"#;
    let rows = unpack("", records);
    assert_eq!(rows.status, 1, "{}", rows.stderr);
    let run = kinpack(&["pack"], rows.stdout);
    assert_eq!(run.status, 1);
    let complaints: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(complaints.len(), 2, "{}", run.stderr);
    assert!(complaints[0].contains("line 2: the row is marked as faulty: "));
    assert!(complaints[1].contains("line 3: no partition key"));
    assert_eq!(run.documents(), pack("", row("k", None, b"hi")));
}
