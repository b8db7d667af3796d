//! `kinpack unpack`

mod payload;
mod row;

use std::fmt;

use kinpack::{Contents, DecodeError, Digest, HashKeyRange, ParseHashKeyError, UserRecord};
use kinpack_payload::CompressionError;

use crate::data_text::DataFormat;
use crate::envelope::{Opened, Opener};
use crate::failure::{Failure, Outcome};
use crate::input::{self, Found, Inputs, Unreadable};
use crate::progress::Progress;
use payload::Decoder;
use row::{Rows, Shape};

/// Unpack aggregated records: one user record a line
///
/// Reads Kinesis records, unpacks those that are aggregates and hands on the others, and writes
/// one JSON object a line for each user record, in the order of the input:
///
///   {"sequence_number", "sub_sequence_number", "partition_key",
///    "explicit_hash_key", "aggregated", "data"}
///
/// The sub-sequence number is the position in the aggregate, 0 for a plain record; `aggregated`
/// says whether it came out of an aggregate. A plain record's explicit hash key is the one it was
/// put with, where the input has that and it is not just the MD5 of the partition key. What is
/// absent is null.
///
/// An aggregate that `kinpack pack --at aggregate-kinpack-only` has compressed as a whole is unwrapped
/// without being asked.
///
/// A record that begins as an aggregate but is none (too short, wrong digest, broken protobuf) is a
/// plain record, as it is to Amazon's Kinesis Client Library (KCL); --strict takes it for a fault.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_long_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    input: Inputs,
    /// How `data` is written; what does not fit stays base64 and has an `error`
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    data: DataFormat,
    /// Write payloads only, a newline after each; a faulty record's bytes as they came
    #[arg(long, conflicts_with = "data")]
    raw: bool,
    /// A record that has the aggregate's magic but is no faultless aggregate, or whose keys are not
    /// UTF-8, is a fault
    #[arg(long)]
    strict: bool,
    /// Do not compute the digests of aggregates
    #[arg(long, conflicts_with = "strict")]
    no_verify: bool,
    /// The shard's hash keys, two decimals, both inside; an aggregate with one user record outside
    /// is dropped whole, as by the KCL
    #[arg(long, value_name = "START:END", value_parser = hash_key_range)]
    hash_range: Option<HashKeyRange>,
    /// The same, but only the user records outside are dropped
    #[arg(long, value_name = "START:END", value_parser = hash_key_range)]
    #[arg(conflicts_with = "hash_range")]
    hash_range_per_record: Option<HashKeyRange>,
    #[command(flatten)]
    payload: payload::PayloadArgs,
}

const AFTER_HELP: &str = "\
Faults:
  A record with a fault, where nobody can say what its user records are, is written whole, as a
  plain record with its own bytes, and `error` says why. Text that is no record (a line that is not
  JSON, data that is not base64) has \"data\": null and the text as `text`. Each is named on stderr
  by file, line, byte and record; lines are counted from 1, bytes and records from 0.

Exit status:
  0  all well
  1  some record was faulty, all others were written
  2  usage, an input that cannot be read, that breaks off, or whose JSON is of no known shape

Examples:
  The partition keys in a shard:
    aws kinesis get-records --shard-iterator \"$ITERATOR\" | kinpack unpack | jq -r .partition_key

  The JSON payloads of a Lambda event:
    kinpack unpack --data json event.json | jq .data

  The payloads alone, of many files:
    kinpack unpack --raw shard-*.ndjson > payloads.txt

  One record's data, copied from a log:
    echo 84mawgoBYQoBYhIBMBIBMBoFCAAaAXgaBQgBGgF5RYIkBaElFHCZNTQaC/Kk/w== | kinpack unpack --data utf8

  Payloads that are compressed, each by whatever it was:
    kinpack unpack --decompress auto --data json records.json

  Avro as JSON, by the schemas in a directory:
    kinpack unpack --avro auto --schemas schemas/ records.json

  What belongs to the first of two shards:
    kinpack unpack --hash-range 0:170141183460469231731687303715884105727 records.json";

pub(crate) fn hash_key_range(text: &str) -> Result<HashKeyRange, String> {
    let (start, end) = text.split_once(':').ok_or("a range is START:END")?;
    let number = |text: &str| text.parse().map_err(|error: ParseHashKeyError| error.to_string());
    HashKeyRange::new(number(start)?, number(end)?)
        .ok_or_else(|| "the range ends before it starts".to_owned())
}

pub(crate) fn run(args: &Args) -> crate::Result {
    let progress = Progress::new();
    let shape = if args.raw { Shape::Raw } else { Shape::Json(args.data) };
    let mut unpack = Unpack {
        args,
        progress: &progress,
        opener: Opener::new(args.payload.inflate_limit()),
        decoder: Decoder::new(&args.payload)?,
        rows: Rows::new(shape),
        dropped: Dropped::default(),
    };
    let outcome = input::visit(&args.input, &progress, &mut unpack);
    if !matches!(outcome, Err(Failure::Io(..))) {
        unpack.report_dropped();
    }
    outcome
}

struct Unpack<'a> {
    args: &'a Args,
    progress: &'a Progress,
    opener: Opener,
    decoder: Decoder,
    rows: Rows,
    dropped: Dropped,
}

/// What a hash key range has kept out.
#[derive(Default)]
struct Dropped {
    user_records: u64,
    aggregates: u64,
}

/// Why a Kinesis record's user records were not all written.
enum Stop {
    /// It is faulty; nothing of it was written.
    Fault(DecodeError),
    Output(Failure),
}

impl From<DecodeError> for Stop {
    fn from(fault: DecodeError) -> Self {
        Self::Fault(fault)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Output(failure)
    }
}

impl input::Visitor for Unpack<'_> {
    fn records(&mut self, found: &[Found<'_>]) -> crate::Result {
        let (mut outcome, mut rest) = (Outcome::Well, found);
        while !rest.is_empty() {
            let opened = self.open_some(rest);
            let (now, later) = rest.split_at(opened.len());
            outcome = outcome.max(self.opened(now, &opened)?);
            rest = later;
        }
        Ok(outcome)
    }

    fn pause(&mut self) -> crate::Result<()> {
        Ok(self.rows.flush()?)
    }
}

/// The data of a record, or why it has none, or what is wrong with its envelope.
enum Data<'a> {
    There(Opened<'a>),
    Unreadable,
    BadEnvelope(CompressionError),
}

impl Data<'_> {
    fn there(&self) -> Option<&[u8]> {
        match self {
            Self::There(opened) => Some(&opened.data),
            Self::Unreadable | Self::BadEnvelope(_) => None,
        }
    }
}

impl Unpack<'_> {
    /// Takes records out of their envelopes: so many that those do not fill the memory.
    fn open_some<'a>(&mut self, found: &[Found<'a>]) -> Vec<Data<'a>> {
        /// Bytes that came out of envelopes, at which the others wait.
        const ENOUGH: usize = 8 << 20;

        let (mut opened, mut inflated) = (Vec::with_capacity(found.len()), 0);
        for found in found {
            if inflated >= ENOUGH {
                break;
            }
            opened.push(match found.data {
                Err(_) => Data::Unreadable,
                Ok(data) => match self.opener.open(data) {
                    Ok(opened) => {
                        inflated += opened.codec.map_or(0, |_| opened.data.len());
                        Data::There(opened)
                    }
                    Err(error) => Data::BadEnvelope(error),
                },
            });
        }
        opened
    }

    fn opened(&mut self, found: &[Found<'_>], opened: &[Data<'_>]) -> crate::Result {
        let digest = if self.args.no_verify { Digest::Skip } else { Digest::Verify };
        let datas: Vec<&[u8]> = opened.iter().filter_map(Data::there).collect();
        let contents = match self.args.strict {
            true => kinpack::deaggregate_strict_many(&datas, digest),
            false => kinpack::deaggregate_many(&datas, digest),
        };
        let mut readable = datas.iter().copied().zip(contents);
        let mut outcome = Outcome::Well;
        for (found, opened) in found.iter().zip(opened) {
            outcome = outcome.max(match (opened, &found.data) {
                // One for each whose data is there.
                (Data::There(_), _) => match readable.next() {
                    Some((data, contents)) => self.record(found, data, contents)?,
                    None => break,
                },
                (Data::BadEnvelope(error), Ok(data)) => self.faulty(found, data, error)?,
                (_, Err(unreadable)) => self.unreadable(found, unreadable)?,
                (Data::Unreadable, Ok(_)) => Outcome::Well,
            });
        }
        Ok(outcome)
    }

    fn unreadable(&mut self, found: &Found<'_>, unreadable: &Unreadable<'_>) -> crate::Result {
        let Unreadable { text, reason } = unreadable;
        self.progress.complain(&format_args!("{}: {reason}", found.place));
        let error = match &found.place.spot {
            Some(spot) => format!("{spot}: {reason}"),
            None => reason.clone(),
        };
        self.rows.unreadable(found, text, &error)?;
        Ok(Outcome::Faulty)
    }

    fn record(
        &mut self,
        found: &Found<'_>,
        data: &[u8],
        contents: Result<Contents<'_>, DecodeError>,
    ) -> crate::Result {
        match self.unpack(found, contents) {
            Ok(outcome) => Ok(outcome),
            Err(Stop::Output(failure)) => Err(failure),
            Err(Stop::Fault(fault)) => self.faulty(found, data, &fault),
        }
    }

    /// Hands a record on whole, with what is wrong with it.
    fn faulty(
        &mut self,
        found: &Found<'_>,
        data: &[u8],
        fault: &dyn fmt::Display,
    ) -> crate::Result {
        self.progress.complain(&format_args!("{}: {fault}", found.place));
        self.rows.faulty(found, data, &fault.to_string())?;
        Ok(Outcome::Faulty)
    }

    fn unpack(
        &mut self,
        found: &Found<'_>,
        contents: Result<Contents<'_>, DecodeError>,
    ) -> Result<Outcome, Stop> {
        let aggregate = match contents? {
            Contents::Aggregated(aggregate) => aggregate,
            Contents::Plain(data) => {
                return Ok(self.write(found, [row::plain(found, data)].into_iter())?.0);
            }
        };
        let all = aggregate.len() as u64;
        let (outcome, written) = match (self.args.hash_range, self.args.hash_range_per_record) {
            (Some(range), _) if !aggregate.all_within(range)? => (Outcome::Well, 0),
            (_, Some(range)) => self.write(found, aggregate.records_within(range)?)?,
            _ => self.write(found, aggregate.records())?,
        };
        self.dropped.user_records += all - written;
        self.dropped.aggregates += u64::from(all > written);
        Ok(outcome)
    }

    /// Writes user records, and says how many there were.
    fn write<'a>(
        &mut self,
        found: &Found<'_>,
        records: impl Iterator<Item = UserRecord<'a>>,
    ) -> crate::Result<(Outcome, u64)> {
        let (mut outcome, mut written) = (Outcome::Well, 0);
        self.rows.begin(found);
        for record in records {
            written += 1;
            let payload = self.decoder.payload(record.data);
            if let Some(fault) = self.rows.user_record(&record, payload)? {
                outcome = Outcome::Faulty;
                let number = record.sub_sequence_number;
                self.progress.complain(&match record.aggregated {
                    true => format!("{}, user record {number}: {fault}", found.place),
                    false => format!("{}: {fault}", found.place),
                });
            }
        }
        Ok((outcome, written))
    }

    fn report_dropped(&self) {
        let Dropped { user_records, aggregates } = self.dropped;
        if user_records > 0 {
            self.progress.complain(&format_args!(
                "outside the hash key range, dropped: {user_records} user {} of {aggregates} {}",
                if user_records == 1 { "record" } else { "records" },
                if aggregates == 1 { "aggregate" } else { "aggregates" },
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::hash_key_range;

    #[test]
    fn ranges_are_two_decimals_in_order() {
        assert_eq!(hash_key_range("0:007").unwrap().to_string(), "0:7");
        for text in [
            "",
            "7",
            "7:",
            ":7",
            "8:7",
            "a:b",
            "1:2:3",
            "0:340282366920938463463374607431768211456",
        ] {
            assert!(hash_key_range(text).is_err(), "{text}");
        }
    }
}
