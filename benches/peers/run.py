"""Sets kinpack against the readers of other languages and prints a table, ratios first."""

import argparse
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
INTEROP = ROOT / "interop" / "build"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

STAGES = {
    "decode": "Kinesis records' bytes to user records",
    "event": "Lambda event's bytes to user records",
}
# Seconds of a turn at least; the slowest need longer for one run.
TURN = 0.03
# Seconds for the just-in-time compilers, with each file and stage; what they compile stays compiled.
WARM_UP = {"KCL": 2.0, "npm": 1.0}


class Wrong(Exception):
    """A reader broke or read something else than was written."""


class Reader:
    """A program that reads files on request, a line each way; between requests it rests."""

    def __init__(self, name, command, **environment):
        self.name = name
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(os.environ, **environment),
            text=True,
            bufsize=1,
        )
        self.version = self._answer()

    def ask(self, *request):
        self._process.stdin.write(" ".join(str(part) for part in request) + "\n")
        return self._answer()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise Wrong("%s broke" % self.name)
        return line.rstrip("\n")

    def close(self):
        self._process.stdin.close()
        self._process.wait()


def start_readers(program):
    yield Reader("kinpack", [program, "serve"])
    home = os.environ.get("JAVA_HOME")
    java = "java" if not home else os.path.join(home, "bin", "java")
    # Its best compiler, room enough, and a collector that does not take a second processor.
    flags = ["-XX:+UseSerialGC", "-Xms2g", "-Xmx2g", "-Xmn1g"]
    jars = INTEROP / "java" / "kcl" / "lib" / "*"
    yield Reader("KCL", [java] + flags + ["-cp", jars, HERE / "Kcl.java"])
    yield Reader("npm", ["node", HERE / "npm.js"], NODE_PATH=str(INTEROP / "node" / "node_modules"))
    yield Reader("PyPI", [INTEROP / "python" / "bin" / "python", HERE / "pypi.py"])


def write_files(program):
    directory = TARGET / "peers"
    directory.mkdir(parents=True, exist_ok=True)
    written = subprocess.run(
        [str(program), "write", str(directory)], stdout=subprocess.PIPE, check=True, text=True
    )
    return [line.split("\t") for line in written.stdout.splitlines()]


def measure(readers, path, checksum, rounds):
    """Seconds a run, by stage and reader: of rounds in which each has its turn, the tenth part from
    the fastest, as whatever else the machine does only makes a turn slower."""
    for reader in readers:
        reader.ask("load", path)
        for stage in STAGES:
            found = reader.ask("check", stage)
            if found != checksum:
                raise Wrong("%s, %s, %s: %s instead of %s" % (path, reader.name, stage, found, checksum))
    for reader in readers:
        if reader.name in WARM_UP:
            for stage in STAGES:
                reader.ask("time", stage, WARM_UP[reader.name])
    times = {(stage, reader.name): [] for stage in STAGES for reader in readers}
    for _ in range(rounds):
        for stage in STAGES:
            for reader in readers:
                times[stage, reader.name].append(float(reader.ask("time", stage, TURN)))
    return {key: sorted(some)[len(some) // 10] for key, some in times.items()}


def number(value):
    """Three digits that mean something."""
    return "%.*f" % (0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3, value)


def print_table(names, rows):
    columns = ["÷ %s" % name for name in names[1:]]
    columns += ["%s, MB/s" % name for name in names]
    columns += ["%s, M/s" % name for name in names]
    lines = [[""] + columns]
    for stage, title in STAGES.items():
        lines.append(["**%s**" % title] + [""] * len(columns))
        for name, records, size, times in rows:
            seconds = [times[stage, reader] for reader in names]
            cells = [other / seconds[0] for other in seconds[1:]]
            cells += [size / it / 1e6 for it in seconds]
            cells += [records / it / 1e6 for it in seconds]
            lines.append([name] + [number(cell) for cell in cells])
    widths = [max(map(len, column)) for column in zip(*lines)]
    lines.insert(1, ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]])
    for first, *rest in lines:
        cells = [first.ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(rest, widths[1:])]
        print("| %s |" % " | ".join(cells))


def processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return "unknown processor"
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else "unknown processor"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="turns of each reader (default: %(default)s)")
    arguments = parser.parse_args()
    began = time.monotonic()
    program = TARGET / "release" / "peers"
    readers, rows = [], []
    try:
        files = write_files(program)
        for reader in start_readers(program):
            readers.append(reader)
        names = [reader.name for reader in readers]
        for path, checksum, name in files:
            print("%s …" % name, file=sys.stderr)
            records, size, _ = checksum.split()
            rows.append((name, int(records), int(size), measure(readers, path, checksum, arguments.rounds)))
    except Wrong as error:
        print("peers: %s" % error, file=sys.stderr)
        return 1
    finally:
        for reader in readers:
            reader.close()

    print("\nkinpack ÷ each peer; MB/s of the user records' data; millions of user records/s. One thread each.\n")
    print_table(names, rows)
    print()
    for reader in readers:
        print("- %s: %s" % (reader.name, reader.version))
    load = "%.1f %.1f %.1f" % os.getloadavg()
    print("- %s, %d processors, load %s; %.0f s" % (processor(), os.cpu_count(), load, time.monotonic() - began))
    return 0


if __name__ == "__main__":
    sys.exit(main())
