//! What gzip puts around deflate (RFC 1952).

use flate2::Crc;

use crate::codec::Codec;
use crate::error::CompressionError;

const MAGIC: [u8; 2] = [0x1F, 0x8B];
const DEFLATE: u8 = 8;
const HEADER_LEN: usize = 10;
/// CRC-32 and length.
pub(super) const TRAILER_LEN: usize = 8;

const HAS_CRC: u8 = 1 << 1;
const HAS_EXTRA: u8 = 1 << 2;
const HAS_NAME: u8 = 1 << 3;
const HAS_COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0xE0;

/// No name, no time, no system: the header says nothing about who wrote it, or when.
pub(super) fn write_header(level: i32, out: &mut Vec<u8>) {
    let effort = match level {
        9 => 2,
        1 => 4,
        _ => 0,
    };
    let unknown_system = 255;
    out.extend_from_slice(&[MAGIC[0], MAGIC[1], DEFLATE, 0, 0, 0, 0, 0, effort, unknown_system]);
}

pub(super) fn write_trailer(data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&crc(data).to_le_bytes());
    // The length modulo 2^32, as the format has it.
    out.extend_from_slice(&(data.len() as u32).to_le_bytes());
}

/// Whether another member follows, which may be cut after its first byte.
pub(super) fn is_member(data: &[u8]) -> bool {
    data.starts_with(&MAGIC) || *data == MAGIC[..1]
}

pub(super) fn is_padding(data: &[u8]) -> bool {
    data.iter().all(|&byte| byte == 0)
}

/// The length of the header that stands at `start`.
pub(super) fn read_header(data: &[u8], start: usize) -> Result<usize, CompressionError> {
    let corrupt = |at, reason| {
        Err(CompressionError::Corrupt { codec: Codec::Gzip, offset: start + at, reason })
    };
    let truncated = CompressionError::Truncated { codec: Codec::Gzip, offset: data.len() };
    let header = &data[start..];
    if !header.starts_with(&MAGIC[..header.len().min(2)]) {
        return corrupt(0, "it does not begin with 1F 8B");
    }
    let Some(&[_, _, method, flags, ..]) = header.first_chunk::<HEADER_LEN>() else {
        return Err(truncated);
    };
    if method != DEFLATE {
        return corrupt(2, "not the compression method deflate");
    }
    if flags & RESERVED != 0 {
        return corrupt(3, "a flag that does not exist");
    }
    let mut end = HEADER_LEN;
    if flags & HAS_EXTRA != 0 {
        let length = header[end..].first_chunk().ok_or(truncated)?;
        end += 2 + usize::from(u16::from_le_bytes(*length));
    }
    for text in [HAS_NAME, HAS_COMMENT] {
        if flags & text != 0 {
            let rest = header.get(end..).ok_or(truncated)?;
            end += rest.iter().position(|&byte| byte == 0).ok_or(truncated)? + 1;
        }
    }
    let rest = header.get(end..).ok_or(truncated)?;
    if flags & HAS_CRC != 0 {
        let given = u16::from_le_bytes(*rest.first_chunk().ok_or(truncated)?);
        if given != crc(&header[..end]) as u16 {
            return corrupt(end, "the header's checksum does not match");
        }
        end += 2;
    }
    Ok(end)
}

/// Compares what was inflated with the trailer at `start`, and says where that ends.
pub(super) fn check_trailer(
    data: &[u8],
    start: usize,
    inflated: &[u8],
) -> Result<usize, CompressionError> {
    let Some(&[a, b, c, d, ref length @ ..]) = data[start..].first_chunk::<TRAILER_LEN>() else {
        return Err(CompressionError::Truncated { codec: Codec::Gzip, offset: data.len() });
    };
    let corrupt =
        |offset, reason| Err(CompressionError::Corrupt { codec: Codec::Gzip, offset, reason });
    if u32::from_le_bytes([a, b, c, d]) != crc(inflated) {
        return corrupt(start, "the CRC-32 checksum does not match");
    }
    if *length != (inflated.len() as u32).to_le_bytes() {
        return corrupt(start + 4, "the length does not match");
    }
    Ok(start + TRAILER_LEN)
}

fn crc(data: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(data);
    crc.sum()
}
