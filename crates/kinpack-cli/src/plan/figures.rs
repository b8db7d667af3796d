//! What a way comes to: a row of the table.

use serde::Serialize;

use super::Settings;
use super::clock::{self, Unpacker};
use super::messages::Messages;
use super::prices::Prices;
use super::simulation::{self, Sent, Unsent};
use super::ways::{Readers, Tools, Way};
use crate::failure::Failure;
use crate::traffic::Traffic;

/// Bytes of a Lambda event at most. Lambda's documents say 6 MB.
pub(super) const EVENT_BYTES: f64 = 6_000_000.0;
/// Records of a Lambda event at most.
pub(super) const EVENT_RECORDS: f64 = 10_000.0;
/// Bytes of a record in a Lambda event besides its partition key and data, with names of usual
/// length.
const EVENT_ENVELOPE: usize = 525;

/// A row. Members are as `--json` shows them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) name: String,
    pub(super) readers: Readers,
    /// Of the sample: Kinesis records, their bytes with partition keys, and PUT payload units.
    pub(super) kinesis_records: usize,
    pub(super) kinesis_bytes: usize,
    pub(super) put_units: usize,
    /// Records that the end of the sample cut short.
    pub(super) cut_short: usize,
    pub(super) bytes_per_message: f64,
    /// Of all producers together, each a second.
    pub(super) records_per_second: f64,
    pub(super) bytes_per_second: f64,
    pub(super) put_units_per_second: f64,
    pub(super) shards: f64,
    pub(super) cost_per_month: f64,
    pub(super) cost_of_shards: f64,
    pub(super) cost_of_put_units: f64,
    /// Seconds of one core for a million messages.
    pub(super) write_cpu: f64,
    pub(super) read_cpu: f64,
    /// Seconds until an aggregate is full; `None` without aggregates.
    pub(super) fill: Option<f64>,
    /// Seconds that messages wait in aggregates, with --linger: on average, and at most.
    pub(super) mean_wait: f64,
    pub(super) longest_wait: f64,
    pub(super) messages_per_lambda_event: f64,
}

/// A way that cannot be gone.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Skipped {
    pub(super) id: &'static str,
    pub(super) name: String,
    pub(super) reason: String,
}

/// Goes a way, or says why it cannot be gone.
pub(super) fn row(
    way: &Way,
    settings: &Settings,
    messages: &Messages,
    tools: &Tools,
    prices: &Prices,
) -> crate::Result<Result<Row, Skipped>> {
    let skipped = |reason: String| Ok(Err(Skipped { id: way.id, name: way.name.clone(), reason }));
    let mut payloads = match way.payloads(tools) {
        Ok(payloads) => payloads,
        Err(error) => return skipped(error.to_string()),
    };
    let envelopes = || way.envelopes().map_err(|error| Failure::new(error.to_string()));
    let sent = match simulation::send(way, settings, messages, &mut payloads, envelopes()?) {
        Ok(sent) => sent,
        // A message that only just fits may not fit compressed.
        Err(Unsent::Refused(error)) => return skipped(error.to_string()),
        Err(error) => return Err(Failure::new(format!("{}: {error}", way.id))),
    };
    let mut closing = envelopes()?;
    let write = clock::best(|| {
        clock::write(way, settings, messages, &mut payloads, &mut closing)
            .map_err(|error| Failure::new(format!("{}: {error}", way.id)))
    })?;
    let unpacker = Unpacker::new(way, tools);
    let read = clock::best(|| unpacker.read(&sent.records, messages))?;
    let million = |time: std::time::Duration| time.as_secs_f64() * 1e6 / messages.len() as f64;
    Ok(Ok(figures(way, settings, messages, prices, &sent, [million(write), million(read)])))
}

fn figures(
    way: &Way,
    settings: &Settings,
    messages: &Messages,
    prices: &Prices,
    sent: &Sent,
    [write_cpu, read_cpu]: [f64; 2],
) -> Row {
    let lengths = sent.records.iter().map(|it| (it.data.len(), it.partition_key.len()));
    let traffic = Traffic::of(lengths);
    let count = messages.len() as f64;
    let seconds = count / settings.rate;
    let shards = traffic.shards(seconds).max(1.0);
    let put_units_per_second = traffic.payload_units as f64 / seconds;
    let (cost_of_shards, cost_of_put_units) = prices.month(shards, put_units_per_second);
    Row {
        id: way.id,
        name: way.name.clone(),
        readers: way.readers(),
        kinesis_records: traffic.records,
        kinesis_bytes: traffic.bytes,
        put_units: traffic.payload_units,
        cut_short: sent.cut_short,
        bytes_per_message: traffic.bytes as f64 / count,
        records_per_second: traffic.records as f64 / seconds,
        bytes_per_second: traffic.bytes as f64 / seconds,
        put_units_per_second,
        shards,
        cost_per_month: cost_of_shards + cost_of_put_units,
        cost_of_shards,
        cost_of_put_units,
        write_cpu,
        read_cpu,
        fill: way.aggregates.then(|| {
            let in_a_full_one =
                settings.limits.max_size() as f64 * count / sent.bytes_inside as f64;
            let in_a_full_one = in_a_full_one.clamp(1.0, settings.limits.max_count().into());
            (in_a_full_one - 1.0) * sent.places as f64 * settings.seconds_between()
        }),
        mean_wait: sent.waited / count,
        longest_wait: sent.longest,
        messages_per_lambda_event: messages_per_event(sent, count),
    }
}

/// Messages that an event of such records holds, all of one size as on average.
fn messages_per_event(sent: &Sent, messages: f64) -> f64 {
    let json: usize = sent
        .records
        .iter()
        .map(|it| EVENT_ENVELOPE + it.partition_key.len() + it.data.len().div_ceil(3) * 4)
        .sum();
    let records = sent.records.len() as f64;
    let in_an_event = (EVENT_BYTES * records / json as f64).min(EVENT_RECORDS).floor();
    (in_an_event * messages / records).floor()
}
