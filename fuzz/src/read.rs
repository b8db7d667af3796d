//! Everything that can be done with bytes of unknown origin. What can be learned in two ways must
//! come out alike.

use bytes::Bytes;
use kinpack::{
    AggregatedRecord, Contents, DecodeErrorKind, Digest, HashKey, HashKeyRange, SharedContents,
    UserRecord, deaggregate, deaggregate_strict,
};

/// Reads `data` in every way there is.
pub fn all_ways(data: &[u8]) {
    let verified = AggregatedRecord::parse(data, Digest::Verify);
    let skipped = AggregatedRecord::parse(data, Digest::Skip);
    if let Ok(verified) = &verified {
        let skipped = skipped.as_ref().expect("the digest is all that is skipped");
        same_records(verified.records(), skipped.records());
    }
    policies(data, Digest::Verify, &verified);
    policies(data, Digest::Skip, &skipped);
    if let Ok(aggregate) = &skipped {
        walk(aggregate);
    }
}

type Parsed<'a> = Result<AggregatedRecord<'a>, kinpack::DecodeError>;

fn policies(data: &[u8], digest: Digest, parsed: &Parsed<'_>) {
    let kcl = deaggregate(data, digest);
    let strict = deaggregate_strict(data, digest);
    let shared = SharedContents::deaggregate(Bytes::copy_from_slice(data), Some("outer"), digest);
    match (&kcl, &shared) {
        (Ok(kcl), Ok(shared)) => {
            let mut shared = shared.records();
            for record in kcl.records(Some("outer")) {
                same(&record, &shared.next().expect("as many").as_user_record());
            }
            assert!(shared.next().is_none());
        }
        (Err(kcl), Err(shared)) => assert_eq!(kcl, shared),
        _ => panic!("{kcl:?} but {shared:?}"),
    }
    let error = match parsed {
        Ok(parsed) => {
            for contents in [kcl, strict] {
                let Ok(Contents::Aggregated(aggregate)) = contents else {
                    panic!("an aggregate, but {contents:?}");
                };
                same_records(parsed.records(), aggregate.records());
            }
            return;
        }
        Err(error) => error,
    };
    assert!(error.offset <= data.len(), "{error:?} in {} bytes", data.len());
    assert!(!error.to_string().is_empty());
    match strict {
        Ok(Contents::Plain(plain)) => {
            assert_eq!(error.kind, DecodeErrorKind::NoMagic);
            assert_eq!(plain, data);
        }
        strict => assert_eq!(strict.expect_err("parse refuses it"), *error),
    }
    match kcl {
        Ok(Contents::Plain(plain)) => {
            assert!(error.kind.is_plain_to_kcl(), "{error:?}");
            assert_eq!(plain, data);
        }
        // Text is looked at last: nothing else is wrong.
        Ok(Contents::Aggregated(aggregate)) => {
            assert!(matches!(error.kind, DecodeErrorKind::NotUtf8(_)), "{error:?}");
            walk(&aggregate);
        }
        Err(kcl) => {
            assert!(!error.kind.is_plain_to_kcl(), "{error:?}");
            assert_eq!(kcl, *error);
        }
    }
}

fn walk(aggregate: &AggregatedRecord<'_>) {
    assert_eq!(aggregate.records().len(), aggregate.len());
    let within = aggregate.data().as_ptr_range();
    let mut count = 0;
    for record in aggregate {
        assert!(record.aggregated && record.partition_key.is_some());
        assert_eq!(record.sub_sequence_number, count);
        let payload = record.data.as_ptr_range();
        assert!(payload.is_empty() || within.start <= payload.start && payload.end <= within.end);
        count += 1;
    }
    assert_eq!(count, aggregate.len() as u64);

    let half = HashKeyRange::new(HashKey::MIN, HashKey(u128::MAX / 2)).expect("not empty");
    for range in [HashKeyRange::FULL, half] {
        match (aggregate.all_within(range), aggregate.records_within(range)) {
            (Ok(all), Ok(records)) => {
                let mut inside = 0;
                for record in records {
                    // A long key that many records share would be hashed for each of them.
                    if inside < 8 {
                        let key = record.hash_key().expect("a number").expect("a key");
                        assert!(range.contains(key));
                    }
                    inside += 1;
                }
                assert_eq!(all, inside == count);
            }
            (Err(all), Err(single)) => {
                assert_eq!(all, single);
                let DecodeErrorKind::ExplicitHashKeyNotANumber { record } = all.kind else {
                    panic!("{all:?}");
                };
                let record = aggregate.records().nth(record as usize).expect("it was named");
                assert!(record.hash_key().is_err());
            }
            (all, single) => panic!("{all:?} but {:?}", single.is_ok()),
        }
    }
    if let Some(record) = aggregate.records().last() {
        let owned = record.clone().into_owned();
        assert_eq!(owned.partition_key.as_deref(), record.partition_key);
        assert_eq!(owned.explicit_hash_key.as_deref(), record.explicit_hash_key);
        assert_eq!(owned.data, record.data);
        assert_eq!(owned.tags.len(), record.tags().count());
    }
}

/// The user records must be the same, one by one.
pub fn same_records<'a>(
    one: impl ExactSizeIterator<Item = UserRecord<'a>>,
    other: impl ExactSizeIterator<Item = UserRecord<'a>>,
) {
    assert_eq!(one.len(), other.len());
    for (one, other) in one.zip(other) {
        same(&one, &other);
    }
}

fn same(one: &UserRecord<'_>, other: &UserRecord<'_>) {
    assert_eq!(one.partition_key, other.partition_key);
    assert_eq!(one.explicit_hash_key, other.explicit_hash_key);
    assert_eq!(one.data, other.data);
    assert_eq!(one.sub_sequence_number, other.sub_sequence_number);
    assert_eq!(one.aggregated, other.aggregated);
    assert!(one.tags().eq(other.tags()));
}
