"""Avro in every framing, kinpack's against the peers', both ways, by one schema and by two."""

import json

import fastavro

import schemas
from peers import CONTAINERS, VERSION
from values import SCHEMA, as_json, value

VALUES = 8
SCHEMAS = 4


class Schema:
    """As each peer wants it."""

    def __init__(self, tree, name):
        self.text, self.parsed, self.name = json.dumps(tree), fastavro.parse_schema(tree), name
        self.id = self.guid = None


class Framings:
    def __init__(self, command, library, peers, registry, report, met):
        self._command, self._library, self._peers, self._report = command, library, peers, report
        self._registry, self._met = registry, met
        self._count = 0
        self._fixed, self._odd = self._known(SCHEMA), self._known(schemas.BYTES_OR_ARRAY)
        command.know(self._fixed.id)

    def _known(self, tree):
        self._count += 1
        schema = Schema(tree, "topic%d" % self._count)
        schema.id, schema.guid = self._registry.register(schema)
        return schema

    def round(self, rng):
        self._by_command([value(rng) for _ in range(VALUES)])
        self._bytes_or_array(rng)
        for _ in range(SCHEMAS):
            kind = schemas.schema(rng)
            self._by_library(kind, [kind.make(rng) for _ in range(VALUES)])

    # The command, as it is used: one schema with every type.

    def _by_command(self, values):
        wanted = [as_json(of) for of in values]
        options = {
            "single": ("single", ["single"]),
            "confluent": ("confluent:%d" % self._fixed.id, ["confluent"]),
            "glue": ("glue:" + VERSION, ["glue", "glue-zlib"]),
            "ocf": ("ocf", CONTAINERS),
        }
        for name, (option, framings) in options.items():
            payloads = self._report.guarded(
                "kinpack pack --framing %s" % option, lambda _: self._command.framed(option, values))
            for peer in self._peers:
                for framing in framings:
                    if framing not in peer.framings:
                        continue

                    def theirs(title):
                        framed = peer.frame(framing, self._fixed, values)
                        self._report.judge(title, wanted, self._command.values(name, framed))

                    self._report.guarded("%s, %s → kinpack unpack --avro %s" % (peer.name, framing, name), theirs)

                def ours(title):
                    self._read(title, peer, framings[0], self._fixed, payloads, values)

                if payloads is not None and framings[0] in peer.framings:
                    self._report.guarded("kinpack pack --framing %s → %s" % (option, peer.name), ours)

    def _bytes_or_array(self, rng):
        """fastavro writes one for the other, but reads what kinpack writes."""
        values = [{"it": schemas.raw(rng)} for _ in range(VALUES)]
        for peer in self._peers:
            if "datum" in peer.framings:
                self._ours(peer, "datum", self._odd, values, [(None, values)])
            if peer.name == "fastavro":
                written = [self._met.written_by_fastavro(of) for of in values]
                self._theirs(peer, "datum", self._odd, values, [(None, written)])

    # The library: any schema, and another one to read by.

    def _by_library(self, kind, values):
        schema = self._known(kind.writer)
        truths = [(None, values), (Schema(kind.reader, "reader"), [kind.convert(of) for of in values])]
        for peer in self._peers:
            for framing in peer.framings:
                self._ours(peer, framing, schema, values, truths)
                self._theirs(peer, framing, schema, values, truths)

    def _ours(self, peer, framing, schema, values, truths):
        def check(title):
            payloads = self._library.frame(framing, schema, values)
            for reader, truth in truths:
                if reader is None or framing in peer.resolves:
                    self._read(title, peer, framing, schema, payloads, truth, reader)

        self._report.guarded("kinpack, %s → %s" % (framing, peer.name), check, context(schema, truths[-1][0]))

    def _read(self, title, peer, framing, schema, payloads, truth, reader=None):
        found = peer.unframe(framing, schema, payloads, reader)
        wanted = peer.expect(self._met, truth, payloads, reader is not None)
        self._judge(title, wanted, found, schema, reader)

    def _theirs(self, peer, framing, schema, values, truths):
        def check(title):
            payloads = peer.frame(framing, schema, values)
            for reader, truth in truths:
                found = self._library.unframe(framing, schema, payloads, reader)
                self._judge(title, [as_json(of) for of in truth], found, schema, reader)

        self._report.guarded("%s, %s → kinpack" % (peer.name, framing), check, context(schema, truths[-1][0]))

    def _judge(self, title, wanted, found, schema, reader):
        title += ", by another schema" if reader else ""
        self._report.judge(title, wanted, found, context(schema, reader))


def context(schema, reader):
    return schema.text + (" read by " + reader.text if reader else "")
