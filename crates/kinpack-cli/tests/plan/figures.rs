//! The figures, by hand.

use serde_json::{Value, json};

use super::{SCHEMA, file, kinpack, plan, row, rows};

fn number(row: &Value, name: &str) -> f64 {
    row[name].as_f64().unwrap_or_else(|| panic!("{name}: {row}"))
}

#[test]
fn one_by_one_is_what_the_messages_are() {
    // 7 bytes of data, 3 of partition key.
    let rows: String = (100..1_100)
        .map(|n| format!("{{\"partition_key\":\"k{}\",\"data\":\"a{n:04}\"}}\n", n % 90 + 10))
        .collect();
    let report = plan("--rate 50000", &rows);
    let row = row(&report, "payloads", "one-by-one");
    let expected = [
        ("kinesis_records", 1_000.0),
        ("kinesis_bytes", 10_000.0),
        ("put_units", 1_000.0),
        ("bytes_per_message", 10.0),
        ("records_per_second", 50_000.0),
        ("bytes_per_second", 500_000.0),
        ("put_units_per_second", 50_000.0),
        ("shards", 50.0),
        // 730 hours of 50 shards at 0.015; 131,400 million units at 0.014.
        ("cost_of_shards", 547.5),
        ("cost_of_put_units", 1_839.6),
        ("cost_per_month", 2_387.1),
        ("mean_wait", 0.0),
    ];
    for (name, value) in expected {
        assert!((number(row, name) - value).abs() < 1e-6 * value + 1e-9, "{name}: {row}");
    }
    assert_eq!((&row["readers"], &row["fill"]), (&json!("any"), &Value::Null));
    assert_eq!(
        report["sample"],
        json!({
            "messages": 1_000, "bytes": 7_000, "partition_keys": 90, "cut": false,
        })
    );
    assert_eq!(report["settings"]["rate"], 50_000.0);
    assert_eq!(report["limits"]["put_unit_bytes"], 25_600);
}

#[test]
fn prices_come_from_a_file_or_flags() {
    let prices = file(
        "prices.json",
        r#"{"shard_hour": 2, "million_put_units": 0, "currency": "EUR", "as_of": "2030-01"}"#,
    );
    let rows = rows(100);
    let options = format!("--prices {}", prices.display());
    let report = plan(&options, &rows);
    assert_eq!(number(row(&report, "payloads", "aggregate"), "cost_per_month"), 1_460.0);
    assert_eq!(report["prices"]["currency"], "EUR");
    let report = plan(&format!("{options} --price-shard-hour 1"), &rows);
    assert_eq!(number(row(&report, "payloads", "aggregate"), "cost_per_month"), 730.0);
    let text = kinpack(&["plan", "--data", "json"], &rows).stdout.replace("\n  ", " ");
    assert!(
        text.contains("as of 2025-06 (built-in defaults for us-east-1, to be checked"),
        "{text}"
    );
    let text = kinpack(
        &["plan", "--data", "json", "--price-shard-hour", "1", "--price-put-units", "2"],
        &rows,
    );
    assert!(text.stdout.contains("a million PUT units 2 USD (given)"), "{}", text.stdout);
}

#[test]
fn aggregates_do_not_wait_longer_than_they_may() {
    let rows = rows(1_000);
    let records =
        |options: &str, list, id| number(row(&plan(options, &rows), list, id), "kinesis_records");
    // One message each millisecond, so 100 an aggregate.
    assert_eq!(records("--linger 99.5ms", "payloads", "aggregate"), 10.0);
    // Ten producers: of each, one each 10 milliseconds.
    assert_eq!(records("--linger 99.5ms --producers 10", "payloads", "aggregate"), 100.0);
    assert_eq!(records("--linger 99.5ms --rate 100", "payloads", "aggregate"), 100.0);
    let per_key = records("--linger 99.5ms", "outer_keys", "per-key");
    let lanes = records("--linger 99.5ms --lanes 2", "outer_keys", "lanes");
    assert!(per_key > 50.0 && lanes == 20.0, "{per_key} {lanes}");

    let report = plan("--linger 99.5ms", &rows);
    let aggregate = row(&report, "payloads", "aggregate");
    assert_eq!(aggregate["cut_short"], 0);
    assert_eq!(row(&plan("--linger 150ms", &rows), "payloads", "aggregate")["cut_short"], 1);
    assert!((number(aggregate, "longest_wait") - 0.0995).abs() < 1e-9);
    // From 99.5 ms down to 0.5 ms.
    assert!((number(aggregate, "mean_wait") - 0.05).abs() < 1e-3, "{aggregate}");
}

#[test]
fn an_aggregate_fills_as_fast_as_messages_come() {
    let rows = rows(3_000);
    let report = plan("--linger none --rate 1000", &rows);
    let aggregate = row(&report, "payloads", "aggregate");
    let fill = number(aggregate, "fill");
    let (longest, records) =
        (number(aggregate, "longest_wait"), number(aggregate, "kinesis_records"));
    assert!(records > 2.0 && (fill / longest - 1.0).abs() < 0.02, "{fill} {longest}");
    let of_two = plan("--linger none --rate 1000 --producers 2", &rows);
    let of_two = number(row(&of_two, "payloads", "aggregate"), "fill");
    assert!((of_two / fill - 2.0).abs() < 1e-9);
    let keys = number(row(&report, "outer_keys", "per-key"), "fill");
    assert!(keys > 5.0 * fill, "each key has its own: {keys} {fill}");
}

#[test]
fn what_shrinks_messages_shrinks_them_and_each_row_is_measured() {
    let schema = file("figures.avsc", SCHEMA);
    let report = plan(&format!("--avro-schema {}", schema.display()), &rows(2_000));
    assert_eq!(report["skipped"], json!([]));
    let bytes = |id| number(row(&report, "payloads", id), "bytes_per_message");
    assert!(bytes("zstd-dictionary-record") < 0.8 * bytes("aggregate"));
    assert!(bytes("zstd-aggregate") < 0.5 * bytes("aggregate"));
    assert!(bytes("avro") < bytes("aggregate"));
    assert!(bytes("avro-zstd-aggregate") < bytes("avro"));
    let ids = |list: &str| -> Vec<String> {
        let rows = report[list].as_array().unwrap();
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        ids("payloads"),
        [
            "one-by-one",
            "aggregate",
            "gzip-record",
            "zstd-record",
            "zstd-dictionary-record",
            "zstd-aggregate",
            "avro",
            "avro-zstd-aggregate"
        ]
    );
    assert_eq!(ids("outer_keys"), ["kpl", "first", "per-key", "lanes"]);
    for row in report["payloads"].as_array().unwrap() {
        assert!(number(row, "write_cpu") > 0.0 && number(row, "read_cpu") > 0.0, "{row}");
        let kinpack_only = row["id"].as_str().unwrap().ends_with("zstd-aggregate");
        assert_eq!(row["readers"] == "kinpack-only", kinpack_only, "{row}");
    }
}

#[test]
fn room_in_put_units_is_said_and_can_be_filled() {
    let rows = rows(3_000);
    let options = |more: &str| format!("--rate 1e6 --linger none {more}");
    let report = plan(&options("--max-size 10KiB"), &rows);
    let notes: Vec<&str> =
        report["notes"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    let note = notes.iter().find(|note| note.contains("--max-size")).unwrap();
    let size = note.split_once("--max-size ").unwrap().1.split_once(' ').unwrap().0;
    assert!(size.ends_with("0KiB"), "{note}");
    let larger = plan(&options(&format!("--max-size {size}")), &rows);
    let figures = |report: &Value| {
        let row = row(report, "payloads", "zstd-aggregate");
        (number(row, "kinesis_records"), number(row, "put_units"))
    };
    let ((records, units), (larger_records, larger_units)) = (figures(&report), figures(&larger));
    assert_eq!((units, larger_units), (records, larger_records), "each is one unit");
    assert!(larger_units <= units / 2.0, "{units} {larger_units}");

    // Aggregates that go out before they are full would not get larger.
    let slow = plan("--rate 10 --max-size 10KiB", &rows);
    assert!(!slow["notes"].to_string().contains("--max-size"), "{}", slow["notes"]);
}

#[test]
fn the_tables_fit_a_terminal_and_say_what_was_assumed() {
    let run = kinpack(&["plan", "--data", "json", "--rate", "1e9"], &rows(500));
    assert_eq!(run.status, 0);
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 120), "{}", run.stdout);
    for said in [
        "1,000,000,000 messages a second",
        " 1.00 M ",
        "full (50 KiB) or after 100 ms, by 1 producer, for 1 shard",
        "one by one, no aggregation",
        "for kinpack readers only",
        "see with --shards",
    ] {
        assert!(run.stdout.contains(said), "{said}: {}", run.stdout);
    }
    // Not more than can be said.
    let large =
        format!("{{\"partition_key\":\"k\",\"data\":\"{}\"}}\n", "x".repeat(500)).repeat(20);
    let notes = plan("--rate 1e9", &large)["notes"].to_string();
    assert!(notes.contains("see with --shards 65536\""), "{notes}");
    let run = kinpack(&["plan", "--lines", "--partition-key", "random"], "one\ntwo\n");
    assert!(run.stdout.starts_with("1,000 messages a second"), "{}", run.stdout);
}

#[test]
fn of_a_large_sample_the_beginning_is_taken() {
    let report = plan("--sample 10KiB", &rows(5_000));
    assert_eq!(report["sample"]["cut"], true);
    let messages = report["sample"]["messages"].as_u64().unwrap();
    assert!((50..200).contains(&messages), "{messages}");
    let notes = report["notes"].to_string();
    assert!(notes.contains(&format!("only the first {messages} messages")), "{notes}");
}
