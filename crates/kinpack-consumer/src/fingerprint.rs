//! Recognises a record that enhanced fan-out delivers again: its place does not tell.

const PRIME: u64 = 0x9E37_79B9_7F4A_7C15;

/// A hash of partition key and data, the same in every process and for ever: stores keep it. For
/// [`KinesisRecord::fingerprint`](crate::KinesisRecord::fingerprint).
///
/// ```
/// use kinpack_consumer::fingerprint;
///
/// assert_eq!(fingerprint(Some("key"), b"some data"), 17_247_711_052_339_825_201);
/// ```
#[must_use]
pub fn fingerprint(partition_key: Option<&str>, data: &[u8]) -> u64 {
    let mut hash = partition_key.map_or(1, |key| mix(2, key.as_bytes()));
    hash = mix(hash, data);
    hash ^ (hash >> 31)
}

fn mix(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let word = word.iter().rev().fold(0, |word, &byte| (word << 8) | u64::from(byte));
        hash = step(hash, word);
    }
    let rest = words.remainder().iter().rev().fold(0, |rest, &byte| (rest << 8) | u64::from(byte));
    step(step(hash, rest), bytes.len() as u64)
}

fn step(hash: u64, word: u64) -> u64 {
    let mixed = (hash ^ word).wrapping_mul(PRIME);
    mixed ^ (mixed >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_records_have_different_ones() {
        let of = fingerprint;
        let all = [
            of(None, b""),
            of(Some(""), b""),
            of(None, b"a"),
            of(Some("a"), b""),
            of(None, b"a\0"),
            of(None, b"12345678"),
            of(None, b"12345678\0"),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one), "{at}");
        }
    }
}
