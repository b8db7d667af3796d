//! The envelope: magic, protobuf, MD5. The only file that knows it.

use std::ops::Range;

use crate::digest::{DIGEST_LEN, Digest, md5, md5_many, md5_with};
use crate::error::{DecodeError, DecodeErrorKind};

/// The four bytes an aggregated record begins with.
pub const MAGIC: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];

/// The longest data that is read: 1 GiB, a hundred times the largest record Kinesis takes.
pub const MAX_DATA_LEN: usize = 1 << 30;

/// Bytes of an envelope: magic and digest.
pub(crate) const OVERHEAD: usize = MAGIC.len() + DIGEST_LEN;

/// Where the protobuf of `data` stands, if it is in an envelope.
pub(crate) fn open(data: &[u8]) -> Result<Range<usize>, DecodeError> {
    if !has_magic(data) {
        return Err(DecodeErrorKind::NoMagic.at(0));
    }
    if data.len() <= OVERHEAD {
        return Err(DecodeErrorKind::TooShort.at(MAGIC.len()));
    }
    if data.len() > MAX_DATA_LEN {
        return Err(DecodeErrorKind::TooLong.at(MAX_DATA_LEN));
    }
    Ok(MAGIC.len()..data.len() - DIGEST_LEN)
}

/// Computes the digest of an envelope and says whether it is right. `between` is called every now
/// and then, and what it does costs next to nothing: it is told how far the digest has come, and
/// says how far it must come before the next call.
pub(crate) fn verify_with(data: &[u8], mut between: impl FnMut(usize) -> usize) -> bool {
    let (start, protobuf) = (MAGIC.len(), MAGIC.len()..data.len() - DIGEST_LEN);
    let digest = md5_with(&data[protobuf], |hashed| between(start + hashed).saturating_sub(start));
    data.ends_with(&digest)
}

/// Envelopes are verified in groups of a multiple of this: the widest back end has as many lanes.
const GROUP: usize = 32;

/// Bytes of a group, at least: less leaves lanes empty where lengths differ, and much more has left
/// the processor's second cache when the user records are read.
const GROUP_BYTES: usize = 1 << 20;

/// Whether the digest of each of the first records is right, all computed side by side; of what is
/// no envelope nothing can be wrong. Of at least one record, if there is one.
pub(crate) fn verify_group(records: &[&[u8]], digest: Digest) -> Vec<bool> {
    if digest == Digest::Skip {
        return vec![true; records.len()];
    }
    let (mut protobufs, mut places) = (Vec::new(), Vec::new());
    let (mut bytes, mut group) = (0, records.len());
    for (place, data) in records.iter().enumerate() {
        if let Ok(protobuf) = open(data) {
            bytes += protobuf.len();
            protobufs.push(&data[protobuf]);
            places.push(place);
            if bytes >= GROUP_BYTES && places.len() % GROUP == 0 {
                group = place + 1;
                break;
            }
        }
    }
    let mut right = vec![true; group];
    let mut digests = vec![[0; DIGEST_LEN]; protobufs.len()];
    md5_many(&protobufs, &mut digests);
    for (place, digest) in places.into_iter().zip(digests) {
        right[place] = records[place].ends_with(&digest);
    }
    right
}

/// The fault of a record whose digest is wrong.
pub(crate) fn digest_mismatch(data: &[u8]) -> DecodeError {
    DecodeErrorKind::DigestMismatch.at(data.len() - DIGEST_LEN)
}

/// Whether there is an envelope at all, right or broken.
#[inline]
pub(crate) fn has_magic(data: &[u8]) -> bool {
    data.starts_with(&MAGIC)
}

/// Writes the envelope around a protobuf given in parts, with room for the digest.
pub(crate) fn close_unsealed(out: &mut Vec<u8>, parts: [&[u8]; 3]) {
    out.clear();
    out.reserve(OVERHEAD + parts.iter().map(|part| part.len()).sum::<usize>());
    out.extend_from_slice(&MAGIC);
    for part in parts {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(&[0; DIGEST_LEN]);
}

/// Writes the digest of one envelope.
pub(crate) fn seal(data: &mut [u8]) {
    let (protobuf, digest) = split(data);
    digest.copy_from_slice(&md5(protobuf));
}

/// Writes the digests of many envelopes, computed side by side.
pub(crate) fn seal_many<'a>(envelopes: impl IntoIterator<Item = &'a mut [u8]>) {
    let (protobufs, places): (Vec<&[u8]>, Vec<&mut [u8]>) =
        envelopes.into_iter().map(split).unzip();
    let mut digests = vec![[0; DIGEST_LEN]; protobufs.len()];
    md5_many(&protobufs, &mut digests);
    for (place, digest) in places.into_iter().zip(digests) {
        place.copy_from_slice(&digest);
    }
}

/// The protobuf of an envelope, and where its digest stands.
fn split(data: &mut [u8]) -> (&[u8], &mut [u8]) {
    let (front, digest) = data.split_at_mut(data.len() - DIGEST_LEN);
    (&front[MAGIC.len()..], digest)
}
