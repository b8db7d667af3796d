//! One table: how many times as fast as `md-5` over the same protobuf bytes each of them is. All
//! take their turns in one run, so that a noisy machine disturbs them alike.
#![forbid(unsafe_code)]

mod table;
mod turns;

use std::hint::black_box;

use benches::events::{Event, decode_only, kinpack_event, parse_only, rival_event};
use benches::{
    Batch, Keys, Workload, kinpack_decode, kinpack_decode_many, kinpack_encode,
    kinpack_encode_many, md5, prost_decode, prost_encode,
};
use kinpack::{Aggregator, Digest, KinesisRecord, OuterKey};

use table::{Column, Row, header};
use turns::{interleave, interleave_once};

fn main() {
    let names = md5_lanes::forced::names();
    println!("How many times as fast as md-5 over the same protobuf bytes (1.00: as slow as the");
    println!("digest alone by that crate), then payload and user records a second of the first");
    println!(
        "column of kinpack. MD5 back ends of this machine: {}; {} is the one",
        names.join(", "),
        md5_lanes::forced::chosen()
    );
    println!("that it takes by itself.");
    // A part of a row's name, to measure only such rows.
    let part = std::env::args().nth(1).unwrap_or_default();
    for name in names.into_iter().filter(|&name| name != "scalar") {
        md5_lanes::forced::choose(name);
        header(name);
        print(workloads(), "decode", &part, |it| &it.name, decode_one);
        print(batches(), "decode", &part, |it| &it.name, decode_many);
        print(workloads(), "encode", &part, |it| &it.name, encode_one);
        print(batches(), "encode", &part, |it| &it.name, encode_many);
        print(events(), "event of", &part, |it| &it.name, from_event);
    }
}

fn print<T>(
    of: Vec<T>,
    what: &str,
    part: &str,
    name: impl Fn(&T) -> &str,
    measure: impl Fn(&T, String) -> Row,
) {
    for it in &of {
        let name = format!("{what} {}", name(it));
        if name.contains(part) {
            measure(it, name).print();
        }
    }
}

fn workloads() -> Vec<Workload> {
    let one = |size, keys| Workload::new(size, 51_200, keys);
    vec![
        one(32, Keys::Few),
        one(100, Keys::Few),
        one(1_000, Keys::Few),
        one(10_000, Keys::Few),
        one(100, Keys::Unique),
        one(100, Keys::UniqueExplicit),
        Workload::new(100, 1 << 20, Keys::Few),
        Workload::new(1_000, 1 << 20, Keys::Few),
    ]
}

fn batches() -> Vec<Batch> {
    let many = |count, size, keys| Batch::new(count, size, 50_000, keys);
    vec![
        many(32, 32, Keys::Few),
        many(32, 100, Keys::Few),
        many(32, 1_000, Keys::Few),
        many(32, 10_000, Keys::Few),
        many(32, 100, Keys::UniqueExplicit),
        many(100, 100, Keys::Few),
        many(100, 1_000, Keys::Few),
        Batch::wide(100, 100, 50_000, Keys::Few),
        Batch::new(4, 100, 1 << 20, Keys::Few),
        Batch::new(4, 1_000, 1 << 20, Keys::Few),
    ]
}

fn events() -> Vec<Event> {
    let aggregates = |size, keys| Event::of_aggregates(&Batch::new(100, size, 45_000, keys));
    vec![
        aggregates(32, Keys::Few),
        aggregates(100, Keys::Few),
        aggregates(1_000, Keys::Few),
        aggregates(10_000, Keys::Few),
        aggregates(100, Keys::UniqueExplicit),
        Event::of_plain_records(10_000, 100),
        Event::of_unequal_records(10_000, 20..400),
    ]
}

fn decode_one(workload: &Workload, name: String) -> Row {
    let times = interleave(&mut [
        &mut || md5(workload.protobuf()),
        &mut || _ = kinpack_decode(&workload.data, Digest::Verify),
        &mut || _ = kinpack_decode(&workload.data, Digest::Skip),
        &mut || stream(workload),
        &mut || _ = prost_decode(&workload.data),
    ]);
    Row::new(name, workload.size(), times[0])
        .with(Column::Single, times[1])
        .with(Column::Walk, times[2])
        .with(Column::Stream, times[3])
        .with(Column::Prost, times[4])
        .note(format!("{:.3} of MD5 one", times[3] / times[1]))
}

fn encode_one(workload: &Workload, name: String) -> Row {
    let mut aggregator = Aggregator::new(workload.limits, OuterKey::Kpl);
    let mut out = KinesisRecord::default();
    let times = interleave(&mut [
        &mut || md5(workload.protobuf()),
        &mut || kinpack_encode(workload, &mut aggregator, &mut out),
        &mut || stream(workload),
        &mut || drop(prost_encode(workload)),
    ]);
    Row::new(name, workload.size(), times[0])
        .with(Column::Single, times[1])
        .with(Column::Stream, times[2])
        .with(Column::Prost, times[3])
}

fn decode_many(batch: &Batch, name: String) -> Row {
    let datas = batch.datas();
    let times = interleave(&mut [
        &mut || batch.aggregates.iter().for_each(|it| md5(it.protobuf())),
        &mut || _ = kinpack_decode_many(&datas),
        &mut || datas.iter().for_each(|it| _ = kinpack_decode(it, Digest::Verify)),
        &mut || batch.aggregates.iter().for_each(stream),
        &mut || datas.iter().for_each(|it| _ = prost_decode(it)),
    ]);
    Row::new(name, batch.size(), times[0])
        .with(Column::Batch, times[1])
        .with(Column::Single, times[2])
        .with(Column::Stream, times[3])
        .with(Column::Prost, times[4])
}

fn encode_many(batch: &Batch, name: String) -> Row {
    let (mut aggregators, mut out) = (batch.aggregators(), Vec::new());
    let (mut aggregator, mut record) = (batch.aggregators(), KinesisRecord::default());
    let times = interleave(&mut [
        &mut || batch.aggregates.iter().for_each(|it| md5(it.protobuf())),
        &mut || kinpack_encode_many(batch, &mut aggregators, &mut out),
        &mut || {
            let each = batch.aggregates.iter().zip(&mut aggregator);
            each.for_each(|(it, aggregator)| kinpack_encode(it, aggregator, &mut record));
        },
        &mut || batch.aggregates.iter().for_each(stream),
        &mut || batch.aggregates.iter().for_each(|it| drop(prost_encode(it))),
    ]);
    Row::new(name, batch.size(), times[0])
        .with(Column::Batch, times[1])
        .with(Column::Single, times[2])
        .with(Column::Stream, times[3])
        .with(Column::Prost, times[4])
}

/// An event is taken by value: its copy is made before the clock starts.
fn from_event(event: &Event, name: String) -> Row {
    let document = parse_only(event.json.clone());
    let protobufs: Vec<&[u8]> = document
        .records()
        .filter_map(|record| record.data.ok())
        .filter(|data| data.starts_with(&kinpack::MAGIC))
        .map(|data| &data[4..data.len() - 16])
        .collect();
    let times = interleave_once(
        &event.json,
        &mut [
            &mut |_| protobufs.iter().for_each(|protobuf| md5(protobuf)),
            &mut |json| _ = kinpack_event(json),
            &mut |json| drop(parse_only(json)),
            &mut |_| _ = decode_only(&document),
            &mut |_| _ = rival_event(&event.json),
        ],
    );
    // Where nothing is to be hashed the rival is the measure.
    let unit = if protobufs.is_empty() { times[4] } else { times[0] };
    Row::new(name, event.payload, unit)
        .with(Column::Batch, times[1])
        .with(Column::Rival, times[4])
        .note(format!(
            "{:.2}x its rival, {:.2} of its stages",
            times[4] / times[1],
            (times[2] + times[3]) / times[1]
        ))
}

/// The digest alone, by kinpack's single stream.
fn stream(workload: &Workload) {
    black_box(md5_lanes::md5(black_box(workload.protobuf())));
}
