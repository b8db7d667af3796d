//! Lists of records that look alike, and any bytes in their place: the quick way to read them must
//! find what the general way finds.
#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/kinpack-events/tests/general/mod.rs"]
mod general;

fuzz_target!(|bytes: &[u8]| {
    general::check(bytes);
    if let Ok(event) = event(&mut Unstructured::new(bytes)) {
        general::check(&event);
    }
});

/// A record's members, rarely with JSON that has no place in them.
#[derive(Arbitrary)]
struct Record<'a> {
    key: Option<&'a str>,
    number: u32,
    repeats_number: bool,
    data: &'a [u8],
    millis: u64,
    odd: Option<(u8, &'a [u8])>,
}

impl Record<'_> {
    fn write(&self, is_lambda: bool, out: &mut Vec<u8>) {
        let key = self.key.map_or("null".to_owned(), |key| format!("{key:?}"));
        let data = base64(self.data);
        let (number, seconds) = (self.number, self.millis as f64 / 1e3);
        let id = if self.repeats_number { number } else { number / 2 };
        let record = if is_lambda {
            format!(
                r#"{{"kinesis":{{"partitionKey":{key},"sequenceNumber":"{number}","data":"{data}","approximateArrivalTimestamp":{seconds}}},"eventID":"shardId-0:{id}","awsRegion":"r"}}"#
            )
        } else {
            format!(
                r#"{{"SequenceNumber":"{number}","ApproximateArrivalTimestamp":{seconds},"Data":"{data}","PartitionKey":{key}}}"#
            )
        };
        let mut record = record.into_bytes();
        if let Some((at, odd)) = self.odd {
            let at = usize::from(at) % record.len();
            let end = record.len().min(at + odd.len());
            record.splice(at..end, odd.iter().copied());
        }
        out.extend(record);
    }
}

fn event(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let (is_lambda, tail): (bool, &str) = input.arbitrary()?;
    let mut out = br#"{"Records":["#.to_vec();
    for (i, record) in input.arbitrary_iter::<Record<'_>>()?.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        record?.write(is_lambda, &mut out);
    }
    out.push(b']');
    if !tail.is_empty() {
        out.push(b',');
    }
    out.extend(tail.bytes());
    out.push(b'}');
    Ok(out)
}

/// Written out, so that nothing but the parser depends on a codec.
fn base64(data: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in data.chunks(3) {
        let word = (0..3).fold(0, |word, i| word << 8 | u32::from(*three.get(i).unwrap_or(&0)));
        for i in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * i) & 63) as usize];
            out.push(if i > three.len() { '=' } else { digit.into() });
        }
    }
    out
}
