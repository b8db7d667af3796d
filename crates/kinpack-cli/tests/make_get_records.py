#!/usr/bin/env python3
"""Writes get-records output, one document a line, for measuring `kinpack unpack`.

    make_get_records.py 1GiB > /tmp/stream.ndjson
    /usr/bin/time -v kinpack unpack --raw /tmp/stream.ndjson > /dev/null

Each document has 100 aggregates of some 50 KiB, of user records of 100 to 500 bytes under a few
partition keys, and a few plain records. The same bytes come again after a while: a file of any size is
made at the speed of the disk.
"""

import base64
import hashlib
import json
import random
import sys

UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def aggregate(rng):
    keys = [b"device-%d" % rng.randrange(1000) for _ in range(10)]
    body = b"".join(field(1, key) for key in keys)
    while len(body) < 50_000:
        payload = base64.b64encode(rng.randbytes(rng.randrange(75, 375)))
        index = varint(rng.randrange(len(keys)))
        body += field(3, b"\x08" + index + field(3, payload))
    return b"\xf3\x89\x9a\xc2" + body + hashlib.md5(body).digest()


def document(rng, number):
    records = []
    for i in range(103):
        data = aggregate(rng) if i % 40 else b'{"plain": true}'
        records.append(
            {
                "SequenceNumber": str(49590338271490256608559692538361571095921575989136588898 + number * 1000 + i),
                "ApproximateArrivalTimestamp": 1700000000.5 + i,
                "Data": base64.b64encode(data).decode(),
                "PartitionKey": "a",
            }
        )
    return json.dumps({"Records": records, "NextShardIterator": "AAAA", "MillisBehindLatest": 0})


def main():
    text = sys.argv[1]
    unit = next((unit for unit in UNITS if text.endswith(unit)), "")
    left = int(text.removesuffix(unit)) * UNITS.get(unit, 1)
    rng = random.Random(1)
    documents = [(document(rng, number) + "\n").encode() for number in range(4)]
    out = sys.stdout.buffer
    while left > 0:
        for line in documents:
            out.write(line)
            left -= len(line)
            if left <= 0:
                break


if __name__ == "__main__":
    main()
