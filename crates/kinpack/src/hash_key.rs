//! Hash keys: where in the stream a record belongs.

use std::fmt;
use std::str::FromStr;

use crate::digest::md5;

/// A position in the 128-bit hash key space that the shards of a stream divide.
///
/// # Examples
///
/// ```
/// use kinpack::HashKey;
///
/// let key = HashKey::of_partition_key("device-7");
/// assert_eq!(key.to_string(), "82854626076645082116509365037338430615");
/// assert_eq!("007".parse(), Ok(HashKey(7)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HashKey(pub u128);

impl HashKey {
    /// The lowest hash key.
    pub const MIN: Self = Self(0);
    /// The highest hash key, 2^128 − 1.
    pub const MAX: Self = Self(u128::MAX);

    /// The MD5 of the key's UTF-8 bytes as a big-endian number (the rule of Kinesis).
    #[must_use]
    pub fn of_partition_key(partition_key: &str) -> Self {
        Self(u128::from_be_bytes(md5(partition_key.as_bytes())))
    }

    /// The hash key of a user record: the explicit one, else that of the partition key.
    #[must_use]
    pub fn of(partition_key: &str, explicit_hash_key: Option<HashKey>) -> Self {
        explicit_hash_key.unwrap_or_else(|| Self::of_partition_key(partition_key))
    }
}

impl fmt::Display for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text is no hash key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseHashKeyError {
    /// Something else than ASCII digits, with an optional `+` before them.
    NotANumber,
    /// 2^128 or more.
    TooLarge,
}

impl fmt::Display for ParseHashKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "a hash key is a decimal number",
            Self::TooLarge => "a hash key is below 2^128",
        })
    }
}

impl std::error::Error for ParseHashKeyError {}

impl FromStr for HashKey {
    type Err = ParseHashKeyError;

    /// ASCII digits, leading zeros and one leading `+` allowed.
    fn from_str(text: &str) -> Result<Self, ParseHashKeyError> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseHashKeyError::NotANumber);
        }
        // Nothing but an overflow is left to go wrong.
        digits.parse().map(Self).map_err(|_| ParseHashKeyError::TooLarge)
    }
}

/// Hash keys from `start` to `end`, both inside, as a shard has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HashKeyRange {
    start: HashKey,
    end: HashKey,
}

impl HashKeyRange {
    /// Every hash key.
    pub const FULL: Self = Self { start: HashKey::MIN, end: HashKey::MAX };

    /// The range from `start` to `end`, both inside; `None` if `start` is above `end`.
    #[must_use]
    pub fn new(start: HashKey, end: HashKey) -> Option<Self> {
        (start <= end).then_some(Self { start, end })
    }

    /// The lowest hash key inside.
    #[must_use]
    pub fn start(self) -> HashKey {
        self.start
    }

    /// The highest hash key inside.
    #[must_use]
    pub fn end(self) -> HashKey {
        self.end
    }

    /// Whether the range holds `key`.
    ///
    /// ```
    /// use kinpack::{HashKey, HashKeyRange};
    ///
    /// let range = HashKeyRange::new(HashKey(5), HashKey(9)).unwrap();
    /// assert!(range.contains(HashKey(9)));
    /// assert!(!range.contains(HashKey(10)));
    /// ```
    #[must_use]
    pub fn contains(self, key: HashKey) -> bool {
        self.start <= key && key <= self.end
    }
}

impl fmt::Display for HashKeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::{HashKey, ParseHashKeyError};

    #[test]
    fn numbers_are_what_the_service_takes() {
        assert_eq!("+7".parse(), Ok(HashKey(7)));
        assert_eq!(u128::MAX.to_string().parse(), Ok(HashKey::MAX));
        let zeros = format!("{}7", "0".repeat(300));
        assert_eq!(zeros.parse(), Ok(HashKey(7)));
        for text in ["", "+", "-0", " 7", "7 ", "++7", "0x7", "٧"] {
            assert_eq!(text.parse::<HashKey>(), Err(ParseHashKeyError::NotANumber), "{text:?}");
        }
        for text in ["340282366920938463463374607431768211456", &"9".repeat(400)] {
            assert_eq!(text.parse::<HashKey>(), Err(ParseHashKeyError::TooLarge), "{text:?}");
        }
    }
}
