//! What is done with records, and how they are written.

use serde_json::{Value, json};

use crate::run::{AGGREGATE, reader_case, unpack, vectors};

fn records(data: &[&str]) -> String {
    data.iter().map(|data| format!("{{\"Data\":\"{data}\",\"PartitionKey\":\"o\"}}\n")).collect()
}

fn base64(data: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(data)
}

#[test]
fn what_the_kcl_passes_on_silently_is_plain() {
    for case in ["magic-only", "digest-zero", "message-bit-flipped", "truncated-digest-fixed"] {
        let data = reader_case("envelope", case);
        let rows = unpack(&[], records(&[&data])).rows();
        assert_eq!((rows.len(), &rows[0]["data"]), (1, &Value::from(data)), "{case}");
        assert_eq!(rows[0]["aggregated"], false);
    }
}

#[test]
fn strict_takes_it_for_a_fault() {
    for (file, case, error) in [
        ("envelope", "magic-only", "nothing between the aggregation magic and the digest (byte 4)"),
        ("envelope", "digest-zero", "the MD5 digest does not match the aggregate (byte 33)"),
        (
            "envelope",
            "truncated-digest-fixed",
            "a value runs past the end of what holds it (byte 22)",
        ),
        ("strings", "key-not-utf8-ff", "partition key 0 of the table is not UTF-8 (byte 6)"),
    ] {
        let data = reader_case(file, case);
        let run = unpack(&["--strict"], records(&[&data, AGGREGATE]));
        let rows = run.faulty_rows();
        assert_eq!((run.status, rows.len()), (1, 3), "{case}");
        assert_eq!(rows[0]["error"], error, "{case}");
        assert_eq!((&rows[0]["data"], &rows[0]["partition_key"]), (&json!(data), &json!("o")));
    }
}

#[test]
fn keys_that_are_not_utf8_are_delivered_as_java_reads_them() {
    let data = reader_case("strings", "key-not-utf8-surrogate");
    let rows = unpack(&[], records(&[&data])).rows();
    assert!(rows[0]["partition_key"].as_str().unwrap().contains('\u{FFFD}'));
    assert_eq!(rows[0]["aggregated"], true);
}

#[test]
fn no_verify_takes_a_wrong_digest_for_right() {
    let data = reader_case("envelope", "digest-zero");
    assert_eq!(unpack(&[], records(&[&data])).rows().len(), 1);
    assert_eq!(unpack(&["--no-verify"], records(&[&data])).rows().len(), 2);
}

/// With the ranges that the KCL was given, and its answers.
#[test]
fn a_hash_range_is_the_kcls() {
    let vectors = vectors("reader/ranges.json");
    let mut compared = 0;
    for case in vectors["cases"].as_array().unwrap() {
        let Some([start, end]) = case["range"].as_array().map(Vec::as_slice) else { continue };
        let range = format!("{}:{}", start.as_str().unwrap(), end.as_str().unwrap());
        if case["kcl"].get("logged").is_some() || case["name"] == "upside-down" {
            continue;
        }
        let outer = &case["outer"];
        let record = json!({"Data": outer["data"], "PartitionKey": outer["partition_key"]});
        let run = unpack(&["--hash-range", &range], record.to_string());
        let mut rows = run.faulty_rows();
        for row in &mut rows {
            row.as_object_mut().unwrap().remove("sequence_number");
        }
        if run.status == 1 {
            // A fault that the KCL does not get to see, as it stops at a record outside before.
            assert_eq!(case["name"], "outside-then-bad-index");
            continue;
        }
        assert_eq!((run.status, &rows), (0, case["kcl"]["records"].as_array().unwrap()), "{case}");
        compared += 1;
    }
    assert!(compared > 12, "{compared}");
}

#[test]
fn what_a_range_drops_is_counted() {
    // Three user records with the hash keys 100, 150 and 200.
    let data = reader_case("ranges", "all-inside");
    let input = records(&[&data, "aGk=", &data]);
    let run = unpack(&["--hash-range", "100:199"], &input);
    assert_eq!((run.status, run.member("data")), (0, vec![json!("aGk=")]));
    assert_eq!(
        run.stderr,
        "kinpack: outside the hash key range, dropped: 6 user records of 2 aggregates\n"
    );

    let run = unpack(&["--hash-range-per-record", "100:199"], &input);
    assert_eq!(run.status, 0);
    assert_eq!(run.member("sub_sequence_number"), [0, 1, 0, 0, 1]);
    assert_eq!(
        run.stderr,
        "kinpack: outside the hash key range, dropped: 2 user records of 2 aggregates\n"
    );
    for option in ["--hash-range", "--hash-range-per-record"] {
        assert_eq!(unpack(&[option, "100:200"], &input).rows().len(), 7);
    }
}

#[test]
fn an_explicit_hash_key_that_is_no_number_is_a_fault_where_it_matters() {
    let data = reader_case("hash-keys", "text-letters");
    assert!(unpack(&[], records(&[&data])).rows().iter().all(|row| row["aggregated"] == true));
    let run = unpack(&["--hash-range", "0:9"], records(&[&data]));
    assert_eq!((run.status, run.member("data")), (1, vec![json!(data)]));
    assert!(run.stderr.contains("is no decimal number"), "{}", run.stderr);
}

#[test]
fn data_comes_in_the_format_asked_for() {
    let input = records(&[&base64(b"{\n \"a b\": [1.50, \"\\u00e9\"] }")]);
    for (format, data) in [
        ("base64", json!(base64(b"{\n \"a b\": [1.50, \"\\u00e9\"] }"))),
        ("utf8", json!("{\n \"a b\": [1.50, \"\\u00e9\"] }")),
        ("json", json!({"a b": [1.5, "é"]})),
        ("hex", json!("7b0a2022612062223a205b312e35302c20225c7530306539225d207d")),
    ] {
        let run = unpack(&["--data", format], &input);
        assert_eq!(run.rows()[0]["data"], data, "{format}");
        assert_eq!(run.text().lines().count(), 1);
    }
    // Numbers and escapes stay as they were written.
    let json = unpack(&["--data", "json"], &input);
    assert!(json.text().ends_with("\"data\":{\"a b\":[1.50,\"\\u00e9\"]}}\n"), "{}", json.text());
}

#[test]
fn data_that_does_not_fit_the_format_stays_base64() {
    let input = records(&[&base64(b"{}"), &base64(b"\xFF{}"), &base64(b"{} {}")]);
    let run = unpack(&["--data", "json"], &input);
    assert_eq!(run.status, 1);
    assert_eq!(run.member("data"), [json!({}), json!(base64(b"\xFF{}")), json!(base64(b"{} {}"))]);
    assert_eq!(run.member("error")[0], Value::Null);
    let error = "the data is not UTF-8 (byte 0)";
    assert_eq!(run.member("error")[1], error);
    let line = format!("kinpack: standard input: line 2, record 0: {error}");
    assert_eq!(run.stderr.lines().next(), Some(&*line));
    let utf8 = unpack(&["--data", "utf8"], &input);
    assert_eq!((utf8.status, utf8.stderr.lines().count()), (1, 1));
}

#[test]
fn raw_is_payloads_and_newlines_only() {
    let run = unpack(&["--raw"], records(&[AGGREGATE, &base64(b"\xFF\n"), ""]));
    assert_eq!((run.status, &*run.stdout), (0, &b"x\ny\n\xFF\n\n\n"[..]));
}

#[test]
fn wrong_usage_is_said() {
    for args in [
        &["--hash-range", "9:1"][..],
        &["--hash-range", "1"],
        &["--hash-range", "0:340282366920938463463374607431768211456"],
        &["--hash-range", "0:1", "--hash-range-per-record", "0:1"],
        &["--strict", "--no-verify"],
        &["--raw", "--data", "hex"],
        &["--data", "csv"],
        &["--no-such-option"],
    ] {
        let run = unpack(args, "");
        assert_eq!((run.status, run.text()), (2, ""), "{args:?}");
        assert!(!run.stderr.is_empty());
    }
}
