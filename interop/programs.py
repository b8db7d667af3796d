"""The programs under test: kinpack, one process a call, and the drivers, one process each."""

import json
import subprocess
import threading

from inputs import sequence_number

TIMEOUT = 120


class Broken(Exception):
    """A program did not do its job at all; what it said is the message."""


class Kinpack:
    """The `kinpack` command."""

    def __init__(self, path):
        self.path = str(path)

    def _run(self, arguments, rows):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        try:
            done = subprocess.run(
                [self.path] + arguments,
                input=text.encode("ascii"),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            raise Broken("kinpack %s took longer than %d s" % (" ".join(arguments), TIMEOUT))
        stderr = done.stderr.decode("utf-8", "replace").strip()
        if done.returncode not in (0, 1):
            raise Broken("kinpack %s: exit %d: %s" % (" ".join(arguments), done.returncode, stderr[:500]))
        try:
            lines = [json.loads(line) for line in done.stdout.split(b"\n") if line]
        except ValueError as error:
            raise Broken("kinpack %s: its output is no NDJSON: %s" % (" ".join(arguments), error))
        return done.returncode, lines, stderr

    def pack(self, records, options, more=()):
        """Entries `{data, partition_key, explicit_hash_key}`."""
        arguments = ["pack", "--max-size", str(options.max_size), "--outer-key", options.outer_key]
        arguments += ["--shards", str(options.shards)]
        if options.max_count is not None:
            arguments += ["--max-count", str(options.max_count)]
        status, lines, stderr = self._run(arguments + list(more), records)
        if status != 0:
            raise Broken("kinpack pack: exit %d: %s" % (status, stderr[:500]))
        return [
            {
                "data": line["Data"],
                "partition_key": line["PartitionKey"],
                "explicit_hash_key": line["ExplicitHashKey"],
            }
            for line in lines
        ]

    def unpack(self, entries, arguments=()):
        """For each entry its rows, as the KCL's, plus `error` on a faulty one."""
        numbers = {sequence_number(i): i for i in range(len(entries))}
        status, lines, stderr = self._run(
            ["unpack"] + list(arguments),
            [
                {
                    "PartitionKey": entry["partition_key"],
                    "SequenceNumber": sequence_number(i),
                    "Data": entry["data"],
                }
                for i, entry in enumerate(entries)
            ],
        )
        found = [[] for _ in entries]
        last = 0
        for line in lines:
            number = numbers.get(line.pop("sequence_number"))
            if number is None or number < last:
                raise Broken("kinpack unpack: a row belongs to no entry, or out of turn: %r" % line)
            last = number
            found[number].append(line)
        faulty = any("error" in row for rows in found for row in rows)
        if status != (1 if faulty else 0):
            raise Broken("kinpack unpack: exit %d, but %s row has an error: %s"
                         % (status, "some" if faulty else "no", stderr[:500]))
        return found


class Driver:
    """A driver: one JSON request a line in, one JSON answer a line out."""

    def __init__(self, name, command, log, environment):
        self.name = name
        self._log = open(str(log), "wb")
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=environment,
            )
        except OSError as error:
            raise Broken("%s does not start (interop/run installs it): %s" % (name, error))

    def ask(self, **request):
        watchdog = threading.Timer(TIMEOUT, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = b""
        finally:
            watchdog.cancel()
        if not line:
            raise Broken("%s died: see %s" % (self.name, self._log.name))
        return json.loads(line)

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._log.close()
