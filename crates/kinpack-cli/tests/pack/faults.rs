//! Lines that cannot be packed, usage that makes no sense, input and output that fail.

use std::process::{Command, Stdio};

use crate::{data_of, file, kinpack, row, unpacked};

#[test]
fn faulty_lines_are_reported_and_the_rest_goes_on() {
    let input = [
        row("k", None, b"1"),
        "not json\n".to_owned(),
        "\n \r\n".to_owned(),
        r#"{"partition_key":null,"data":"aGk="}"#.to_owned() + "\n",
        r#"{"partition_key":"k","data":"a?k="}"#.to_owned() + "\n",
        r#"{"partition_key":"k"}"#.to_owned() + "\n",
        row("k", Some("340282366920938463463374607431768211456"), b""),
        row("k", Some("-1"), b""),
        r#"{"partition_key":"k","data":"aGk=","error":"broken at byte 7"}"#.to_owned() + "\n",
        r#"{"partition_key":"\ud800","data":"aGk="}"#.to_owned() + "\n",
        // The last line needs no line feed.
        row("k", None, b"2").trim_end().to_owned(),
    ];
    let run = kinpack(&["pack"], input.concat());
    assert_eq!(run.status, 1);
    let expected = [
        "line 2: not a row: expected ident (byte 2)",
        "line 5: no partition key; ",
        "line 6: the data is not base64 (byte 1)",
        "line 7: no data",
        "line 8: the explicit hash key: a hash key is below 2^128",
        "line 9: the explicit hash key: a hash key is a decimal number",
        "line 10: the row is marked as faulty: broken at byte 7",
        "line 11: not a row: ",
    ];
    let complaints: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(complaints.len(), expected.len(), "{}", run.stderr);
    for (complaint, expected) in complaints.iter().zip(expected) {
        let start = format!("kinpack: standard input: {expected}");
        assert!(complaint.starts_with(&start), "{complaint}");
    }
    let data: Vec<_> = unpacked(&run.documents()[0]).into_iter().map(|(_, data)| data).collect();
    assert_eq!(data, [b"1", b"2"]);
}

#[test]
fn usage_that_makes_no_sense_is_said_before_anything_is_written() {
    for (options, complaint) in [
        ("--output put-records", "--stream"),
        ("--output put-records --stream a/b", "ARN of a stream"),
        (
            "--output event --stream arn:x:stream/",
            "arn:aws:kinesis:<region>:<account>:stream/<name>",
        ),
        ("--output nothing", "put-records"),
        ("--lines", "--partition-key"),
        ("--partition-key k", "--lines"),
        ("--lines --partition-key k --data hex", "cannot be used with"),
        ("--shards 2 --shard-map x", "cannot be used with"),
        ("--shards 0", "1..=65536"),
        ("--max-size 50KB", "KiB"),
        ("--max-size 63", "64 bytes"),
        ("--max-size 2MiB", "1048576"),
        ("--record-limit 11MiB", "10485760"),
        ("--max-count 0", "0"),
        ("--outer-key lane:3", "lanes:N"),
        ("--outer-key lanes:0", "1 to 65535"),
        ("--output event --max-size 5MiB --record-limit 10MiB", "at most 4493856"),
    ] {
        let words: Vec<&str> = ["pack"].into_iter().chain(options.split_whitespace()).collect();
        let run = kinpack(&words, row("k", None, b"1"));
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{options}");
        assert!(run.stderr.contains(complaint), "{options}: {}", run.stderr);
    }
    let long = "k".repeat(257);
    for (key, complaint) in [("", "is empty"), (long.as_str(), "257 UTF-16 units")] {
        let run = kinpack(&["pack", "--lines", "--partition-key", key], "1\n");
        assert_eq!(run.status, 2);
        assert!(run.stderr.starts_with("kinpack: --partition-key: the partition key"));
        assert!(run.stderr.contains(complaint));
    }
}

#[test]
fn a_file_that_cannot_be_read_does_not_stop_the_others() {
    let good = file("faults-good", row("k", None, b"1"));
    let bad = file("faults-bad", "{\n");
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    let missing = good.replace("faults-good", "faults-missing");
    let directory = env!("CARGO_TARGET_TMPDIR");
    let run = kinpack(&["pack", good, &missing, directory, bad, good], "");
    assert_eq!(run.status, 2);
    let complaints: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(complaints.len(), 3, "{}", run.stderr);
    assert!(complaints[0].starts_with(&format!("kinpack: {missing}: No such file")));
    assert!(complaints[1].starts_with(&format!("kinpack: {directory}: ")));
    assert!(complaints[2].starts_with(&format!("kinpack: {bad}: line 1: not a row: EOF")));
    assert_eq!(unpacked(&run.documents()[0]).len(), 2);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let input = file("faults-much", crate::rows(20_000, 100));
    for options in ["--max-size 1KiB", "--output event", "--output put-records --stream s"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kinpack"))
            .arg("pack")
            .args(options.split(' '))
            .arg(&input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{options}");
    }
}

#[test]
fn a_lone_record_that_is_an_aggregate_is_warned_about() {
    let aggregate = data_of(&crate::pack("", crate::rows(2, 10))[0]);
    let run = kinpack(&["pack"], row("k", None, &aggregate));
    assert_eq!(run.status, 0);
    assert_eq!(
        run.stderr,
        "kinpack: warning: Kinesis record 1 (key \"k\") is one user record whose own bytes are an \
         aggregate: readers will unpack it\n"
    );
    assert_eq!(data_of(&run.documents()[0]), aggregate);

    // Not if it is inside another, nor if readers would not take it for one.
    let mut damaged = aggregate.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(crate::pack("--outer-key lanes:1", row("k", None, &aggregate)).len(), 1);
    assert_eq!(crate::pack("", row("k", None, &aggregate).repeat(2)).len(), 1);
    assert_eq!(crate::pack("", row("k", None, &damaged)).len(), 1);
}

#[test]
fn a_record_above_a_lambda_event_is_warned_about() {
    let size = 4_499_700;
    let input = row("k", None, &vec![b'x'; size]);
    let warning = "warning: Kinesis record 1 (key \"k\") is above what a Lambda event can carry";
    let run = kinpack(&["pack", "--record-limit", "10MiB"], &input);
    assert_eq!(run.status, 0);
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    assert_eq!(data_of(&run.documents()[0]).len(), size);

    // A fault only where events are asked for.
    let run = kinpack(&["pack", "--record-limit", "10MiB", "--output", "event"], &input);
    assert_eq!((run.status, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("line 1: 4499700 bytes are above what a Lambda event can carry"));
}

/// It is the event's own size that decides, and so the length of the names in it.
#[test]
fn a_record_is_refused_only_where_an_event_cannot_hold_it() {
    let key = "\u{1}".repeat(256);
    let arn = format!("arn:aws:kinesis:us-east-1:123456789012:stream/{}", "s".repeat(128));
    let id = "i".repeat(128);
    let shards = serde_json::json!({"Shards": [{"ShardId": id, "HashKeyRange": {
        "StartingHashKey": "0", "EndingHashKey": u128::MAX.to_string(),
    }}]});
    let map = file("faults-map", shards.to_string());
    let names = ["--stream", &arn, "--shard-map", map.to_str().unwrap()];
    for (names, key, policy) in [
        (&[][..], "k", "kpl"),
        (&[], "k", "per-key"),
        (&[], &key, "kpl"),
        (&[], &key, "lanes:65535"),
        (&names, &key, "first"),
        (&names, "k", "lanes:1"),
    ] {
        let words = ["pack", "--output", "event", "--record-limit", "10MiB", "--outer-key", policy];
        let words: Vec<&str> = words.iter().chain(names).copied().collect();
        let event = |size| kinpack(&words, row(key, None, &vec![b'x'; size]));
        // What a small record's event has besides the data; an aggregate's lengths grow with it.
        let around = event(3).stdout.len() - 4;
        let mut size = (6_000_000 - around) / 4 * 3;
        let mut run = event(size);
        let least = size - 1_024;
        while run.status != 0 && size > least {
            size -= 3;
            run = event(size);
        }
        assert_eq!(run.stderr, "", "{policy}");
        assert!((5_999_980..=6_000_000).contains(&run.stdout.len()), "{}", run.stdout.len());
        let refused = event(size + 20);
        assert_eq!((refused.status, refused.stdout.as_str()), (1, ""), "{policy}");
        let fault = format!("{} bytes are above what a Lambda event", size + 20);
        assert!(refused.stderr.contains(&fault), "{}", refused.stderr);
    }
}
