//! `kinpack plan`

mod clock;
mod figures;
mod html;
mod messages;
mod prices;
mod report;
mod simulation;
mod table;
mod ways;

use std::io::{self, IsTerminal as _, Write as _};
use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinpack::{Aggregator, Contents, Digest, Lanes, Limits, OuterKey, ShardMap, deaggregate};
use kinpack_payload::avro::{AvroSchema, AvroWriter};
use kinpack_payload::{CompressionError, Decompressor, Dictionary, whole_aggregate};

use self::figures::Row;
use self::messages::Messages;
use self::prices::PriceArgs;
use self::report::{Report, Sample, Shown};
use self::ways::{Tools, Way};
use crate::data_text::DataFormat;
use crate::failure::Failure;
use crate::pack::options;
use crate::pack::payload::{Payloads, read_schema};
use crate::pack::rows::{Buffers, Fault, Keys, Reader};
use crate::sample;

/// Say what messages would cost on a stream, by what is done to them
///
/// Takes a sample of messages, as `kinpack pack` does, in the order in which they come; packs,
/// compresses and unpacks it in each of the ways, and shows side by side what that means at a rate:
/// bytes, Kinesis records, shards, PUT payload units, cost, CPU time, how long an aggregate takes to
/// fill, and how many messages a Lambda event can hold.
///
/// Messages come evenly over time. An aggregate goes out when it is full, or when its first message
/// has waited for --linger. Producers do not share aggregates: of many, each fills its own more
/// slowly. The dictionary is trained from the one half of the sample and measured on the other, both
/// ways round.
///
/// What is done in which row: gzip at level 6, zstd at level 3, Avro in single-object encoding. CPU
/// time is that of packing into full aggregates, and of unpacking what was sent.
#[derive(clap::Args)]
#[command(after_help = "\
Exit status:
  0  all is planned
  1  some line was no message that can be sent, all others were planned with
  2  usage, no messages, a file that could not be read or written

Examples:
  kinpack plan sample.ndjson
  kinpack plan --rate 20000 --shards 4 --producers 10 --html plan.html sample.ndjson
  kinpack plan --lines --partition-key random --rate 500 app.log
  kinpack plan --data json --avro-schema click.avsc --json clicks.ndjson

  # What a stream carries now
  aws kinesis get-records --shard-iterator \"$iterator\" | kinpack unpack | kinpack plan

  # As `kinpack pack` does it: aggregates wait until they are full
  kinpack plan --linger none sample.ndjson")]
pub(crate) struct Args {
    /// Files of messages; `-` is standard input, and so is no file
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// What "data" is in a row
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, conflicts_with = "lines")]
    data: DataFormat,

    /// Take each line as a message; empty lines, too
    #[arg(long, requires = "partition_key")]
    lines: bool,

    /// The partition key of all lines, or `random` for one of its own for each
    #[arg(long, value_name = "KEY|random", requires = "lines")]
    partition_key: Option<String>,

    /// Bytes of the sample at most, in memory; what follows is not read
    #[arg(long, value_name = "SIZE", value_parser = options::size, default_value = "16MiB")]
    sample: usize,

    /// Messages a second, on the whole stream
    #[arg(long, value_name = "NUMBER", value_parser = rate, default_value = "1000")]
    rate: f64,

    /// Processes that the messages come from, each with aggregates of its own
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..),
        default_value = "1"
    )]
    producers: u32,

    /// How long an aggregate waits for more messages at most: 100ms, 2s, or none, until it is full
    #[arg(long, value_name = "TIME", value_parser = linger, default_value = "100ms")]
    linger: Linger,

    /// Shards of equal width that aggregates are packed for
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(report::MOST_SHARDS)),
        default_value = "1"
    )]
    shards: u32,

    /// Bytes of an aggregate at most [default: 50KiB, or the record limit if that is less]
    #[arg(long, value_name = "SIZE", value_parser = options::size)]
    max_size: Option<usize>,

    /// Bytes of any Kinesis record at most, with its partition key; a larger message is left out
    #[arg(long, value_name = "SIZE", value_parser = options::size, default_value = "1MiB")]
    record_limit: usize,

    /// Lanes of the outer-key policy of that name
    #[arg(long, value_name = "N", value_parser = lanes, default_value = "10")]
    lanes: Lanes,

    /// Bytes of the dictionary that is trained
    #[arg(long, value_name = "SIZE", value_parser = options::size, default_value = "16KiB")]
    dict_size: usize,

    /// Compare with Avro of the schema in this file, too; messages are JSON then
    #[arg(long, value_name = "FILE")]
    avro_schema: Option<PathBuf>,

    #[command(flatten)]
    prices: PriceArgs,

    /// Write JSON instead of tables
    #[arg(long)]
    json: bool,

    /// Write a page with charts, too: one file that needs nothing else; `-` is standard output, with
    /// the page instead of the tables
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// `--linger`, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Linger(Option<f64>);

fn linger(text: &str) -> Result<Linger, String> {
    if text == "none" {
        return Ok(Linger(None));
    }
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s').unwrap_or(""), 1.0),
    };
    match number.trim_end().parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(Linger(Some(number * unit))),
        _ => Err("a time is wanted, as in 100ms or 2s, or none".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (1e-3..=1e9).contains(&rate) => Ok(rate),
        _ => Err("messages a second are wanted, 0.001 to 1000000000".to_owned()),
    }
}

fn lanes(text: &str) -> Result<Lanes, String> {
    let lanes = text.parse().ok().and_then(Lanes::new);
    lanes.ok_or("the number of lanes is from 1 to 65535".to_owned())
}

/// What is planned for.
struct Settings {
    rate: f64,
    producers: u32,
    /// Seconds.
    linger: Option<f64>,
    shards: ShardMap,
    limits: Limits,
}

impl Settings {
    /// Seconds between two messages of a producer.
    fn seconds_between(&self) -> f64 {
        f64::from(self.producers) / self.rate
    }
}

pub(crate) fn run(args: &Args) -> crate::Result {
    if args.json && args.html.as_deref() == Some(Path::new("-")) {
        return Err(Failure::new("--json and --html - both want standard output"));
    }
    let prices = args.prices.read()?;
    let settings = settings(args)?;
    let schema = args.avro_schema.as_deref().map(read_schema).transpose()?;
    let (messages, cut, read) = messages(args, settings.limits, schema.as_ref())?;
    if messages.len() == 0 {
        read.outcome()?;
        return Err(Failure::new("no messages to plan with"));
    }
    let dictionaries = dictionaries(&messages, args.dict_size);
    let tools = Tools { schema, dictionaries };
    let mut skipped = Vec::new();
    let mut rows = |ways: Vec<Way>| -> crate::Result<Vec<Row>> {
        let mut rows = Vec::new();
        for way in ways {
            match figures::row(&way, &settings, &messages, &tools, &prices)? {
                Ok(row) => rows.push(row),
                Err(reason) => skipped.push(reason),
            }
        }
        Ok(rows)
    };
    let payloads = rows(Way::of_payloads(tools.schema.is_some()))?;
    let outer_keys = rows(Way::of_outer_keys(args.lanes))?;
    let mut report = Report {
        kinpack: env!("CARGO_PKG_VERSION"),
        sample: Sample {
            messages: messages.len(),
            bytes: messages.data_len(),
            partition_keys: messages.partition_keys(),
            cut,
        },
        settings: Shown {
            rate: settings.rate,
            producers: settings.producers,
            linger: settings.linger,
            shards: args.shards,
            max_size: settings.limits.max_size(),
            record_limit: settings.limits.record_limit(),
            dictionary_size: args.dict_size,
        },
        prices,
        limits: report::Limits::ALL,
        payloads,
        outer_keys,
        skipped,
        notes: Vec::new(),
    };
    report.add_notes();
    show(args, &report)?;
    read.outcome()
}

fn show(args: &Args, report: &Report) -> crate::Result<()> {
    let mut out = io::stdout().lock();
    match &args.html {
        Some(path) if path == Path::new("-") => {
            out.write_all(html::page(report).as_bytes())?;
            return Ok(());
        }
        Some(path) => write(path, &html::page(report))?,
        None => {}
    }
    if args.json {
        serde_json::to_writer_pretty(&mut out, report).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        let bold = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        out.write_all(table::text(report, bold).as_bytes())?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> crate::Result<()> {
    std::fs::write(path, text).map_err(|error| Failure::Io(path.display().to_string(), error))
}

fn settings(args: &Args) -> crate::Result<Settings> {
    let limit = args.record_limit;
    let max_size = args.max_size.unwrap_or_else(|| Limits::default().max_size().min(limit));
    let limits =
        Limits::new(max_size, u32::MAX, limit).map_err(|error| Failure::new(error.to_string()))?;
    Ok(Settings {
        rate: args.rate,
        producers: args.producers,
        linger: args.linger.0,
        shards: ShardMap::even(NonZeroU32::new(args.shards).unwrap_or(NonZeroU32::MIN)),
        limits,
    })
}

/// The messages that each of the ways can take, and whether there were more than that.
fn messages(
    args: &Args,
    limits: Limits,
    schema: Option<&Arc<AvroSchema>>,
) -> crate::Result<(Messages, bool, sample::Read)> {
    let reader = match args.partition_key.as_deref() {
        None => Reader::Rows { format: args.data, buffers: Buffers::default() },
        Some("random") => Reader::Lines(Keys::random()),
        Some(key) => {
            // Better said once than for each line.
            let fits = Aggregator::default().try_push(key, None, b"").map(drop);
            fits.map_err(|error| Failure::new(format!("--partition-key: {error}")))?;
            Reader::Lines(Keys::One(key.to_owned()))
        }
    };
    let mut messages = Messages::new(args.sample);
    let (mut cut, mut aggregates) = (false, 0);
    let mut trial = Aggregator::new(limits, OuterKey::Kpl);
    let mut avro = Payloads::new(schema.map(AvroWriter::single_object), None);
    let read = sample::read(&args.files, reader, |message| {
        if messages.is_full() {
            cut = true;
            return Ok(ControlFlow::Break(()));
        }
        trial.clear();
        trial
            .try_push(message.partition_key, message.explicit_hash_key, message.data)
            .map(drop)
            .map_err(Fault::Refused)?;
        avro.of(message.data).map_err(Fault::Payload)?;
        aggregates += usize::from(is_aggregate(message.data));
        messages.add(message);
        Ok(ControlFlow::Continue(()))
    });
    if aggregates > 0 {
        return Err(Failure::new(format!(
            "{aggregates} of {} messages are aggregates themselves: take them apart before, with \
             `kinpack unpack`",
            messages.len()
        )));
    }
    Ok((messages, cut, read))
}

/// Whether readers would take a message apart that went alone, compressed as a whole or not.
fn is_aggregate(data: &[u8]) -> bool {
    let (mut decompressor, mut buffer) = (Decompressor::new(), Vec::new());
    match whole_aggregate::unwrap(data, &mut decompressor, &mut buffer) {
        Ok(unwrapped) => {
            matches!(deaggregate(unwrapped.data, Digest::Verify), Ok(Contents::Aggregated(_)))
        }
        Err(_) => false,
    }
}

/// Dictionaries of the first half of the messages, and of the second.
fn dictionaries(messages: &Messages, size: usize) -> Result<[Dictionary; 2], CompressionError> {
    let train = |half| {
        let len = messages.len();
        let all = messages.iter().enumerate();
        let of_half = all.filter(|(i, _)| simulation::half(*i, len) == half);
        Dictionary::train(of_half.map(|(_, message)| message.data), size)
    };
    Ok([train(0)?, train(1)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, seconds) in
            [("100ms", Some(0.1)), ("2s", Some(2.0)), ("1.5 s", Some(1.5)), ("none", None)]
        {
            assert_eq!(linger(text), Ok(Linger(seconds)), "{text}");
        }
        for text in ["", "100", "ms", "-1s", "0ms", "infs", "2min"] {
            assert!(linger(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_of_this_world() {
        assert_eq!(rate("0.5"), Ok(0.5));
        for text in ["0", "-1", "NaN", "inf", "2e9", "x"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
