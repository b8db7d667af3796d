//! Decode and encode, kinpack beside prost + md-5 and the bare digest.
#![forbid(unsafe_code)]
#![allow(missing_docs)]

use benches::{Workload, kinpack_decode, kinpack_encode, md5, prost_decode, prost_encode};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kinpack::{Aggregator, Digest, KinesisRecord, OuterKey};

fn codec(criterion: &mut Criterion) {
    for workload in Workload::all() {
        let mut group = criterion.benchmark_group(&workload.name);
        group.throughput(Throughput::Bytes(workload.payload() as u64));
        group.sample_size(20);
        group.bench_function("md-5 alone", |b| b.iter(|| md5(workload.protobuf())));
        group.bench_function("decode", |b| {
            b.iter(|| kinpack_decode(&workload.data, Digest::Verify));
        });
        group.bench_function("decode, no digest", |b| {
            b.iter(|| kinpack_decode(&workload.data, Digest::Skip));
        });
        group.bench_function("decode, prost + md-5", |b| b.iter(|| prost_decode(&workload.data)));
        let mut aggregator = Aggregator::new(workload.limits, OuterKey::Kpl);
        let mut out = KinesisRecord::default();
        group.bench_function("encode", |b| {
            b.iter(|| kinpack_encode(&workload, &mut aggregator, &mut out));
        });
        group.bench_function("encode, prost + md-5", |b| b.iter(|| prost_encode(&workload)));
        group.finish();
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
