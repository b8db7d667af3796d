//! Many records at once, digests side by side: each as if it had come alone.
#![no_main]

use arbitrary::Arbitrary;
use kinpack::{
    AggregatedRecord, Contents, DecodeError, Digest, deaggregate, deaggregate_many,
    deaggregate_strict, deaggregate_strict_many,
};
use kinpack_fuzz::read::same_records;
use kinpack_fuzz::records::Data;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Part<'a> {
    /// The data of a Kinesis record.
    Plain(Data<'a>),
    /// The protobuf of an aggregate.
    Framed(Data<'a>),
    /// The same, and what to flip of its digest.
    Broken(u8, Data<'a>),
}

impl Part<'_> {
    fn build(&self) -> Vec<u8> {
        match self {
            Self::Plain(data) => data.build(),
            Self::Framed(protobuf) => oracle::frame(&protobuf.build()),
            Self::Broken(flip, protobuf) => {
                let mut framed = oracle::frame(&protobuf.build());
                *framed.last_mut().expect("at least an envelope") ^= flip;
                framed
            }
        }
    }
}

fuzz_target!(|parts: Vec<Part<'_>>| {
    let records: Vec<Vec<u8>> = parts.iter().map(Part::build).collect();
    let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
    for digest in [Digest::Verify, Digest::Skip] {
        let wrap = |parsed: Result<_, _>| parsed.map(Contents::Aggregated);
        each(
            AggregatedRecord::parse_many(&records, digest).map(wrap),
            records.iter().map(|data| wrap(AggregatedRecord::parse(data, digest))),
        );
        each(
            deaggregate_many(&records, digest),
            records.iter().map(|data| deaggregate(data, digest)),
        );
        each(
            deaggregate_strict_many(&records, digest),
            records.iter().map(|data| deaggregate_strict(data, digest)),
        );
    }
});

type Read<'a> = Result<Contents<'a>, DecodeError>;

fn each<'a>(
    together: impl IntoIterator<Item = Read<'a>>,
    alone: impl ExactSizeIterator<Item = Read<'a>>,
) {
    let mut together = together.into_iter();
    for alone in alone {
        match (together.next().expect("as many"), alone) {
            (Ok(together), Ok(alone)) => {
                same_records(together.records(Some("outer")), alone.records(Some("outer")));
            }
            (Err(together), Err(alone)) => assert_eq!(together, alone),
            (together, alone) => panic!("{together:?} but alone {alone:?}"),
        }
    }
    assert!(together.next().is_none());
}
