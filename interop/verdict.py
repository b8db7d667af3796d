"""What kinpack must make of any bytes, told from the KCL's verdict on them, from what
protobuf-java found inside, and from the differences that are on purpose."""

import re

from inputs import HASH_KEYS, MAGIC, hash_key, unb64
from peers import aggregated_rows, is_aggregate, plain_row

# Kinds of expectation besides rows.
FAULT = "the record as it came, with an error"
EITHER = "the record as it came, with or without an error"

PLAIN_DIGITS = re.compile(r"\+?[0-9]+\Z", re.ASCII)


class _Broken(Exception):
    pass


class Walk:
    """The numbers of a message as they stand in its bytes, which protobuf-java does not tell:
    it cuts tags and lengths to 32 bits, and sets bit 63 of every varint of ten bytes.

    `wide`: a tag or a length needs more than 32 bits, as far as the message can be walked.
    `indices`: of each record [partition key index, explicit hash key index or None]."""

    def __init__(self, protobuf):
        self.wide = False
        self._bytes = protobuf
        self._records = {}
        # Level by level, since Python's own stack would end before some of these do.
        todo = [(0, len(protobuf), 0)]
        try:
            while todo and not self.wide:
                at, end, level = todo.pop()
                todo += self._message(at, end, level)
        except _Broken:
            pass
        self.indices = [indices for _, indices in sorted(self._records.items())]

    def _varint(self, at, end):
        value = 0
        for shift in range(0, 70, 7):
            if at >= end:
                raise _Broken
            byte = self._bytes[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & (1 << 64) - 1, at
        raise _Broken

    def _message(self, at, end, level):
        """Walks one of level 0 (aggregate), 1 (record) or 2 (tag); gives the messages inside."""
        indices = [None, None]
        if level == 1:
            self._records[at] = indices
        inside, groups = [], 0
        while at < end:
            tag, at = self._varint(at, end)
            self.wide |= tag >> 32 != 0
            wire_type, number = tag & 7, tag >> 3
            if number == 0 or wire_type > 5:
                raise _Broken
            if wire_type == 0:
                value, at = self._varint(at, end)
                if level == 1 and groups == 0 and number in (1, 2):
                    indices[number - 1] = value
            elif wire_type in (1, 5):
                at += 8 if wire_type == 1 else 4
            elif wire_type == 2:
                length, at = self._varint(at, end)
                self.wide |= length >> 32 != 0
                if self.wide or at + length > end:
                    raise _Broken
                if groups == 0 and number == {0: 3, 1: 4}.get(level):
                    inside.append((at, at + length, level + 1))
                at += length
            else:
                groups += 1 if wire_type == 3 else -1
                if groups < 0:
                    raise _Broken
        return inside


def expect(entry, kcl, parsed, key_range):
    """Rows, FAULT or EITHER, and the name of the difference from the KCL, if there is one.

    `parsed` is None for what is no aggregate. Raises AssertionError if the KCL itself does
    something that none of the rules explains."""
    data = unb64(entry["data"])
    if parsed is None or "broken" in parsed:
        assert kcl["records"] == [plain_row(entry)] and not kcl["logged"], "the KCL does not hand it on"
        if parsed is not None and Walk(data[4:-16]).wide:
            return EITHER, None
        return kcl["records"], None

    walk = Walk(data[4:-16])
    if walk.wide:
        return FAULT, "number-above-32-bits"
    names, records = set(), []
    tables = [parsed["partition_keys"], parsed["explicit_hash_keys"]]
    assert len(walk.indices) == len(parsed["records"]), "the walk finds other records than protobuf-java"
    for record, indices in zip(parsed["records"], walk.indices):
        found = {"data": record["data"], "partition_key": None, "explicit_hash_key": None}
        for member, table, index in zip(("partition_key", "explicit_hash_key"), tables, indices):
            if index is None:
                continue
            if index >= len(table):
                return FAULT, "index-outside-table"
            found[member] = table[index]
        records.append(found)

    hash_keys = []
    for record in records:
        given = record["explicit_hash_key"]
        record["partition_key"] = record["partition_key"]["text"]
        if given is None:
            hash_keys.append(hash_key(record["partition_key"], None))
            continue
        record["explicit_hash_key"] = given["text"]
        hash_keys.append(None if given["number"] is None else int(given["number"]))
        if key_range is not None and not PLAIN_DIGITS.match(given["text"]):
            names.add("hash-key-not-plain-digits")
    rows = aggregated_rows(records)

    if key_range is not None:
        first, last = key_range
        inside = [key is not None and first <= key <= last for key in hash_keys]
        if names:
            # Whichever it sees first, the bad key or one that lies outside.
            plain_inside = all(
                ok or r["explicit_hash_key"] is not None and not PLAIN_DIGITS.match(r["explicit_hash_key"])
                for ok, r in zip(inside, records)
            )
            return (FAULT if plain_inside else "dropped or " + FAULT), names.pop()
        expected = rows if all(inside) else []
        assert kcl["records"] == expected and not kcl["logged"], "the KCL does not apply its range"
        return expected, None

    if kcl["records"] == rows and not kcl["logged"]:
        return rows, None
    if any(key is None for key in hash_keys):
        return rows, "hash-key-no-number"
    assert any(not 0 <= key < HASH_KEYS for key in hash_keys), "the KCL differs from its own protobuf"
    return rows, "hash-key-above-128-bits"


def expect_strict(entry, parsed):
    """What is allowed besides or instead of what the KCL's policy gives: the kinds, and None for
    the same."""
    data = unb64(entry["data"])
    if not data.startswith(MAGIC):
        return [None]
    if not is_aggregate(data) or "broken" in parsed:
        return [FAULT]
    if any(
        index is not None and index < len(parsed[table]) and not parsed[table][index]["utf8"]
        for indices in Walk(data[4:-16]).indices
        for table, index in zip(("partition_keys", "explicit_hash_keys"), indices)
    ):
        return [FAULT]
    keys = parsed["partition_keys"] + parsed["explicit_hash_keys"]
    if all(key["utf8"] for key in keys) and all(record["tags_utf8"] for record in parsed["records"]):
        return [None]
    # Text that is no record's key may be looked at or not.
    return [None, FAULT]


def short(value, limit=300):
    text = repr(value)
    return text if len(text) <= limit else text[:limit] + "…"


def first_difference(found, expected):
    for number, (a, b) in enumerate(zip(found, expected)):
        if a != b:
            return "user record %d: found %s, expected %s" % (number, short(a), short(b))
    return "%d user records, expected %d" % (len(found), len(expected))


def complaint(entry, expected, rows):
    """Why `rows` are not what was expected, or None."""
    plain = plain_row(entry)
    errors = [row.get("error") for row in rows if "error" in row]
    bare = [{k: v for k, v in row.items() if k != "error"} for row in rows]
    if expected == "dropped or " + FAULT and rows == []:
        return None
    if expected in (FAULT, EITHER, "dropped or " + FAULT):
        if bare != [plain]:
            return "it is not handed on whole"
        if expected != EITHER and not (errors and errors[0]):
            return "no error is told"
        return None
    if errors:
        return "an error is told: %s" % errors[0]
    if bare != expected:
        return first_difference(bare, expected)
    return None
