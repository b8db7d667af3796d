"""Random user records, and how to have them packed."""

import base64
import hashlib
import struct
from collections import namedtuple

MAGIC = b"\xf3\x89\x9a\xc2"
HASH_KEYS = 1 << 128
RECORD_LIMIT = 1 << 20

# `nested`: some data is an aggregate itself, and must not go alone: it would be unpacked.
Inputs = namedtuple("Inputs", "records nested")
PackOptions = namedtuple("PackOptions", "max_size max_count outer_key shards")

ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789",
    "ключзамок",
    "鍵錠开关",
    "e\u0301a\u0308o\u0302",
    "\U0001f511\U0001f512\U00010348\U0010ffff",
    "مفتاحקפל",
    "ÀÉÎÕÜßÿ",
]
INTEGER_LIKE = ["0", "1", "2", "7", "007", "10", "42", "-1", "1.5", "1e3", "4294967294", "4294967295",
                "9007199254740993", "00"]
RESERVED = ["constructor", "toString", "valueOf", "null", "undefined", "NaN", "None", "true", "a", "length"]
ODD = ["\0", "\n", " ", "\t ", '"', "\\", "\x7f", "\u0085", "\u2028", "\ufeff", "\ufffd", "\uffff", "a\0b"]


def md5(data):
    return hashlib.md5(data).digest()


def b64(data):
    return base64.b64encode(data).decode("ascii")


def unb64(text):
    return base64.b64decode(text)


def hash_key(partition_key, explicit_hash_key):
    if explicit_hash_key is not None:
        return int(explicit_hash_key)
    return int.from_bytes(md5(partition_key.encode("utf-8")), "big")


def frame(protobuf):
    return MAGIC + protobuf + md5(protobuf)


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


EMPTY_ENVELOPE = frame(b"")


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def aggregate(records):
    """The KPL's protobuf for these records, for arithmetic and as raw material."""
    tables = [{}, {}]
    body = b""
    for record in records:
        inner = b""
        for number, (table, key) in enumerate(
            zip(tables, (record["partition_key"], record["explicit_hash_key"])), 1
        ):
            if key is not None:
                if number == 2:
                    key = str(int(key))
                inner += varint(number << 3) + varint(table.setdefault(key, len(table)))
        body += field(3, inner + field(3, unb64(record["data"])))
    head = b"".join(
        field(number, key.encode("utf-8")) for number, table in enumerate(tables, 1) for key in table
    )
    return head + body


def random_bytes(rng, count):
    return rng.getrandbits(8 * count).to_bytes(count, "big") if count else b""


def random_text(rng, units):
    """Text of at least one and at most so many UTF-16 units, which is how a key is counted."""
    out = []
    alphabet = rng.choice(ALPHABETS)
    while True:
        if rng.random() < 0.1:
            alphabet = rng.choice(ALPHABETS)
        char = rng.choice(alphabet)
        units -= 2 if ord(char) > 0xFFFF else 1
        if units < 0:
            return "".join(out) or "k"
        out.append(char)


def key_maker(rng):
    style = rng.choice(["one", "few", "unique", "integers", "unicode", "long", "reserved", "odd", "mixed"])
    few = [random_text(rng, rng.randint(1, 12)) for _ in range(rng.randint(2, 8))]
    # These two break one peer; in every set they would hide the rest of it.
    trap = rng.choice([None, None, None, "__proto__", "hasOwnProperty"])

    def make(kind):
        if kind == "one":
            return few[0]
        if kind == "few":
            return rng.choice(few)
        if kind == "unique":
            return "%016x" % rng.getrandbits(64)
        if kind == "integers":
            return rng.choice(INTEGER_LIKE) if rng.random() < 0.5 else str(rng.randint(0, 300))
        if kind == "unicode":
            return random_text(rng, rng.randint(1, 20))
        if kind == "long":
            return random_text(rng, rng.choice([127, 128, 129, 200, 255, 256]))
        if kind == "reserved":
            return trap if trap and rng.random() < 0.1 else rng.choice(RESERVED)
        return rng.choice(ODD)

    if style == "mixed":
        kinds = ["few", "unique", "integers", "unicode", "long", "reserved", "odd"]
        return lambda: make(rng.choice(kinds))
    return lambda: make(style)


def hash_key_maker(rng):
    style = rng.choice(["none", "none", "some", "all", "few", "edges"])
    few = [str(rng.getrandbits(128)) for _ in range(3)]
    edges = ["0", "1", "2", "10", "4294967294", "4294967296", str(HASH_KEYS - 1), str(HASH_KEYS >> 1),
             str((HASH_KEYS >> 1) - 1)]

    def make():
        if style == "none" or style == "some" and rng.random() < 0.5:
            return None
        if style in ("few", "edges"):
            pool = few + [None] if style == "few" else edges
            return rng.choice(pool)
        return str(rng.getrandbits(128))

    return make


def data_maker(rng, nested):
    style = rng.choice(["tiny", "small", "kilobytes", "edges", "large", "empty", "text", "magic"])

    def make():
        if nested and rng.random() < 0.3:
            inner = [{"partition_key": "in", "explicit_hash_key": None, "data": b64(random_bytes(rng, 5))}
                     for _ in range(rng.randint(1, 3))]
            return frame(aggregate(inner))
        if style == "tiny":
            return random_bytes(rng, rng.randint(0, 3))
        if style == "small":
            return random_bytes(rng, rng.randint(0, 100))
        if style == "edges":
            return random_bytes(rng, max(0, rng.choice([0, 1, 64, 123, 127, 128, 2047]) + rng.randint(-4, 4)))
        if style == "large" and rng.random() < 0.2:
            return random_bytes(rng, rng.choice([16380, 16384, 51180, 51200, rng.randint(3000, 200000)]))
        if style == "empty":
            return b""
        if style == "text":
            return ('{"id":%d,"name":"Zoë %s"}' % (rng.randint(0, 9999), random_text(rng, 8))).encode("utf-8")
        if style == "magic" and rng.random() < 0.5:
            # All of these are plain records: no digest, none that fits, nothing in it, nonsense.
            odd = MAGIC + random_bytes(rng, rng.choice([0, 3, 16, 17, 40]))
            return rng.choice([odd, odd, EMPTY_ENVELOPE, frame(b"\0")])
        return random_bytes(rng, rng.randint(0, 2048))

    return make


def user_records(rng):
    nested = rng.random() < 0.1
    key, ehk, data = key_maker(rng), hash_key_maker(rng), data_maker(rng, nested)
    count = rng.choice([1, 2, 3, rng.randint(4, 30), rng.randint(4, 30), rng.randint(30, 300)])
    if nested:
        count = min(max(count, 2), 100)
    records = [
        {"partition_key": key(), "explicit_hash_key": ehk(), "data": b64(data())} for _ in range(count)
    ]
    # Large ones are few, or each round would move megabytes through eight programs.
    room = 1 << 19
    for number, record in enumerate(records):
        room -= len(record["data"])
        if room < 0:
            records = records[: max(number, 2)]
            break
    if nested:
        nested = aggregate_size(records) < RECORD_LIMIT - 1024 and len(records) > 1
        if not nested:
            records = [r for r in records if not unb64(r["data"]).startswith(MAGIC)] or records[:1]
            records = [dict(r, data="") if unb64(r["data"]).startswith(MAGIC) else r for r in records]
    return Inputs(records, nested)


def misspelt(rng, records):
    """The same records, some explicit hash keys spelt as a writer must accept them."""
    return [
        dict(r, explicit_hash_key=rng.choice(["+", "0", "00", "+0"]) + r["explicit_hash_key"])
        if r["explicit_hash_key"] is not None and rng.random() < 0.3
        else r
        for r in records
    ]


def aggregate_size(records):
    return 20 + len(aggregate(records))


def pack_options(rng, inputs):
    if inputs.nested:
        return PackOptions(RECORD_LIMIT, None, rng.choice(["kpl", "first"]), 1)
    if rng.random() < 0.25:
        # One that some of the records fill to the byte, or miss by one.
        some = inputs.records[: rng.randint(1, len(inputs.records))]
        size = aggregate_size(some) - rng.choice([0, 0, 1])
        return PackOptions(min(max(size, 64), RECORD_LIMIT), None, rng.choice(["kpl", "first"]), 1)
    outer_key = rng.choice(["kpl", "kpl", "first", "per-key", "lanes:%d" % rng.choice([1, 2, 3, 8, 1000])])
    return PackOptions(
        rng.choice([51200, 51200, 64, 500, 4096, 20000, 262144, RECORD_LIMIT]),
        rng.choice([None, None, None, 1, 2, 10]),
        outer_key,
        rng.choice([1, 1, 1, 2, 3, 7]),
    )


def sequence_number(index):
    # As the service writes them: 56 digits.
    return str(49590338271490256608559692538361571095921575989136588800 + index)


def seeded(text):
    """A seed of any text, the same on every version of Python."""
    return struct.unpack(">Q", md5(text.encode("utf-8"))[:8])[0]
