//! `kinpack doctor`, as it is run.
#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const STREAM: &str = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks";
const CONSUMER: &str = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks/consumer/c:1542889200";
const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:ingest";
const BUCKET: &str = "arn:aws:s3:::failed";

/// Exit status, output, messages.
fn doctor(words: &[&str], stdin: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kinpack"))
        .arg("doctor")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to_child = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // It may end before it has read all.
        scope.spawn(move || to_child.write_all(stdin.as_bytes()));
        child.wait_with_output().unwrap()
    });
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn file(name: &str, content: &Value) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("doctor-{name}.json"));
    std::fs::write(&path, content.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A mapping that nothing is wrong with, but for these members.
fn mapping(changes: Value) -> Value {
    let mut mapping = json!({
        "UUID": "14e0db71-5d35-4eb5-b481-8945cf9d10c2",
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 1,
        "ParallelizationFactor": 1,
        "EventSourceArn": STREAM,
        "FunctionArn": FUNCTION,
        "LastModified": "2026-05-01T12:34:56.789000+00:00",
        "LastProcessingResult": "OK",
        "State": "Enabled",
        "StateTransitionReason": "User action",
        "DestinationConfig": {"OnFailure": {"Destination": BUCKET}},
        "MaximumRecordAgeInSeconds": 86_400,
        "BisectBatchOnFunctionError": true,
        "MaximumRetryAttempts": -1,
        "TumblingWindowInSeconds": 0,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    });
    for (name, value) in changes.as_object().unwrap() {
        mapping[name] = value.clone();
    }
    mapping
}

fn function(timeout: u32) -> Value {
    json!({"FunctionName": "ingest", "FunctionArn": FUNCTION, "Timeout": timeout})
}

fn stream(changes: Value) -> Value {
    let mut summary = json!({
        "StreamName": "clicks", "StreamARN": STREAM, "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": "ON_DEMAND"}, "RetentionPeriodHours": 48,
        "RecordDistributionStrategy": "USER_PARTITION_KEY", "MaxRecordSizeInKiB": 1024,
    });
    for (name, value) in changes.as_object().unwrap() {
        summary[name] = value.clone();
    }
    json!({ "StreamDescriptionSummary": summary })
}

/// Severity and name of each finding.
fn found(words: &[&str], stdin: &Value) -> Vec<(String, String)> {
    let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
    let (status, stdout, stderr) = doctor(&words, &stdin.to_string());
    assert_eq!(stderr, "", "{words:?}");
    let finding = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        assert!(row["do"].is_string() || row["command"].is_string(), "{line}");
        assert!(!row["do"].as_str().is_some_and(|words| words.contains('{')), "{line}");
        for member in ["setting", "why", "subject"] {
            assert!(!row[member].as_str().unwrap().is_empty(), "{line}");
        }
        (row["severity"].as_str().unwrap().to_owned(), row["check"].as_str().unwrap().to_owned())
    };
    let findings: Vec<_> = stdout.lines().map(finding).collect();
    let hurts = findings.iter().any(|(severity, _)| severity != "advice");
    assert_eq!(status, i32::from(hurts), "{stdout}");
    findings
}

/// What a mapping with these members gives, as `severity check` words.
fn of_mapping(words: &str, changes: Value) -> Vec<String> {
    let words: Vec<&str> = ["--mapping", "-"].into_iter().chain(words.split_whitespace()).collect();
    let findings = found(&words, &mapping(changes));
    findings.into_iter().map(|(severity, check)| format!("{severity} {check}")).collect()
}

#[test]
fn where_nothing_is_wrong_nothing_is_found() {
    assert!(of_mapping("", json!({})).is_empty());
    let (status, stdout, _) = doctor(&["--mapping", "-"], &mapping(json!({})).to_string());
    assert_eq!(status, 0);
    assert!(stdout.ends_with("nothing found\n"), "{stdout}");
    // With all there is to look at, too.
    let mapping_file = file("well-mapping", &mapping(json!({})));
    let function_file = file("well-function", &function(60));
    let words = ["--mapping", &mapping_file, "--function", &function_file, "--stream", "-"];
    assert!(found(&words, &stream(json!({}))).is_empty());
}

#[test]
fn each_setting_has_its_finding() {
    let without = json!({"OnFailure": {}});
    for (words, changes, expected) in [
        ("", json!({"FunctionResponseTypes": []}), &["loses-data reporting"][..]),
        ("", json!({"FunctionResponseTypes": null}), &["loses-data reporting"]),
        ("--poison-after 3", json!({"MaximumRetryAttempts": 3}), &["loses-data attempts"]),
        ("--poison-after 3", json!({"MaximumRetryAttempts": 4}), &[]),
        ("", json!({"MaximumRetryAttempts": 4}), &["advice attempts"]),
        ("", json!({"MaximumRetryAttempts": 0}), &["loses-data attempts"]),
        ("", json!({"DestinationConfig": without}), &["loses-data discards"]),
        ("", json!({"DestinationConfig": null}), &["loses-data discards"]),
        ("", json!({"MaximumRecordAgeInSeconds": -1}), &["may-hurt endless"]),
        ("--poison-after 3", json!({"MaximumRecordAgeInSeconds": -1}), &[]),
        (
            "--poison-after 3",
            json!({"MaximumRecordAgeInSeconds": -1, "DestinationConfig": without}),
            &["advice endless"],
        ),
        (
            "",
            json!({"MaximumRecordAgeInSeconds": null, "MaximumRetryAttempts": null}),
            &["may-hurt endless"],
        ),
        ("", json!({"TumblingWindowInSeconds": 60}), &["may-hurt tumbling-window"]),
        ("", json!({"ParallelizationFactor": 10}), &["may-hurt parallelization"]),
        ("--outer-key kpl", json!({"ParallelizationFactor": 2}), &["may-hurt parallelization"]),
        ("--outer-key first", json!({"ParallelizationFactor": 2}), &["may-hurt parallelization"]),
        ("--outer-key per-key", json!({"ParallelizationFactor": 2}), &[]),
        ("--outer-key lanes", json!({"ParallelizationFactor": 2}), &[]),
        (
            "",
            json!({"LastProcessingResult": "PROBLEM: Function call failed"}),
            &["may-hurt last-result"],
        ),
        ("", json!({"State": "Disabled"}), &["advice state"]),
        ("", json!({"BisectBatchOnFunctionError": false}), &["advice bisect"]),
        (
            "",
            json!({"DestinationConfig":
                {"OnFailure": {"Destination": "arn:aws:sqs:eu-west-1:123456789012:q"}}}),
            &["advice on-failure"],
        ),
        ("", json!({"EventSourceArn": CONSUMER}), &["advice fan-out"]),
        (
            "",
            json!({"EventSourceArn": CONSUMER, "ParallelizationFactor": 2}),
            &["advice parallelization", "advice fan-out"],
        ),
    ] {
        assert_eq!(of_mapping(words, changes.clone()), expected, "{words} {changes}");
    }
}

#[test]
fn filters_discard_aggregates_but_for_fan_out() {
    let filtered = |arn: &str, pattern: &str| {
        of_mapping(
            "",
            json!({
                "EventSourceArn": arn, "FilterCriteria": {"Filters": [{"Pattern": pattern}]},
            }),
        )
    };
    for pattern in [
        r#"{"data":{"kind":["click"]}}"#,
        r#"{"partitionKey":["1"]}"#,
        r#"{"$or":[{"eventName":["x"]},{"data":{"a":[1]}}]}"#,
        "no pattern",
    ] {
        assert_eq!(filtered(STREAM, pattern), ["loses-data filter"], "{pattern}");
        assert_eq!(filtered(CONSUMER, pattern), ["advice filter", "advice fan-out"], "{pattern}");
    }
    assert!(filtered(STREAM, r#"{"eventName":["aws:kinesis:record"]}"#).is_empty());
    assert!(of_mapping("", json!({"FilterCriteria": {"Filters": []}})).is_empty());
    let error = json!({"FilterCriteriaError": {"ErrorCode": "KMSAccessDenied", "Message": "m"}});
    assert_eq!(of_mapping("", error), ["may-hurt filter-error"]);
}

#[test]
fn a_function_s_time_has_to_suffice() {
    let check = |words: &str, changes: Value, timeout: u32| -> Vec<String> {
        let function = file(&format!("function-{timeout}"), &function(timeout));
        of_mapping(&format!("--function {function} {words}"), changes)
    };
    assert_eq!(check("", json!({}), 3), ["may-hurt timeout"]);
    assert_eq!(check("--deadline-margin 60", json!({}), 60), ["may-hurt timeout"]);
    assert!(check("--deadline-margin 59", json!({}), 60).is_empty());
    let window = |seconds| json!({"MaximumBatchingWindowInSeconds": seconds});
    assert_eq!(check("", window(61), 60), ["may-hurt window"]);
    assert!(check("", window(60), 60).is_empty());
    let age = |seconds| json!({"MaximumRecordAgeInSeconds": seconds});
    assert_eq!(check("--poison-after 5", age(301), 60), ["may-hurt age"]);
    assert!(check("--poison-after 5", age(302), 60).is_empty());
    let lost = json!({"MaximumRecordAgeInSeconds": 60, "DestinationConfig": null});
    assert_eq!(check("", lost, 60), ["loses-data discards", "loses-data age"]);
    assert_eq!(check("", json!({"BatchSize": 10_000}), 29), ["advice batch-size"]);
    assert!(check("", json!({"BatchSize": 10_000}), 30).is_empty());
}

#[test]
fn a_stream_has_findings_of_its_own() {
    let of_stream = |changes| found(&["--stream", "-"], &stream(changes));
    let pair = |severity: &str, check: &str| (severity.to_owned(), check.to_owned());
    assert!(of_stream(json!({})).is_empty());
    let auto = json!({"RecordDistributionStrategy": "AUTO"});
    assert_eq!(of_stream(auto), [pair("loses-data", "distribution")]);
    let large = json!({"MaxRecordSizeInKiB": 10_240});
    assert_eq!(of_stream(large), [pair("may-hurt", "record-size")]);
    // How long is endless?
    let endless = mapping(json!({"MaximumRecordAgeInSeconds": -1}));
    let mapping = file("endless", &endless);
    let summary = stream(json!({})).to_string();
    let (_, stdout, _) = doctor(&["--mapping", &mapping, "--stream", "-"], &summary);
    let text = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("expires after 48 hours"), "{stdout}");
}

#[test]
fn a_function_alone_is_looked_at_too() {
    let mut configuration = function(3);
    configuration["DeadLetterConfig"] =
        json!({"TargetArn": "arn:aws:sqs:eu-west-1:123456789012:q"});
    let get_function = json!({"Configuration": configuration, "Code": {"Location": "l"}});
    for document in [&configuration, &get_function] {
        let checks: Vec<_> =
            found(&["--function", "-"], document).into_iter().map(|it| it.1).collect();
        assert_eq!(checks, ["timeout", "function-dlq"]);
    }
}

#[test]
fn the_worst_comes_first_and_is_told_for_people() {
    let mapping = mapping(json!({
        "BisectBatchOnFunctionError": false,
        "ParallelizationFactor": 2,
        "FunctionResponseTypes": [],
        "LastProcessingResult": "PROBLEM: \u{1b}[31mred",
    }));
    let (status, stdout, stderr) = doctor(&["--mapping", "-"], &mapping.to_string());
    assert_eq!((status, stderr.as_str()), (1, ""));
    let head = "stream clicks -> function ingest, mapping 14e0db71-5d35-4eb5-b481-8945cf9d10c2\n";
    assert!(stdout.starts_with(head), "{stdout}");
    let place = |text: &str| stdout.find(text).unwrap();
    assert!(place("LOSES DATA") < place("MAY HURT") && place("MAY HURT") < place("advice"));
    assert!(stdout.ends_with("\n1 loses data, 2 may hurt, 1 advice\n"), "{stdout}");
    let uuid = "14e0db71-5d35-4eb5-b481-8945cf9d10c2";
    let command =
        format!("aws lambda update-event-source-mapping --uuid {uuid} --function-response");
    assert!(stdout.contains(&command), "{stdout}");
    assert!(!stdout.contains('\u{1b}'));
    let is_command = |line: &&str| line.contains("aws ");
    assert!(stdout.lines().filter(|line| !is_command(line)).all(|line| line.len() <= 96));
}

#[test]
fn lists_are_looked_at_mapping_by_mapping() {
    let other = mapping(json!({
        "UUID": "other", "FunctionArn": format!("{FUNCTION}-2:live"), "FunctionResponseTypes": [],
    }));
    let queue = json!({"UUID": "q", "EventSourceArn": "arn:aws:sqs:eu-west-1:123456789012:q"});
    let list = json!({"EventSourceMappings": [mapping(json!({})), queue, other], "NextToken": "t"});
    let (status, stdout, stderr) = doctor(&["--mapping", "-", "--json"], &list.to_string());
    assert_eq!(status, 1);
    let row: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&row["uuid"], &row["check"]), (&json!("other"), &json!("reporting")));
    assert_eq!(row["subject"], "stream clicks -> function ingest-2");
    assert!(stderr.contains("1 of 3 mappings are not of Kinesis streams"), "{stderr}");
    assert!(stderr.contains("the list goes on"), "{stderr}");
}

#[test]
fn what_is_not_what_it_should_be_ends_with_2() {
    let well = file("usage-mapping", &mapping(json!({})));
    let mut stranger = function(60);
    stranger["FunctionArn"] = json!(format!("{FUNCTION}-2"));
    let foreign = stream(json!({"StreamARN": format!("{STREAM}-2")}));
    let queue = mapping(json!({"EventSourceArn": "arn:aws:sqs:eu-west-1:123456789012:q"}));
    for (words, stdin, message) in [
        (&[][..], String::new(), "--mapping"),
        (&["--mapping", "no-such-file"], String::new(), "no-such-file: "),
        (&["--mapping", "-", "--stream", "-"], String::new(), "only one of the files"),
        (&["--mapping", "-"], "{".to_owned(), "standard input: not JSON"),
        (&["--mapping", "-"], "[]".to_owned(), "not the output of get-event-source-mapping"),
        (
            &["--mapping", "-"],
            function(3).to_string(),
            "not the output of get-event-source-mapping",
        ),
        (&["--mapping", "-"], queue.to_string(), "no mapping of a Kinesis stream"),
        (
            &["--mapping", "-"],
            mapping(json!({"BatchSize": "many"})).to_string(),
            "invalid type: string \"many\"",
        ),
        (&["--function", "-"], "{}".to_owned(), "not the output of get-function-configuration"),
        (&["--stream", "-"], function(3).to_string(), "not the output of describe-stream-summary"),
        (
            &["--mapping", &well, "--function", "-"],
            stranger.to_string(),
            "--function: it is not the function of any --mapping",
        ),
        (
            &["--mapping", &well, "--stream", "-"],
            foreign.to_string(),
            "--stream: it is not the stream of any --mapping",
        ),
        (&["--mapping", "-", "--poison-after", "0"], String::new(), "--poison-after"),
    ] {
        let (status, stdout, stderr) = doctor(words, &stdin);
        assert_eq!((status, stdout.as_str()), (2, ""), "{words:?} {stdin}");
        assert!(stderr.contains(message), "{words:?}: {stderr}");
    }
}

#[test]
fn a_closed_pipe_changes_neither_the_status_nor_the_messages() {
    for (changes, status) in [(json!({}), 0), (json!({"FunctionResponseTypes": []}), 1)] {
        let path = file("pipe", &mapping(changes));
        for json in [&[][..], &["--json"]] {
            // Closed before it starts, so that its first write fails.
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let output = Command::new(env!("CARGO_BIN_EXE_kinpack"))
                .args(["doctor", "--mapping", &path])
                .args(json)
                .stdout(writer)
                .stderr(Stdio::piped())
                .spawn()
                .and_then(std::process::Child::wait_with_output)
                .unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!((output.status.code(), stderr.as_str()), (Some(status), ""), "{json:?}");
        }
    }
}
