//! `kinpack dict`

use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use kinpack_payload::{Codec, Compressor, Dictionary};

use crate::data_text::DataFormat;
use crate::failure::Failure;
use crate::pack::options;
use crate::pack::rows::{Buffers, Keys, Reader};
use crate::sample;

/// Make zstd dictionaries, with which small messages get small one by one
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Train(Train),
}

/// Train a dictionary from sample messages
///
/// The samples are user records as `kinpack pack` takes them: a line of JSON each, with
/// "partition_key" and "data"; or, with --lines, the lines themselves. They should be what the
/// stream carries, many more than a few, and 100 times as much as the dictionary altogether. Of more
/// than 64 MiB, messages evenly spread over all of them are taken.
///
/// The same samples give the same dictionary. Its id stands in every message that is compressed
/// with it, so that readers can hold several: distribute a new one to them before writers use it.
///
/// What a message takes with it is measured on every tenth sample, with a dictionary that was
/// trained from the others; the one that is written has seen them all.
#[derive(clap::Args)]
#[command(after_help = "\
Exit status:
  0  the dictionary is written
  1  some line was no message, the dictionary of all others is written
  2  usage, too few samples, a file that could not be read or written

Examples:
  kinpack dict train samples.ndjson -o messages.dict
  kinpack pack --compress zstd:3,dict=messages.dict records.ndjson > entries
  kinpack unpack --decompress zstd --dict messages.dict entries

  # Of what a stream carries now
  aws kinesis get-records --shard-iterator \"$iterator\" |
    kinpack unpack | kinpack dict train -o messages.dict

  # For messages that are sent as Avro
  kinpack pack --data json --avro-schema click.avsc --framing single clicks.ndjson |
    kinpack unpack | kinpack dict train -o clicks.dict")]
struct Train {
    /// Files of sample messages; `-` is standard input, and so is no file
    #[arg(value_name = "SAMPLE")]
    files: Vec<PathBuf>,

    /// Where the dictionary goes; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Bytes of the dictionary at most, 256 at least
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "16KiB")]
    size: usize,

    /// What "data" is in a row
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, conflicts_with = "lines")]
    data: DataFormat,

    /// Take each line as a message; empty lines, too
    #[arg(long)]
    lines: bool,
}

/// zstd knows no smaller ones.
const SMALLEST: usize = 256;
/// Larger ones cost more to load than they save; zstd's own tool makes 110 KiB.
const LARGEST: usize = 16 << 20;

fn size(text: &str) -> Result<usize, String> {
    let size = options::size(text)?;
    if (SMALLEST..=LARGEST).contains(&size) {
        Ok(size)
    } else {
        Err("a dictionary has 256 bytes at least and 16MiB at most".to_owned())
    }
}

pub(crate) fn run(args: &Args) -> crate::Result {
    let Command::Train(train) = &args.command;
    let reader = if train.lines {
        Reader::Lines(Keys::One(String::new()))
    } else {
        Reader::Rows { format: train.data, buffers: Buffers::default() }
    };
    let mut samples = Samples::new(Samples::MOST_BYTES);
    let read = sample::read(&train.files, reader, |record| {
        samples.offer(record.data);
        Ok(ControlFlow::Continue(()))
    });
    let samples = samples.kept;
    let dictionary = Dictionary::train(&samples, train.size).map_err(|error| {
        let hint = "give more of them, or a smaller --size: 100 times the dictionary's size, of \
                    messages that differ, is good";
        Failure::new(format!("{error}; {hint}"))
    })?;
    write(&train.output, dictionary.as_bytes())?;
    report(train, &dictionary, &samples)?;
    read.outcome()
}

fn write(path: &Path, bytes: &[u8]) -> crate::Result<()> {
    if path == Path::new("-") {
        io::stdout().lock().write_all(bytes)?;
        return Ok(());
    }
    std::fs::write(path, bytes).map_err(|error| Failure::Io(path.display().to_string(), error))
}

/// Says on stderr what the dictionary is worth.
fn report(train: &Train, dictionary: &Dictionary, samples: &[Vec<u8>]) -> crate::Result<()> {
    let total: usize = samples.iter().map(Vec::len).sum();
    let mut text = format!(
        "dictionary {}: {} bytes, from {} samples of {total} bytes\n",
        dictionary.id(),
        dictionary.as_bytes().len(),
        samples.len(),
    );
    if let Some((plain, alone, with)) = measure(samples, train.size) {
        text.push_str(&format!(
            "a message it has not seen: {plain:.1} bytes, zstd {alone:.1}, with it {with:.1}\n"
        ));
        if with >= alone {
            text.push_str("warning: it does not help these messages\n");
        }
    }
    // If nobody listens there, the dictionary is written all the same.
    let _ = io::stderr().write_all(text.as_bytes());
    Ok(())
}

/// Bytes of a message: as it is, compressed alone, and with a dictionary that has not seen it. `None`
/// if too few are left to train one.
fn measure(samples: &[Vec<u8>], size: usize) -> Option<(f64, f64, f64)> {
    const PART: usize = 10;
    let (unseen, seen): (Vec<_>, Vec<_>) =
        samples.iter().enumerate().partition(|(i, _)| i % PART == 0);
    let dictionary = Dictionary::train(seen.iter().map(|(_, sample)| sample), size).ok()?;
    let mean = |compressor: Option<Compressor>| {
        let (mut compressor, mut small) = (compressor, Vec::new());
        let mut sum = 0;
        for (_, sample) in &unseen {
            sum += match &mut compressor {
                Some(compressor) => {
                    compressor.compress_into(sample, &mut small).ok()?;
                    small.len()
                }
                None => sample.len(),
            };
        }
        Some(sum as f64 / unseen.len() as f64)
    };
    let alone = Compressor::new(Codec::Zstd).ok()?;
    let with = Compressor::with_dictionary(Codec::Zstd, &dictionary).ok()?;
    Some((mean(None)?, mean(Some(alone))?, mean(Some(with))?))
}

/// Messages evenly spread over all that were offered, not more than some bytes of them.
struct Samples {
    kept: Vec<Vec<u8>>,
    bytes: usize,
    most_bytes: usize,
    /// Each so many-th is kept.
    step: u64,
    offered: u64,
}

impl Samples {
    const MOST_BYTES: usize = 64 << 20;
    /// What a sample takes besides its bytes.
    const EACH: usize = size_of::<Vec<u8>>() + 16;

    fn new(most_bytes: usize) -> Self {
        Self { kept: Vec::new(), bytes: 0, most_bytes, step: 1, offered: 0 }
    }

    fn offer(&mut self, message: &[u8]) {
        let number = self.offered;
        self.offered += 1;
        if !number.is_multiple_of(self.step) {
            return;
        }
        self.kept.push(message.to_vec());
        self.bytes += message.len() + Self::EACH;
        while self.bytes > self.most_bytes && self.kept.len() > 1 {
            self.step *= 2;
            let mut even = false;
            self.kept.retain(|_| {
                even = !even;
                even
            });
            self.bytes = self.kept.iter().map(|it| it.len() + Self::EACH).sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_much_an_even_part_is_kept() {
        let mut samples = Samples::new(1_000);
        for i in 0..10_000_u32 {
            samples.offer(&i.to_be_bytes());
        }
        assert!(samples.bytes <= 1_000 && samples.bytes > 400, "{}", samples.bytes);
        let numbers: Vec<u32> =
            samples.kept.iter().map(|it| u32::from_be_bytes(it[..].try_into().unwrap())).collect();
        let steps: Vec<u32> = numbers.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().all(|&step| u64::from(step) == samples.step), "{numbers:?}");
        assert!(u64::from(*numbers.last().unwrap()) + samples.step >= 10_000);
    }

    #[test]
    fn sizes_are_bounded() {
        assert_eq!(size("16KiB"), Ok(16 << 10));
        for text in ["255", "17MiB", "x"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
