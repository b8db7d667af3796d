//! The ways to put messages into Kinesis records that are compared.

use std::sync::Arc;

use kinpack::{Lanes, OuterKeyPolicy};
use kinpack_payload::avro::{AvroSchema, AvroWriter};
use kinpack_payload::{Codec, CompressionError, Compressor, Decompressor, Dictionary};
use serde::Serialize;

use crate::pack::payload::{Envelopes, Payloads};

/// Who can take such Kinesis records apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Readers {
    /// There is nothing to take apart.
    Any,
    /// Whoever knows the KPL's format.
    Kpl,
    KinpackOnly,
}

/// A way: what is done to each message, and to all together.
pub(super) struct Way {
    /// For programs.
    pub(super) id: &'static str,
    pub(super) name: String,
    pub(super) aggregates: bool,
    pub(super) policy: OuterKeyPolicy,
    avro: bool,
    each: Each,
    /// The whole aggregate is compressed.
    whole: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Each {
    Plain,
    By(Codec),
    /// zstd, with a dictionary.
    Dictionary,
}

/// What ways need.
pub(super) struct Tools {
    pub(super) schema: Option<Arc<AvroSchema>>,
    /// Trained from the one half of the messages, and from the other; or why there are none.
    pub(super) dictionaries: Result<[Dictionary; 2], CompressionError>,
}

impl Way {
    const fn aggregate(id: &'static str, name: String, policy: OuterKeyPolicy) -> Self {
        Self { id, name, aggregates: true, policy, avro: false, each: Each::Plain, whole: false }
    }

    /// What may be done to the bytes, all with the KPL's outer key.
    pub(super) fn of_payloads(avro: bool) -> Vec<Self> {
        let way = |id, name: &str| Self::aggregate(id, name.to_owned(), OuterKeyPolicy::Kpl);
        let mut ways = vec![
            Self { aggregates: false, ..way("one-by-one", "one by one, no aggregation") },
            way("aggregate", "aggregate"),
            Self { each: Each::By(Codec::Gzip), ..way("gzip-record", "+ gzip, each message") },
            Self { each: Each::By(Codec::Zstd), ..way("zstd-record", "+ zstd, each message") },
            Self {
                each: Each::Dictionary,
                ..way("zstd-dictionary-record", "+ zstd dictionary, each message")
            },
            Self { whole: true, ..way("zstd-aggregate", "+ zstd, whole aggregate *") },
        ];
        if avro {
            ways.push(Self { avro, ..way("avro", "Avro, aggregate") });
            ways.push(Self {
                avro,
                whole: true,
                ..way("avro-zstd-aggregate", "Avro + zstd, whole aggregate *")
            });
        }
        ways
    }

    /// The outer-key policies, all with plain messages.
    pub(super) fn of_outer_keys(lanes: Lanes) -> Vec<Self> {
        let count = lanes.count();
        vec![
            Self::aggregate("kpl", "kpl: all under \"a\"".to_owned(), OuterKeyPolicy::Kpl),
            Self::aggregate("first", "first: the first key".to_owned(), OuterKeyPolicy::First),
            Self::aggregate("per-key", "per-key: one key each".to_owned(), OuterKeyPolicy::PER_KEY),
            Self::aggregate("lanes", format!("lanes:{count}"), OuterKeyPolicy::Lanes(lanes)),
        ]
    }

    pub(super) fn readers(&self) -> Readers {
        match (self.aggregates, self.whole) {
            (false, _) => Readers::Any,
            (true, false) => Readers::Kpl,
            (true, true) => Readers::KinpackOnly,
        }
    }

    pub(super) fn is_avro(&self) -> bool {
        self.avro
    }

    /// What makes the payloads of the first half of the messages, and of the second: no message is
    /// compressed with a dictionary that has seen it.
    pub(super) fn payloads(&self, tools: &Tools) -> Result<[Payloads; 2], CompressionError> {
        let compressors = match self.each {
            Each::Plain => [None, None],
            Each::By(codec) => [Some(Compressor::new(codec)?), Some(Compressor::new(codec)?)],
            Each::Dictionary => {
                let [of_first, of_second] = tools.dictionaries.as_ref().map_err(|error| *error)?;
                let with = |it| Compressor::with_dictionary(Codec::Zstd, it).map(Some);
                [with(of_second)?, with(of_first)?]
            }
        };
        let schema = tools.schema.as_ref().filter(|_| self.avro);
        Ok(compressors.map(|it| Payloads::new(schema.map(AvroWriter::single_object), it)))
    }

    pub(super) fn envelopes(&self) -> Result<Envelopes, CompressionError> {
        let compressor = self.whole.then(|| Compressor::new(Codec::Zstd)).transpose()?;
        Ok(Envelopes::new(compressor))
    }

    /// What undoes [`payloads`](Self::payloads), Avro aside.
    pub(super) fn decompressor(&self, tools: &Tools) -> Option<(Codec, Decompressor)> {
        let decompressor = Decompressor::new();
        match (self.each, &tools.dictionaries) {
            (Each::Plain, _) => None,
            (Each::By(codec), _) => Some((codec, decompressor)),
            (Each::Dictionary, Ok(both)) => {
                let both = both.clone().into();
                Some((Codec::Zstd, decompressor.with_dictionaries(both)))
            }
            (Each::Dictionary, Err(_)) => None,
        }
    }
}
