//! The shards of a stream, from what ListShards answers.

use std::num::NonZeroU32;

use kinpack::{HashKey, HashKeyRange, Shard};
use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString};

use crate::options::hash_key;

/// The open shards of a stream, and which of them takes a record.
///
/// Of what `list_shards` answers, or of its list of shards.
///
/// >>> half = 2**127
/// >>> shards = kinpack.ShardMap([
/// ...     {"ShardId": "shardId-0", "HashKeyRange": {
/// ...         "StartingHashKey": "0", "EndingHashKey": str(half - 1)}},
/// ...     {"ShardId": "shardId-1", "HashKeyRange": {
/// ...         "StartingHashKey": str(half), "EndingHashKey": str(2**128 - 1)}},
/// ... ])
/// >>> shards.shard_for("ada"), shards.shard_for("ada", explicit_hash_key=half)
/// ('shardId-1', 'shardId-1')
/// >>> shards.hash_key_range("shardId-1") == (half, 2**128 - 1)
/// True
#[pyclass(frozen, module = "kinpack")]
pub(crate) struct ShardMap(pub(crate) kinpack::ShardMap);

#[pymethods]
impl ShardMap {
    #[new]
    fn new(shards: &Bound<'_, PyAny>) -> PyResult<Self> {
        read(shards).map(Self)
    }

    /// The id of the shard that takes a user record.
    #[pyo3(signature = (partition_key, explicit_hash_key = None))]
    fn shard_for(
        &self,
        partition_key: &Bound<'_, PyString>,
        explicit_hash_key: Option<Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        let explicit = explicit_hash_key.as_ref().map(hash_key).transpose()?;
        let key = HashKey::of(&partition_key.to_cow()?, explicit);
        Ok(self.0.shard_for(key).id.clone())
    }

    /// The ids of the open shards, in order of their ranges.
    #[getter]
    fn shard_ids(&self) -> Vec<String> {
        self.0.open().iter().map(|shard| shard.id.clone()).collect()
    }

    /// The hash keys that a shard takes, open or closed, both ends inside.
    fn hash_key_range(&self, shard_id: &str) -> PyResult<(u128, u128)> {
        match self.0.by_id(shard_id) {
            Some(shard) => Ok((shard.range.start().0, shard.range.end().0)),
            None => Err(PyKeyError::new_err(shard_id.to_owned())),
        }
    }

    fn __len__(&self) -> usize {
        self.0.open().len()
    }

    fn __repr__(&self) -> String {
        format!("<kinpack.ShardMap: {} open shards>", self.0.open().len())
    }
}

/// The hash key of a partition key: its MD5 as a number.
///
/// >>> kinpack.hash_key_of("a")
/// 16955237001963240173058271559858726497
#[pyfunction]
#[pyo3(signature = (partition_key, /))]
pub(crate) fn hash_key_of(partition_key: &Bound<'_, PyString>) -> PyResult<u128> {
    Ok(HashKey::of_partition_key(&partition_key.to_cow()?).0)
}

/// A number of equal shards, a [`ShardMap`], or what ListShards answers: the response, or its list.
pub(crate) fn read(shards: &Bound<'_, PyAny>) -> PyResult<kinpack::ShardMap> {
    if let Ok(map) = shards.cast::<ShardMap>() {
        return Ok(map.get().0.clone());
    }
    if shards.cast::<PyInt>().is_ok() {
        let wrong = || PyValueError::new_err("a stream has at least 1 shard, at most 1,000,000");
        let count: u32 = shards.extract().map_err(|_| wrong())?;
        let count = NonZeroU32::new(count).filter(|count| count.get() <= 1_000_000);
        return Ok(kinpack::ShardMap::even(count.ok_or_else(wrong)?));
    }
    let (list, goes_on) = match shards.cast::<PyDict>() {
        Ok(response) => {
            let list = response.get_item("Shards")?.ok_or_else(|| {
                PyValueError::new_err("no response of ListShards: it has no Shards")
            })?;
            let next = response.get_item("NextToken")?.is_some_and(|token| !token.is_none());
            (list, next)
        }
        Err(_) => (shards.clone(), false),
    };
    let Ok(iterator) = list.try_iter() else {
        return Err(PyTypeError::new_err(format!(
            "shards are a number, a ShardMap or what ListShards answers, not {}",
            list.get_type()
        )));
    };
    let shards: Vec<Shard> =
        iterator.enumerate().map(|(at, listed)| shard(at, &listed?)).collect::<PyResult<_>>()?;
    kinpack::ShardMap::new(shards).map_err(|error| {
        let more = if goes_on { " (the list goes on: it has a NextToken)" } else { "" };
        PyValueError::new_err(format!("{error}{more}"))
    })
}

fn shard(at: usize, listed: &Bound<'_, PyAny>) -> PyResult<Shard> {
    let wrong = |what: &str| PyValueError::new_err(format!("shard {at}: {what}"));
    let listed = listed.cast::<PyDict>().map_err(|_| wrong("not a dict"))?;
    let text = |name: &str| -> PyResult<Option<String>> {
        match listed.get_item(name)?.filter(|value| !value.is_none()) {
            Some(value) => value.extract().map(Some).map_err(|_| wrong(name)),
            None => Ok(None),
        }
    };
    let id = text("ShardId")?.ok_or_else(|| wrong("no ShardId"))?;
    let range = listed.get_item("HashKeyRange")?.ok_or_else(|| wrong("no HashKeyRange"))?;
    let end = |name: &str| -> PyResult<HashKey> { hash_key(&range.get_item(name)?) };
    let range = HashKeyRange::new(end("StartingHashKey")?, end("EndingHashKey")?)
        .ok_or_else(|| wrong("its range ends before it starts"))?;
    let closed = match listed.get_item("SequenceNumberRange")? {
        Some(numbers) => match numbers.cast::<PyDict>() {
            Ok(numbers) => {
                numbers.get_item("EndingSequenceNumber")?.is_some_and(|number| !number.is_none())
            }
            Err(_) => false,
        },
        None => false,
    };
    Ok(Shard {
        parent: text("ParentShardId")?,
        adjacent_parent: text("AdjacentParentShardId")?,
        closed,
        ..Shard::new(id, range)
    })
}
