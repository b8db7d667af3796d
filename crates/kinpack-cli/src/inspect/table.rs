//! The table for human eyes.

use std::fmt::Write as _;

use super::Report;
use super::facts::{Content, Facts, Keys};
use super::hex_dump;
use crate::input::{Format, Found};

/// Prints a line for each record, its fault below it, and the sums at the end.
#[derive(Default)]
pub(super) struct Table {
    /// The file and format that the last heading named.
    heading: Option<(String, Format)>,
    text: String,
    sums: Sums,
}

#[derive(Default)]
struct Sums {
    records: u64,
    aggregates: u64,
    plain: u64,
    broken: u64,
    unreadable: u64,
    user_records: u64,
    payload: u64,
    overhead: u64,
}

const INDENT: &str = "       ";

impl Report for Table {
    fn record(&mut self, found: &Found<'_>, facts: &Facts, out: &mut Vec<u8>) {
        self.text.clear();
        self.head(found);
        self.line(found, facts);
        self.fault(found, facts);
        self.sums.add(facts);
        out.extend_from_slice(self.text.as_bytes());
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.text.clear();
        self.sums.print(&mut self.text);
        out.extend_from_slice(self.text.as_bytes());
    }
}

impl Table {
    /// A heading where a file begins, or what is in it changes.
    fn head(&mut self, found: &Found<'_>) {
        let (file, format) = (found.place.file, found.format);
        let same = |(last_file, last): &(String, Format)| last_file == file && *last == format;
        if self.heading.as_ref().is_some_and(same) {
            return;
        }
        let gap = if self.heading.is_some() { "\n" } else { "" };
        let _ = writeln!(self.text, "{gap}{file}: {}", format.name());
        self.columns([
            "line",
            "record",
            "content",
            "inside",
            "keys",
            "hash keys",
            "payload",
            "overhead",
            "digest",
            "looks like",
        ]);
        self.heading = Some((file.to_owned(), format));
    }

    fn line(&mut self, found: &Found<'_>, facts: &Facts) {
        let spot = found.place.spot.as_ref();
        let number = |number: Option<u64>| number.map_or("-".to_owned(), |n| n.to_string());
        let keys = |Keys { in_use, table }| match table {
            0 => "-".to_owned(),
            _ => format!("{in_use}/{table}"),
        };
        let digest = facts.digest.map_or("-", |right| if right { "right" } else { "wrong" });
        let mut writer = facts.writer.map_or("-", |guess| guess.writer).to_owned();
        if let Some(codec) = facts.compressed {
            let _ = write!(writer, ", {codec}");
        }
        self.columns([
            &number(spot.map(|spot| spot.line)),
            &number(spot.and_then(|spot| spot.record).map(|record| record as u64)),
            facts.content.name(),
            &thousands(facts.user_records as u64),
            &keys(facts.partition_keys),
            &keys(facts.explicit_hash_keys),
            &thousands(facts.payload as u64),
            &thousands(facts.overhead() as u64),
            digest,
            &writer,
        ]);
    }

    fn columns(&mut self, cells: [&str; 10]) {
        let [line, record, content, inside, keys, hash_keys, payload, overhead, digest, writer] =
            cells;
        let _ = writeln!(
            self.text,
            "{line:>6} {record:>6}  {content:<10} {inside:>8} {keys:>11} {hash_keys:>11} \
             {payload:>10} {overhead:>9}  {digest:<6}  {writer}"
        );
    }

    fn fault(&mut self, found: &Found<'_>, facts: &Facts) {
        if let (Ok(_), None) = (&found.data, &facts.fault) {
            return;
        }
        if let Some(number) = found.sequence_number {
            let _ = writeln!(self.text, "{INDENT}sequence number {number}");
        }
        match (&found.data, &facts.fault) {
            (Ok(data), Some(fault)) => {
                let _ = writeln!(self.text, "{INDENT}{}; {}", fault.error, fault.to_kcl);
                hex_dump::push(data, fault.error.offset, INDENT, &mut self.text);
            }
            (Err(unreadable), _) => {
                let at = found.place.spot.as_ref().and_then(|spot| spot.byte);
                let at = at.map_or(String::new(), |byte| format!(" (byte {byte} of the line)"));
                let _ = writeln!(self.text, "{INDENT}{}{at}", unreadable.reason);
                let _ = writeln!(self.text, "{INDENT}{}", excerpt(unreadable.text));
            }
            (Ok(_), None) => {}
        }
    }
}

impl Sums {
    fn add(&mut self, facts: &Facts) {
        self.records += 1;
        *match facts.content {
            Content::Aggregate => &mut self.aggregates,
            Content::Plain => &mut self.plain,
            Content::Broken => &mut self.broken,
            Content::Unreadable => &mut self.unreadable,
        } += 1;
        self.user_records += facts.user_records as u64;
        self.payload += facts.payload as u64;
        self.overhead += facts.overhead() as u64;
    }

    fn print(&self, out: &mut String) {
        if self.records == 0 {
            out.push_str("no Kinesis records\n");
            return;
        }
        let parts = [
            (self.aggregates, if self.aggregates == 1 { "aggregate" } else { "aggregates" }),
            (self.plain, "plain"),
            (self.broken, "broken"),
            (self.unreadable, "unreadable"),
        ];
        let parts: Vec<_> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| format!("{} {name}", thousands(*count)))
            .collect();
        let plural = |count| if count == 1 { "" } else { "s" };
        let _ = writeln!(
            out,
            "\n{} Kinesis record{}: {}\n{} user record{}, {} bytes of payload, {} of overhead{}",
            thousands(self.records),
            plural(self.records),
            parts.join(", "),
            thousands(self.user_records),
            plural(self.user_records),
            thousands(self.payload),
            thousands(self.overhead),
            match self.payload {
                0 => String::new(),
                payload => format!(" ({:.1} %)", 100.0 * self.overhead as f64 / payload as f64),
            }
        );
    }
}

/// The beginning of a text, in one line.
fn excerpt(text: &[u8]) -> String {
    const MOST: usize = 80;
    let text = String::from_utf8_lossy(&text[..text.len().min(4 * MOST)]);
    let mut line: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST).collect();
    if text.chars().count() > MOST {
        line.push('…');
    }
    line
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::{excerpt, thousands};

    #[test]
    fn digits_stand_in_threes() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), text);
        }
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt(b"a\nb"), "a b");
        assert_eq!(excerpt(&[b'x'; 100]).chars().count(), 81);
    }
}
