//! What an input may be, and how it is told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::run::{AGGREGATE, Run, Scratch, command, kinpack, unpack, vectors};

const PLAIN: &str = r#"{"Data":"aGk=","PartitionKey":"k","SequenceNumber":"7"}"#;

/// The payloads, if nothing was wrong.
#[track_caller]
fn payloads(args: &[&str], input: impl AsRef<[u8]>) -> Vec<Value> {
    let run = unpack(&[args, &["--data", "utf8"]].concat(), input);
    run.rows().iter_mut().map(|row| row["data"].take()).collect()
}

#[test]
fn rows_have_all_members_in_order() {
    let input = format!(
        r#"{{"Records":[{PLAIN},{{"Data":"{AGGREGATE}","PartitionKey":"a","SequenceNumber":"8"}}]}}"#
    );
    let expected = concat!(
        r#"{"sequence_number":"7","sub_sequence_number":0,"partition_key":"k","explicit_hash_key":null,"aggregated":false,"data":"aGk="}"#,
        "\n",
        r#"{"sequence_number":"8","sub_sequence_number":0,"partition_key":"a","explicit_hash_key":null,"aggregated":true,"data":"eA=="}"#,
        "\n",
        r#"{"sequence_number":"8","sub_sequence_number":1,"partition_key":"b","explicit_hash_key":null,"aggregated":true,"data":"eQ=="}"#,
        "\n",
    );
    assert_eq!(unpack(&[], input).text(), expected);
}

#[test]
fn every_document_is_known_by_its_shape() {
    let lambda = r#"{"Records":[{"kinesis":{"partitionKey":"k","sequenceNumber":"7","data":"aGk="},
        "eventID":"shardId-000000000006:7","eventSource":"aws:kinesis"}]}"#;
    let get_records = format!(r#"{{"Records":[{PLAIN}],"MillisBehindLatest":0}}"#);
    let subscribe = format!(r#"{{"SubscribeToShardEvent":{{"Records":[{PLAIN}]}}}}"#);
    let record_of_lambda = r#"{"partitionKey":"k","sequenceNumber":"7","data":"aGk="}"#;
    let array = format!("[{PLAIN}]");
    for document in [lambda, &get_records, &subscribe, PLAIN, record_of_lambda, &array] {
        let rows = unpack(&[], document).rows();
        assert_eq!(
            rows,
            [json!({"sequence_number": "7", "sub_sequence_number": 0, "partition_key": "k",
                "explicit_hash_key": null, "aggregated": false, "data": "aGk="})],
            "{document}"
        );
    }
    let firehose = r#"{"invocationId":"i","records":[{"recordId":"r","data":"aGk="}]}"#;
    assert_eq!(payloads(&[], firehose), ["hi"]);
}

#[test]
fn documents_follow_one_another_in_any_layout() {
    let value: Value = serde_json::from_str(PLAIN).unwrap();
    let pretty = serde_json::to_string_pretty(&json!({"Records": [value]})).unwrap();
    for input in [
        format!("{PLAIN}\n{PLAIN}\n{PLAIN}\n"),
        format!("{PLAIN}\r\n{PLAIN}\r\n\r\n{PLAIN}"),
        format!("{PLAIN}{PLAIN} {PLAIN}"),
        format!("\u{FEFF}\n  {PLAIN}\n{pretty}\n{pretty}"),
        format!("[{PLAIN},\n{PLAIN}]{PLAIN}"),
    ] {
        assert_eq!(payloads(&[], &input), ["hi", "hi", "hi"], "{input}");
    }
}

/// What is complete is shown, although nothing follows.
#[test]
fn a_complete_document_is_not_held_back() {
    let records = vec![serde_json::from_str::<Value>(PLAIN).unwrap(); 5_000];
    let document = json!({"Records": records});
    let pretty = serde_json::to_string_pretty(&document).unwrap();
    for text in [format!("{pretty}\n"), pretty, document.to_string(), r#"{"s3":1}"#.to_owned()] {
        let mut child = command(&["unpack", "--raw"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        let begin = &mut [0; 7];
        match text.contains("s3") {
            false => child.stdout.as_mut().unwrap().take(15_000).read_to_end(&mut Vec::new()),
            true => child.stderr.as_mut().unwrap().read(begin),
        }
        .unwrap();
        drop(stdin);
        child.wait().unwrap();
    }
}

#[test]
fn documents_may_be_larger_than_what_is_read_at_once() {
    let records: Vec<_> = (0..20_000)
        .map(|i| json!({"Data": "aGk=", "PartitionKey": format!("key {i}"), "SequenceNumber": i.to_string()}))
        .collect();
    let document = json!({"Records": records});
    let (line, pretty) = (document.to_string(), serde_json::to_string_pretty(&document).unwrap());
    let run = unpack(&[], format!("{line}\n{pretty}\n{line}{pretty}"));
    let numbers = run.member("sequence_number");
    assert_eq!(run.rows().len(), 80_000);
    assert!(
        numbers
            .iter()
            .zip((0..20_000).cycle())
            .all(|(number, i)| number.as_str() == Some(&*i.to_string()))
    );
}

#[test]
fn base64_is_one_aggregate_however_it_is_wrapped() {
    let (first, rest) = AGGREGATE.split_at(20);
    let wrapped = format!("  {first}\r\n{rest}\n");
    for input in [AGGREGATE, &wrapped] {
        assert_eq!(payloads(&[], input), ["x", "y"]);
    }
}

#[test]
fn each_line_that_begins_an_aggregate_is_one_of_its_own() {
    let (first, rest) = AGGREGATE.split_at(20);
    for input in [
        format!("{AGGREGATE}\n{AGGREGATE}"),
        format!("\n {first}\r\n{rest}\r\n\r\n  {first}\r\n{rest}\r\n"),
    ] {
        assert_eq!(payloads(&[], &input), ["x", "y", "x", "y"]);
        assert_eq!(payloads(&["--input", "base64"], &input), ["x", "y", "x", "y"]);
    }
    let run = unpack(&["--raw"], format!("{AGGREGATE}\n84mawg%\n{AGGREGATE}\n{AGGREGATE}"));
    assert_eq!((run.status, run.text()), (1, "x\ny\n84mawg%\nx\ny\nx\ny\n"));
    assert_eq!(run.stderr, "kinpack: standard input: line 2, byte 6: not base64\n");
}

#[test]
fn all_else_is_one_record() {
    assert_eq!(payloads(&[], " hello\n"), [" hello\n"]);
    // The base64 of something else is a text like any other.
    assert_eq!(payloads(&[], "aGk="), ["aGk="]);
    let raw = base64_simd_decoded(AGGREGATE);
    assert_eq!(payloads(&[], raw), ["x", "y"]);
}

fn base64_simd_decoded(text: &str) -> Vec<u8> {
    base64_simd::STANDARD.decode_to_vec(text).unwrap()
}

#[test]
fn nothing_is_no_record() {
    for input in ["", "\n", " \t\r\n"] {
        assert!(unpack(&[], input).rows().is_empty());
    }
    // What is said to be a record is one.
    assert_eq!(payloads(&["--input", "raw"], ""), [""]);
}

#[test]
fn a_kind_can_be_forced() {
    assert_eq!(payloads(&["--input", "base64"], "aGk=\n"), ["hi"]);
    assert_eq!(payloads(&["--input", "raw"], "{}"), ["{}"]);
    assert_eq!(payloads(&["--input", "raw"], AGGREGATE), [AGGREGATE]);
    assert_eq!(
        payloads(&["--input", "get-records"], format!(r#"{{"Records":[{PLAIN}]}}"#)),
        ["hi"]
    );
    assert_eq!(payloads(&["--input", "records"], r#"{"data":"aGk="}"#), ["hi"]);

    let other = unpack(&["--input", "firehose"], PLAIN);
    assert_eq!(other.status, 2);
    assert!(other.stderr.contains("line 1, byte 0: JSON that is not what --input firehose says"));
    assert_eq!(unpack(&["--input", "csv"], "").status, 2);
}

#[test]
fn json_of_no_known_shape_is_named_and_the_rest_is_done() {
    let run = unpack(&[], format!("{{\"s3\":1}}\n{PLAIN}\n17\n\"x\"\n{PLAIN}"));
    assert_eq!(run.status, 2);
    assert_eq!(run.member("data"), ["aGk=", "aGk="]);
    let expected = "kinpack: standard input: line 1, byte 0: JSON of no known shape; if it is one, \
        say so with --input lambda|get-records|subscribe-to-shard|firehose|records|base64|raw\n";
    assert!(run.stderr.starts_with(expected), "{}", run.stderr);
}

#[test]
fn each_file_is_told_on_its_own() {
    let json = Scratch::new("each.json", PLAIN);
    let base64 = Scratch::new("each.b64", AGGREGATE);
    let raw = Scratch::new("each.bin", "hello");
    let run = unpack(&["--raw", json.path(), base64.path(), "-", raw.path()], PLAIN);
    assert_eq!((run.status, run.text()), (0, "hi\nx\ny\nhi\nhello\n"));
}

#[test]
fn a_file_that_cannot_be_read_does_not_stop_the_others() {
    let good = Scratch::new("good.json", PLAIN);
    let folder = env!("CARGO_TARGET_TMPDIR");
    let run: Run =
        command(&["unpack", "--raw", "no/such/file", good.path(), folder]).output().unwrap().into();
    assert_eq!((run.status, run.text()), (2, "hi\n"));
    let lines: Vec<_> = run.stderr.lines().collect();
    assert!(lines[0].starts_with("kinpack: no/such/file: "), "{}", lines[0]);
    assert!(lines[1].starts_with(&format!("kinpack: {folder}: ")), "{}", lines[1]);
}

/// What the KPL has put on a stream comes back as the KCL reads it.
#[test]
fn the_kpls_own_records_are_unpacked() {
    for scenario in ["few-keys", "four-shards", "explicit-hash-key-some", "control-characters"] {
        let vectors = vectors(&format!("kpl/{scenario}.json"));
        let (mut input, mut expected) = (String::new(), Vec::new());
        for (number, entry) in vectors["entries"].as_array().unwrap().iter().enumerate() {
            let number = number.to_string();
            let record = json!({"Data": entry["data"], "PartitionKey": entry["partition_key"],
                "SequenceNumber": number});
            input += &format!("{record}\n");
            for row in entry["kcl"]["records"].as_array().unwrap() {
                let mut row = row.clone();
                row["sequence_number"] = number.clone().into();
                if row["aggregated"] == false {
                    // A reader never sees that of the entry.
                    row["explicit_hash_key"] = Value::Null;
                }
                expected.push(row);
            }
        }
        assert!(!expected.is_empty());
        assert_eq!(unpack(&[], input).rows(), expected, "{scenario}");
    }
}

#[test]
fn help_has_examples() {
    for command in ["unpack", "inspect"] {
        let help = kinpack(&[command, "--help"], "");
        assert_eq!(help.status, 0);
        assert!(help.text().contains("Examples:"));
        assert!(help.text().contains("Exit status:"));
        assert!(help.text().lines().all(|line| line.chars().count() <= 100), "{}", help.text());
    }
}

#[test]
fn blank_lines_after_base64_take_no_time() {
    // Looking back over all of them at each would take minutes.
    let input = format!("{AGGREGATE}{}", "\n".repeat(1 << 20));
    let began = std::time::Instant::now();
    let run = unpack(&[], input);
    assert_eq!(run.rows().len(), 2);
    assert!(began.elapsed() < std::time::Duration::from_secs(20));
}

/// Records that stand alone in a line are gathered: the rows must be those of each alone, whatever
/// stands between them, a fault at any place among them.
#[test]
fn what_is_gathered_is_told_as_if_alone() {
    let record = |i: usize| {
        format!(r#"{{"Data":"{AGGREGATE}","PartitionKey":"k{i}","SequenceNumber":"{i}"}}"#)
    };
    let mut broken = base64_simd_decoded(AGGREGATE);
    *broken.last_mut().unwrap() ^= 1;
    let broken = base64_simd::STANDARD.encode_to_string(&broken);
    let mut lines: Vec<String> = (0..300).map(record).collect();
    lines[7] = format!(r#"{{"Data":"{broken}","SequenceNumber":"7"}}"#);
    lines[131] = r#"{"Data":"?","SequenceNumber":"131"}"#.to_owned();
    lines[140] = r#"{"Data":no JSON}"#.to_owned();
    lines[141] = format!("{{\"Records\":[{},\n{}]}}", record(141), record(141));
    // Too long to be kept.
    lines[200] = format!(r#"{{"Data":"{}","SequenceNumber":"200"}}"#, "QUFB".repeat(100_000));
    lines[299] = r#"{"Data":"eA==","SequenceNumber":"299"}"#.to_owned();

    let together = unpack(&["--strict"], lines.join("\n"));
    let mut line = 1;
    let (mut rows, mut stderr) = (Vec::new(), String::new());
    for text in &lines {
        // In the same line of its input, all before it empty.
        let alone = unpack(&["--strict"], "\n".repeat(line - 1) + text);
        rows.extend(alone.faulty_rows());
        stderr += &alone.stderr;
        line += text.lines().count();
    }
    assert_eq!(together.status, 1);
    for (together, alone) in together.faulty_rows().iter().zip(&rows) {
        assert_eq!(together, alone);
    }
    assert_eq!(together.faulty_rows().len(), rows.len());
    assert_eq!(together.stderr, stderr);

    let mut lines = vec![AGGREGATE.to_owned(); 300];
    lines[150] = broken.clone();
    lines[151] = format!("84mawg?{AGGREGATE}");
    let told = unpack(&["--strict"], lines.join("\n"));
    assert_eq!(told.status, 1);
    assert_eq!(told.faulty_rows().len(), 2 * 298 + 2);
    let places: Vec<_> = told.stderr.lines().filter(|line| line.contains("line 15")).collect();
    assert_eq!(places.len(), 2, "{}", told.stderr);
}

/// Whoever writes a line and waits sees what it says.
#[test]
fn lines_before_a_pause_are_not_held_back() {
    // Of base64 the last line is known to end only where another begins.
    for (line, held) in
        [(format!("{{\"Data\":\"{AGGREGATE}\"}}\n"), 0), (format!("{AGGREGATE}\n"), 1)]
    {
        let mut child =
            command(&["unpack"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut rows = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut written, mut read) = (0, 0);
        for count in [1, 3, 200] {
            stdin.write_all(line.repeat(count).as_bytes()).unwrap();
            written += count;
            while read < 2 * (written - held) {
                rows.next().unwrap().unwrap();
                read += 1;
            }
        }
        drop(stdin);
        assert_eq!(rows.count(), 2 * held);
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}
