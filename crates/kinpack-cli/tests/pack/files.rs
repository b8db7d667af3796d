//! Where user records come from: files and standard input, rows and lines, formats of the data.

use crate::{data_of, file, kinpack, pack, row, unpacked};

fn data(entries: &[serde_json::Value]) -> Vec<String> {
    let records = entries.iter().flat_map(unpacked);
    records.map(|(_, data)| String::from_utf8(data).unwrap()).collect()
}

#[test]
fn files_and_standard_input_are_read_in_order() {
    let first = file("files-first", row("k", None, b"first").trim_end());
    let second = file("files-second", row("k", None, b"second"));
    let words = ["pack", second.to_str().unwrap(), "-", first.to_str().unwrap()];
    let run = kinpack(&words, row("k", None, b"middle"));
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert_eq!(data(&run.documents()), ["second", "middle", "first"]);
    assert_eq!(pack("", "").len(), 0);
}

#[test]
fn data_has_formats() {
    for (format, values) in [
        ("base64", [r#""aGk=""#, r#""""#]),
        ("utf8", [r#""h\u0069""#, r#""""#]),
        ("hex", [r#""6869""#, r#""""#]),
        ("json", ["hi", ""]),
    ] {
        let values = if format == "json" { [r#"{"a": [1.50, null]}"#, "null"] } else { values };
        let rows: String = values
            .iter()
            .map(|value| format!("{{\"data\":{value},\"partition_key\":\"k\"}}\n"))
            .collect();
        let packed = data(&pack(&format!("--data {format}"), rows));
        match format {
            "json" => assert_eq!(packed, values, "as it stands"),
            _ => assert_eq!(packed, ["hi", ""], "{format}"),
        }
    }
    let run = kinpack(&["pack", "--data", "hex"], row("k", None, b"hi"));
    assert_eq!(run.status, 1);
    assert!(run.stderr.contains("not hexadecimal"));
}

#[test]
fn lines_are_data_as_they_are() {
    let entries = pack("--lines --partition-key k", "one\n\ntwo \r\n{}\nlast");
    assert_eq!(data(&entries), ["one", "", "two \r", "{}", "last"]);
    assert!(unpacked(&entries[0]).iter().all(|(key, _)| key == "k"));
    let entries = pack("--lines --partition-key k", b"\xFF\0\n");
    assert_eq!(data_of(&entries[0]), b"\xFF\0");
}

#[test]
fn random_keys_spread_lines_over_the_shards() {
    let entries = pack("--lines --partition-key random --shards 4", "line\n".repeat(1_000));
    assert_eq!(entries.len(), 4);
    let mut keys: Vec<_> =
        entries.iter().flat_map(unpacked).map(|(partition_key, _)| partition_key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 1_000);
}
