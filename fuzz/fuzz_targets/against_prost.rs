//! Any protobuf, read by kinpack and by prost. Where they differ the KCL is the judge, and the
//! differences that it allows are named here.
#![no_main]

use kinpack::{AggregatedRecord, DecodeErrorKind, Digest, RequiredField};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;

fuzz_target!(|protobuf: &[u8]| {
    let framed = oracle::frame(protobuf);
    let ours = AggregatedRecord::parse(&framed, Digest::Verify);
    if protobuf.is_empty() {
        assert_eq!(ours.unwrap_err().kind, DecodeErrorKind::TooShort);
        return;
    }
    match (&ours, oracle::AggregatedRecord::decode(protobuf)) {
        (Ok(ours), Ok(theirs)) => same(ours, &theirs),
        (Ok(ours), Err(theirs)) => only_prost_refuses(ours, &theirs.to_string()),
        (Err(ours), Ok(theirs)) => only_kinpack_refuses(ours.kind, &theirs),
        (Err(_), Err(_)) => {}
    }
});

fn same(ours: &AggregatedRecord<'_>, theirs: &oracle::AggregatedRecord) {
    assert!(ours.partition_keys().eq(&theirs.partition_key_table));
    assert!(ours.explicit_hash_keys().eq(&theirs.explicit_hash_key_table));
    assert_eq!(ours.len(), theirs.records.len());
    for (ours, theirs_record) in ours.records().zip(&theirs.records) {
        let partition_key = &theirs.partition_key_table[theirs_record.partition_key_index as usize];
        assert_eq!(ours.partition_key, Some(&**partition_key));
        let explicit_hash_key = theirs_record
            .explicit_hash_key_index
            .map(|index| &*theirs.explicit_hash_key_table[index as usize]);
        assert_eq!(ours.explicit_hash_key, explicit_hash_key);
        assert_eq!(ours.data, theirs_record.data);
        assert_eq!(ours.tags().count(), theirs_record.tags.len());
        for (ours, theirs) in ours.tags().zip(&theirs_record.tags) {
            assert_eq!(ours.key, theirs.key);
            assert_eq!(ours.value.as_deref(), theirs.value.as_deref());
        }
    }
}

fn only_prost_refuses(ours: &AggregatedRecord<'_>, theirs: &str) {
    // To the KCL a known field of another wire type is an unknown one.
    let wire_type = theirs.contains("invalid wire type: ");
    // The KCL ignores the bits of a varint's tenth byte that have no place in 64.
    let varint = theirs.contains("invalid varint");
    // Prost looks at every text of a tag, also at one that a later one replaces.
    let text = theirs.contains("not UTF-8") && ours.records().any(|it| it.tags().next().is_some());
    // To both 100 levels are enough, but prost counts whatever stands in the innermost as one more.
    let depth = theirs.contains("recursion limit");
    assert!(wire_type || varint || text || depth, "only prost refuses: {theirs}");
}

fn only_kinpack_refuses(ours: DecodeErrorKind, theirs: &oracle::AggregatedRecord) {
    let record = |position: u32| &theirs.records[position as usize];
    match ours {
        // Prost does not enforce `required`, and puts a default in its place.
        DecodeErrorKind::MissingField { record: position, field } => match field {
            RequiredField::PartitionKeyIndex => assert_eq!(record(position).partition_key_index, 0),
            RequiredField::Data => assert!(record(position).data.is_empty()),
            RequiredField::TagKey => {
                assert!(record(position).tags.iter().any(|tag| tag.key.is_empty()));
            }
            field => panic!("{field:?}"),
        },
        // Prost knows nothing of what an index means.
        DecodeErrorKind::PartitionKeyIndex { record: position, index, entries } => {
            assert_eq!(record(position).partition_key_index, index);
            assert_eq!(theirs.partition_key_table.len(), entries as usize);
            assert!(index >= entries.into());
        }
        DecodeErrorKind::ExplicitHashKeyIndex { record: position, index, entries } => {
            assert_eq!(record(position).explicit_hash_key_index, Some(index));
            assert_eq!(theirs.explicit_hash_key_table.len(), entries as usize);
            assert!(index >= entries.into());
        }
        kind => panic!("only kinpack refuses: {kind}"),
    }
}
