"""Random Avro schemas, each with the values that it can write, another schema to read them by, and
what they then become: the truth does not come from any of those who are compared."""

import math
from collections import namedtuple
from fractions import Fraction

from values import Default, Single, real, single, text

# `make(rng)` is a value as fastavro takes it, `convert(value)` what `reader` reads of it.
Type = namedtuple("Type", "writer reader make convert")

SYMBOLS = "ABCDE"
BYTES_OR_ARRAY = {"type": "record", "name": "BytesOrArray", "fields": [
    {"name": "it", "type": [{"type": "array", "items": "int"}, "bytes"]}]}
# What a field that only the reader has is read as.
DEFAULTS = [
    ("int", 7, 7),
    ("string", "\u00e9\"", "\u00e9\""),
    ("bytes", "\u0001\u00ff", Default(b"\x01\xff")),
    ("double", -0.5, -0.5),
    (["null", "string"], None, None),
    (["string", "null"], "x", "x"),
    ({"type": "array", "items": "long"}, [1, -2], [1, -2]),
    ({"type": "map", "values": "boolean"}, {"k": True}, {"k": True}),
]


def schema(rng):
    """A record, as schemas on streams are."""
    return record(rng, Names(), 3, True)


class Names:
    def __init__(self):
        self._count = 0

    def new(self, kind):
        self._count += 1
        return "%s%d" % (kind, self._count)


def same(value):
    return value


def nearest(value):
    """The float nearest to a whole number, rounded once and not to a double first."""
    unit = 1 << max(0, value.bit_length() - 24)
    found = Single(round(Fraction(value, unit)) * unit)
    found.of = value
    return found


def long(rng):
    bits = rng.choice([1, 6, 7, 13, 31, 32, 53, 63])
    return rng.randrange(-(1 << bits), 1 << bits)


def integer(rng):
    return rng.choice([0, -1, (1 << 31) - 1, -(1 << 31), rng.randrange(-200, 200)])


def raw(rng):
    return rng.randbytes(rng.choice([0, 1, rng.randrange(40), rng.randrange(300)]))


PRIMITIVES = {
    "null": lambda rng: None,
    "boolean": lambda rng: rng.random() < 0.5,
    "int": integer,
    "long": long,
    "float": lambda rng: Single(single(real(rng, 1e38))),
    "double": lambda rng: real(rng, 8e307),
    "bytes": raw,
    "string": text,
}
PROMOTIONS = {
    "int": {"long": same, "float": nearest, "double": float},
    "long": {"float": nearest, "double": float},
    "float": {"double": float},
    "string": {"bytes": lambda value: value.encode("utf-8")},
    # Made of text, or no reader could take it.
    "bytes": {"string": lambda value: value.decode("utf-8")},
}


def primitive(rng, names, depth, evolves):
    writer = rng.choice(list(PRIMITIVES))
    make = PRIMITIVES[writer]
    if evolves and writer in PROMOTIONS and rng.random() < 0.4:
        reader, convert = rng.choice(list(PROMOTIONS[writer].items()))
        if writer == "bytes":
            make = lambda rng: text(rng).encode("utf-8")
        return Type(writer, reader, make, convert)
    return Type(writer, writer, make, same)


def fixed(rng, names, depth, evolves):
    size = rng.choice([1, 4, 16])
    it = {"type": "fixed", "name": names.new("Fixed"), "size": size}
    return Type(it, it, lambda rng: rng.randbytes(size), same)


def enum(rng, names, depth, evolves):
    name = names.new("Enum")
    writer = {"type": "enum", "name": name, "symbols": list(SYMBOLS)}
    if not (evolves and rng.random() < 0.5):
        return Type(writer, writer, lambda rng: rng.choice(SYMBOLS), same)
    known = rng.sample(SYMBOLS, 3)
    reader = dict(writer, symbols=known, default=known[0])
    return Type(writer, reader, lambda rng: rng.choice(SYMBOLS), lambda it: it if it in known else known[0])


def array(rng, names, depth, evolves):
    of = any_type(rng, names, depth - 1, evolves)
    return Type(
        {"type": "array", "items": of.writer},
        {"type": "array", "items": of.reader},
        lambda rng: [of.make(rng) for _ in range(rng.randrange(4))],
        lambda value: [of.convert(it) for it in value],
    )


def mapping(rng, names, depth, evolves):
    of = any_type(rng, names, depth - 1, evolves)
    return Type(
        {"type": "map", "values": of.writer},
        {"type": "map", "values": of.reader},
        lambda rng: {text(rng): of.make(rng) for _ in range(rng.randrange(4))},
        lambda value: {key: of.convert(it) for key, it in value.items()},
    )


# No two of one group in a union: a plain value must have one branch that it can mean.
GROUPS = [["null"], ["boolean"], ["int", "long", "float", "double"], ["string", "bytes"]]


def union(rng, names, depth, evolves):
    branches = [(name, PRIMITIVES[name]) for name in map(rng.choice, rng.sample(GROUPS, rng.randrange(1, 4)))]
    # Which is tried by itself: fastavro-writes-bytes-as-array.
    arrays = [] if "bytes" in dict(branches) else [array]
    complex_one = rng.choice([record, mapping] + arrays)(rng, names, depth - 1, False)
    branches.append((complex_one.writer, complex_one.make))
    rng.shuffle(branches)
    writer = [branch for branch, _ in branches]
    reader = list(writer)
    if evolves:
        rng.shuffle(reader)

    def make(rng):
        value = rng.choice(branches)[1](rng)
        # In JSON these are text, and would go to a branch of that.
        return 0.5 if isinstance(value, float) and not math.isfinite(value) else value

    return Type(writer, reader, make, same)


def optional(rng, names, depth, evolves):
    """What every stream has; the reader may be the one who made it optional."""
    of = any_type(rng, names, depth - 1, False, UNIONS)
    if of.writer == "null":
        return of
    union = rng.choice([["null", of.writer], [of.writer, "null"]])
    if evolves and rng.random() < 0.3:
        return Type(of.writer, union, of.make, same)
    return Type(union, union, lambda rng: None if rng.random() < 0.4 else of.make(rng), same)


def chain(rng, names, depth, evolves):
    """A record that holds itself."""
    name = names.new("Chain")
    it = {"type": "record", "name": name, "fields": [
        {"name": "value", "type": "int"}, {"name": "next", "type": ["null", name]}]}

    def make(rng):
        value = None
        for _ in range(rng.randrange(1, 5)):
            value = {"value": integer(rng), "next": value}
        return value

    return Type(it, it, make, same)


def record(rng, names, depth, evolves):
    name = names.new("Record")
    fields = [("f%d" % i, any_type(rng, names, depth - 1, evolves)) for i in range(rng.randrange(1, 7))]
    writer = {"type": "record", "name": name, "fields": [{"name": f, "type": of.writer} for f, of in fields]}
    if rng.random() < 0.3:
        writer["namespace"] = "interop.space%d" % rng.randrange(3)
    make = lambda rng: {f: of.make(rng) for f, of in fields}
    if not evolves:
        return Type(writer, writer, make, same)
    kept, added = [], {}
    for f, of in fields:
        fate = rng.random()
        if fate < 0.7:
            kept.append((f, f, of))
        elif fate < 0.85:
            kept.append((f + "_new", f, of))
    members = [
        dict({"name": new, "type": of.reader}, **({"aliases": [old]} if new != old else {})) for new, old, of in kept]
    for i in range(rng.randrange(3)):
        it, default, value = rng.choice(DEFAULTS)
        members.append({"name": "added%d" % i, "type": it, "default": default})
        added["added%d" % i] = value
    rng.shuffle(members)

    def convert(value):
        return dict({new: of.convert(value[old]) for new, old, of in kept}, **added)

    return Type(writer, dict(writer, fields=members), make, convert)


UNIONS = (union, optional)
LEAVES = (primitive, primitive, primitive, fixed, enum)
KINDS = LEAVES + (array, mapping, union, optional, optional, chain, record)


def any_type(rng, names, depth, evolves, but=()):
    return rng.choice([kind for kind in (KINDS if depth > 0 else LEAVES) if kind not in but])(rng, names, depth, evolves)
