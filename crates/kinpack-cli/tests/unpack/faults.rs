//! What is wrong with an input is said, and the rest is done.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::run::{AGGREGATE, Run, Scratch, command, reader_case, unpack};

const GOOD: &str = r#"{"Data":"aGk=","PartitionKey":"k","SequenceNumber":"7"}"#;

#[test]
fn a_malformed_line_is_one_faulty_record() {
    let file =
        Scratch::new("malformed.json", format!("{GOOD}\n{{\"Data\":\"aGk=\", oops}}\n{GOOD}\n"));
    let run = unpack(&[file.path()], "");
    assert_eq!(run.status, 1);
    let error = "line 2, byte 16: not JSON: key must be a string";
    assert_eq!(run.stderr, format!("kinpack: {}: {error}\n", file.path()));
    let rows = run.faulty_rows();
    assert_eq!(rows.len(), 3);
    assert_eq!(
        rows[1],
        json!({"sequence_number": null, "sub_sequence_number": 0, "partition_key": null,
            "explicit_hash_key": null, "aggregated": false, "data": null,
            "text": "{\"Data\":\"aGk=\", oops}", "error": error})
    );
}

/// After a fault the next line that may begin a document is gone on with.
#[test]
fn reading_goes_on_where_a_document_may_begin() {
    for (input, texts, good) in [
        // The line of the fault is a document itself, and so are lines before it.
        (format!("{{\"Records\":[\n{GOOD}\n{GOOD}\n{GOOD}"), vec!["{\"Records\":["], 3),
        (format!("[\n{GOOD}\n{GOOD}\n{GOOD}"), vec!["[\n{GOOD}"], 2),
        (format!("{{\"a\": 1,\n{GOOD}\n"), vec!["{\"a\": 1,"], 1),
        // Lines that begin with neither `{` nor `[`.
        (format!("{{oops\nmore\n  }}\n[{GOOD}]\n"), vec!["{oops\nmore\n  }"], 1),
        // Where the fault is not in the first line, such as are indented belong to the document.
        (format!("{{\noops\n  {{\n}}\n[{GOOD}]\n"), vec!["{\noops\n  {\n}"], 1),
        (format!(" {{\n  oops\n  {{\n }}\n {GOOD}\n"), vec!["{\n  oops\n  {\n }"], 1),
        // Else they may be documents, as the line with the fault was meant to be.
        (format!("{{oops\n\t{GOOD}\r\n \n {GOOD}\n"), vec!["{oops"], 2),
        (format!("{GOOD}\n, \n  {GOOD}"), vec![","], 2),
        // Lines that break off, each before one that is whole.
        (format!("[{GOOD},\n{GOOD}\n{GOOD}\n"), vec!["[{GOOD},"], 2),
        (format!("  [{GOOD},\n  {GOOD}\n  {GOOD}\n"), vec!["[{GOOD},"], 2),
        (format!("{GOOD} [1,\n{GOOD}\n{GOOD}\n"), vec!["[1,"], 3),
        (
            format!("[{GOOD},\n[1,\n[{GOOD},\n{GOOD}\n{{}}}}"),
            vec!["[{GOOD},", "[1,", "[{GOOD},", "}"],
            1,
        ),
        // What stands behind a document on its line.
        (format!("{GOOD} oops {GOOD}\n{GOOD}"), vec!["oops {GOOD}"], 2),
        (format!("{GOOD}\nnull, {GOOD}\n,\n{GOOD}"), vec![", {GOOD}\n,"], 2),
        // A line that breaks off in the middle of a string.
        (format!("{{\"Data\":\"aG\n{GOOD}\n"), vec!["{\"Data\":\"aG"], 1),
        (format!("{{x\n{{y\n{GOOD}\n{{z"), vec!["{x", "{y", "{z"], 1),
        (format!("{GOOD}\r\n{{x\r\n\r\n{GOOD}\r\n"), vec!["{x"], 2),
    ] {
        let run = unpack(&[], &input);
        let rows = run.faulty_rows();
        let found: Vec<_> = rows.iter().filter_map(|row| row["text"].as_str()).collect();
        let texts: Vec<_> = texts.iter().map(|text| text.replace("{GOOD}", GOOD)).collect();
        assert_eq!(found, texts, "{input}");
        assert_eq!(rows.iter().filter(|row| row["data"] == "aGk=").count(), good, "{input}");
        let unknown = input.contains("null,") || input.contains("{}}");
        assert_eq!(run.status, if unknown { 2 } else { 1 }, "{input}");
    }
}

#[test]
fn a_line_that_breaks_off_takes_no_other_with_it() {
    let input = format!("{{\"Records\":[{GOOD},\n{{\"Records\":[{GOOD}]}}\n{GOOD}\n");
    let run = unpack(&[], &input);
    let rows = run.faulty_rows();
    assert_eq!((run.status, rows.len()), (1, 3));
    assert_eq!(rows[0]["text"], format!("{{\"Records\":[{GOOD},"));
    assert_eq!(rows[0]["error"], "line 1, byte 68: not JSON: the document breaks off here");
    assert_eq!((&rows[1]["data"], &rows[2]["data"]), (&json!("aGk="), &json!("aGk=")));

    // Many of them, deeper in one another than JSON may be.
    let run = unpack(&[], format!("{}{GOOD}\n{GOOD}", "{\"Records\":[\n".repeat(1_000)));
    let rows = run.faulty_rows();
    assert_eq!((run.status, rows.len()), (1, 1_002));
    assert!(rows[..1_000].iter().all(|row| row["text"] == "{\"Records\":["));

    let run = unpack(&[], format!("{{\"Records\":\n{GOOD}\n"));
    assert_eq!((run.status, run.member("text")[0].as_str()), (2, Some("{\"Records\":")));
    assert_eq!(run.member("data"), [Value::Null, json!("aGk=")]);
}

#[test]
fn elements_of_an_array_may_stand_where_documents_do() {
    let lines = vec![GOOD; 10_000].join(",\n");
    for document in
        [format!("[\n{lines}\n]"), format!("[{lines}]"), format!("{{\"Records\":[\n{lines}]}}")]
    {
        assert_eq!(unpack(&[], document).rows().len(), 10_000);
    }
}

#[test]
fn indented_lines_after_a_fault_are_read() {
    let run = unpack(&["--raw"], format!("{{bad\n{}", format!(" {GOOD}\n").repeat(200_000)));
    assert_eq!(run.status, 1);
    assert!(run.text() == format!("{{bad\n{}", "hi\n".repeat(200_000)));
}

/// Text that is not JSON is not kept until its end.
#[test]
fn a_large_text_that_is_not_json_comes_in_pieces() {
    let filler = "\u{e9}\n".repeat(7 << 20);
    for end in ["", "\n", "    \n"] {
        let run = unpack(&[], format!("{{bad{filler} {GOOD}\n{{bad{end}"));
        let mut texts: Vec<_> = run.member("text");
        assert_eq!((run.status, texts.len()), (1, 4));
        assert_eq!(texts.pop().unwrap(), "{bad");
        assert_eq!(texts.pop().unwrap(), Value::Null);
        let text: String = texts.iter().map(|text| text.as_str().unwrap()).collect();
        assert!(text == format!("{{bad{}", filler.trim_end()));
        assert!(run.stderr.lines().take(2).all(|line| line.contains("line 1, byte 1: not JSON")));
    }
    let run = unpack(&[], format!("{{bad{}\n{GOOD}\n", " ".repeat(40 << 20)));
    let texts = run.member("text");
    assert!(texts.iter().filter_map(Value::as_str).all(|text| !text.is_empty()));
    assert_eq!(run.member("data").last().unwrap(), "aGk=");
}

/// Where the pieces that are read at once end, nothing is lost or seen twice.
#[test]
fn faults_may_lie_anywhere_in_what_is_read() {
    let mut input = String::new();
    for i in 0..3_000 {
        let filler = "x".repeat(i * 7919 % 900);
        input += &format!("{{\"SequenceNumber\":\"{i}\",\"Data\":\"aGk=\",\"x\":\"{filler}\"}}\n");
        input += &format!("{{\"{filler}\" oops {i}\n");
    }
    let run = unpack(&[], &input);
    let rows = run.faulty_rows();
    assert_eq!((run.status, rows.len()), (1, 6_000));
    for (i, pair) in rows.chunks(2).enumerate() {
        assert_eq!(pair[0]["sequence_number"], i.to_string());
        assert!(pair[1]["text"].as_str().unwrap().ends_with(&format!("oops {i}")));
        assert!(pair[1]["error"].as_str().unwrap().starts_with(&format!("line {}, ", 2 * i + 2)));
    }
}

#[test]
fn text_that_is_not_json_is_read_in_linear_time() {
    let pieces = [
        "[\n",
        "{\"a\":\n",
        "[1,\n2\n",
        "oops\n",
        "{\"\n",
        "{}}\n",
        "\"{\n",
        "[1,\n",
        "[1,\n[2],\n",
        "{\"a\":\"\",\"b\":\n",
        ",\n {\n",
    ];
    for piece in pieces {
        // Very many lines; were each to go through the rest, the test would not end.
        let run = unpack(&["--raw"], format!("{GOOD}\n{}", piece.repeat(50_000)));
        assert!(run.text().starts_with("hi\n"), "{piece:?}");
        assert_ne!(run.status, 0, "{piece:?}");
    }
}

#[test]
fn a_document_that_breaks_off_says_where_it_began() {
    for (cut, line, byte) in
        [("\n{\"Records\":[\n", 2, 0), ("\n\n  [", 3, 2), ("{\"a\":\"", 1, 55), ("\n{", 2, 0)]
    {
        let run = unpack(&[], format!("{GOOD}{cut}"));
        assert_eq!(run.status, 2, "{cut:?}");
        assert_eq!(run.member("data"), [json!("aGk="), Value::Null], "{cut:?}");
        assert_eq!(run.member("text")[1], cut.trim(), "{cut:?}");
        assert_eq!(
            run.stderr,
            format!(
                "kinpack: standard input: line {line}, byte {byte}: \
                 the document that begins here breaks off at the end of the input\n"
            )
        );
    }
}

#[test]
fn bad_base64_is_one_faulty_record_and_keeps_its_text() {
    let input = format!(
        "{GOOD}\n{{\"Records\":[\n {GOOD},\n {{\"Data\":\"a?k=\",\"PartitionKey\":\"p\",\
         \"SequenceNumber\":\"8\"}},\n {{\"PartitionKey\":\"q\"}}, {GOOD}]}}"
    );
    let run = unpack(&[], input);
    assert_eq!(run.status, 1);
    let rows = run.faulty_rows();
    assert_eq!(rows.len(), 5);
    assert_eq!(
        rows[2],
        json!({"sequence_number": "8", "sub_sequence_number": 0, "partition_key": "p",
            "explicit_hash_key": null, "aggregated": false, "data": null, "text": "a?k=",
            "error": "line 4, byte 11, record 1 (sequence number 8): the data is not base64"})
    );
    assert_eq!(rows[3]["text"], r#"{"PartitionKey":"q"}"#);
    assert_eq!(rows[3]["error"], "line 5, byte 1, record 2: the record has no data");
    assert_eq!(run.stderr.lines().count(), 2);

    let broken = AGGREGATE.replace("Yh", "Y%\n");
    let run = unpack(&[], &broken);
    assert_eq!((run.status, &run.faulty_rows()[0]["text"]), (1, &Value::from(broken)));
    assert_eq!(run.member("error"), ["line 1, byte 13: not base64"]);
    let short = unpack(&["--input", "base64"], "aGk");
    assert_eq!((short.status, short.member("error")), (1, vec![Value::from("not base64")]));
}

/// The KCL would lose records of it, so it is said, and handed on whole.
#[test]
fn an_index_outside_its_table_is_a_fault() {
    let data = reader_case("indices", "key-index-middle");
    let input =
        format!(r#"{GOOD}{{"Data":"{data}","PartitionKey":"o","SequenceNumber":"8"}}{GOOD}"#);
    let run = unpack(&[], &input);
    assert_eq!(run.status, 1);
    let error = "user record 1 points at partition key 2 of a table of 2 (byte 17)";
    assert_eq!(
        run.faulty_rows()[1],
        json!({"sequence_number": "8", "sub_sequence_number": 0, "partition_key": "o",
            "explicit_hash_key": null, "aggregated": false, "data": data, "error": error})
    );
    assert_eq!(
        run.stderr,
        format!("kinpack: standard input: line 1, record 0 (sequence number 8): {error}\n")
    );
    // Also where no payload would be base64.
    assert_eq!(unpack(&["--data", "hex"], &input).faulty_rows()[1]["data"], *data);
}

#[test]
fn raw_writes_what_is_faulty_as_it_came() {
    let data = reader_case("indices", "key-index-middle");
    let bytes = base64_simd::STANDARD.decode_to_vec(&data).unwrap();
    let run = unpack(&["--raw"], format!("{{\"Data\":\"{data}\"}}\n{{oops\n{{\"Data\":\"a?\"}}\n"));
    assert_eq!(run.status, 1);
    assert_eq!(run.stdout, [&bytes[..], b"\n{oops\na?\n"].concat());
    assert_eq!(run.stderr.lines().count(), 3);
}

#[test]
fn text_that_is_not_utf8_is_still_kept() {
    let run = unpack(&[], b"{\"a\xFF\n");
    assert_eq!((run.status, run.member("text")), (1, vec![Value::from("{\"a\u{FFFD}")]));
    assert_eq!(unpack(&["--raw"], b"{\"a\xFF\n").stdout, b"{\"a\xFF\n");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let file = Scratch::new("pipe.json", format!("{GOOD}\n").repeat(100_000));
    for args in [&["unpack"][..], &["unpack", "--raw"], &["inspect"], &["inspect", "--json"]] {
        let mut child = command(&[args, &[file.path()]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // As `head` does.
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let run = Run::from(child.wait_with_output().unwrap());
        assert!(line.ends_with('\n'));
        assert_eq!((run.status, &*run.stderr), (0, ""), "{args:?}");
    }
}

#[test]
fn nobody_need_listen_on_stderr() {
    let mut child =
        command(&["unpack", "no/such/file"]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(2));
}
