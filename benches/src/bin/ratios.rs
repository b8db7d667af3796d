//! One table of ratios: the time of `md-5` over the same protobuf bytes by the time of kinpack,
//! taken turn by turn in one run, so that a noisy machine disturbs both alike.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::events::{Event, decode_only, kinpack_event, parse_only, rival_event};
use benches::{
    Batch, Keys, Workload, kinpack_decode, kinpack_decode_many, kinpack_encode,
    kinpack_encode_many, md5, prost_decode, prost_encode,
};
use kinpack::{Aggregator, Digest, KinesisRecord, OuterKey};

const RATES: &str = "decode: payload, records   encode";
const ROUNDS: usize = 60;
const TURN: Duration = Duration::from_millis(4);

fn main() {
    let names = md5_lanes::forced::names();
    println!("time of md-5 over the same bytes / time of each (above 1: faster than the digest)");
    println!("MD5 back ends of this machine: {}\n", names.join(", "));
    one_by_one();
    for name in names.into_iter().filter(|&name| name != "scalar") {
        md5_lanes::forced::choose(name);
        println!("\nmany aggregates at once, {name}\n");
        many();
        println!("\nfrom event bytes, {name}; rival: aws_lambda_events + prost + md-5\n");
        from_events();
    }
}

/// An event is taken by value: its copy is made before the clock starts.
fn from_events() {
    header("a Lambda event", &["kinpack", "rival"], "M records/s, kinpack and rival");
    let aggregates = |size, keys| Event::of_aggregates(&Batch::new(100, size, 45_000, keys));
    for event in [
        aggregates(32, Keys::Few),
        aggregates(100, Keys::Few),
        aggregates(1_000, Keys::Few),
        aggregates(10_000, Keys::Few),
        aggregates(100, Keys::UniqueExplicit),
        Event::of_plain_records(10_000, 100),
    ] {
        let document = parse_only(event.json.clone());
        let mut samples = vec![Vec::new(); 4];
        for _ in 0..ROUNDS {
            let (one, two) = (event.json.clone(), event.json.clone());
            samples[0].push(time(|| _ = rival_event(&event.json)));
            samples[1].push(time(|| _ = kinpack_event(one)));
            samples[2].push(time(|| drop(parse_only(two))));
            samples[3].push(time(|| _ = decode_only(&document)));
        }
        let times: Vec<f64> = samples.into_iter().map(typical).collect();
        let rate = |time| event.payload.1 as f64 / time / 1e6;
        println!(
            "{:<56} {:>8.2} {:>8.2}   {:>9.1} {:>6.1}   {:>6.0} MB/s   of its stages {:.2}",
            event.name,
            times[0] / times[1],
            1.0,
            rate(times[1]),
            rate(times[0]),
            event.payload.0 as f64 / times[1] / 1e6,
            (times[2] + times[3]) / times[1],
        );
    }
}

fn time(call: impl FnOnce()) -> f64 {
    let start = Instant::now();
    call();
    start.elapsed().as_secs_f64()
}

fn one_by_one() {
    header("one aggregate", &["decode", "walk", "encode", "prost d", "prost e", "stream"], RATES);
    for workload in Workload::all() {
        let mut aggregator = Aggregator::new(workload.limits, OuterKey::Kpl);
        let mut out = KinesisRecord::default();
        let times = interleave(&mut [
            &mut || md5(workload.protobuf()),
            &mut || _ = kinpack_decode(&workload.data, Digest::Verify),
            &mut || _ = kinpack_decode(&workload.data, Digest::Skip),
            &mut || kinpack_encode(&workload, &mut aggregator, &mut out),
            &mut || _ = prost_decode(&workload.data),
            &mut || drop(prost_encode(&workload)),
            &mut || _ = black_box(md5_lanes::md5(black_box(workload.protobuf()))),
        ]);
        row(&workload.name, workload.payload(), workload.records().len(), &times, [1, 3]);
    }
}

fn many() {
    header("a batch", &["decode", "encode", "singly d", "prost d", "prost e"], RATES);
    for batch in [
        Batch::new(100, 32, 50_000, Keys::Few),
        Batch::new(100, 100, 50_000, Keys::Few),
        Batch::new(100, 1_000, 50_000, Keys::Few),
        Batch::new(100, 10_000, 50_000, Keys::Few),
        Batch::new(100, 100, 50_000, Keys::UniqueExplicit),
        Batch::new(32, 100, 50_000, Keys::Few),
        Batch::new(32, 1_000, 50_000, Keys::Few),
        Batch::new(4, 100, 1 << 20, Keys::Few),
        Batch::new(4, 1_000, 1 << 20, Keys::Few),
    ] {
        let datas = batch.datas();
        let (mut aggregators, mut out) = (batch.aggregators(), Vec::new());
        let times = interleave(&mut [
            &mut || batch.aggregates.iter().for_each(|it| md5(it.protobuf())),
            &mut || _ = kinpack_decode_many(&datas),
            &mut || kinpack_encode_many(&batch, &mut aggregators, &mut out),
            &mut || datas.iter().for_each(|it| _ = kinpack_decode(it, Digest::Verify)),
            &mut || datas.iter().for_each(|it| _ = prost_decode(it)),
            &mut || batch.aggregates.iter().for_each(|it| drop(prost_encode(it))),
        ]);
        let payload = batch.aggregates.iter().map(Workload::payload).sum();
        let records = batch.aggregates.iter().map(|it| it.records().len()).sum();
        row(&batch.name, payload, records, &times, [1, 2]);
    }
}

fn header(what: &str, columns: &[&str], rates: &str) {
    print!("{what:<56}");
    columns.iter().for_each(|column| print!(" {column:>8}"));
    println!("   {rates:>9}");
}

/// Ratios, then payload and user records a second of decode and encode.
fn row(name: &str, payload: usize, records: usize, times: &[f64], rates: [usize; 2]) {
    print!("{name:<56}");
    times[1..].iter().for_each(|time| print!(" {:>8.2}", times[0] / time));
    for time in rates.map(|column| times[column]) {
        let (bytes, records) = (payload as f64 / time / 1e6, records as f64 / time / 1e6);
        print!("   {bytes:>6.0} MB/s {records:>5.1} M/s");
    }
    println!();
}

/// Seconds of one call of each, typical of rounds in which each has its turn. Whatever else the
/// machine does only makes a turn slower.
fn interleave(calls: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let runs: Vec<u32> = calls
        .iter_mut()
        .map(|call| {
            let start = Instant::now();
            let mut runs = 0;
            while start.elapsed() < TURN {
                call();
                runs += 1;
            }
            runs
        })
        .collect();
    let mut samples = vec![Vec::with_capacity(ROUNDS); calls.len()];
    for _ in 0..ROUNDS {
        for ((call, &runs), samples) in calls.iter_mut().zip(&runs).zip(&mut samples) {
            let start = Instant::now();
            for _ in 0..runs {
                call();
            }
            samples.push(start.elapsed().as_secs_f64() / f64::from(runs));
        }
    }
    samples.into_iter().map(typical).collect()
}

/// The tenth part from the fastest.
fn typical(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 10]
}
