"""Random messages, and random values of one Avro schema with their JSON as kinpack writes it."""

import json
import math
import struct

SCHEMA = {
    "type": "record",
    "name": "Reading",
    "namespace": "interop",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "level", "type": "int"},
        {"name": "value", "type": "double"},
        {"name": "ratio", "type": "float"},
        {"name": "on", "type": "boolean"},
        {"name": "note", "type": ["null", "string"]},
        {"name": "raw", "type": "bytes"},
        {"name": "mark", "type": {"type": "fixed", "name": "Mark", "size": 4}},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B", "C"]}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "counts", "type": {"type": "map", "values": "long"}},
        {"name": "inner", "type": [
            "null",
            {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": "int"}]},
        ]},
    ],
}
SCHEMA_TEXT = json.dumps(SCHEMA)


def text(rng):
    alphabet = "ab \"\\\n\u00e9\u65e5\U0001f600\u0000"
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(12)))


def real(rng, most):
    """A number of any size; the odd ones, too."""
    if rng.random() < 0.2:
        return rng.choice([0.0, -0.0, float("inf"), float("-inf"), float("nan")])
    return rng.choice([rng.uniform(-1, 1), rng.uniform(-most, most), float(rng.randrange(-1000, 1000))])


def single(value):
    """The nearest float, as a double."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


class Single(float):
    """A float; `of` is the whole number that it was promoted from."""

    of = None

    def shortest(self):
        """The double of the fewest digits that tell the float."""
        return next(it for it in (float("%.*g" % (digits, self)) for digits in range(1, 10)) if single(it) == self)


class Default(bytes):
    """Bytes that a reader's schema has as a default."""


def value(rng):
    """As fastavro takes it."""
    return {
        "id": rng.choice([0, -1, 2**63 - 1, -(2**63), rng.randrange(-(2**40), 2**40)]),
        "level": rng.choice([0, 2**31 - 1, -(2**31), rng.randrange(-100, 100)]),
        "value": rng.choice([0.0, -1.5, 1e300, rng.random()]),
        # Every float that a double holds.
        "ratio": rng.randrange(-1000, 1000) / 8,
        "on": rng.random() < 0.5,
        "note": rng.choice([None, text(rng)]),
        "raw": rng.randbytes(rng.randrange(20)),
        "mark": rng.randbytes(4),
        "kind": rng.choice("ABC"),
        "tags": [text(rng) for _ in range(rng.randrange(4))],
        "counts": {text(rng): rng.randrange(1000) for _ in range(rng.randrange(4))},
        "inner": rng.choice([None, {"x": rng.randrange(-5, 5)}]),
    }


def as_json(of):
    """As kinpack writes it: bytes are text whose characters are the bytes, numbers that JSON has not are
    text, floats have their own digits; all else is as is."""
    if isinstance(of, bytes):
        return of.decode("latin-1")
    if isinstance(of, float) and not math.isfinite(of):
        return "NaN" if math.isnan(of) else "Infinity" if of > 0 else "-Infinity"
    if isinstance(of, Single):
        return of.shortest()
    if isinstance(of, dict):
        return {name: as_json(part) for name, part in of.items()}
    if isinstance(of, list):
        return [as_json(part) for part in of]
    return of


def message(rng):
    """Bytes of any sort, some that compress well."""
    kind = rng.randrange(4)
    if kind == 0:
        return b""
    if kind == 1:
        return rng.randbytes(rng.randrange(1, 400))
    if kind == 2:
        return json.dumps({"id": rng.randrange(10**6), "text": text(rng) * 20}).encode("utf-8")
    return rng.randbytes(8) * rng.randrange(1, 20_000)
