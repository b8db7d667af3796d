//! The MD5 of the envelope, behind one small interface.

pub(crate) use md5_lanes::{md5, md5_many, md5_with};

/// Whether a reader computes the digest of an aggregate.
///
/// The digest is most of the cost of reading: skip it only where something else has checked the
/// bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Digest {
    /// Compare the digest, as the KCL does.
    #[default]
    Verify,
    /// Take the digest for right.
    Skip,
}

pub(crate) const DIGEST_LEN: usize = 16;
