//! Whatever stands in the store is progress or an error, and progress merges in any order.
#![no_main]

use kinpack_consumer::Progress;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&at, bytes)) = bytes.split_first() else { return };
    let (one, other) = bytes.split_at(bytes.len().min(at.into()));
    let Ok(one) = Progress::decode(one) else { return };
    assert_eq!(Progress::decode(&one.encode()).as_ref(), Ok(&one));
    let mut twice = one.clone();
    twice.merge(&one);
    assert_eq!(twice, one);
    let Ok(other) = Progress::decode(other) else { return };
    let (mut this_way, mut that_way) = (one.clone(), other.clone());
    this_way.merge(&other);
    that_way.merge(&one);
    assert_eq!(this_way, that_way);
});
