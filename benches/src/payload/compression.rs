//! Each codec in each place.

use kinpack::{Aggregator, Digest, KinesisRecord, Limits, OuterKey, Push, deaggregate};
use kinpack_payload::{Codec, Compression, Compressor, Decompressor, Dictionary, whole_aggregate};

use super::{Row, message};

/// Messages that fill an aggregate of the KPL's 50 KiB.
const MESSAGES: usize = 450;
const KEYS: usize = 10;

/// A way to put messages into one Kinesis record.
#[derive(Clone, Default)]
struct Way {
    each: Option<Compression>,
    dictionary: Option<Dictionary>,
    whole: Option<Compression>,
}

/// All that are measured.
///
/// # Panics
///
/// If one of them does not give its messages back.
#[must_use]
pub fn rows() -> Vec<Row> {
    let at = |codec, level| Some(Compression::new(codec, level).expect("a level it has"));
    // Trained on other messages than are packed.
    let dictionary =
        Dictionary::train((1_000_000..1_020_000).map(message), 16 << 10).expect("samples enough");
    let each = |codec, level| Way { each: at(codec, level), ..Way::default() };
    let whole = |codec, level| Way { whole: at(codec, level), ..Way::default() };
    [
        Way::default(),
        each(Codec::Gzip, 6),
        each(Codec::Zlib, 6),
        each(Codec::Deflate, 6),
        each(Codec::Zstd, 1),
        each(Codec::Zstd, 3),
        Way { dictionary: Some(dictionary.clone()), ..each(Codec::Zstd, 1) },
        Way { dictionary: Some(dictionary), ..each(Codec::Zstd, 3) },
        whole(Codec::Gzip, 1),
        whole(Codec::Gzip, 6),
        whole(Codec::Zlib, 6),
        whole(Codec::Zstd, 1),
        whole(Codec::Zstd, 3),
        whole(Codec::Zstd, 6),
        whole(Codec::Zstd, 19),
    ]
    .into_iter()
    .map(Way::row)
    .collect()
}

/// Kinesis records that are compressed, but no aggregate, as those of CloudWatch Logs: `decode`
/// looks into one and hands it on. Nothing is encoded.
#[must_use]
pub fn untouched() -> Vec<Row> {
    [Codec::Gzip, Codec::Zlib, Codec::Zstd]
        .into_iter()
        .flat_map(|codec| [10, 1_000, 10_000].map(|messages| look(codec, messages)))
        .collect()
}

impl Way {
    fn name(&self) -> String {
        match (self.each, self.whole) {
            (None, None) => "plain aggregate".to_owned(),
            (Some(each), _) if self.dictionary.is_some() => {
                format!("{each} with a dictionary, each message")
            }
            (Some(each), _) => format!("{each}, each message"),
            (None, Some(whole)) => format!("{whole}, the whole aggregate"),
        }
    }

    fn row(self) -> Row {
        let messages: Vec<String> = (0..MESSAGES).map(message).collect();
        let mut packer = Packer::new(&self);
        let data = packer.pack(&messages).to_vec();
        let mut unpacker = Unpacker::new(&self);
        let mut unpacked = Vec::new();
        unpacker.unpack(&data, |it| unpacked.push(it.to_vec()));
        assert!(unpacked.iter().eq(messages.iter().map(String::as_bytes)), "{}", self.name());
        Row {
            name: self.name(),
            messages: MESSAGES,
            bytes: data.len(),
            encode: Box::new(move || packer.pack(&messages).len()),
            decode: Box::new(move || {
                let mut bytes = 0;
                unpacker.unpack(&data, |message| bytes += message.len());
                bytes
            }),
        }
    }
}

struct Packer {
    each: Option<Compressor>,
    whole: Option<Compressor>,
    aggregator: Aggregator,
    record: KinesisRecord,
    keys: Vec<String>,
    small: Vec<u8>,
}

impl Packer {
    fn new(way: &Way) -> Self {
        let new = |compression: Compression, dictionary: &Option<Dictionary>| match dictionary {
            Some(dictionary) => Compressor::with_dictionary(compression, dictionary),
            None => Compressor::new(compression),
        };
        let limits = Limits::new(1 << 20, u32::MAX, 1 << 20).expect("limits are in bounds");
        Self {
            each: way.each.map(|it| new(it, &way.dictionary).expect("compiled in")),
            whole: way.whole.map(|it| new(it, &None).expect("compiled in")),
            aggregator: Aggregator::new(limits, OuterKey::Kpl),
            record: KinesisRecord::default(),
            keys: (0..KEYS).map(|n| format!("device-{n}")).collect(),
            small: Vec::new(),
        }
    }

    fn pack(&mut self, messages: &[String]) -> &[u8] {
        for (message, key) in messages.iter().zip(self.keys.iter().cycle()) {
            let mut payload = message.as_bytes();
            if let Some(compressor) = &mut self.each {
                compressor.compress_into(payload, &mut self.small).expect("memory enough");
                payload = &self.small;
            }
            let pushed = self.aggregator.try_push(key, None, payload);
            assert_eq!(pushed, Ok(Push::Added));
        }
        assert!(self.aggregator.finish_into(&mut self.record));
        let Some(compressor) = &mut self.whole else { return &self.record.data };
        whole_aggregate::compress_for_kinpack_readers_only(
            &self.record.data,
            compressor,
            &mut self.small,
        )
        .expect("it is an aggregate");
        &self.small
    }
}

struct Unpacker {
    each: Option<Codec>,
    decompressor: Decompressor,
    inside: Decompressor,
    whole: Vec<u8>,
    large: Vec<u8>,
}

impl Unpacker {
    fn new(way: &Way) -> Self {
        Self {
            each: way.each.map(Compression::codec),
            decompressor: Decompressor::new(),
            inside: Decompressor::new().with_dictionaries(way.dictionary.iter().cloned().collect()),
            whole: Vec::new(),
            large: Vec::new(),
        }
    }

    fn unpack(&mut self, data: &[u8], mut each: impl FnMut(&[u8])) {
        let unwrapped = whole_aggregate::unwrap(data, &mut self.decompressor, &mut self.whole)
            .expect("our own bytes");
        let contents = deaggregate(unwrapped.data, Digest::Verify).expect("our own bytes");
        for record in contents.records(None) {
            match self.each {
                Some(codec) => {
                    self.inside
                        .decompress_into(codec, record.data, &mut self.large)
                        .expect("our own bytes");
                    each(&self.large);
                }
                None => each(record.data),
            }
        }
    }
}

fn look(codec: Codec, messages: usize) -> Row {
    let text = (0..messages).map(message).collect::<String>();
    let mut compressor = Compressor::new(codec).expect("compiled in");
    let data = compressor.compress(text.as_bytes()).expect("memory enough");
    let (mut decompressor, mut buffer) = (Decompressor::new(), Vec::new());
    Row {
        name: format!("{codec}, {} bytes of text inside", text.len()),
        messages: 1,
        bytes: data.len(),
        encode: Box::new(|| 0),
        decode: Box::new(move || {
            let unwrapped = whole_aggregate::unwrap(&data, &mut decompressor, &mut buffer)
                .expect("no envelope");
            assert_eq!(unwrapped.codec, None);
            unwrapped.data.len()
        }),
    }
}
