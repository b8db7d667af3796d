//! The judge is judged: what it makes of the KPL's aggregates must be the KPL's own bytes again.

use std::fs;
use std::path::Path;

#[test]
fn rebuilds_the_aggregates_of_the_kpl() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kinpack/tests/vectors/kpl");
    let mut aggregates = 0;
    for file in fs::read_dir(vectors).expect("vectors") {
        let path = file.expect("directory entry").path();
        let text = fs::read_to_string(&path).expect("vector");
        let vector: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for entry in vector["entries"].as_array().expect("entries") {
            let data = base64_simd::STANDARD
                .decode_to_vec(entry["data"].as_str().expect("data"))
                .expect("base64");
            let Some(message) = oracle::decode(&data) else {
                // The KPL sends a record alone as it is.
                assert_eq!(entry["inputs"].as_array().map(Vec::len), Some(1), "{}", path.display());
                continue;
            };
            let rebuilt = oracle::aggregate(message.records.iter().map(|record| {
                (
                    &*message.partition_key_table[record.partition_key_index as usize],
                    record
                        .explicit_hash_key_index
                        .map(|index| &*message.explicit_hash_key_table[index as usize]),
                    &*record.data,
                )
            }));
            assert_eq!(oracle::encode(&rebuilt), data, "{}", path.display());
            aggregates += 1;
        }
    }
    assert!(aggregates >= 72, "only {aggregates} aggregates");
}
