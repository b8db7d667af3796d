//! `kinpack inspect`

mod facts;
mod hex_dump;
mod json;
mod table;
mod writer;

use crate::failure::Outcome;
use crate::input::{self, Found, Inputs};
use crate::output::Output;
use crate::progress::Progress;
use facts::{Content, Facts};
use json::Json;
use table::Table;

/// Say what Kinesis records are made of, and what is wrong with them
///
/// For each Kinesis record of the input: whether it is an aggregate, how many user records it
/// holds, how many partition keys and explicit hash keys they use and how many stand in its tables,
/// bytes of payload and of overhead, whether its digest is right, what wrote it by the looks of it,
/// and the first fault, with the bytes around it. Then the sums.
#[derive(clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    input: Inputs,
    /// Write a JSON object a line for each Kinesis record, instead of a table
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
The table:
  content        aggregate; plain; broken: begins as an aggregate and is none, or its keys cannot be
                 told; unreadable: no record at all
  inside         user records in it
  keys           partition keys in use / entries in their table
  hash keys      explicit hash keys in use / entries in their table
  overhead       bytes that are not payload: envelope, tables, numbers
  looks like     what is known to write such bytes; several writers may write the same

  Lines are counted from 1, bytes and records from 0.

Exit status:
  0  nothing is wrong with any record
  1  some record has a fault, also one that readers pass over silently
  2  usage, an input that cannot be read, that breaks off, or whose JSON is of no known shape

Examples:
  What is in a shard:
    aws kinesis get-records --shard-iterator \"$ITERATOR\" | kinpack inspect

  One record's data, copied from a log:
    echo 84mawgoBYQoBYhIBMBIBMBoFCAAaAXgaBQgBGgF5RYIkBaElFHCZNTQaC/Kk/w== | kinpack inspect

  The sequence numbers of all records with a wrong digest:
    kinpack inspect --json *.json | jq -r 'select(.digest == \"wrong\") | .sequence_number'";

/// A way to show what was found.
trait Report {
    fn record(&mut self, found: &Found<'_>, facts: &Facts, out: &mut Vec<u8>);

    /// After all records.
    fn end(&mut self, out: &mut Vec<u8>);
}

pub(crate) fn run(args: &Args) -> crate::Result {
    let progress = Progress::new();
    let report: Box<dyn Report> =
        if args.json { Box::new(Json) } else { Box::new(Table::default()) };
    let mut inspect = Inspect { report, output: Output::new() };
    let outcome = input::visit(&args.input, &progress, &mut inspect);
    if !matches!(outcome, Err(crate::failure::Failure::Io(..))) {
        inspect.report.end(inspect.output.rows());
        inspect.output.flush()?;
    }
    outcome
}

struct Inspect {
    report: Box<dyn Report>,
    output: Output,
}

impl input::Visitor for Inspect {
    fn records(&mut self, found: &[Found<'_>]) -> crate::Result {
        let mut outcome = Outcome::Well;
        for found in found {
            let facts = Facts::of(found);
            self.report.record(found, &facts, self.output.rows());
            self.output.flush_large()?;
            if facts.fault.is_some() || facts.content == Content::Unreadable {
                outcome = Outcome::Faulty;
            }
        }
        Ok(outcome)
    }

    fn pause(&mut self) -> crate::Result<()> {
        Ok(self.output.flush()?)
    }
}
