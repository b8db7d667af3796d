//! How the table looks.

use std::fmt::Write as _;

/// What a row may have a time of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Batch,
    Single,
    Walk,
    Stream,
    Prost,
    Rival,
}

const COLUMNS: [(Column, &str); 6] = [
    (Column::Batch, "batch"),
    (Column::Single, "single"),
    (Column::Walk, "no MD5"),
    (Column::Stream, "MD5 one"),
    (Column::Prost, "prost"),
    (Column::Rival, "a_l_e"),
];

const NAME: usize = 62;

/// What stands above the rows.
pub(crate) fn header(back_end: &str) {
    println!("\nMD5 by {back_end}");
    println!("batch, single: kinpack, many aggregates together and one by one; no MD5: one by one");
    println!(
        "without the digest; MD5 one: kinpack's digest alone, one stream; prost: prost + md-5;"
    );
    println!("a_l_e: aws_lambda_events + prost + md-5\n");
    let mut line = format!("{:<NAME$}", "");
    for (_, name) in COLUMNS {
        let _ = write!(line, " {name:>7}");
    }
    println!("{line}   payload, records a second");
}

pub(crate) struct Row {
    name: String,
    /// Bytes of payload, and user records.
    size: (usize, usize),
    /// Seconds that are 1.00.
    unit: f64,
    times: Vec<(Column, f64)>,
    note: String,
}

impl Row {
    pub(crate) fn new(name: String, size: (usize, usize), unit: f64) -> Self {
        Self { name, size, unit, times: Vec::new(), note: String::new() }
    }

    /// The seconds of a column; the first is also given as a rate.
    pub(crate) fn with(mut self, column: Column, seconds: f64) -> Self {
        self.times.push((column, seconds));
        self
    }

    pub(crate) fn note(mut self, note: String) -> Self {
        self.note = note;
        self
    }

    pub(crate) fn print(&self) {
        let mut line = format!("{:<NAME$}", self.name);
        for (column, _) in COLUMNS {
            let time = self.times.iter().find(|(of, _)| *of == column);
            let _ = match time {
                Some((_, seconds)) => write!(line, " {:>7.2}", self.unit / seconds),
                None => write!(line, " {:>7}", ""),
            };
        }
        let (bytes, records) = self.size;
        if let Some((_, seconds)) = self.times.first() {
            let (bytes, records) = (bytes as f64 / seconds / 1e6, records as f64 / seconds / 1e6);
            let _ = write!(line, "   {bytes:>6.0} MB/s {records:>5.1} M/s   {}", self.note);
        }
        println!("{}", line.trim_end());
    }
}
