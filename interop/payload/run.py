#!/usr/bin/env python3
"""What is inside user records: kinpack's compression and Avro against others', both ways, on random
inputs from a printed seed. interop/run installs the peers and calls this."""

import argparse
import base64
import json
import pathlib
import random
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parent))

from inputs import MAGIC, seeded
from peers import CODECS, CONTAINERS, VERSION, Confluent, Fastavro, Java, Python
from programs import Broken, Driver, Kinpack
from values import SCHEMA_TEXT, as_json, message, value

BUILD = HERE.parent / "build"
MESSAGES = 12
VALUES = 8


class Payloads(Kinpack):
    """`kinpack` as a reader and writer of payloads."""

    def __init__(self, path, folder):
        super().__init__(path)
        self._schema = folder / "reading.avsc"
        self._schemas = folder / "schemas"
        self._schemas.mkdir()
        for path in (self._schema, self._schemas / "reading.avsc", self._schemas / (VERSION + ".avsc")):
            path.write_text(SCHEMA_TEXT)

    def know(self, confluent_id):
        (self._schemas / ("%d.avsc" % confluent_id)).write_text(SCHEMA_TEXT)

    def packed(self, messages, *arguments):
        """The payloads of what is packed, as any reader of aggregates sees them."""
        rows = [{"partition_key": "k", "data": data} for data in messages]
        status, entries, stderr = self._run(["pack"] + list(arguments), rows)
        if status != 0:
            raise Broken("kinpack pack %s: exit %d: %s" % (" ".join(arguments), status, stderr[:500]))
        status, rows, stderr = self._run(["unpack"], entries)
        if status != 0 or len(rows) != len(messages):
            raise Broken("kinpack unpack: exit %d: %s" % (status, stderr[:500]))
        return [base64.b64decode(row["data"]) for row in rows], entries

    def compressed(self, codec, messages):
        encoded = [base64.b64encode(data).decode("ascii") for data in messages]
        return self.packed(encoded, "--compress", codec)[0]

    def framed(self, framing, values):
        arguments = ["--data", "json", "--avro-schema", str(self._schema), "--framing", framing]
        return self.packed([as_json(of) for of in values], *arguments)[0]

    def read(self, payloads, *arguments):
        """`data` of each payload, each a Kinesis record."""
        records = [{"Data": base64.b64encode(data).decode("ascii")} for data in payloads]
        status, rows, stderr = self._run(["unpack"] + list(arguments), records)
        if status != 0 or len(rows) != len(payloads):
            raise Broken("kinpack unpack %s: exit %d: %s" % (" ".join(arguments), status, stderr[:500]))
        return [row["data"] for row in rows]

    def decompressed(self, codec, payloads):
        return [base64.b64decode(data) for data in self.read(payloads, "--decompress", codec)]

    def values(self, framing, payloads):
        return self.read(payloads, "--avro", framing, "--schemas", str(self._schemas))


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def judge(self, title, wanted, found):
        """One check for each of what was wanted."""
        for number, (want, got) in enumerate(zip(wanted, found)):
            if want == got:
                self.passed += 1
                continue
            self.failed += 1
            print("\nFAILED %s, number %d\n  wanted %.300r\n  found  %.300r" % (title, number, want, got))

    def guarded(self, title, check):
        try:
            check(title)
        except Exception as error:
            self.failed += 1
            print("\nFAILED %s: %s: %s" % (title, type(error).__name__, str(error)[:600]))


class Run:
    def __init__(self, kinpack, java, report):
        self.kinpack, self.report = kinpack, report
        confluent = Confluent()
        kinpack.know(confluent.id)
        self.compressors = [Python(), java]
        single, glue = [Fastavro(), java], "glue:" + VERSION
        self.framings = [("single", "single", single), ("confluent:%d" % confluent.id, "confluent", [confluent]),
                         (glue, "glue", [java]), ("ocf", "ocf", single)]

    def round(self, rng):
        messages = [message(rng) for _ in range(MESSAGES)]
        for codec in CODECS:
            level = rng.choice(["", ":%d" % rng.randrange(1, 10)])
            for peer in self.compressors:
                self._codec(peer, codec, level, messages)
        self._envelope(rng)
        values = [value(rng) for _ in range(VALUES)]
        for ours, name, peers in self.framings:
            for peer in peers:
                self._framing(peer, ours, name, values)

    def _codec(self, peer, codec, level, messages):
        def ours(title):
            payloads = self.kinpack.compressed(codec + level, messages)
            self.report.judge(title, messages, [peer.decompress(codec, data) for data in payloads])

        def theirs(title):
            payloads = [peer.compress(codec, data) for data in messages]
            self.report.judge(title, messages, self.kinpack.decompressed(codec, payloads))
            if codec != "deflate":
                self.report.judge(title + ", found out", messages, self.kinpack.decompressed("auto", payloads))

        self.report.guarded("kinpack pack --compress %s%s → %s" % (codec, level, peer.name), ours)
        self.report.guarded("%s, %s → kinpack unpack" % (peer.name, codec), theirs)

    def _envelope(self, rng):
        """A whole aggregate that is compressed is that aggregate, to whoever decompresses it."""
        rows = [base64.b64encode(message(rng)[:500]).decode("ascii") for _ in range(30)]

        def check(title):
            plain = self.kinpack.packed(rows)[1]
            for codec in ("gzip", "zlib", "zstd"):
                at = ["--compress", codec, "--at", "aggregate-kinpack-only"]
                found = [base64.b64decode(entry["Data"]) for entry in self.kinpack.packed(rows, *at)[1]]
                found = [data if data.startswith(MAGIC) else Python().decompress(codec, data) for data in found]
                self.report.judge(title, [base64.b64decode(entry["Data"]) for entry in plain], found)

        self.report.guarded("kinpack pack --at aggregate-kinpack-only → Python", check)

    def _framing(self, peer, ours, name, values):
        written = {"glue": ["glue", "glue-zlib"], "ocf": CONTAINERS}.get(name, [name])
        wanted = [as_json(of) for of in values]

        def mine(title):
            payloads = self.kinpack.framed(ours, values)
            self.report.judge(title, values, [peer.unframe("null" if name == "ocf" else name, it) for it in payloads])

        def theirs(title):
            for framing in written:
                found = self.kinpack.values(name, [peer.frame(framing, of) for of in values])
                if name == "ocf":
                    found = [only for (only,) in found]
                self.report.judge("%s, %s" % (title, framing), wanted, found)

        self.report.guarded("kinpack pack --framing %s → %s" % (ours, peer.name), mine)
        self.report.guarded("%s → kinpack unpack --avro %s" % (peer.name, name), theirs)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", help="any text; random if not given, printed either way")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--kinpack", type=pathlib.Path, required=True)
    # The rest is for the peers of aggregates.
    arguments, _ = parser.parse_known_args()
    sys.stdout.reconfigure(errors="backslashreplace")
    seed = arguments.seed or str(random.SystemRandom().getrandbits(32))
    print("payloads: seed %s, %d rounds" % (seed, arguments.rounds), flush=True)
    began, report = time.monotonic(), Report()
    jars = BUILD / "java" / "payload"
    path = "%s:%s" % (jars / "payload.jar", jars / "lib" / "*")
    log = BUILD / "payload-java.log"
    driver = Driver("payload", ["java", "-XX:TieredStopAtLevel=1", "-cp", path, "interop.Payload"], log, None)
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = Run(Payloads(arguments.kinpack, pathlib.Path(folder)), Java(driver), report)
            for number in range(1, arguments.rounds + 1):
                run.round(random.Random(seeded("%s:%d" % (seed, number))))
        finally:
            driver.close()
    print("payloads: seed %s, %.0f s" % (seed, time.monotonic() - began))
    print("%d passed, %d failed" % (report.passed, report.failed))
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
