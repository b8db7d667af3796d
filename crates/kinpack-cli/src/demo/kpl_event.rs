//! A Lambda event of aggregates that the KPL wrote.

use std::fmt::Write as _;

use kinpack::{Digest, UserRecord, deaggregate};
use kinpack_events::Document;

const EVENT: &[u8] = include_bytes!("../../assets/kpl-lambda-event.json");
/// What is in the event, by `assets/README.md`.
const KINESIS_RECORDS: usize = 5;
const USER_RECORDS: usize = 115;
/// Rows that are shown of each Kinesis record.
const SHOWN: usize = 4;

/// A table of some of the user records, and what it leaves out.
pub(super) fn table() -> Result<String, String> {
    let document = Document::parse(EVENT.to_vec()).map_err(|error| error.to_string())?;
    let mut table = format!(
        "{:>6} {:>4}  {:<5} {:<22} {:<17} {}\n",
        "record", "sub", "bytes", "data", "explicit hash key", "partition key"
    );
    let (mut kinesis_records, mut user_records) = (0, 0);
    for (number, record) in document.records().enumerate() {
        let data = record.data.map_err(|bad| bad.to_string())?;
        let contents = deaggregate(data, Digest::Verify).map_err(|error| error.to_string())?;
        let inside = contents.records(record.partition_key);
        kinesis_records += 1;
        user_records += inside.len();
        let more = inside.len().saturating_sub(SHOWN);
        for user_record in inside.take(SHOWN) {
            push_row(&mut table, number, &user_record);
        }
        if more > 0 {
            let _ = writeln!(table, "{:>11}  and {more} more", "...");
        }
    }
    if (kinesis_records, user_records) != (KINESIS_RECORDS, USER_RECORDS) {
        return Err(format!("{kinesis_records} Kinesis records with {user_records} user records"));
    }
    Ok(table)
}

/// The partition key stands last: not every character is one column wide.
fn push_row(table: &mut String, number: usize, record: &UserRecord<'_>) {
    let sub = match record.aggregated {
        true => record.sub_sequence_number.to_string(),
        false => "-".to_owned(),
    };
    // Writing into a string cannot fail.
    let _ = writeln!(
        table,
        "{number:>6} {sub:>4}  {:<5} {:<22} {:<17} {}",
        record.data.len(),
        shown(record.data),
        shortened(record.explicit_hash_key.unwrap_or("-"), 17),
        shortened(record.partition_key.unwrap_or("-"), 18),
    );
}

/// Text as it is, other bytes as hexadecimal digits.
fn shown(data: &[u8]) -> String {
    match std::str::from_utf8(data) {
        Ok(text) if !text.contains(char::is_control) => shortened(text, 22),
        _ => {
            let digits: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
            shortened(&digits, 22)
        }
    }
}

fn shortened(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    text.chars().take(columns - 3).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_whole() {
        let table = table().unwrap();
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    }

    #[test]
    fn bytes_and_long_texts_are_shown_in_short() {
        assert_eq!(shown(b"two words"), "two words");
        assert_eq!(shown(b"\xFF\0"), "ff00");
        assert_eq!(shown(b"a\nb"), "610a62");
        assert_eq!(shortened("123456", 6), "123456");
        assert_eq!(shortened("1234567", 6), "123...");
    }
}
