"""`aws_kinesis_agg.aggregator`."""

from __future__ import annotations

import copy
import threading
from typing import Any, Callable, Union

from kinpack._kinpack import _AggregateBuilder
from kinpack.compat import MAX_BYTES_PER_RECORD

__all__ = ["AggRecord", "RecordAggregator"]

_Text = Union[str, bytes]
_Callback = Callable[["AggRecord"], Any]


class RecordAggregator:
    """Packs user records, all meant for one shard, into aggregates of at most `max_size` bytes.

    Not for several threads at once.

    >>> from kinpack.compat import aggregator
    >>> packer = aggregator.RecordAggregator()
    >>> packer.add_user_record("ada", b"1")
    >>> full = packer.clear_and_get()
    >>> full.get_num_user_records(), full.get_partition_key()
    (1, 'ada')
    """

    def __init__(self, max_size: int = MAX_BYTES_PER_RECORD) -> None:
        if max_size > MAX_BYTES_PER_RECORD:
            raise ValueError(
                f"Invalid max_size {max_size} exceeds maximum value {MAX_BYTES_PER_RECORD}"
            )
        self.max_size = max_size
        self.current_record = AggRecord(max_size)
        self.callbacks: list[tuple[_Callback, bool]] = []

    def on_record_complete(self, callback: _Callback, execute_on_new_thread: bool = True) -> None:
        """Calls `callback` with each aggregate that is full, on a thread of its own if not told
        otherwise."""
        if all(callback != known for known, _ in self.callbacks):
            self.callbacks.append((callback, execute_on_new_thread))

    def get_num_user_records(self) -> int:
        return self.current_record.get_num_user_records()

    def get_size_bytes(self) -> int:
        return self.current_record.get_size_bytes()

    def clear_record(self) -> None:
        self.current_record = AggRecord(self.max_size)

    def clear_callbacks(self) -> None:
        self.callbacks.clear()

    def clear_and_get(self) -> AggRecord | None:
        """What was added since the last full aggregate; None if nothing was."""
        if self.get_num_user_records() == 0:
            return None
        record = self.current_record
        self.clear_record()
        return record

    def add_user_record(
        self, partition_key: _Text, data: _Text, explicit_hash_key: _Text | None = None
    ) -> AggRecord | None:
        """Adds a user record. Returns the full aggregate that it did not fit in any more, if that
        was so."""
        if self.current_record.add_user_record(partition_key, data, explicit_hash_key):
            return None
        # A callback that raises changes nothing, so that the caller may try again.
        full = copy.deepcopy(self.current_record)
        for callback, on_new_thread in self.callbacks:
            if on_new_thread:
                threading.Thread(target=callback, args=(full,)).start()
            else:
                callback(full)
        self.clear_record()
        # Fits, or it would have been refused.
        self.current_record.add_user_record(partition_key, data, explicit_hash_key)
        return full


class AggRecord:
    """One aggregate. Not for several threads at once.

    >>> from kinpack.compat import aggregator
    >>> aggregate = aggregator.AggRecord()
    >>> aggregate.add_user_record("ada", b"1"), aggregate.add_user_record("bob", b"2")
    (True, True)
    >>> key, hash_key, data = aggregate.get_contents()
    >>> key, len(data) == aggregate.get_size_bytes()
    ('ada', True)
    """

    def __init__(self, max_size: int = MAX_BYTES_PER_RECORD) -> None:
        self.max_size = max_size
        self._builder = _AggregateBuilder(max_size)

    def get_num_user_records(self) -> int:
        return len(self._builder)

    def get_size_bytes(self) -> int:
        """The exact length of the aggregate's bytes."""
        return self._builder.size

    def clear(self) -> None:
        self._builder = _AggregateBuilder(self.max_size)

    def get_contents(self) -> tuple[str | None, str | None, bytes]:
        """(partition key, explicit hash key, data) for `put_record`. Changes nothing."""
        return self.get_partition_key(), self.get_explicit_hash_key(), self._builder.contents()

    def get_partition_key(self) -> str | None:
        """The first user record's partition key; None if there is none."""
        return self._builder.partition_key

    def get_explicit_hash_key(self) -> str | None:
        """The first user record's hash key: send it along, so that the aggregate goes to the
        shard its records belong to. None if there is no user record."""
        return self._builder.explicit_hash_key

    def add_user_record(
        self, partition_key: _Text, data: _Text, explicit_hash_key: _Text | None = None
    ) -> bool:
        """Adds a user record, or says that it does not fit any more."""
        return self._builder.add(
            _text(partition_key), data, _text(explicit_hash_key) if explicit_hash_key else None
        )


def _text(value: _Text) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else value
