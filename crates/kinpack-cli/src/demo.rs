//! `kinpack demo`

mod kpl_event;
mod messages;
mod round_trip;
mod savings;

use std::io::{self, IsTerminal as _, Write};
use std::num::NonZeroU32;
use std::time::Duration;

use kinpack::{Limits, ShardMap};

use self::messages::{Message, Shape};
use self::savings::{RATE, compare};
use crate::failure::{Failure, Outcome};
use crate::numbers::thousands;
use crate::traffic::Traffic;

const MESSAGES: usize = 100_000;
const SHARDS: NonZeroU32 = NonZeroU32::new(4).expect("four are some");

/// Show what packing does, on made-up messages and on aggregates of the KPL
///
/// Makes 100,000 small messages, the same each time, packs them for a stream of 4 shards, unpacks
/// them, checks that every one came back in order, and prints what that saves. Then it unpacks a
/// Lambda event of aggregates that Amazon's Kinesis Producer Library wrote.
#[derive(clap::Args)]
#[command(after_help = "\
Exit status:
  0  all that was packed came back
  1  it did not")]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> crate::Result {
    let mut out = io::stdout().lock();
    let style = Style { bold: out.is_terminal() && std::env::var_os("NO_COLOR").is_none() };
    match show(&mut out, style) {
        Err(Wrong::Check(message)) => {
            writeln!(out, "\nFAILED: {message}")?;
            Ok(Outcome::Faulty)
        }
        Err(Wrong::Output(error)) => Err(Failure::from(error)),
        Ok(()) => Ok(Outcome::Well),
    }
}

enum Wrong {
    /// What was packed did not come back.
    Check(String),
    Output(io::Error),
}

impl From<String> for Wrong {
    fn from(message: String) -> Self {
        Self::Check(message)
    }
}

impl From<io::Error> for Wrong {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

#[derive(Clone, Copy)]
struct Style {
    bold: bool,
}

impl Style {
    fn heading(self, out: &mut impl Write, text: &str) -> io::Result<()> {
        if self.bold {
            writeln!(out, "\n\x1b[1m{text}\x1b[0m\n")
        } else {
            writeln!(out, "\n{text}\n")
        }
    }
}

fn show(out: &mut impl Write, style: Style) -> Result<(), Wrong> {
    let messages = messages::messages(MESSAGES);
    let shards = ShardMap::even(SHARDS);
    style.heading(out, &format!("{} small messages", thousands(MESSAGES as f64)))?;
    show_messages(out, &messages)?;

    style.heading(out, &format!("Packed for a stream of {SHARDS} shards, and unpacked again"))?;
    let records = round_trip::pack(&messages, &shards)?;
    round_trip::check(&messages, &records)?;
    let payload: usize = messages.iter().map(|message| message.data.len()).sum();
    let (pack, unpack) = round_trip::times(&messages, &shards, &records);
    let count = thousands(MESSAGES as f64);
    writeln!(out, "  packed   {} Kinesis records", records.len())?;
    writeln!(out, "  checked  all {count} came back, in order per partition key, each from the")?;
    writeln!(out, "           shard where its key belongs")?;
    writeln!(out, "  speed    pack   {}", speed(payload, pack))?;
    writeln!(out, "           unpack {}", speed(payload, unpack))?;
    if cfg!(debug_assertions) {
        writeln!(out, "           (a debug build: with --release it is many times faster)")?;
    }

    style.heading(out, &format!("At {} messages a second", thousands(RATE)))?;
    let lengths = |message: &Message| (message.data.len(), message.partition_key.len());
    let before = Traffic::of(messages.iter().map(lengths));
    let after =
        Traffic::of(records.iter().map(|it| (it.record.data.len(), it.record.partition_key.len())));
    show_savings(out, &before, &after)?;

    style.heading(out, "A Lambda event with aggregates that Amazon's KPL wrote")?;
    for line in kpl_event::table()?.lines() {
        writeln!(out, "  {line}")?;
    }
    out.flush()?;
    Ok(())
}

fn show_messages(out: &mut impl Write, messages: &[Message]) -> io::Result<()> {
    writeln!(out, "  {:<26}{:>10}{:>16}{:>16}", "", "messages", "partition keys", "average bytes")?;
    for shape in Shape::ALL {
        let of_shape = || messages.iter().filter(|message| message.shape == shape);
        let mut keys: Vec<_> = of_shape().map(|message| &message.partition_key).collect();
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        let bytes: usize = of_shape().map(|message| message.data.len()).sum();
        let (count, keys) = (count as f64, keys.len() as f64);
        writeln!(
            out,
            "  {:<26}{:>10}{:>16}{:>16}",
            shape.name(),
            thousands(count),
            thousands(keys),
            thousands(bytes as f64 / count)
        )?;
    }
    Ok(())
}

fn show_savings(out: &mut impl Write, before: &Traffic, after: &Traffic) -> io::Result<()> {
    writeln!(out, "  {:<28}{:>12}{:>12}{:>12}", "", "one by one", "packed", "change")?;
    for (what, before, after) in compare(before, after, MESSAGES) {
        let change = format!("{:+.1} %", 100.0 * (after / before - 1.0));
        let (before, after) = (thousands(before), thousands(after));
        writeln!(out, "  {what:<28}{before:>12}{after:>12}{change:>12}")?;
    }
    let bytes_a_second = after.bytes as f64 / MESSAGES as f64 * RATE;
    let full_after = Limits::default().max_size() as f64 * f64::from(SHARDS.get()) / bytes_a_second;
    writeln!(
        out,
        "\n  A shard takes 1,000 records and 1 MiB a second; a unit is 25 KB, rounded up"
    )?;
    writeln!(out, "  per record. An aggregate of 50 KiB is full after {:.0} ms.", full_after * 1e3)
}

fn speed(bytes: usize, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    format!(
        "{:>6} MB/s {:>12} messages/s on one core",
        thousands(bytes as f64 / seconds / 1e6),
        thousands(MESSAGES as f64 / seconds)
    )
}
