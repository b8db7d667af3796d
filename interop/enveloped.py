"""Whole aggregates that are compressed: to everyone but kinpack each is one record, and stays as it is."""

import zlib

from inputs import MAGIC, RECORD_LIMIT, unb64
from peers import plain_row
from verdict import complaint, first_difference, short

COMPRESSIONS = ["gzip", "gzip:9", "zlib", "zlib:1", "zstd", "zstd:19"]


def check(checks, records, options, compression):
    """None or what is wrong."""
    plain, read = checks.entries(records, options)
    arguments = ["--compress", compression, "--at", "aggregate-kinpack-only"]
    wrapped = checks.kinpack.pack(records, options, arguments)
    if len(wrapped) != len(plain):
        return "%d entries instead of %d" % (len(wrapped), len(plain))
    expected = []
    for number, (entry, before, result) in enumerate(zip(wrapped, plain, read)):
        if entry == before:
            data = unb64(entry["data"])
            # What no codec makes smaller stays as it is.
            if result["records"][0]["aggregated"] and len(zlib.compress(data)) < len(data) * 9 // 10:
                return "entry %d is not wrapped" % number
            expected.append(result["records"])
            continue
        if not result["records"][0]["aggregated"]:
            return "entry %d goes alone, but is not as it was" % number
        if unb64(entry["data"]).startswith(MAGIC) or len(unb64(entry["data"])) >= len(unb64(before["data"])):
            return "entry %d is changed, but not made smaller" % number
        if dict(entry, data=None) != dict(before, data=None):
            return "entry %d has other keys" % number
        if len(unb64(entry["data"])) + len(entry["partition_key"].encode("utf-8")) > RECORD_LIMIT:
            return "entry %d is above the record limit" % number
        expected.append([plain_row(entry)])
    wrong = _seen_by_others(checks, wrapped, expected)
    if wrong:
        return wrong
    for number, (entry, result, rows) in enumerate(zip(wrapped, read, checks.kinpack.unpack(wrapped))):
        wrong = complaint(entry, result["records"], rows)
        if wrong:
            return "entry %d: kinpack: %s" % (number, wrong)
    return None


def _seen_by_others(checks, entries, expected):
    for number, (rows, result) in enumerate(zip(expected, checks.peers.kcl.read(entries))):
        if result["records"] != rows or result["logged"]:
            return "entry %d: the KCL: %s, logs %s" % (
                number, first_difference(result["records"], rows), short(result["logged"]))
    for reader in checks.peers.readers:
        wrong = checks.agrees(reader, entries, expected)
        if wrong:
            return "%s: %s" % (reader.name, wrong)
    return None
