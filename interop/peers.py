"""The peers: how each is asked, and what exactly is expected of it, faults included."""

import os

from inputs import EMPTY_ENVELOPE, MAGIC, hash_key, md5, sequence_number, unb64
from programs import Broken, Driver

ARRAY_INDEX_LIMIT = (1 << 32) - 1


def is_aggregate(data):
    """Magic, at least one byte, and the right digest."""
    return data.startswith(MAGIC) and len(data) > 20 and md5(data[4:-16]) == data[-16:]


def plain_row(entry):
    return {
        "partition_key": entry["partition_key"],
        "explicit_hash_key": None,
        "data": entry["data"],
        "sub_sequence_number": 0,
        "aggregated": False,
    }


def aggregated_rows(records):
    return [
        {
            "partition_key": record["partition_key"],
            "explicit_hash_key": record["explicit_hash_key"],
            "data": record["data"],
            "sub_sequence_number": number,
            "aggregated": True,
        }
        for number, record in enumerate(records)
    ]


class Reader:
    """`expect` says what it makes of an entry, given what the KCL does and the entry's table of
    explicit hash keys: rows or, for an error, None; and the names of the faults that make the
    difference."""

    members = ("partition_key", "explicit_hash_key", "data", "sub_sequence_number", "aggregated")

    def __init__(self, name, driver, library=None):
        self.name = name
        self.driver = driver
        self.library = library

    def read(self, entries, key_range=None):
        answer = self.driver.ask(
            op="decode",
            library=self.library,
            range=key_range,
            entries=[
                dict(
                    data=entry["data"],
                    partition_key=entry["partition_key"],
                    sequence_number=sequence_number(number),
                )
                for number, entry in enumerate(entries)
            ],
        )
        if "error" in answer:
            raise Broken("%s: %s" % (self.name, answer["error"]))
        # Go leaves empty lists out.
        return answer.get("results") or []

    def expect(self, entry, truth, table):
        return truth, []

    def view(self, rows):
        return [{member: row[member] for member in self.members} for row in rows or []]


def plain_with_magic(entry, truth):
    return unb64(entry["data"]).startswith(MAGIC) and [row["aggregated"] for row in truth] == [False]


def takes_entry_0(truth, table, name):
    if not table or all(row["explicit_hash_key"] is not None for row in truth):
        return truth, []
    return [dict(row, explicit_hash_key=row["explicit_hash_key"] or table[0]) for row in truth], [name]


class PythonReader(Reader):
    def expect(self, entry, truth, table):
        return takes_entry_0(truth, table, "python-reader-takes-entry-0")


class AiokplReader(Reader):
    def expect(self, entry, truth, table):
        if plain_with_magic(entry, truth) and len(unb64(entry["data"])) >= 20:
            if unb64(entry["data"]) == EMPTY_ENVELOPE:
                return [], ["aiokpl-reader-drops-empty-envelope"]
            return None, ["aiokpl-reader-refuses-magic"]
        return truth, []


class NodeReader(Reader):
    def expect(self, entry, truth, table):
        if plain_with_magic(entry, truth):
            if unb64(entry["data"]) == EMPTY_ENVELOPE:
                return [], ["node-reader-drops-empty-envelope"]
            return None, ["node-reader-refuses-magic"]
        return takes_entry_0(truth, table, "node-reader-takes-entry-0")


class GoReader(Reader):
    members = ("partition_key", "data")

    def expect(self, entry, truth, table):
        if plain_with_magic(entry, truth) and is_aggregate(unb64(entry["data"])):
            return None, ["go-reader-refuses-broken-protobuf"]
        has = any(row["explicit_hash_key"] is not None for row in truth)
        return truth, ["go-reader-tells-no-hash-key"] if has else []


class Writer:
    """`expect` says what its entries hold: for each the rows or, for one that holds an index
    outside its table, None; and the names of the faults that make the difference."""

    def __init__(self, name, driver, library=None):
        self.name = name
        self.driver = driver
        self.library = library

    def write(self, records, max_size):
        """Its entries, or the text of its error."""
        answer = self.driver.ask(
            op="encode", library=self.library, records=records, max_size=max_size
        )
        if "error" in answer:
            return None, answer["error"]
        return answer.get("entries") or [], None

    def max_size(self, rng, records):
        return rng.choice([1, 500, 4096, 51200, 51200, 1 << 20])

    def explains(self, records, error):
        """The fault that is behind an error, if it is known."""
        return None

    def expect(self, records, entries, counts, max_size):
        expected, names, start = [], set(), 0
        for count in counts:
            rows, met = self.chunk(records[start : start + count])
            expected.append(rows)
            names.update(met)
            start += count
        if start != len(records):
            raise Broken("%s: %d records in, %d out" % (self.name, len(records), start))
        return expected, names

    def chunk(self, records):
        return aggregated_rows(records), []


class JavaWriter(Writer):
    def chunk(self, records):
        names = []
        if any(record["explicit_hash_key"] is None for record in records):
            names = ["java-writer-fills-hash-keys"]
        return aggregated_rows(
            dict(r, explicit_hash_key=r["explicit_hash_key"] or str(hash_key(r["partition_key"], None)))
            for r in records
        ), names


class GoWriter(Writer):
    def chunk(self, records):
        names = set()
        first = records[0]["partition_key"]
        for record in records:
            if record["partition_key"] != first:
                names.add("go-writer-keeps-first-key")
            if record["explicit_hash_key"] is not None:
                names.add("go-writer-drops-hash-keys")
        return aggregated_rows(
            dict(r, partition_key=first, explicit_hash_key=None) for r in records
        ), names


class AiokplWriter(Writer):
    def chunk(self, records):
        if len(records) == 1:
            return [plain_row(records[0])], []
        return aggregated_rows(records), []


class PythonWriter(Writer):
    def max_size(self, rng, records):
        largest = max(self._size(record, 300, 300) for record in records)
        if rng.random() < 0.1:
            # Within the 20 bytes that it forgets.
            return min(largest + rng.randint(0, 19), 1 << 20)
        return min(largest + rng.choice([20, 500, 51200, 1 << 20]), 1 << 20)

    @staticmethod
    def _size(record, partition_keys, hash_keys):
        """What the writer thinks a record adds: it never finds a key in its table."""
        def length(value):
            return max(1, -(-value.bit_length() // 7))

        key = len(record["partition_key"].encode("utf-8"))
        data = len(unb64(record["data"]))
        size = 1 + length(key) + key
        inner = 1 + length(partition_keys) + 1 + length(data) + data
        if record["explicit_hash_key"] is not None:
            key = len(record["explicit_hash_key"])
            size += 1 + length(key) + key
            inner += 1 + length(hash_keys)
        return size + 1 + length(inner) + inner

    def expect(self, records, entries, counts, max_size):
        """It closes an aggregate and adds the record to a new one, without a look at whether
        that took it."""
        chunks, lost = [[]], False
        size = 20
        for record in records:
            for _ in range(2):
                keys = {r["partition_key"] for r in chunks[-1]}
                hash_keys = {r["explicit_hash_key"] for r in chunks[-1]} - {None}
                more = self._size(record, len(keys), len(hash_keys))
                if size + more <= max_size:
                    chunks[-1].append(record)
                    size += more
                    break
                if _ == 0:
                    chunks.append([])
                    size = 20
            else:
                lost = True
        if not chunks[-1]:
            chunks.pop()
        # An aggregate of nothing is too short for one, and a plain record to every reader.
        expected = [
            aggregated_rows(chunk) if chunk else [plain_row(entry)]
            for chunk, entry in zip(chunks, entries)
        ]
        if len(chunks) != len(entries):
            raise Broken("%s: %d entries instead of %d" % (self.name, len(entries), len(chunks)))
        return expected, {"python-writer-loses-records"} if lost else set()


class NodeWriter(Writer):
    def explains(self, records, error):
        if "hasOwnProperty is not a function" in error and any(
            record["partition_key"] == "hasOwnProperty" for record in records[:-1]
        ):
            return "node-writer-dies-of-hasOwnProperty"
        return None

    @staticmethod
    def _table(keys):
        """Index by key as it counts, and the table in the order in which it is written."""
        indices, count = {}, 0
        for key in keys:
            if key is not None and key not in indices:
                if key == "__proto__":
                    count += 1
                else:
                    indices[key] = count
                    count += 1

        def order(key):
            if key.isascii() and key.isdigit() and str(int(key)) == key and int(key) < ARRAY_INDEX_LIMIT:
                return (0, int(key))
            return (1, indices[key])

        return indices, sorted(indices, key=order)

    def chunk(self, records):
        names, found = set(), []
        keys = [self._table(r[member] for r in records) for member in ("partition_key", "explicit_hash_key")]
        valid = True
        for record in records:
            row = dict(record)
            for member, (indices, table) in zip(("partition_key", "explicit_hash_key"), keys):
                key = record[member]
                if key is None:
                    continue
                # The prototype that it finds instead of a number is written as 0.
                index = indices.get(key, 0)
                if index >= len(table):
                    valid = False
                    continue
                row[member] = table[index]
                if row[member] != key and "__proto__" not in (r[member] for r in records):
                    names.add("node-writer-swaps-integer-keys")
            found.append(row)
        if any(record["partition_key"] == "__proto__" for record in records):
            names.add("node-writer-forgets-proto")
        return aggregated_rows(found) if valid else None, names


class Peers:
    """All drivers that a run wants. The KCL is always there: it is the judge."""

    LANGUAGES = ("java", "python", "node", "go")

    def __init__(self, here, languages):
        build = here / "build"
        logs = build / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self._drivers = []

        def start(name, command, **environment):
            driver = Driver(
                name, [str(part) for part in command], logs / (name + ".log"), dict(os.environ, **environment)
            )
            self._drivers.append(driver)
            return driver

        def java(artifact, main):
            home = os.environ.get("JAVA_HOME")
            program = "java" if not home else os.path.join(home, "bin", "java")
            path = os.pathsep.join(
                [str(build / "java" / artifact / (artifact + ".jar")), str(build / "java" / artifact / "lib" / "*")]
            )
            # Short-lived and beside other work: the first compiler and the small collector will do.
            flags = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx1g"]
            return start(artifact, [program] + flags + ["-cp", path, main])

        self.kcl = Reader("KCL 3.5.1", java("kcl", "interop.Kcl"))
        self.readers, self.writers, self.notes = [], [], []
        self.aiokpl = None
        if "java" in languages:
            driver = java("kinesis-aggregation", "interop.Aggregation")
            self.readers.append(Reader("KCL 1.8.8", driver))
            self.writers.append(JavaWriter("kinesis-aggregation 1.0.3 (Java)", driver))
        if "python" in languages:
            driver = start("python", [build / "python" / "bin" / "python", here / "python" / "driver.py"])
            self.readers.append(PythonReader("aws-kinesis-agg 1.2.3 (Python)", driver, "aws-kinesis-agg"))
            self.writers.append(PythonWriter("aws-kinesis-agg 1.2.3 (Python)", driver, "aws-kinesis-agg"))
            if "aiokpl" in driver.ask(op="libraries")["libraries"]:
                self.readers.append(AiokplReader("aiokpl 0.2.0", driver, "aiokpl"))
                self.aiokpl = AiokplWriter("aiokpl 0.2.0", driver, "aiokpl")
                self.writers.append(self.aiokpl)
            else:
                self.notes.append("aiokpl is not run: it needs Python 3.10")
        if "node" in languages:
            modules = build / "node" / "node_modules"
            driver = start("node", ["node", here / "node" / "driver.js"], NODE_PATH=str(modules))
            self.readers.append(NodeReader("aws-kinesis-agg 4.2.8 (Node.js)", driver))
            self.writers.append(NodeWriter("aws-kinesis-agg 4.2.8 (Node.js)", driver))
        if "go" in languages:
            driver = start("go", [build / "go" / "driver"])
            self.readers.append(GoReader("awslabs kinesis-aggregation v2 (Go)", driver))
            self.writers.append(GoWriter("a8m kinesis-producer 0.2.0 (Go)", driver))

    def parse(self, entries):
        """What protobuf-java finds in aggregates whose envelope is right."""
        answer = self.kcl.driver.ask(op="parse", entries=[{"data": entry["data"]} for entry in entries])
        if "error" in answer:
            raise Broken("%s: %s" % (self.kcl.name, answer["error"]))
        return answer["results"]

    def close(self):
        for driver in self._drivers:
            driver.close()
