//! zstd, by its reference implementation.

mod block;

use std::fmt;
use std::io::Cursor;
use std::mem;

use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode;
use zstd::zstd_safe::{self, CCtx, CDict, DCtx, ErrorCode};

use self::block::{Block, Kind};
use crate::codec::Codec;
use crate::compression::Compression;
use crate::detect::{ZSTD_MAGIC, is_cut_zstd_magic, skippable};
use crate::dictionary::{Dictionaries, Dictionary};
use crate::error::CompressionError;

const CODEC: Codec = Codec::Zstd;

pub(crate) struct Writer {
    context: CCtx<'static>,
    level: i32,
    dictionary: Option<CDict<'static>>,
}

impl Writer {
    pub(crate) fn new(
        compression: Compression,
        dictionary: Option<&Dictionary>,
    ) -> Result<Self, CompressionError> {
        let level = compression.level();
        let no_memory = CompressionError::CannotCompress { codec: CODEC, reason: "no memory" };
        let dictionary = match dictionary {
            Some(it) => Some(CDict::try_create(it.as_bytes(), level).ok_or(no_memory)?),
            None => None,
        };
        Ok(Self { context: CCtx::try_create().ok_or(no_memory)?, level, dictionary })
    }

    pub(crate) fn compress(
        &mut self,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CompressionError> {
        out.reserve(zstd_safe::compress_bound(data.len()));
        let done = match &self.dictionary {
            Some(dictionary) => self.context.compress_using_cdict(out, data, dictionary),
            None => self.context.compress(out, data, self.level),
        };
        match done {
            Ok(_) => Ok(()),
            Err(code) => {
                let reason = zstd_safe::get_error_name(code);
                Err(CompressionError::CannotCompress { codec: CODEC, reason })
            }
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("level", &self.level).finish_non_exhaustive()
    }
}

#[derive(Default)]
pub(crate) struct Reader {
    context: Option<DCtx<'static>>,
    scratch: Scratch,
}

/// A block that is looked into.
#[derive(Default)]
struct Scratch {
    frame: Vec<u8>,
    content: Vec<u8>,
}

impl Reader {
    pub(crate) fn decompress(
        &mut self,
        _codec: Codec,
        data: &[u8],
        limit: usize,
        dictionaries: &Dictionaries,
        out: &mut Vec<u8>,
    ) -> Result<(), CompressionError> {
        let truncated = CompressionError::Truncated { codec: CODEC, offset: data.len() };
        let mut start = 0;
        // One frame at least.
        while start == 0 || start < data.len() {
            let rest = &data[start..];
            if let Some(frame) = skippable(rest) {
                start =
                    start.checked_add(frame).filter(|&end| end <= data.len()).ok_or(truncated)?;
                continue;
            }
            if !rest.starts_with(&ZSTD_MAGIC) {
                return Err(if is_cut_zstd_magic(rest) {
                    truncated
                } else if start == 0 {
                    corrupt(0, "it does not begin with 28 B5 2F FD")
                } else {
                    CompressionError::TrailingBytes { codec: CODEC, offset: start }
                });
            }
            let frame = zstd_safe::find_frame_compressed_size(rest).map_err(|code| {
                if is(code, ZSTD_ErrorCode::ZSTD_error_srcSize_wrong) {
                    truncated
                } else {
                    corrupt(start, zstd_safe::get_error_name(code))
                }
            })?;
            self.frame(start, &rest[..frame], limit, dictionaries, out)?;
            start += frame;
        }
        Ok(())
    }

    /// Appends what a frame holds to `out`, which stays within the limit.
    fn frame(
        &mut self,
        start: usize,
        frame: &[u8],
        limit: usize,
        dictionaries: &Dictionaries,
        out: &mut Vec<u8>,
    ) -> Result<(), CompressionError> {
        let too_large = CompressionError::LimitExceeded { codec: CODEC, limit };
        let dictionary = match zstd_safe::get_dict_id_from_frame(frame) {
            Some(id) => {
                let id = id.get();
                let unknown = CompressionError::UnknownDictionary { id, offset: start };
                Some(dictionaries.by_id(id).ok_or(unknown)?.decoding())
            }
            None => None,
        };
        let left = limit.saturating_sub(out.len());
        let declared = zstd_safe::get_frame_content_size(frame)
            .map_err(|_| corrupt(start, "the frame's header is broken"))?
            .map(|size| usize::try_from(size).unwrap_or(usize::MAX));
        if declared.is_some_and(|size| size > left) {
            return Err(too_large);
        }
        // What is declared is believed as far as it is likely. Beyond that, the frame has to show
        // that it fills what it is given, and gets twice as much.
        let likely = frame.len().saturating_mul(16).max(256);
        let mut room = declared.unwrap_or(frame.len().saturating_mul(4)).min(likely).min(left);
        let context = self.context()?;
        loop {
            out.reserve_exact(room);
            let spare = out.capacity() - out.len();
            let mut at_end = Cursor::new(&mut *out);
            at_end.set_position(at_end.get_ref().len() as u64);
            let done = match dictionary {
                Some(it) => context.decompress_using_ddict(&mut at_end, frame, it),
                None => context.decompress(&mut at_end, frame),
            };
            match done {
                Ok(_) if out.len() > limit => return Err(too_large),
                Ok(_) => return Ok(()),
                Err(code) if is(code, ZSTD_ErrorCode::ZSTD_error_dstSize_tooSmall) => {
                    if spare >= left {
                        return Err(too_large);
                    }
                    room = spare.saturating_mul(2).max(256).min(left);
                }
                Err(code) => return Err(corrupt(start, zstd_safe::get_error_name(code))),
            }
        }
    }

    fn context(&mut self) -> Result<&mut DCtx<'static>, CompressionError> {
        match &mut self.context {
            Some(context) => Ok(context),
            none => {
                let made = DCtx::try_create().ok_or(corrupt(0, "no memory for a context"))?;
                Ok(none.insert(made))
            }
        }
    }

    pub(crate) fn is_one_block(&self, data: &[u8]) -> bool {
        Block::first(data).is_some_and(|block| block.is_all)
    }

    pub(crate) fn begins_with(
        &mut self,
        _codec: Codec,
        data: &[u8],
        prefix: &[u8; 4],
    ) -> Result<bool, CompressionError> {
        let Some(block) = Block::first(data) else { return Ok(false) };
        if block.kind != Kind::Compressed {
            return Ok(block.kind == Kind::Raw && block.data.starts_with(prefix));
        }
        let mut scratch = mem::take(&mut self.scratch);
        block.write_frame(&mut scratch.frame);
        scratch.content.clear();
        scratch.content.reserve(block::MAX_LEN);
        let read = self.context()?.decompress(&mut scratch.content, &scratch.frame);
        let begins = read.is_ok() && scratch.content.starts_with(prefix);
        self.scratch = scratch;
        Ok(begins)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// The smallest dictionary that can be trained, in bytes.
const SMALLEST_DICTIONARY: usize = 256;

pub(crate) fn train(
    samples: impl IntoIterator<Item = impl AsRef<[u8]>>,
    size: usize,
) -> Result<Vec<u8>, CompressionError> {
    let (mut all, mut sizes) = (Vec::new(), Vec::new());
    for sample in samples {
        all.extend_from_slice(sample.as_ref());
        sizes.push(sample.as_ref().len());
    }
    // None is larger than its samples.
    let mut dictionary = Vec::with_capacity(size.min(all.len().max(SMALLEST_DICTIONARY)));
    match zstd_safe::train_from_buffer(&mut dictionary, &all, &sizes) {
        Ok(_) => Ok(dictionary),
        Err(code) => {
            let reason = if size < SMALLEST_DICTIONARY {
                "a dictionary has 256 bytes at least"
            } else if is(code, ZSTD_ErrorCode::ZSTD_error_srcSize_wrong) {
                "they are too few"
            } else {
                zstd_safe::get_error_name(code)
            };
            Err(CompressionError::TrainingFailed { samples: sizes.len(), bytes: all.len(), reason })
        }
    }
}

fn is(code: ErrorCode, kind: ZSTD_ErrorCode) -> bool {
    zstd_safe::is_error_kind(code, kind)
}

fn corrupt(offset: usize, reason: &'static str) -> CompressionError {
    CompressionError::Corrupt { codec: CODEC, offset, reason }
}
