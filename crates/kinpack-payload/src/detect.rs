//! By what a codec's streams are known.

use crate::codec::Codec;

const GZIP_MAGIC: [u8; 3] = [0x1F, 0x8B, 8];
pub(crate) const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// The last three bytes of the magic of a skippable frame; the first is `50` to `5F`.
const SKIPPABLE_MAGIC: [u8; 3] = [0x2A, 0x4D, 0x18];

/// The codec that data begins like, by the codec's own rules.
///
/// - gzip: `1F 8B 08` and no reserved flag.
/// - zstd: `28 B5 2F FD`, behind any number of skippable frames. (These alone may be LZ4's.)
/// - zlib: its two bytes of header, checksum right and no preset dictionary, then a block type
///   that exists. That is weak evidence: one in 4,000 random messages has it.
/// - Raw deflate has nothing to be known by and is never detected.
///
/// Whether the rest is right only decompressing can tell.
///
/// ```
/// use kinpack_payload::{Codec, detect};
///
/// assert_eq!(detect(&[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]), Some(Codec::Gzip));
/// assert_eq!(detect(&[0x28, 0xB5, 0x2F, 0xFD, 0x20]), Some(Codec::Zstd));
/// assert_eq!(detect(&[0x78, 0x9C, 0xCB]), Some(Codec::Zlib));
/// assert_eq!(detect(br#"{"t":21.5}"#), None);
/// ```
#[must_use]
pub fn detect(data: &[u8]) -> Option<Codec> {
    if data.starts_with(&GZIP_MAGIC) && data.get(3).is_some_and(|flags| flags & 0xE0 == 0) {
        return Some(Codec::Gzip);
    }
    if after_skippable(data).starts_with(&ZSTD_MAGIC) {
        return Some(Codec::Zstd);
    }
    is_zlib(data).then_some(Codec::Zlib)
}

/// What follows the skippable zstd frames at the beginning; nothing if they are cut short.
pub(crate) fn after_skippable(mut data: &[u8]) -> &[u8] {
    while let Some(frame) = skippable(data) {
        data = data.get(frame..).unwrap_or_default();
    }
    data
}

/// The length of the skippable zstd frame that data begins with, which may be more than there is.
pub(crate) fn skippable(data: &[u8]) -> Option<usize> {
    let (&magic, rest) = data.split_first_chunk::<4>()?;
    if magic[0] & 0xF0 != 0x50 || magic[1..] != SKIPPABLE_MAGIC {
        return None;
    }
    let length = rest.first_chunk().map_or(u32::MAX, |length| u32::from_le_bytes(*length));
    Some(usize::try_from(length).map_or(usize::MAX, |length| length.saturating_add(8)))
}

/// Whether data is too short to tell, but may become a zstd frame or a skippable one.
#[cfg(feature = "zstd")]
pub(crate) fn is_cut_zstd_magic(data: &[u8]) -> bool {
    ZSTD_MAGIC.starts_with(data)
        || data.split_first().is_some_and(|(first, rest)| {
            first & 0xF0 == 0x50 && rest.len() < 3 && SKIPPABLE_MAGIC.starts_with(rest)
        })
}

fn is_zlib(data: &[u8]) -> bool {
    let &[cmf, flg, block, ref rest @ ..] = data else { return false };
    let header = u16::from_be_bytes([cmf, flg]);
    if cmf & 0x0F != 8 || cmf >> 4 > 7 || flg & 0x20 != 0 || !header.is_multiple_of(31) {
        return false;
    }
    match block >> 1 & 3 {
        // Stored: a length and its complement.
        0 => match *rest {
            [a, b, c, d, ..] => [a, b] == [!c, !d],
            _ => true,
        },
        3 => false,
        _ => true,
    }
}
