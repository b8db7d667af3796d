//! Loads the vectors. What they mean is in `vectors/README.md`.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// A user record, as the vectors have it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) partition_key: Option<String>,
    pub(crate) explicit_hash_key: Option<String>,
    #[serde(deserialize_with = "base64")]
    pub(crate) data: Vec<u8>,
    #[serde(default)]
    pub(crate) sub_sequence_number: u64,
    #[serde(default)]
    pub(crate) aggregated: bool,
    /// The KPL's answer where it refused a record.
    pub(crate) refused: Option<serde_json::Value>,
    /// Of a peer's case: the entry it came from.
    pub(crate) entry: Option<usize>,
}

pub(crate) fn base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    base64_simd::STANDARD.decode_to_vec(text).map_err(serde::de::Error::custom)
}

/// The files of a folder of vectors, by name.
pub(crate) fn load<T: DeserializeOwned>(folder: &str) -> Vec<(String, T)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(folder);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let json = paths.iter().filter(|path| path.extension().is_some_and(|it| it == "json"));
    json.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let value = serde_json::from_slice(&std::fs::read(path).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, value)
    })
    .collect()
}

/// Outer partition key and data of every case in `reader/`.
pub(crate) fn reader_inputs() -> Vec<(Option<String>, Vec<u8>)> {
    #[derive(Deserialize)]
    struct File {
        cases: Vec<Case>,
    }
    #[derive(Deserialize)]
    struct Case {
        outer: Outer,
    }
    #[derive(Deserialize)]
    struct Outer {
        partition_key: Option<String>,
        #[serde(deserialize_with = "base64")]
        data: Vec<u8>,
    }
    let cases = load::<File>("reader").into_iter().flat_map(|(_, file)| file.cases);
    cases.map(|case| (case.outer.partition_key, case.outer.data)).collect()
}

impl Row {
    pub(crate) fn of(record: kinpack::UserRecord<'_>) -> Self {
        Self {
            partition_key: record.partition_key.map(str::to_owned),
            explicit_hash_key: record.explicit_hash_key.map(str::to_owned),
            data: record.data.to_vec(),
            sub_sequence_number: record.sub_sequence_number,
            aggregated: record.aggregated,
            refused: None,
            entry: None,
        }
    }
}
