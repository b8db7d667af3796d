"""What the README's table says of the other readers, asked of each of them."""

import base64
import hashlib

MAGIC = b"\xf3\x89\x9a\xc2"


def _record(index, data):
    body = bytes([0x08, index, 0x1A, len(data)]) + data
    return bytes([0x1A, len(body)]) + body


def _entry(protobuf, digest=None):
    data = MAGIC + protobuf + (digest or hashlib.md5(protobuf).digest())
    return {"data": base64.b64encode(data).decode("ascii"), "partition_key": "outer"}


KEY = b"\x0a\x01k"
GOOD = _record(0, b"x")
INPUTS = {
    "index": _entry(KEY + GOOD + _record(9, b"y")),
    "protobuf": _entry(KEY + GOOD + b"\x0a\xff"),
    "digest": _entry(KEY + GOOD, b"0" * 16),
    "magic": {"data": base64.b64encode(MAGIC + b" begins a plain record").decode("ascii"), "partition_key": "outer"},
}

# What a reader does: `error`, `plain` (handed on as it came), `first` (the user records before the
# fault, and no word of the rest), `no key` (all of them, one without a partition key).
CLAIMS = {
    "KCL 3.5.1": {"index": "first", "protobuf": "plain", "digest": "plain", "magic": "plain"},
    "KCL 1.8.8": {"index": "first", "protobuf": "plain", "digest": "plain", "magic": "plain"},
    "aws-kinesis-agg 1.2.3 (Python)": {"index": "first", "protobuf": "plain", "digest": "plain", "magic": "plain"},
    "aws-kinesis-agg 4.2.8 (Node.js)": {"index": "no key", "protobuf": "error", "digest": "error", "magic": "error"},
    "aiokpl 0.2.0": {"index": "error", "protobuf": "error", "digest": "error", "magic": "error"},
    "awslabs kinesis-aggregation v2 (Go)": {
        "index": "error",
        "protobuf": "error",
        "digest": "plain",
        "magic": "plain",
    },
}


def seen(reader, entry):
    answer = reader.read([entry])[0]
    rows = answer.get("records") or []
    if "error" in answer and not rows:
        return "error"
    if len(rows) == 1 and rows[0]["data"] == entry["data"]:
        return "plain"
    if [row["data"] for row in rows] == ["eA=="]:
        return "first"
    if [row.get("partition_key") for row in rows] == ["k", None]:
        return "no key"
    return repr(answer)


def check(readers):
    """For each claim its title and what is wrong, or None."""
    for reader in readers:
        for name, claim in CLAIMS[reader.name].items():
            found = seen(reader, INPUTS[name])
            wrong = None if found == claim else "the README says %s, it is %s" % (claim, found)
            yield "%s: what the README says of %r" % (reader.name, name), wrong
