#!/usr/bin/env python3
"""What is inside user records: kinpack's compression and Avro against others', both ways, on random
inputs from a printed seed. interop/run installs the peers and calls this."""

import argparse
import os
import pathlib
import random
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parent))

from compression import Codecs
from faults import Met
from framings import Framings
from inputs import seeded
from kinpack import Command, Library
from peers import Confluent, Driven, Fastavro, Java, Python
from programs import Driver

BUILD = HERE.parent / "build"
LANGUAGES = ("java", "python", "node", "go")
# A run that fails everywhere says so often enough.
MAX_FAILURES = 20


def equal(want, got):
    """To the last bit, and 5 is not 5.0."""
    if isinstance(want, float):
        return isinstance(got, float) and float.__repr__(want) == float.__repr__(got)
    if isinstance(want, dict):
        return isinstance(got, dict) and want.keys() == got.keys() and all(
            equal(part, got[name]) for name, part in want.items())
    if isinstance(want, list):
        return isinstance(got, list) and len(want) == len(got) and all(map(equal, want, got))
    return isinstance(want, type(got)) and want == got


class Report:
    def __init__(self, seed):
        self.seed, self.round = seed, 0
        self.passed = self.failed = 0

    def judge(self, title, wanted, found, context=None):
        """One check for each of what was wanted."""
        for number, (want, got) in enumerate(zip(wanted, found)):
            if equal(want, got):
                self.passed += 1
            else:
                self._fail(title, "number %d\n  wanted %.600r\n  found  %.600r" % (number, want, got), context)
        if len(wanted) != len(found):
            self._fail(title, "%d instead of %d" % (len(found), len(wanted)), context)

    def guarded(self, title, check, context=None):
        """What the check returns; one that breaks down has failed."""
        try:
            return check(title)
        except Exception as error:
            self._fail(title, "%s: %s" % (type(error).__name__, str(error)[:600]), context)
            return None

    def _fail(self, title, wrong, context):
        self.failed += 1
        print("\nFAILED %s, seed %s, round %d: %s" % (title, self.seed, self.round, wrong))
        if context is not None:
            print("  schema %.3000s" % context, flush=True)


def start(name, command):
    logs = BUILD / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    return Driver(name, [str(part) for part in command], logs / ("payload-%s.log" % name), dict(os.environ))


def peers(languages, drivers):
    """Those with codecs, and those with framings."""
    codecs, framings, registry = [], [], Confluent()

    def driver(name, command):
        drivers.append(start(name, command))
        return drivers[-1]

    if "java" in languages:
        jars = BUILD / "java" / "payload"
        path = os.pathsep.join([str(jars / "payload.jar"), str(jars / "lib" / "*")])
        home = os.environ.get("JAVA_HOME")
        program = os.path.join(home, "bin", "java") if home else "java"
        java = Java("Java", driver("java", [program, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", path,
                                            "interop.Payload"]))
        codecs.append(java)
        framings.append(java)
    if "python" in languages:
        codecs.append(Python())
        framings += [Fastavro(), registry]
    if "node" in languages:
        node = driver("node", ["node", HERE.parent / "node" / "payload.js"])
        codecs.append(Driven("Node.js", node, codecs=("gzip", "zlib", "deflate"), dictionaries=False))
    if "go" in languages:
        codecs.append(Driven("Go", driver("go", [BUILD / "go" / "driver"])))
    return codecs, framings, registry


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", help="any text; random if not given, printed either way")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--first", type=int, default=1, metavar="N", help="begin with round N of the seed")
    parser.add_argument("--only", default=",".join(LANGUAGES), metavar="LANGUAGES", help="of %(default)s")
    parser.add_argument("--kinpack", type=pathlib.Path, required=True,
                        help="the binary; kinpack-interop lies beside it")
    # The rest is for the peers of aggregates.
    arguments, _ = parser.parse_known_args()
    sys.stdout.reconfigure(errors="backslashreplace")
    seed = arguments.seed or str(random.SystemRandom().getrandbits(32))
    print("payloads: seed %s, %d rounds" % (seed, arguments.rounds), flush=True)
    began, report, met, drivers = time.monotonic(), Report(seed), Met(), []
    with tempfile.TemporaryDirectory() as folder:
        try:
            command = Command(arguments.kinpack, pathlib.Path(folder))
            drivers.append(start("kinpack", [arguments.kinpack.with_name("kinpack-interop")]))
            library = Library("kinpack", drivers[0])
            codecs, framings, registry = peers(arguments.only.split(","), drivers)
            checks = [Codecs(command, library, codecs, report),
                      Framings(command, library, framings, registry, report, met)]
            for number in range(arguments.first, arguments.first + arguments.rounds):
                report.round = number
                rng = random.Random(seeded("%s:%d" % (seed, number)))
                for check in checks:
                    check.round(rng)
                if report.failed >= MAX_FAILURES:
                    print("\nenough failures: stopped after round %d" % number)
                    break
        finally:
            for driver in drivers:
                driver.close()
    met.print()
    print("\npayloads: seed %s, %.0f s" % (seed, time.monotonic() - began))
    print("%d passed, %d failed" % (report.passed, report.failed))
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
