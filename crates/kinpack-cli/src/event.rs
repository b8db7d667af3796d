//! `kinpack event`

mod row;

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, StdoutLock};
use std::path::PathBuf;

use kinpack::{Contents, DecodeError, Digest, HashKeyRange, UserRecord, deaggregate};

use crate::data_text::DataFormat;
use crate::failure::{Failure, Outcome};
use crate::input::source::{self, Source};
use crate::input::{self, Format, Found};
use crate::lambda_event::{AboveEvent, EventRecord, Events, MAX_RECORDS, Stream};
use crate::pack::options;
use crate::pack::rows::Fault;
use crate::progress::Progress;

/// Make Lambda events of records, to try a handler with
///
/// Reads what `kinpack unpack` reads: the output of `aws kinesis get-records`, the entries that
/// `kinpack pack` writes, Lambda events, and others; or rows of NDJSON, {"partition_key", "data"},
/// as `kinpack unpack` writes them and `kinpack pack` reads them. Each input shows by its first
/// line which of them it is. Writes one event a line, each of one shard, of at most 6 MB, with all
/// members that Lambda sends.
///
/// Kinesis records go into the events as they are: aggregates as aggregates, which is what Lambda
/// does. Sequence number, time of arrival and shard are the input's, where it has them; otherwise
/// they are made up, the same each time. A row becomes a Kinesis record of its own, with a new
/// sequence number; to have rows aggregated, pack them first.
///
/// With --fan-out the events are those of a consumer with enhanced fan-out, for which Lambda itself
/// unpacks aggregates: each user record is a record, under the sequence number of its aggregate,
/// which several share, and the source is the consumer. Rows keep their sequence numbers. An
/// aggregate that is compressed as a whole stays as it is, as Lambda knows nothing of it.
#[derive(clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Files to read; `-` is standard input, and so is no file
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What the input is, where it does not show
    #[arg(long, value_name = "KIND", value_enum)]
    input: Option<Format>,
    /// The input is rows, whatever its first line is
    #[arg(long, conflicts_with = "input")]
    rows: bool,
    /// What "data" is in a row
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    data: DataFormat,
    /// Name or ARN of the stream
    #[arg(long, value_name = "NAME|ARN", default_value = "stream", value_parser = options::stream)]
    stream: String,
    /// The shard of all records [default: the input's, or shardId-000000000000]
    #[arg(long, value_name = "ID", value_parser = shard)]
    shard: Option<String>,
    /// Records of an event at most
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = MAX_RECORDS as u64,
        value_parser = clap::value_parser!(u64).range(1..=MAX_RECORDS as u64)
    )]
    batch_size: u64,
    /// Unpack aggregates as Lambda does under enhanced fan-out
    #[arg(long)]
    fan_out: bool,
    /// Name of the consumer
    #[arg(long, value_name = "NAME", default_value = "consumer", value_parser = shard)]
    #[arg(requires = "fan_out")]
    consumer: String,
    /// The shard's hash keys, two decimals, both inside; user records of aggregates that do not
    /// belong there are dropped, as Lambda does
    #[arg(long, value_name = "START:END", value_parser = crate::unpack::hash_key_range)]
    #[arg(requires = "fan_out")]
    hash_range: Option<HashKeyRange>,
}

const AFTER_HELP: &str = "\
Faults:
  A row or record that cannot be read, or that no event can carry, is named on stderr and left out.
  With --fan-out an aggregate whose user records cannot be told goes into the event whole.

Exit status:
  0  all is in the events
  1  some record was faulty, all others were written
  2  usage, or an input that cannot be read, that breaks off, or whose JSON is of no known shape

Examples:
  What a function would get of a shard now:
    aws kinesis get-records --shard-iterator \"$ITERATOR\" | kinpack event > event.json
    sam local invoke Ingest --event event.json

  Aggregates of rows with JSON payloads, at most 100 to an event:
    kinpack pack --data json rows.ndjson | kinpack event --batch-size 100 --stream clicks

  The same as a consumer with enhanced fan-out gets it:
    kinpack pack --data json rows.ndjson | kinpack event --fan-out --stream clicks

  Plain records:
    kinpack event --data json rows.ndjson";

fn shard(text: &str) -> Result<String, String> {
    options::is_name(text)
        .then(|| text.to_owned())
        .ok_or_else(|| format!("{} are wanted", options::NAME))
}

pub(crate) fn run(args: &Args) -> crate::Result {
    let progress = Progress::new();
    let out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let stream = match args.fan_out {
        true => Stream::of_consumer(&args.stream, &args.consumer),
        false => Stream::new(&args.stream),
    };
    let events = Events::new(out, stream, args.batch_size as usize);
    let mut maker = Maker { args, progress: &progress, events, dropped: 0 };
    let standard_input = [PathBuf::from("-")];
    let files = if args.files.is_empty() { &standard_input[..] } else { &args.files };
    progress.expect(source::total_length(files));
    let (mut outcome, mut broken) = (Outcome::Well, false);
    for file in files {
        let walked = maker.input(&source::name(file), Source::open(file))?;
        outcome = outcome.max(walked.outcome);
        broken |= walked.broken;
    }
    maker.events.finish()?;
    progress.end();
    if maker.dropped > 0 {
        let dropped = maker.dropped;
        progress
            .complain(&format_args!("outside the hash key range, dropped: {dropped} user records"));
    }
    if broken { Err(Failure::Said) } else { Ok(outcome) }
}

struct Maker<'a> {
    args: &'a Args,
    progress: &'a Progress,
    events: Events<io::BufWriter<StdoutLock<'static>>>,
    /// User records that a hash key range has kept out.
    dropped: u64,
}

impl<'a> Maker<'a> {
    fn input(&mut self, name: &str, source: io::Result<Source>) -> crate::Result<input::Walked> {
        let (args, progress) = (self.args, self.progress);
        if args.rows {
            return self.rows(name, source);
        }
        if args.input.is_some() {
            return input::visit_source((name, source), args.input, progress, self);
        }
        match source.and_then(Source::peek_line) {
            Ok(peeked) if row::is_row(&peeked.line) => self.rows(name, Ok(peeked.source)),
            peeked => {
                let source = peeked.map(|it| it.source);
                input::visit_source((name, source), None, progress, self)
            }
        }
    }

    fn rows(&mut self, name: &str, source: io::Result<Source>) -> crate::Result<input::Walked> {
        let mut walked = input::Walked { outcome: Outcome::Well, broken: false };
        let (mut line, mut number) = (Vec::new(), 0_u64);
        let mut lines = source.map(|source| BufReader::with_capacity(64 << 10, source));
        loop {
            line.clear();
            let read = match &mut lines {
                Ok(lines) => lines.read_until(b'\n', &mut line),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            match read {
                Ok(0) => return Ok(walked),
                Ok(read) => self.progress.advance(read),
                // A line that breaks off with the error is none.
                Err(error) => {
                    self.progress.complain(&format_args!("{name}: {error}"));
                    walked.broken = true;
                    return Ok(walked);
                }
            }
            number += 1;
            if let Err(fault) = self.row(&line)? {
                self.progress.complain(&format_args!("{name}: line {number}: {fault}"));
                walked.outcome = Outcome::Faulty;
            }
        }
    }

    fn row(&mut self, line: &[u8]) -> io::Result<Result<(), Fault>> {
        let row = match row::read(line, self.args.data) {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(Ok(())),
            Err(fault) => return Ok(Err(fault)),
        };
        let record = EventRecord {
            shard: self.shard(None),
            // In an event without fan-out no two records have the same.
            sequence_number: row.sequence_number.as_deref().filter(|_| self.args.fan_out),
            partition_key: row.partition_key.as_deref(),
            arrival: None,
            data: &row.data,
        };
        Ok(self.put(&record)?.map_err(Fault::AboveEvent))
    }

    fn shard<'b>(&self, of_input: Option<&'b str>) -> &'b str
    where
        'a: 'b,
    {
        self.args.shard.as_deref().or(of_input).unwrap_or("shardId-000000000000")
    }

    fn put(&mut self, record: &EventRecord<'_>) -> io::Result<Result<(), AboveEvent>> {
        if !self.events.has_room(record) {
            return Ok(Err(AboveEvent(record.data.len())));
        }
        self.events.put(record).map(Ok)
    }

    /// A Kinesis record with this data.
    fn record(&mut self, found: &Found<'_>, data: &[u8]) -> crate::Result {
        let record = EventRecord {
            shard: self.shard(found.shard_id),
            sequence_number: found.sequence_number,
            partition_key: found.partition_key,
            arrival: found.arrival,
            data,
        };
        if !self.args.fan_out {
            return self.put_found(found, &record);
        }
        match self.unpack(found, &record) {
            Ok(outcome) => Ok(outcome?),
            Err(fault) => {
                self.complain(found, &fault);
                self.put_found(found, &record).map(|_| Outcome::Faulty)
            }
        }
    }

    /// Puts the user records that Lambda finds in a record, under its sequence number.
    fn unpack(
        &mut self,
        found: &Found<'_>,
        record: &EventRecord<'_>,
    ) -> Result<crate::Result, DecodeError> {
        let aggregate = match deaggregate(record.data, Digest::Verify)? {
            Contents::Plain(_) => return Ok(self.put_found(found, record)),
            Contents::Aggregated(aggregate) => aggregate,
        };
        // All of an aggregate share one, also where it is made up.
        let sequence_number = match record.sequence_number {
            Some(sequence_number) => Cow::Borrowed(sequence_number),
            None => Cow::Owned(self.events.next_sequence_number()),
        };
        let user_records: Box<dyn Iterator<Item = UserRecord<'_>>> = match self.args.hash_range {
            None => Box::new(aggregate.records()),
            Some(range) => Box::new(aggregate.records_within(range)?),
        };
        let (mut outcome, mut put) = (Outcome::Well, 0);
        for user_record in user_records {
            put += 1;
            let record = EventRecord {
                sequence_number: Some(&sequence_number),
                partition_key: user_record.partition_key,
                data: user_record.data,
                ..*record
            };
            match self.put_found(found, &record) {
                Ok(of_this) => outcome = outcome.max(of_this),
                Err(failure) => return Ok(Err(failure)),
            }
        }
        self.dropped += aggregate.len() as u64 - put;
        Ok(Ok(outcome))
    }

    fn put_found(&mut self, found: &Found<'_>, record: &EventRecord<'_>) -> crate::Result {
        match self.put(record)? {
            Ok(()) => Ok(Outcome::Well),
            Err(above) => {
                self.complain(found, &above);
                Ok(Outcome::Faulty)
            }
        }
    }

    fn complain(&self, found: &Found<'_>, fault: &dyn fmt::Display) {
        self.progress.complain(&format_args!("{}: {fault}", found.place));
    }
}

impl input::Visitor for Maker<'_> {
    fn records(&mut self, found: &[Found<'_>]) -> crate::Result {
        let mut outcome = Outcome::Well;
        for found in found {
            outcome = outcome.max(match &found.data {
                Ok(data) => self.record(found, data)?,
                Err(unreadable) => {
                    self.complain(found, &unreadable.reason);
                    Outcome::Faulty
                }
            });
        }
        Ok(outcome)
    }

    fn pause(&mut self) -> crate::Result<()> {
        // An event is written when it is full, or at the end.
        Ok(())
    }
}
