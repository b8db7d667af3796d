#!/usr/bin/env python3
"""Sets kinpack against live peers in both directions, on random inputs from a printed seed.

interop/run installs the peers and calls this."""

import argparse
import json
import pathlib
import random
import sys
import time

sys.dont_write_bytecode = True

import claims
import enveloped
from checks import Checks, guarded, shrunk
from faults import Met
from inputs import (HASH_KEYS, MAGIC, aggregate, b64, frame, hash_key, misspelt, pack_options, seeded,
                    unb64, user_records)
from mutate import blob
from peers import Peers, is_aggregate
from programs import Broken, Kinpack

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent / "crates" / "kinpack" / "tests" / "vectors"
BLOBS = 150
SHRINK_BUDGET = 250
# A run that fails everywhere says so often enough.
MAX_FAILURES = 20


class Report:
    def __init__(self, seed):
        self.seed = seed
        self.passed = 0
        self.failed = 0
        self.where = "at the start"

    def judge(self, title, wrong, smallest):
        """Counts one check; `smallest` makes the failing case as small as it cheaply gets."""
        if wrong is None:
            self.passed += 1
            return
        self.failed += 1
        case, wrong = smallest()
        folder = HERE / "build" / "failures"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / ("%s-%d.json" % (self.seed, self.failed))
        case = dict(case, seed=self.seed, where=self.where, check=title, wrong=wrong)
        path.write_text(json.dumps(case, indent=1) + "\n")
        text = json.dumps(case)
        print("\nFAILED %s, seed %s, %s\n  %s" % (title, self.seed, self.where, wrong))
        print("  case: %s" % (text if len(text) < 2000 else "in %s" % path), flush=True)


class Run:
    def __init__(self, arguments, peers, report, met):
        self.checks = Checks(Kinpack(arguments.kinpack), peers, met)
        self.peers = peers
        self.report = report
        self.pool = []

    def _judge_records(self, title, records, check, *rest):
        """`check(records, *rest)`, with the records made fewer where it fails."""
        wrong = guarded(check, records, *rest)

        def fails(some):
            return guarded(check, some, *rest) is not None

        def smallest():
            few = shrunk(records, fails, SHRINK_BUDGET)
            for number in range(min(len(few), 20)):
                emptier = few[:number] + [dict(few[number], data="")] + few[number + 1 :]
                few = emptier if fails(emptier) else few
            return (
                {"records": few, "options": [str(part) for part in rest]},
                guarded(check, few, *rest) or wrong,
            )

        self.report.judge(title, wrong, smallest)

    def round(self, rng):
        for _ in range(2):
            inputs = user_records(rng)
            self.pack(inputs, pack_options(rng, inputs), rng)
        inputs = user_records(rng)
        self.write(inputs, rng)
        self.odd(rng)

    def pack(self, inputs, options, rng):
        checks = self.checks
        records = misspelt(rng, inputs.records)
        self._judge_records("kinpack pack → KCL 3.5.1", records, checks.packed, options)
        self._judge_records("kinpack pack → kinpack unpack", records, checks.unpacked, options)
        compression = rng.choice(enveloped.COMPRESSIONS)
        self._judge_records(
            "kinpack pack --compress %s --at aggregate-kinpack-only → all" % compression,
            records,
            lambda some, how: enveloped.check(checks, some, how, compression),
            options,
        )
        for reader in self.peers.readers:
            self._judge_records(
                "kinpack pack → %s" % reader.name,
                records,
                lambda some, how, reader=reader: checks.read_by(reader, some, how),
                options,
            )
        if self.peers.aiokpl is not None:
            self._judge_records("kinpack pack = aiokpl 0.2.0", records, checks.same_bytes, options)

    def write(self, inputs, rng):
        checks = self.checks
        repack = rng.randrange(len(self.peers.writers)) if self.peers.writers else None
        for number, writer in enumerate(self.peers.writers):
            max_size = (1 << 20) if inputs.nested else writer.max_size(rng, inputs.records)
            self._judge_records(
                "%s → kinpack unpack, KCL 3.5.1" % writer.name,
                inputs.records,
                lambda some, size, writer=writer: checks.written_by(writer, some, size),
                max_size,
            )
            if number == repack and not inputs.nested:
                self._judge_records(
                    "%s → kinpack unpack → kinpack pack → KCL 3.5.1" % writer.name,
                    inputs.records,
                    lambda some, how, writer=writer: checks.repacked(writer, some, how),
                    pack_options(rng, inputs),
                )

    def odd(self, rng):
        """Odd bytes, without a range and with one that some of them lie in."""
        few = user_records(rng).records[:6]
        pool = self.pool + [frame(aggregate([dict(r, data=r["data"][:40]) for r in few]))] * 5
        for key_range in (None, self._range(rng, few)):
            entries = [
                {"partition_key": "outer", "data": b64(blob(rng, pool)), "explicit_hash_key": None}
                for _ in range(BLOBS if key_range is None else BLOBS // 3)
            ]
            self._judge_odd(entries, key_range)

    def _judge_odd(self, entries, key_range):
        title = "odd bytes → kinpack unpack = KCL 3.5.1" + (", with a range" if key_range else "")
        wrong = guarded(self.checks.odd, entries, key_range)
        if isinstance(wrong, str):

            def smallest():
                few = shrunk(
                    entries,
                    lambda some: isinstance(guarded(self.checks.odd, some, key_range), str),
                    SHRINK_BUDGET,
                )
                return {"entries": few}, wrong

            self.report.judge(title, wrong, smallest)
            return
        bad = [(len(entry["data"]), number) for number, entry in enumerate(entries) if wrong[number]]
        self.report.passed += len(entries) - len(bad)
        for _, number in sorted(bad)[:1]:
            self.report.judge(
                title, wrong[number], lambda: self._smaller_blob(entries[number], key_range, wrong[number]))
        self.report.failed += len(bad[1:])

    def _smaller_blob(self, entry, key_range, wrong):
        """Its protobuf with fewer bytes, under a digest that fits, while kinpack is still wrong."""
        data = unb64(entry["data"])

        def ask(some):
            answer = guarded(self.checks.odd, [dict(entry, data=b64(frame(some)))], key_range)
            return answer if isinstance(answer, str) else answer[0]

        if is_aggregate(data):
            protobuf = shrunk(data[4:-16], lambda some: ask(some) is not None, SHRINK_BUDGET)
            entry, wrong = dict(entry, data=b64(frame(protobuf))), ask(protobuf) or wrong
        return {"entry": entry, "range": key_range and [str(end) for end in key_range]}, wrong

    @staticmethod
    def _range(rng, records):
        kind = rng.randrange(4)
        if kind == 0:
            return (0, HASH_KEYS - 1)
        if kind == 1:
            return tuple(sorted((rng.getrandbits(128), rng.getrandbits(128))))
        if kind == 2:
            return (0, HASH_KEYS // 2 - 1) if rng.random() < 0.5 else (HASH_KEYS // 2, HASH_KEYS - 1)
        ends = sorted(hash_key(r["partition_key"], r["explicit_hash_key"]) for r in records)
        return (ends[0], ends[-1])

    # The vectors were taken once; the peers that are alive today must still agree with them.

    def vectors(self):
        if not VECTORS.is_dir():
            raise Broken("no vectors in %s" % VECTORS)
        for path in sorted(VECTORS.glob("reader/*.json")):
            cases = json.loads(path.read_text("utf-8"))["cases"]
            for case in cases:
                entry, wanted = case["outer"], case["kcl"]
                read = self.peers.kcl.read([entry], case.get("range"))[0]
                wrong = None
                if read["records"] != wanted["records"] or bool(read["logged"]) != bool(wanted.get("logged")):
                    wrong = "the KCL reads %r now" % read
                self.report.judge(
                    "vector %s, %s" % (path.name, case["name"]), wrong, lambda: ({"entry": entry}, wrong))
                data = unb64(entry["data"])
                if data.startswith(MAGIC) and 20 < len(data) < 2000:
                    self.pool.append(data)
        for path in sorted(VECTORS.glob("kpl/*.json")):
            for entry in json.loads(path.read_text("utf-8"))["entries"]:
                if isinstance(entry["kcl"]["records"], list):
                    self._agree(path.name, [entry], [entry["kcl"]["records"]])
        for path in sorted(VECTORS.glob("peers/*.json")):
            for case in json.loads(path.read_text("utf-8"))["cases"]:
                members = ("partition_key", "explicit_hash_key", "data", "sub_sequence_number", "aggregated")
                for number, entry in enumerate(case["entries"]):
                    if number not in case["invalid_entries"]:
                        rows = [{m: r[m] for m in members} for r in case["decoded"] if r["entry"] == number]
                        self._agree("%s, %s" % (path.name, case["name"]), [entry], [rows])

    def claims(self):
        """The README's table."""
        for title, wrong in claims.check([self.peers.kcl] + self.peers.readers):
            self.report.judge(title, wrong, lambda: ({"inputs": claims.INPUTS}, wrong))

    def _agree(self, name, entries, truth):
        for reader in [self.peers.kcl] + self.peers.readers:
            wrong = guarded(self.checks.agrees, reader, entries, truth)
            self.report.judge(
                "vector %s → %s" % (name, reader.name), wrong, lambda: ({"entries": entries}, wrong))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", help="any text; random if not given, printed either way")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--first", type=int, default=1, metavar="N", help="begin with round N of the seed")
    parser.add_argument("--only", default=",".join(Peers.LANGUAGES), metavar="LANGUAGES",
                        help="of %(default)s; the KCL judges in any case")
    parser.add_argument("--kinpack", type=pathlib.Path, default=HERE.parent / "target" / "release" / "kinpack",
                        help="the binary (default: %(default)s)")
    parser.add_argument("--no-vectors", action="store_true", help="do not ask the peers about the vectors")
    # What differs may hold any character; a terminal that cannot show it is no reason to stop.
    sys.stdout.reconfigure(errors="backslashreplace")
    arguments = parser.parse_args()
    languages = arguments.only.split(",")
    if not set(languages) <= set(Peers.LANGUAGES):
        parser.error("--only takes %s" % ",".join(Peers.LANGUAGES))
    if not arguments.kinpack.is_file():
        parser.error("%s is not there: cargo build --release -p kinpack-cli" % arguments.kinpack)
    seed = arguments.seed or str(random.SystemRandom().getrandbits(32))

    print("seed %s, %d rounds" % (seed, arguments.rounds), flush=True)
    began = time.monotonic()
    met = Met()
    report = Report(seed)
    peers = None
    try:
        peers = Peers(HERE, languages)
        for note in peers.notes:
            print(note)
        run = Run(arguments, peers, report, met)
        if not arguments.no_vectors:
            report.where = "vectors"
            run.vectors()
        report.where = "the README"
        run.claims()
        for number in range(arguments.first, arguments.first + arguments.rounds):
            report.where = "round %d" % number
            run.round(random.Random(seeded("%s:%d" % (seed, number))))
            if report.failed >= MAX_FAILURES:
                print("\nenough failures: stopped after round %d" % number)
                break
    except Broken as error:
        report.failed += 1
        print("\nFAILED, seed %s, %s: %s" % (seed, report.where, error))
    finally:
        if peers is not None:
            peers.close()
    met.print()
    print("\nseed %s, %.0f s" % (seed, time.monotonic() - began))
    print("%d passed, %d failed" % (report.passed, report.failed))
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
