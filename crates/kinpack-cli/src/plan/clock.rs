//! What packing and unpacking take, measured here and now.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kinpack::{Digest, KinesisRecord, ShardedAggregator, deaggregate};
use kinpack_payload::avro::{AvroReader, MemoryStore};
use kinpack_payload::{Decompressor, whole_aggregate};

use super::Settings;
use super::messages::Messages;
use super::simulation::{Unsent, alone, half};
use super::ways::{Tools, Way};
use crate::failure::Failure;
use crate::pack::payload::{Envelopes, Payloads};
use crate::pack::rows::NewRecord;

/// The fastest of some runs: what disturbs one only makes it slower.
pub(super) fn best(mut run: impl FnMut() -> crate::Result<Duration>) -> crate::Result<Duration> {
    const ENOUGH: Duration = Duration::from_millis(100);
    const MOST_RUNS: usize = 5;
    let (mut least, mut total) = (Duration::MAX, Duration::ZERO);
    for _ in 0..MOST_RUNS {
        let time = run()?;
        (least, total) = (least.min(time), total + time);
        if total >= ENOUGH {
            break;
        }
    }
    Ok(least)
}

/// Packs the messages as `kinpack pack` does.
pub(super) fn write(
    way: &Way,
    settings: &Settings,
    messages: &Messages,
    payloads: &mut [Payloads; 2],
    envelopes: &mut Envelopes,
) -> Result<Duration, Unsent> {
    /// Records that are finished together, their digests computed side by side.
    const TOGETHER: usize = 16;
    let mut aggregator =
        ShardedAggregator::new(settings.shards.clone(), settings.limits, way.policy);
    let mut send = |aggregator: &mut ShardedAggregator| {
        while let Some(mut placed) = aggregator.next_finished() {
            envelopes.close(&mut placed.record).map_err(Unsent::Envelope)?;
            aggregator.recycle(black_box(placed.record));
        }
        Ok(())
    };
    let start = Instant::now();
    for (i, message) in messages.iter().enumerate() {
        let data = payloads[half(i, messages.len())].of(message.data).map_err(Unsent::Payload)?;
        let NewRecord { partition_key, explicit_hash_key, .. } = message;
        if !way.aggregates {
            black_box(alone(&NewRecord { data, ..message }));
            continue;
        }
        aggregator.push(partition_key, explicit_hash_key, data).map_err(Unsent::Refused)?;
        if aggregator.finished_len() >= TOGETHER {
            send(&mut aggregator)?;
        }
    }
    aggregator.flush();
    send(&mut aggregator)?;
    Ok(start.elapsed())
}

/// Takes records apart again, to the last message.
pub(super) struct Unpacker<'a> {
    way: &'a Way,
    tools: &'a Tools,
    avro: Option<AvroReader<MemoryStore>>,
}

impl<'a> Unpacker<'a> {
    pub(super) fn new(way: &'a Way, tools: &'a Tools) -> Self {
        let avro = tools.schema.as_ref().filter(|_| way.is_avro()).map(|schema| {
            let mut store = MemoryStore::new();
            store.add(Arc::clone(schema));
            AvroReader::new(store)
        });
        Self { way, tools, avro }
    }

    /// Unpacks the records and sees that the messages are all there.
    pub(super) fn read(
        &self,
        records: &[KinesisRecord],
        messages: &Messages,
    ) -> crate::Result<Duration> {
        let wrong = |what: &dyn std::fmt::Display| {
            Failure::new(format!("what was packed does not come back ({}): {what}", self.way.id))
        };
        let (mut envelopes, mut unwrapped) = (Decompressor::new(), Vec::new());
        let mut each = self.way.decompressor(self.tools);
        let mut inflated = Vec::new();
        let (mut count, mut bytes) = (0_usize, 0_usize);
        let start = Instant::now();
        for record in records {
            let opened = whole_aggregate::unwrap(&record.data, &mut envelopes, &mut unwrapped)
                .map_err(|error| wrong(&error))?;
            let contents =
                deaggregate(opened.data, Digest::Verify).map_err(|error| wrong(&error))?;
            for user_record in contents.records(Some(&record.partition_key)) {
                let mut data = user_record.data;
                if let Some((codec, decompressor)) = &mut each {
                    decompressor
                        .decompress_into(*codec, data, &mut inflated)
                        .map_err(|error| wrong(&error))?;
                    data = &inflated;
                }
                (count, bytes) = (count + 1, bytes + data.len());
                match &self.avro {
                    Some(reader) => read_avro(reader, data).map_err(|error| wrong(&error))?,
                    None => {
                        black_box(data);
                    }
                }
            }
        }
        let time = start.elapsed();
        if count != messages.len() || self.avro.is_none() && bytes != messages.data_len() {
            return Err(wrong(&format_args!("{count} messages, {bytes} bytes")));
        }
        Ok(time)
    }
}

fn read_avro(
    reader: &AvroReader<MemoryStore>,
    data: &[u8],
) -> Result<(), kinpack_payload::avro::AvroError> {
    if let Some(mut opened) = reader.open(data)? {
        while let Some(datum) = opened.next()? {
            black_box(datum.read_json()?);
        }
    }
    Ok(())
}
