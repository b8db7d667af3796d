//! Each codec in each place with each framing, there and back and there again.

use serde_json::{Value, json};

use crate::run::{Scratch, kinpack};
use crate::schemas::{SCHEMA, Schemas, UUID};
use crate::{pack, packed, unpack, values};

/// What `pack` does about bytes, and how `unpack` undoes it.
type Ways = Vec<(Vec<String>, Vec<String>)>;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Each codec for each record, and, where there is such an envelope, for the whole aggregate.
fn codecs(dictionary: &str) -> Ways {
    let with_dictionary = format!("zstd,dict={dictionary}");
    let mut ways = vec![(Vec::new(), Vec::new()), (Vec::new(), words("--decompress auto"))];
    for (compress, codec) in [
        ("gzip:1", "gzip"),
        ("zlib", "zlib"),
        ("deflate:9", "deflate"),
        ("zstd:19", "zstd"),
        (&with_dictionary, "zstd"),
    ] {
        let pack = words(&format!("--compress {compress}"));
        let dictionary = words(if compress == with_dictionary { "--dict" } else { "" });
        let dictionary = match dictionary.is_empty() {
            true => dictionary,
            false => [dictionary, vec![with_dictionary["zstd,dict=".len()..].to_owned()]].concat(),
        };
        for name in [codec, "auto"] {
            // Raw deflate looks like nothing.
            if (codec, name) != ("deflate", "auto") {
                let undo = words(&format!("--decompress {name}"));
                ways.push((pack.clone(), [undo, dictionary.clone()].concat()));
            }
        }
    }
    for codec in ["gzip", "zlib:9", "zstd"] {
        let pack = words(&format!("--compress {codec} --at aggregate-kinpack-only"));
        ways.push((pack.clone(), Vec::new()));
        ways.push((pack, words("--decompress auto")));
    }
    ways
}

/// Each framing, and none.
fn framings(schema: &str, schemas: &str) -> Ways {
    let mut ways = vec![(Vec::new(), Vec::new()), (Vec::new(), words("--avro auto"))];
    for (framing, names) in [
        ("single", &["single", "auto"][..]),
        ("confluent:301", &["confluent"]),
        (&*format!("glue:{UUID}"), &["glue"]),
        ("ocf", &["ocf", "auto"]),
    ] {
        let pack = words(&format!("--avro-schema {schema} --framing {framing}"));
        for name in names {
            ways.push((pack.clone(), words(&format!("--avro {name} --schemas {schemas}"))));
        }
    }
    ways
}

#[test]
fn what_was_packed_is_unpacked_and_can_be_packed_again() {
    let (schema, schemas) = (Scratch::new("matrix.avsc", SCHEMA), Schemas::new("matrix"));
    let dictionary = Scratch::new("matrix.dict", "");
    let samples: String = (0..2_000)
        .map(|n| json!({"id": n, "user": format!("u{}", n % 9)}).to_string() + "\n")
        .collect();
    let train = ["dict", "train", "--lines", "--size", "2KiB", "-o", dictionary.path()];
    assert_eq!(kinpack(&train, &samples).status, 0);

    let mut tried = 0;
    for (framed, unframe) in framings(schema.path(), schemas.path()) {
        for (compressed, decompress) in codecs(dictionary.path()) {
            let pack_args = [framed.as_slice(), &compressed].concat();
            let unpack_args = [unframe.as_slice(), &decompress].concat();
            let pack_args: Vec<&str> = pack_args.iter().map(String::as_str).collect();
            let unpack_args: Vec<&str> = unpack_args.iter().map(String::as_str).collect();
            let is_container = pack_args.contains(&"ocf");
            let expected: Vec<Value> = match is_container {
                false => values(),
                true => values().into_iter().map(|value| json!([value])).collect(),
            };
            let data = |entries: &[u8]| -> (Vec<Value>, String) {
                let run = unpack(&unpack_args, entries);
                let data = run.rows().iter_mut().map(|row| row["data"].take()).collect();
                (data, run.text().to_owned())
            };
            let once = packed(&pack_args);
            let (back, rows) = data(&once);
            assert_eq!(back, expected, "{pack_args:?} {unpack_args:?}");
            let again = pack(&pack_args, &rows);
            assert_eq!((again.status, &*again.stderr), (0, ""), "{pack_args:?}");
            // A container file has a marker that differs each time.
            match is_container {
                false => assert_eq!(again.stdout, once, "{pack_args:?} {unpack_args:?}"),
                true => assert_eq!(data(&again.stdout).0, expected, "{pack_args:?}"),
            }
            tried += 1;
        }
    }
    assert_eq!(tried, 8 * 17);
}
