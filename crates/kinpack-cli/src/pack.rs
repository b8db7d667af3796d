//! `kinpack pack`

mod event;
pub(crate) mod options;
mod output;
mod packer;
pub(crate) mod payload;
mod put_records;
pub(crate) mod rows;
mod shard_list;
pub(crate) mod source;

use std::io;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::ValueEnum;
use kinpack::{Aggregator, Limits, OuterKeyPolicy, ShardMap};

use self::output::Output;
use self::packer::Packer;
use self::payload::Envelopes;
use self::rows::{Buffers, Keys, Reader};
use self::source::Source;
use crate::data_text::DataFormat;
use crate::failure::Failure;
use crate::lambda_event::{self, Events};
use crate::progress::Progress;

/// Pack user records into aggregated Kinesis records
///
/// Each line of the input is a user record: a JSON object with "partition_key", "data" and, if wanted,
/// "explicit_hash_key" (a decimal in a string), as `kinpack unpack` writes them; other members are
/// ignored, null is the same as absent (but a payload with --data json), blank lines are skipped.
/// With --lines the line itself is the data, byte for byte.
///
/// The aggregates are those that the Kinesis Producer Library writes. Records of different shards
/// are never packed together: give the stream's shards with --shard-map, or readers that know their
/// shard's hash keys drop what does not belong to it.
///
/// A line that cannot be packed is reported with file and line and left out, all others are packed;
/// so is a row with an "error", which `kinpack unpack` puts where it could not read a record: packed
/// again, the fault would be hidden. To pack such rows as they are, remove the member.
#[derive(clap::Args)]
#[command(after_help = "\
Exit status:
  0  all is packed
  1  some line was not packed, all others were
  2  usage, output that failed, or a file that could not be read, all others were

Examples:
  kinpack pack records.ndjson
  kinpack unpack old.json | kinpack pack --max-size 100KiB
  kinpack pack --lines --partition-key random app.log

  # Smaller messages: each compressed with a dictionary that was trained from samples of them
  kinpack dict train --size 16KiB samples.ndjson -o messages.dict
  kinpack pack --compress zstd:3,dict=messages.dict records.ndjson

  # The whole aggregate compressed: smallest of all, for consumers that use kinpack
  kinpack pack --compress zstd --at aggregate-kinpack-only --max-size 200KiB records.ndjson

  # JSON messages as Avro
  kinpack pack --data json --avro-schema click.avsc --framing single records.ndjson

  # Put a file onto a stream (AWS CLI 2; look for FailedRecordCount in the answers):
  aws kinesis list-shards --stream-name s > shards.json
  kinpack pack --shard-map shards.json --output put-records --stream s records.ndjson |
    while read -r request; do
      aws kinesis put-records --cli-input-json file:///dev/stdin <<< \"$request\"
    done

  # An event to try a Lambda function with:
  kinpack pack --output event records.ndjson > event.json")]
pub(crate) struct Args {
    /// Files of user records; `-` is standard input, and so is no file
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// What "data" is in a row
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, conflicts_with = "lines")]
    data: DataFormat,

    /// Take each line as a user record's data; empty lines, too
    #[arg(long, requires = "partition_key")]
    lines: bool,

    /// The partition key of all lines, or `random` for one of its own for each
    #[arg(long, value_name = "KEY|random", requires = "lines")]
    partition_key: Option<String>,

    /// What to write
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    output: OutputFormat,

    /// Name or ARN of the stream, for put-records and event
    #[arg(
        long,
        value_name = "NAME|ARN",
        required_if_eq("output", "put-records"),
        value_parser = options::stream
    )]
    stream: Option<String>,

    /// Bytes of an aggregate at most; a larger user record goes out alone [default: 50KiB, or the
    /// record limit if that is less]
    #[arg(long, value_name = "SIZE", value_parser = options::size)]
    max_size: Option<usize>,

    /// User records of an aggregate at most
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    max_count: Option<u32>,

    /// Bytes of any Kinesis record at most, with its partition key: the stream's own limit, up to
    /// 10MiB; a larger user record is refused
    #[arg(long, value_name = "SIZE", value_parser = options::size, default_value = "1MiB")]
    record_limit: usize,

    /// Pack for a stream of this many shards of equal width
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=65_536),
        default_value = "1"
    )]
    shards: u32,

    /// Pack for the shards in this file, the output of `aws kinesis list-shards`
    #[arg(long, value_name = "FILE", conflicts_with = "shards")]
    shard_map: Option<PathBuf>,

    /// Partition key of the aggregates: kpl (`a`), first (the first user record's), per-key (only
    /// records of one key together, under that key) or lanes:N (`lane-<i>`, order per key kept)
    #[arg(long, value_name = "POLICY", value_parser = options::outer_key, default_value = "kpl")]
    outer_key: OuterKeyPolicy,

    #[command(flatten)]
    payload: payload::PayloadArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// One entry a line: {"Data","PartitionKey","ExplicitHashKey"}
    #[default]
    Entries,
    /// One request a line, of at most 500 entries and 5 MiB and for no shard more than the entry
    /// that brings it to 256 KiB; with per-key and lanes no two entries of one key and shard
    PutRecords,
    /// One Lambda event a line, each of one shard, of at most 10,000 records and 6 MB; sequence
    /// numbers and times are made up, and the same each time
    Event,
}

pub(crate) fn run(args: &Args) -> crate::Result {
    let progress = Progress::new();
    let (payloads, envelopes) = args.payload.read()?;
    let mut packer = packer(args, envelopes, &progress)?;
    let mut source = Source::new(reader(args)?, payloads, &progress);
    let standard_input = [PathBuf::from("-")];
    let files = if args.files.is_empty() { &standard_input[..] } else { &args.files };
    let packed = source.pack(files, &mut packer).and_then(|()| packer.finish());
    progress.end();
    packed?;
    source.outcome()
}

fn packer<'a>(
    args: &Args,
    envelopes: Envelopes,
    progress: &'a Progress,
) -> crate::Result<Packer<'a>> {
    let limit = args.record_limit;
    let max_size = args.max_size.unwrap_or_else(|| Limits::default().max_size().min(limit));
    let limits = Limits::new(max_size, args.max_count.unwrap_or(u32::MAX), limit)
        .map_err(|error| Failure::new(error.to_string()))?;
    let shards = match &args.shard_map {
        Some(path) => shard_list::read(path)?,
        None => ShardMap::even(NonZeroU32::new(args.shards).unwrap_or(NonZeroU32::MIN)),
    };
    let keep_order =
        matches!(args.outer_key, OuterKeyPolicy::PerKey { .. } | OuterKeyPolicy::Lanes(_));
    let out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let stream = args.stream.as_deref();
    let event_stream = || lambda_event::Stream::new(stream.unwrap_or("stream"));
    let output: Box<dyn Output> = match args.output {
        OutputFormat::Entries => Box::new(output::Entries::new(out)),
        OutputFormat::PutRecords => {
            Box::new(put_records::Requests::new(out, stream.unwrap_or_default(), keep_order))
        }
        OutputFormat::Event if max_size > lambda_event::MAX_RECORD => {
            return Err(Failure::new(format!(
                "a Lambda event has no room for aggregates of {max_size} bytes: \
                 give a --max-size of at most {}",
                lambda_event::MAX_RECORD
            )));
        }
        OutputFormat::Event => {
            Box::new(Events::new(out, event_stream(), lambda_event::MAX_RECORDS))
        }
    };
    let events = (event_stream(), args.output == OutputFormat::Event);
    Ok(Packer::new((shards, limits, args.outer_key), envelopes, output, events, progress))
}

fn reader(args: &Args) -> crate::Result<Reader> {
    Ok(match &args.partition_key {
        None => Reader::Rows { format: args.data, buffers: Buffers::default() },
        Some(key) if key == "random" => Reader::Lines(Keys::random()),
        Some(key) => {
            // Better said once than for each line.
            let fits = Aggregator::default().try_push(key, None, b"").map(drop);
            fits.map_err(|error| Failure::new(format!("--partition-key: {error}")))?;
            Reader::Lines(Keys::One(key.clone()))
        }
    })
}
