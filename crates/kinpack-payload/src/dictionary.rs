//! zstd dictionaries: training, and sets to decode with.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::error::CompressionError;

/// What a trained dictionary begins with, before its id (little-endian).
const MAGIC: [u8; 4] = [0x37, 0xA4, 0x30, 0xEC];

/// A trained zstd dictionary. Cheap to clone.
///
/// It holds what messages have in common, so that each can be compressed by itself and still be
/// small. Its id stands in every frame that was made with it.
#[derive(Clone)]
pub struct Dictionary(Arc<Inner>);

struct Inner {
    id: u32,
    bytes: Vec<u8>,
    /// The same, prepared for decoding.
    #[cfg(feature = "zstd")]
    decoding: zstd::zstd_safe::DDict<'static>,
}

impl Dictionary {
    /// Trains a dictionary of at most `size` bytes from sample messages. 16 KiB is a good size for
    /// messages of 100 bytes; the samples should be 100 times as much together. The same samples
    /// give the same dictionary, id included.
    ///
    /// # Errors
    ///
    /// [`TrainingFailed`](CompressionError::TrainingFailed) if the samples are too few or too much
    /// alike; [`CodecDisabled`](CompressionError::CodecDisabled).
    ///
    /// See [`Compressor::with_dictionary`](crate::Compressor::with_dictionary) for an example.
    pub fn train(
        samples: impl IntoIterator<Item = impl AsRef<[u8]>>,
        size: usize,
    ) -> Result<Self, CompressionError> {
        #[cfg(feature = "zstd")]
        return Self::from_bytes(crate::zstandard::train(samples, size)?);
        #[cfg(not(feature = "zstd"))]
        {
            let _ = (samples, size);
            Err(CompressionError::CodecDisabled { codec: crate::Codec::Zstd })
        }
    }

    /// A dictionary that was trained before, by this or by `zstd --train`.
    ///
    /// ```
    /// use kinpack_payload::Dictionary;
    ///
    /// let error = Dictionary::from_bytes(b"some text".to_vec()).unwrap_err();
    /// assert_eq!(error.to_string(), "no zstd dictionary: it does not begin with 37 A4 30 EC");
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotADictionary`](CompressionError::NotADictionary). A "raw content" dictionary, any
    /// bytes without magic and id, is refused: no frame could name it.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, CompressionError> {
        let faulty = |reason| CompressionError::NotADictionary { reason };
        let rest =
            bytes.strip_prefix(&MAGIC).ok_or(faulty("it does not begin with 37 A4 30 EC"))?;
        let id = rest.first_chunk().ok_or(faulty("it breaks off"))?;
        let id = u32::from_le_bytes(*id);
        if id == 0 {
            return Err(faulty("its id is 0, which no frame can name"));
        }
        Ok(Self(Arc::new(Inner {
            id,
            #[cfg(feature = "zstd")]
            decoding: zstd::zstd_safe::DDict::try_create(&bytes)
                .ok_or(faulty("its tables are broken"))?,
            bytes,
        })))
    }

    /// The id that frames name it by.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id
    }

    /// The dictionary as it is kept in a file.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    #[cfg(feature = "zstd")]
    pub(crate) fn decoding(&self) -> &zstd::zstd_safe::DDict<'static> {
        &self.0.decoding
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary")
            .field("id", &self.id())
            .field("len", &self.0.bytes.len())
            .finish()
    }
}

/// The dictionaries to decode with, by id.
///
/// ```
/// use kinpack_payload::{Codec, CompressionError, Compressor, Decompressor, Dictionary};
///
/// let samples = (0..2_000).map(|n| format!(r#"{{"device":"sensor-{n}","unit":"celsius"}}"#));
/// let dictionary = Dictionary::train(samples, 4 << 10)?;
/// let small = Compressor::with_dictionary(Codec::Zstd, &dictionary)?.compress(b"{}")?;
///
/// let error = Decompressor::new().decompress(Codec::Zstd, &small).unwrap_err();
/// let id = dictionary.id();
/// assert_eq!(error, CompressionError::UnknownDictionary { id, offset: 0 });
/// assert_eq!(error.to_string(), format!("the zstd dictionary {id} is not known (byte 0)"));
/// # Ok::<(), CompressionError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Dictionaries {
    by_id: BTreeMap<u32, Dictionary>,
}

impl Dictionaries {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a dictionary; gives back the one that had its id.
    pub fn insert(&mut self, dictionary: Dictionary) -> Option<Dictionary> {
        self.by_id.insert(dictionary.id(), dictionary)
    }

    /// The dictionary with this id.
    #[must_use]
    pub fn by_id(&self, id: u32) -> Option<&Dictionary> {
        self.by_id.get(&id)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

impl FromIterator<Dictionary> for Dictionaries {
    fn from_iter<I: IntoIterator<Item = Dictionary>>(dictionaries: I) -> Self {
        Self { by_id: dictionaries.into_iter().map(|it| (it.id(), it)).collect() }
    }
}

impl<const N: usize> From<[Dictionary; N]> for Dictionaries {
    fn from(dictionaries: [Dictionary; N]) -> Self {
        dictionaries.into_iter().collect()
    }
}
