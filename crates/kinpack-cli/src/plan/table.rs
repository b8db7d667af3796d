//! The tables for a terminal, not wider than 120 columns.

use std::fmt::Write as _;

use super::figures::Row;
use super::report::Report;
use crate::numbers::{count, money, thousands, three_digits, time};

/// Width of the first column.
const NAME: usize = 33;
/// Columns: two lines of heading, and width.
const COLUMNS: [(&str, &str, usize); 9] = [
    ("bytes /", "message", 9),
    ("Kinesis", "records/s", 10),
    ("shards", "needed", 7),
    ("PUT", "units/s", 9),
    ("cost", "/month", 11),
    ("CPU s / M", "write", 10),
    ("messages", "read", 9),
    ("full", "after", 9),
    ("messages /", "Lambda event", 13),
];

/// The report as text.
pub(super) fn text(report: &Report, bold: bool) -> String {
    let mut out = String::new();
    let (on, off) = if bold { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let (rate, sample) = (report.rate(), report.describe_sample());
    let _ = writeln!(out, "{on}{rate} messages a second{off}, {sample}");
    let _ = writeln!(out, "{}", report.describe_aggregates());
    for (title, rows) in [
        ("What is in a record", &report.payloads),
        ("Whose partition key an aggregate has, with plain messages", &report.outer_keys),
    ] {
        let _ = writeln!(out, "\n{on}{title}{off}\n");
        head(&mut out, &report.prices.currency);
        for row in rows {
            line(&mut out, row);
        }
    }
    out.push('\n');
    let mut foot = vec![
        "* for kinpack readers only: the KCL, Firehose, Flink and Lambda's own de-aggregation see \
         one opaque record"
            .to_owned(),
        "needed: shards that take 1 MiB and 1,000 records a second each, if keys spread evenly; at \
         least 1"
            .to_owned(),
        "a PUT unit is 25 KB, rounded up per record; a Lambda event is 6 MB of JSON (4.4 MB of \
         data), 10,000 records"
            .to_owned(),
        "CPU: seconds of one core of this machine for a million messages, the best of some runs"
            .to_owned(),
        format!("prices: {}; a month has 730 hours", report.prices.describe()),
    ];
    foot.extend(report.notes.iter().cloned());
    for note in foot {
        wrap(&mut out, &note);
    }
    out
}

fn head(out: &mut String, currency: &str) {
    let mut first = format!("{:NAME$}", "");
    let mut second = first.clone();
    for (above, below, width) in COLUMNS {
        let above = if above == "cost" { currency } else { above };
        let _ = write!(first, "{above:>width$}");
        let _ = write!(second, "{below:>width$}");
    }
    let _ = writeln!(out, "{first}\n{second}");
}

fn line(out: &mut String, row: &Row) {
    let cells = [
        format!("{:.1}", row.bytes_per_message),
        three_digits(row.records_per_second),
        count(row.shards),
        three_digits(row.put_units_per_second),
        money(row.cost_per_month),
        three_digits(row.write_cpu),
        three_digits(row.read_cpu),
        row.fill.map_or("-".to_owned(), time),
        thousands(row.messages_per_lambda_event),
    ];
    let _ = write!(out, "{:NAME$}", row.name);
    for (cell, (_, _, width)) in cells.iter().zip(COLUMNS) {
        // A space between columns whatever the numbers are.
        let _ = write!(out, " {cell:>width$}", width = width - 1);
    }
    out.push('\n');
}

/// Adds a note in lines of at most 100 characters, the first one with a sign.
fn wrap(out: &mut String, note: &str) {
    const WIDTH: usize = 100;
    let (mut indent, mut length) = (if note.starts_with("* ") { "" } else { "- " }, 0);
    for word in note.split(' ') {
        if length > 0 && length + 1 + word.chars().count() > WIDTH {
            out.push('\n');
            (indent, length) = ("  ", 0);
        }
        let gap = if length == 0 { indent } else { " " };
        out.push_str(gap);
        out.push_str(word);
        length += gap.len() + word.chars().count();
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fits_120_columns() {
        assert!(NAME + COLUMNS.iter().map(|it| it.2).sum::<usize>() <= 120);
    }

    #[test]
    fn notes_are_wrapped() {
        let mut out = String::new();
        wrap(&mut out, &"word ".repeat(30));
        assert!(out.lines().all(|line| line.len() <= 104), "{out}");
        assert!(out.starts_with("- word") && out.contains("\n  word"));
    }
}
