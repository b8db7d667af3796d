//! The first block of a zstd stream (RFC 8878, 3.1.1), so that one can look at how the content
//! begins without decoding the rest, and without the memory that a frame's window asks for.

use crate::detect::{ZSTD_MAGIC, after_skippable};

/// No block holds more, compressed or not.
pub(super) const MAX_LEN: usize = 128 << 10;

/// A window of 128 KiB, and no content size, no checksum, no dictionary.
const PLAIN_HEADER: [u8; 2] = [0, 7 << 3];
const CHECKSUM_LEN: usize = 4;
const HEADER_LEN: usize = 3;

/// A block that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    pub(super) kind: Kind,
    pub(super) data: &'a [u8],
    /// Whether nothing follows it, or nothing but a checksum.
    pub(super) is_all: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Raw,
    /// One byte, repeated.
    Repeated,
    Compressed,
}

impl<'a> Block<'a> {
    /// The first one that is not empty. `None` if there is none in one piece, or a dictionary is
    /// needed for it.
    pub(super) fn first(mut stream: &'a [u8]) -> Option<Self> {
        loop {
            stream = after_skippable(stream).strip_prefix(&ZSTD_MAGIC)?;
            let descriptor = *stream.first()?;
            let (header, has_dictionary) = frame_header(descriptor);
            if has_dictionary {
                return None;
            }
            stream = stream.get(header..)?;
            let checksum = if descriptor & 1 << 2 == 0 { 0 } else { CHECKSUM_LEN };
            loop {
                let (&[a, b, c], rest) = stream.split_first_chunk::<HEADER_LEN>()?;
                let (last, size) = (a & 1 == 1, u32::from_le_bytes([a, b, c, 0]) as usize >> 3);
                let (kind, length) = match a >> 1 & 3 {
                    0 => (Kind::Raw, size),
                    1 => (Kind::Repeated, 1),
                    2 => (Kind::Compressed, size),
                    _ => return None,
                };
                let data = rest.get(..length).filter(|_| size <= MAX_LEN)?;
                stream = &rest[length..];
                if size > 0 {
                    let is_all = last && stream.len() == checksum;
                    return Some(Self { kind, data, is_all });
                }
                if last {
                    stream = stream.get(checksum..)?;
                    break;
                }
            }
        }
    }

    /// The block as a frame of its own.
    pub(super) fn write_frame(self, out: &mut Vec<u8>) {
        let kind = match self.kind {
            Kind::Raw => 0,
            Kind::Repeated => 1,
            Kind::Compressed => 2,
        };
        let last = 1;
        let [a, b, c, _] = ((self.data.len() as u32) << 3 | kind << 1 | last).to_le_bytes();
        out.clear();
        out.extend_from_slice(&ZSTD_MAGIC);
        out.extend_from_slice(&PLAIN_HEADER);
        out.extend_from_slice(&[a, b, c]);
        out.extend_from_slice(self.data);
    }
}

/// The length of a frame's header, its descriptor included, and whether it names a dictionary.
fn frame_header(descriptor: u8) -> (usize, bool) {
    let is_single_segment = descriptor & 1 << 5 != 0;
    let window = usize::from(!is_single_segment);
    let dictionary_id = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let content_size = match descriptor >> 6 {
        0 => usize::from(is_single_segment),
        log => 1 << log,
    };
    (1 + window + dictionary_id + content_size, dictionary_id > 0)
}
