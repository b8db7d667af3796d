//! `--shard-map`: the output of `aws kinesis list-shards`.

use std::fs;
use std::path::Path;

use kinpack::{HashKey, HashKeyRange, Shard, ShardMap};
use serde::Deserialize;

use super::options;
use crate::failure::Failure;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShardList {
    shards: Vec<ListedShard>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedShard {
    shard_id: String,
    parent_shard_id: Option<String>,
    adjacent_parent_shard_id: Option<String>,
    hash_key_range: ListedRange,
    sequence_number_range: Option<ListedSequence>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedRange {
    starting_hash_key: String,
    ending_hash_key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedSequence {
    ending_sequence_number: Option<String>,
}

/// Reads the shards that `path` lists.
pub(super) fn read(path: &Path) -> crate::Result<ShardMap> {
    let name = path.display();
    let json = fs::read(path).map_err(|error| Failure::Io(name.to_string(), error))?;
    parse(&json).map_err(|message| Failure::new(format!("{name}: {message}")))
}

fn parse(json: &[u8]) -> Result<ShardMap, String> {
    let list: ShardList = serde_json::from_slice(json)
        .map_err(|error| format!("not the output of list-shards: {error}"))?;
    let shards: Result<Vec<Shard>, String> = list.shards.into_iter().map(shard).collect();
    ShardMap::new(shards?).map_err(|error| match list.next_token {
        Some(_) => format!("{error} (the list goes on: it has a NextToken)"),
        None => error.to_string(),
    })
}

fn shard(listed: ListedShard) -> Result<Shard, String> {
    if !options::is_name(&listed.shard_id) {
        let begin: String = listed.shard_id.chars().take(128).collect();
        return Err(format!("{begin:?} is no shard id: {} are wanted", options::NAME));
    }
    let ListedRange { starting_hash_key: start, ending_hash_key: end } = &listed.hash_key_range;
    let hash_key = |text: &str| {
        text.parse::<HashKey>().map_err(|error| format!("{}: {error}: {text:?}", listed.shard_id))
    };
    let range = HashKeyRange::new(hash_key(start)?, hash_key(end)?)
        .ok_or_else(|| format!("{}: its hash keys end before they start", listed.shard_id))?;
    Ok(Shard {
        parent: listed.parent_shard_id,
        adjacent_parent: listed.adjacent_parent_shard_id,
        closed: listed.sequence_number_range.is_some_and(|it| it.ending_sequence_number.is_some()),
        ..Shard::new(listed.shard_id, range)
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn message(shards: &str) -> String {
        parse(shards.as_bytes()).unwrap_err()
    }

    #[test]
    fn what_is_wrong_with_a_list_is_said() {
        let shard = |start: &str, end: &str| {
            format!(
                r#"{{"ShardId":"s","HashKeyRange":{{"StartingHashKey":"{start}","EndingHashKey":"{end}"}}}}"#
            )
        };
        assert!(message("{}").contains("list-shards"));
        assert!(message(r#"{"Shards":[]}"#).contains("no open shard"));
        let list = |start, end| format!(r#"{{"Shards":[{}]}}"#, shard(start, end));
        assert!(message(&list("x", "1")).contains(r#"s: a hash key is a decimal number: "x""#));
        assert!(message(&list("2", "1")).contains("end before they start"));
        let broken_off = format!(r#"{{"Shards":[{}],"NextToken":"t"}}"#, shard("0", "9"));
        assert!(message(&broken_off).contains("NextToken"));
    }
}
