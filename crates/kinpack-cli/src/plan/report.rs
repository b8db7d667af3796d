//! All that was found out, as `--json` shows it.

use serde::Serialize;

use super::figures::{EVENT_BYTES, EVENT_RECORDS, Row, Skipped};
use super::prices::{HOURS, Prices};
use crate::numbers::{thousands, three_digits, time};
use crate::traffic::{PAYLOAD_UNIT, SHARD_BYTES, SHARD_RECORDS};

/// Shards that `--shards` takes at most.
pub(super) const MOST_SHARDS: u32 = 65_536;

/// Members are as `--json` shows them. Times are in seconds.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) kinpack: &'static str,
    pub(super) sample: Sample,
    pub(super) settings: Shown,
    pub(super) prices: Prices,
    pub(super) limits: Limits,
    pub(super) payloads: Vec<Row>,
    pub(super) outer_keys: Vec<Row>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) notes: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Sample {
    pub(super) messages: usize,
    /// Of data.
    pub(super) bytes: usize,
    pub(super) partition_keys: usize,
    /// Whether there were more messages than were taken.
    pub(super) cut: bool,
}

/// The settings.
#[derive(Serialize)]
pub(super) struct Shown {
    pub(super) rate: f64,
    pub(super) producers: u32,
    pub(super) linger: Option<f64>,
    pub(super) shards: u32,
    pub(super) max_size: usize,
    pub(super) record_limit: usize,
    pub(super) dictionary_size: usize,
}

/// Limits of the services.
#[derive(Serialize)]
pub(super) struct Limits {
    shard_records_per_second: f64,
    shard_bytes_per_second: f64,
    put_unit_bytes: usize,
    lambda_event_bytes: f64,
    lambda_event_records: f64,
    hours_per_month: f64,
}

impl Limits {
    pub(super) const ALL: Self = Self {
        shard_records_per_second: SHARD_RECORDS,
        shard_bytes_per_second: SHARD_BYTES,
        put_unit_bytes: PAYLOAD_UNIT,
        lambda_event_bytes: EVENT_BYTES,
        lambda_event_records: EVENT_RECORDS,
        hours_per_month: HOURS,
    };
}

impl Report {
    /// What readers of the figures should know.
    pub(super) fn add_notes(&mut self) {
        let rows = || self.payloads.iter().chain(&self.outer_keys);
        let mut notes = Vec::new();
        if self.sample.cut {
            notes.push(format!(
                "only the first {} messages were taken: --sample takes more",
                self.sample.messages
            ));
        }
        let cut = rows().filter(|row| row.cut_short * 10 > row.kinesis_records);
        let cut: Vec<&str> = cut.map(|row| row.id).collect();
        if !cut.is_empty() {
            notes.push(format!(
                "over a tenth of the records were cut short by the end of the sample, a longer one \
                 is more exact: {}",
                cut.join(", ")
            ));
        }
        let packed_for = f64::from(self.settings.shards);
        let more = rows().filter(|row| row.id != "one-by-one" && row.shards > packed_for);
        if let Some(most) = more.map(|row| row.shards).max_by(f64::total_cmp) {
            notes.push(format!(
                "aggregates are packed for {packed_for} {}, and more are needed: see with --shards \
                 {}",
                if packed_for == 1.0 { "shard" } else { "shards" },
                most.min(MOST_SHARDS.into())
            ));
        }
        notes.extend(self.room_in_put_units());
        for Skipped { name, reason, .. } in &self.skipped {
            notes.push(format!("left out: {}: {reason}", name.trim_start_matches("+ ")));
        }
        if self.payloads.iter().any(|row| row.id == "avro") {
            notes.push(
                "Avro in single objects; its CPU time is from JSON text and back to it: structs \
                 take less"
                    .to_owned(),
            );
        }
        if cfg!(debug_assertions) {
            notes.push("a debug build: CPU times are many times those of --release".to_owned());
        }
        self.notes = notes;
    }

    /// What to do if whole aggregates get so small that most of a PUT payload unit stays empty.
    fn room_in_put_units(&self) -> Option<String> {
        const STEP: f64 = 10.0 * 1024.0;
        let row = self.payloads.iter().find(|row| row.id == "zstd-aggregate")?;
        let Shown { linger, max_size, record_limit, .. } = self.settings;
        let (fill, size) = (row.fill?, row.kinesis_bytes as f64 / row.kinesis_records as f64);
        // Those that go out before they are full do not get larger.
        let are_full = linger.is_none_or(|linger| fill <= linger);
        // Some are larger than most.
        let times = 0.9 * PAYLOAD_UNIT as f64 / size;
        let larger = (max_size as f64 * times).min(record_limit as f64);
        let larger = (larger / STEP).floor() * STEP;
        (are_full && larger >= 2.0 * max_size as f64).then(|| {
            format!(
                "whole aggregates with zstd are {} bytes, and a PUT unit takes 25 KB: see with \
                 --max-size {}KiB (full after {})",
                thousands(size),
                larger / 1024.0,
                time(fill * larger / max_size as f64),
            )
        })
    }

    /// Messages a second.
    pub(super) fn rate(&self) -> String {
        let rate = self.settings.rate;
        if rate.fract() == 0.0 { thousands(rate) } else { three_digits(rate) }
    }

    /// What the sample is, in a sentence.
    pub(super) fn describe_sample(&self) -> String {
        let Sample { messages, bytes, partition_keys, .. } = self.sample;
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        format!(
            "as the {} message{} of the sample: {:.1} bytes on average, {} partition key{}",
            thousands(messages as f64),
            plural(messages),
            bytes as f64 / messages as f64,
            thousands(partition_keys as f64),
            plural(partition_keys),
        )
    }

    /// How aggregates come to be, in a sentence.
    pub(super) fn describe_aggregates(&self) -> String {
        let Shown { producers, linger, shards, max_size, .. } = self.settings;
        let by = |count: u32, what: &str| {
            let plural = if count == 1 { "" } else { "s" };
            format!("{} {what}{plural}", thousands(count.into()))
        };
        let size = if max_size % 1024 == 0 {
            format!("{} KiB", thousands((max_size / 1024) as f64))
        } else {
            format!("{} bytes", thousands(max_size as f64))
        };
        let after = match linger {
            Some(linger) => format!("or after {}, by", time(linger)),
            None => "by".to_owned(),
        };
        format!(
            "aggregates go out when full ({size}) {after} {}, for {}",
            by(producers, "producer"),
            by(shards, "shard")
        )
    }
}
