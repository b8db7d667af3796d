//! The members of a record, and where their values stand.

/// The members of a record in the order in which their slots stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Field {
    Data,
    SequenceNumber,
    PartitionKey,
    ExplicitHashKey,
    ArrivalSeconds,
    ArrivalText,
    EventId,
    RecordId,
    SubSequenceNumber,
    // From here on those that are likely to be the same in all records of a document. Their slots
    // stand elsewhere, once for all records that agree on them, and a record's last slot says where.
    EncryptionType,
    EventName,
    EventSource,
    EventSourceArn,
    AwsRegion,
    InvokeIdentityArn,
    ShardId,
}

pub(crate) const MOST_SHARED: usize = Field::SHARED.count_ones() as usize;

impl Field {
    /// The fields of which records share the slots.
    pub(crate) const SHARED: u16 = !0 << Field::EncryptionType as u8;

    #[inline]
    pub(crate) fn bit(self) -> u16 {
        1 << self as u8
    }

    /// Which of the shared ones it is.
    pub(crate) fn shared_index(self) -> usize {
        self as usize - Field::EncryptionType as usize
    }

    /// The shared ones in their order.
    pub(crate) fn shared() -> impl Iterator<Item = Field> {
        [
            Field::EncryptionType,
            Field::EventName,
            Field::EventSource,
            Field::EventSourceArn,
            Field::AwsRegion,
            Field::InvokeIdentityArn,
            Field::ShardId,
        ]
        .into_iter()
    }
}

/// A place in an arena: start and length, 32 bits each, so that a slot also holds a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span(pub(super) u64);

impl Span {
    /// Both fit: an arena is never longer than its document, and that is below 4 GiB.
    #[inline]
    pub(crate) fn new(start: usize, len: usize) -> Self {
        Span((start as u64) << 32 | len as u64)
    }

    #[inline]
    pub(crate) fn range(self) -> std::ops::Range<usize> {
        let start = (self.0 >> 32) as usize;
        start..start + self.0 as u32 as usize
    }

    /// The first `len` bytes of it.
    pub(crate) fn prefix(self, len: usize) -> Self {
        Span::new(self.range().start, len)
    }

    /// The last `len` bytes of it.
    #[inline]
    pub(crate) fn suffix(self, len: usize) -> Self {
        Span::new(self.range().end - len, len)
    }

    /// The same so many bytes further on.
    pub(crate) fn moved(self, by: usize) -> Self {
        Span::new(self.range().start + by, self.range().len())
    }

    /// What a slot holds.
    #[inline]
    pub(crate) fn bits(self) -> u64 {
        self.0
    }
}
