//! `kinpack inspect`

mod facts;
mod hex_dump;
mod json;
mod table;
mod writer;

use kinpack_payload::Codec;

use crate::envelope::{Opened, Opener};
use crate::failure::Outcome;
use crate::input::{self, Found, Inputs, Unreadable};
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
  looks like     what is known to write such bytes; several writers may write the same. Behind it the
                 codec if the whole aggregate was compressed: the bytes are then those inside

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
    let mut inspect = Inspect { report, output: Output::new(), opener: Opener::default() };
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
    opener: Opener,
}

impl input::Visitor for Inspect {
    fn records(&mut self, found: &[Found<'_>]) -> crate::Result {
        let mut outcome = Outcome::Well;
        for found in found {
            let opened = match &found.data {
                Ok(data) => Some(self.opener.open(data)),
                Err(_) => None,
            };
            outcome = outcome.max(match &opened {
                None | Some(Ok(Opened { codec: None, .. })) => self.record(found, None)?,
                Some(Ok(Opened { data, codec })) => {
                    let inside = found.with_data(Ok(data));
                    self.record(&inside, *codec)?
                }
                Some(Err(error)) => {
                    /// Enough to recognise it by.
                    const MOST: usize = 64;
                    let data = found.data.as_ref().copied().unwrap_or_default();
                    let text = &data[..data.len().min(MOST)];
                    let unreadable = Unreadable { text, reason: error.to_string() };
                    self.record(&found.with_data(Err(unreadable)), None)?
                }
            });
        }
        Ok(outcome)
    }

    fn pause(&mut self) -> crate::Result<()> {
        Ok(self.output.flush()?)
    }
}

impl Inspect {
    /// `codec`: what the envelope was compressed by that the data came out of.
    fn record(&mut self, found: &Found<'_>, codec: Option<Codec>) -> crate::Result {
        let facts = Facts { compressed: codec.map(Codec::name), ..Facts::of(found) };
        self.report.record(found, &facts, self.output.rows());
        self.output.flush_large()?;
        let is_well = facts.fault.is_none() && facts.content != Content::Unreadable;
        Ok(if is_well { Outcome::Well } else { Outcome::Faulty })
    }
}
