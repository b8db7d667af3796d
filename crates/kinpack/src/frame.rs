//! The envelope: magic, protobuf, MD5. The only file that knows it.

use std::ops::Range;

use crate::digest::{DIGEST_LEN, Digest, md5, md5_many};
use crate::error::{DecodeError, DecodeErrorKind};

/// The four bytes an aggregated record begins with.
pub const MAGIC: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];

/// The longest data that is read: 1 GiB, a hundred times the largest record Kinesis takes.
pub const MAX_DATA_LEN: usize = 1 << 30;

/// Bytes of an envelope: magic and digest.
pub(crate) const OVERHEAD: usize = MAGIC.len() + DIGEST_LEN;

/// Where the protobuf of `data` stands.
pub(crate) fn open(data: &[u8], digest: Digest) -> Result<Range<usize>, DecodeError> {
    let protobuf = open_unverified(data)?;
    if digest == Digest::Verify && md5(&data[protobuf.clone()]) != data[protobuf.end..] {
        return Err(DecodeErrorKind::DigestMismatch.at(protobuf.end));
    }
    Ok(protobuf)
}

/// [`open`] for many records, whose digests are computed side by side.
pub(crate) fn open_many(
    records: &[&[u8]],
    digest: Digest,
) -> Vec<Result<Range<usize>, DecodeError>> {
    let mut opened: Vec<_> = records.iter().map(|data| open_unverified(data)).collect();
    if digest == Digest::Skip {
        return opened;
    }
    let protobufs: Vec<&[u8]> = records
        .iter()
        .zip(&opened)
        .filter_map(|(data, protobuf)| Some(&data[protobuf.as_ref().ok()?.clone()]))
        .collect();
    let mut digests = vec![[0; DIGEST_LEN]; protobufs.len()];
    md5_many(&protobufs, &mut digests);
    let mut digests = digests.iter();
    for (data, opened) in records.iter().zip(&mut opened) {
        if let Ok(protobuf) = opened
            && digests.next().is_some_and(|digest| *digest != data[protobuf.end..])
        {
            *opened = Err(DecodeErrorKind::DigestMismatch.at(protobuf.end));
        }
    }
    opened
}

fn open_unverified(data: &[u8]) -> Result<Range<usize>, DecodeError> {
    if !data.starts_with(&MAGIC) {
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
