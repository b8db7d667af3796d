"""Bytes for a reader to get wrong: aggregates as other protobuf writers may lay them out, and
broken ones."""

from inputs import MAGIC, frame, md5, random_bytes, random_text, varint

WIRE_TYPES = (0, 1, 2, 5)
ODD_HASH_KEYS = ["", "+7", "-1", "-0", " 7", "7 ", "0x7", "1e3", "٣", "７", "+", "-", "00", "+-1",
                 str(1 << 128), str((1 << 128) - 1), "9" * 60, "a"]
ODD_KEYS = [b"", b"\xff", b"k\xc0\xaf", b"\xed\xa0\x80", b"\xed\xa0", b"\xf0\x9f\x94", b"\xf4\x90\x80\x80",
            b"\xe2\x82", b"a\x80b", b"\xf8\x88\x80\x80\x80", b"\xc3\x28", b"\xed\xbf\xbf\xed\xa0\x80"]


class Oddity:
    """Draws how a message is written; `rate` is how often anything is odd."""

    def __init__(self, rng, rate):
        self.rng = rng
        self.rate = rate

    def odd(self, factor=1.0):
        return self.rng.random() < self.rate * factor

    def varint(self, value):
        plain = varint(value)
        if not self.odd():
            return plain
        # Over-long up to ten bytes is legal; the bits above 64 are ignored; eleven are too many.
        length = self.rng.choice([len(plain) + 1, 5, 9, 10, 10, 10] + [11] * self.odd(0.2))
        if length <= len(plain):
            return plain
        out = bytearray(plain)
        out[-1] |= 0x80
        out += b"\x80" * (length - len(out))
        out[-1] = 0
        if length == 10 and self.odd(3):
            out[-1] = self.rng.choice([0x7E, 0x02, 0x40])
        return bytes(out)

    def wide(self, value):
        """A number for a tag or length, now and then one that 32 bits cannot hold."""
        if self.odd(0.01):
            return self.varint(value + (self.rng.choice([1, 1, 5, 1 << 31]) << 32))
        return self.varint(value)

    def tag(self, number, wire_type):
        return self.wide(number << 3 | wire_type)

    def bytes_field(self, number, payload):
        length = len(payload)
        if self.odd(0.05):
            length = max(0, length + self.rng.choice([-1, 1, 100, 1 << 31, -length]))
        return self.tag(number, 2) + self.wide(length) + payload

    def unknown(self, lowest, depth=0):
        number = self.rng.choice([lowest, lowest + 1, 15, 16, 2047, 2048, (1 << 29) - 1])
        if self.odd(0.05):
            number = 0
        wire_type = self.rng.choice(WIRE_TYPES + (3, 3))
        if self.odd(0.05):
            wire_type = self.rng.choice([4, 6, 7])
        head = self.tag(number, wire_type)
        if wire_type == 0:
            return head + self.varint(self.rng.getrandbits(self.rng.choice([1, 7, 32, 64])))
        if wire_type == 1:
            return head + random_bytes(self.rng, 8)
        if wire_type == 5:
            return head + random_bytes(self.rng, 4)
        if wire_type == 2:
            return self.bytes_field(number, random_bytes(self.rng, self.rng.randint(0, 9)))
        if wire_type == 3:
            end = number + (1 if self.odd(0.1) else 0)
            return head + self.group(depth + 1) + self.tag(end, 4)
        return head

    def group(self, depth):
        if self.odd(0.3):
            # Around the depth at which protobuf-java gives up.
            deep = self.rng.choice([10, 96, 97, 98, 99, 100, 101])
            return varint(9 << 3 | 3) * deep + varint(9 << 3 | 4) * deep
        if depth > 3:
            return b""
        return b"".join(self.unknown(1, depth) for _ in range(self.rng.randint(0, 2)))

    def shuffled(self, fields):
        if self.odd():
            self.rng.shuffle(fields)
        return b"".join(fields)

    def text(self, limit):
        if self.odd(0.3):
            return self.rng.choice(ODD_KEYS)
        return random_text(self.rng, self.rng.randint(1, limit)).encode("utf-8")

    def tag_message(self):
        fields = []
        if not self.odd(0.1):
            fields.append(self.bytes_field(1, self.text(5)))
        if self.rng.random() < 0.5:
            fields.append(self.bytes_field(2, self.text(5)))
        if self.odd(0.3):
            fields.append(self.unknown(3))
        return self.shuffled(fields)

    def index(self, number, size):
        value = self.rng.randrange(size) if size else 0
        if self.odd(0.1):
            value = self.rng.choice([size, size + 1, 127, 1 << 31, 1 << 32, (1 << 63) + 5, (1 << 64) - 1])
        if self.odd(0.03):
            return self.bytes_field(number, varint(value))
        return self.tag(number, 0) + self.varint(value)

    def record(self, partition_keys, hash_keys):
        fields = []
        if not self.odd(0.05):
            fields.append(self.index(1, partition_keys))
        if hash_keys and self.rng.random() < 0.5:
            fields.append(self.index(2, hash_keys))
        if not self.odd(0.05):
            fields.append(self.bytes_field(3, random_bytes(self.rng, self.rng.choice([0, 1, 5, 30, 200]))))
        if self.odd(0.5):
            fields.append(self.bytes_field(4, self.tag_message()))
        if self.odd(0.5):
            fields.append(self.unknown(5))
        if self.odd(0.3):
            # Given twice: the last one holds.
            fields.append(self.index(1, partition_keys) if self.odd(0.5) else self.bytes_field(3, b"last"))
        return self.shuffled(fields)

    def hash_key(self):
        if self.odd(0.2):
            return self.rng.choice(ODD_HASH_KEYS).encode("utf-8")
        return str(self.rng.getrandbits(128)).encode("ascii")

    def message(self):
        partition_keys = self.rng.randint(1, 5)
        hash_keys = self.rng.choice([0, 0, 1, 4])
        records = self.rng.choice([0, 1, 2, 3, 8])
        fields = [self.bytes_field(1, self.text(12)) for _ in range(partition_keys)]
        fields += [self.bytes_field(2, self.hash_key()) for _ in range(hash_keys)]
        fields += [self.bytes_field(3, self.record(partition_keys, hash_keys)) for _ in range(records)]
        if self.odd(0.5):
            fields.append(self.unknown(4))
        return self.shuffled(fields)


def bend(rng, data):
    """Flips, cuts, doubles or drops some of it."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        kind = rng.randrange(6)
        at = rng.randrange(len(data) + 1)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            del data[at : at + rng.randint(1, 4)]
        elif kind == 4:
            data[at:at] = data[at : at + rng.randint(1, 20)]
        else:
            data[at:at] = random_bytes(rng, rng.randint(1, 3))
    return bytes(data)


def blob(rng, pool):
    """One Kinesis record's data; `pool` holds aggregates to start from."""
    source = rng.random()
    if source < 0.55:
        protobuf = Oddity(rng, rng.choice([0.05, 0.2, 0.5])).message()
    else:
        protobuf = rng.choice(pool)[4:-16]
    kind = rng.random()
    if kind < 0.05:
        return bend(rng, frame(protobuf))
    if kind < 0.08:
        return frame(protobuf)[: rng.choice([0, 3, 4, 5, 19, 20, 21])]
    if kind < 0.1:
        return rng.choice([b"", MAGIC, MAGIC + md5(b""), MAGIC + b"\0" + md5(b"\0"), frame(frame(protobuf))])
    if source >= 0.55 or kind < 0.3:
        protobuf = bend(rng, protobuf)
    return frame(protobuf)
