//! gzip, zlib and raw deflate, by flate2.

mod gzip;

use flate2::{Compress, Decompress, FlushCompress, FlushDecompress, Status};

use crate::codec::Codec;
use crate::compression::Compression;
use crate::dictionary::{Dictionaries, Dictionary};
use crate::error::CompressionError;

#[derive(Debug)]
pub(crate) struct Writer {
    compression: Compression,
    deflate: Compress,
}

impl Writer {
    pub(crate) fn new(
        compression: Compression,
        dictionary: Option<&Dictionary>,
    ) -> Result<Self, CompressionError> {
        let codec = compression.codec();
        if dictionary.is_some() {
            return Err(CompressionError::DictionaryNotSupported { codec });
        }
        let level = flate2::Compression::new(compression.level().unsigned_abs());
        Ok(Self { compression, deflate: Compress::new(level, codec == Codec::Zlib) })
    }

    pub(crate) fn compress(
        &mut self,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CompressionError> {
        if self.compression.codec() != Codec::Gzip {
            return self.deflate(data, out);
        }
        gzip::write_header(self.compression.level(), out);
        self.deflate(data, out)?;
        gzip::write_trailer(data, out);
        Ok(())
    }

    fn deflate(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), CompressionError> {
        self.deflate.reset();
        out.reserve(data.len() / 2 + 64);
        loop {
            let done = self.deflate.total_in() as usize;
            match self.deflate.compress_vec(&data[done..], out, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => return Ok(()),
                Ok(Status::Ok | Status::BufError) => out.reserve(out.len().max(64)),
                Err(_) => {
                    return Err(CompressionError::CannotCompress {
                        codec: self.compression.codec(),
                        reason: "deflate is in disorder",
                    });
                }
            }
        }
    }
}

/// One context for all three: gzip is taken apart by [`gzip`], and between zlib and raw deflate the
/// context changes as it is reset.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    inflate: Option<Decompress>,
}

/// One deflate stream within the input.
#[derive(Clone, Copy)]
struct Stream<'a> {
    codec: Codec,
    input: &'a [u8],
    /// Where it begins.
    start: usize,
}

impl Reader {
    pub(crate) fn decompress(
        &mut self,
        codec: Codec,
        data: &[u8],
        limit: usize,
        _dictionaries: &Dictionaries,
        out: &mut Vec<u8>,
    ) -> Result<(), CompressionError> {
        let mut start = 0;
        if codec == Codec::Gzip {
            loop {
                let written = out.len();
                let body = start + gzip::read_header(data, start)?;
                start = self.inflate(Stream { codec, input: data, start: body }, limit, out)?;
                start = gzip::check_trailer(data, start, &out[written..])?;
                if !gzip::is_member(&data[start..]) {
                    break;
                }
            }
            if gzip::is_padding(&data[start..]) {
                return Ok(());
            }
        } else {
            start = self.inflate(Stream { codec, input: data, start }, limit, out)?;
        }
        if start < data.len() {
            return Err(CompressionError::TrailingBytes { codec, offset: start });
        }
        Ok(())
    }

    /// Appends what a stream holds to `out`, which stays within the limit, and says where the
    /// stream ends.
    fn inflate(
        &mut self,
        stream: Stream<'_>,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<usize, CompressionError> {
        let codec = stream.codec;
        let inflate = self.fresh(codec);
        let input = &stream.input[stream.start..];
        let mut room = input.len().saturating_mul(4).max(64);
        loop {
            // One byte above the limit, to see whether there is one.
            let most = limit.saturating_sub(out.len()).saturating_add(1);
            out.reserve_exact(room.min(most));
            let done = inflate.total_in() as usize;
            let status = inflate.decompress_vec(&input[done..], out, FlushDecompress::None);
            let taken = inflate.total_in() as usize;
            if out.len() > limit {
                return Err(CompressionError::LimitExceeded { codec, limit });
            }
            match status {
                Ok(Status::StreamEnd) => return Ok(stream.start + taken),
                Ok(Status::Ok | Status::BufError) if out.len() == out.capacity() => {
                    room = out.len();
                }
                Ok(Status::Ok | Status::BufError) if taken > done && taken < input.len() => {}
                Ok(Status::Ok | Status::BufError) => {
                    return Err(CompressionError::Truncated { codec, offset: stream.input.len() });
                }
                Err(error) => return Err(stream.corrupt(taken, &error)),
            }
        }
    }

    /// A context that begins anew.
    fn fresh(&mut self, codec: Codec) -> &mut Decompress {
        let zlib = codec == Codec::Zlib;
        let inflate = self.inflate.get_or_insert_with(|| Decompress::new(zlib));
        inflate.reset(zlib);
        inflate
    }

    pub(crate) fn begins_with(
        &mut self,
        codec: Codec,
        data: &[u8],
        prefix: &[u8; 4],
    ) -> Result<bool, CompressionError> {
        let (mut start, mut first, mut filled) = (0, [0; 4], 0);
        // Members may be empty, or hold less.
        loop {
            if codec == Codec::Gzip {
                match gzip::read_header(data, start) {
                    Ok(header) => start += header,
                    Err(_) => return Ok(false),
                }
            }
            let inflate = self.fresh(codec);
            match beginning(inflate, &data[start..], &mut first[filled..]) {
                Some(given) => filled += given,
                None => return Ok(false),
            }
            if filled == first.len() || codec != Codec::Gzip {
                return Ok(first[..filled] == *prefix);
            }
            start += inflate.total_in() as usize + gzip::TRAILER_LEN;
            if !data.get(start..).is_some_and(gzip::is_member) {
                return Ok(false);
            }
        }
    }
}

/// Inflates until `first` is full or the stream ends, and says how much there is.
fn beginning(inflate: &mut Decompress, input: &[u8], first: &mut [u8]) -> Option<usize> {
    loop {
        let (taken, given) = (inflate.total_in() as usize, inflate.total_out() as usize);
        if given == first.len() {
            return Some(given);
        }
        match inflate.decompress(&input[taken..], &mut first[given..], FlushDecompress::None) {
            Ok(Status::StreamEnd) => return Some(inflate.total_out() as usize),
            Ok(_)
                if inflate.total_in() as usize > taken || inflate.total_out() as usize > given => {}
            Ok(_) | Err(_) => return None,
        }
    }
}

impl Stream<'_> {
    fn corrupt(&self, taken: usize, error: &flate2::DecompressError) -> CompressionError {
        let reason = if error.needs_dictionary().is_some() {
            "it needs a preset dictionary"
        } else {
            match error.message() {
                Some("incorrect data check") => "the Adler-32 checksum does not match",
                Some("incorrect header check") => "the header's checksum does not match",
                Some("unknown compression method") => "not the compression method deflate",
                Some("invalid window size") => "a window size that does not exist",
                Some("invalid block type") => "a block type that does not exist",
                Some("invalid stored block lengths") => "the lengths of a stored block differ",
                Some("invalid distance too far back") => "a distance that is too far back",
                _ => "broken deflate data",
            }
        };
        CompressionError::Corrupt { codec: self.codec, offset: self.start + taken, reason }
    }
}
