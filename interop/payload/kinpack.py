"""kinpack as a reader and writer of payloads: its command, and its library through a driver."""

from peers import VERSION, Driven, b64, unb64
from programs import Broken, Kinpack
from values import SCHEMA_TEXT, as_json


class Command(Kinpack):
    """The command, with one schema."""

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
        return [unb64(row["data"]) for row in rows], entries

    def compressed(self, codec, messages):
        encoded = [b64(data) for data in messages]
        return self.packed(encoded, "--compress", codec)[0]

    def framed(self, framing, values):
        """Each value framed; a container holds them all, as a message that is a list."""
        arguments = ["--data", "json", "--avro-schema", str(self._schema), "--framing", framing]
        messages = [as_json(of) for of in values]
        return self.packed([messages] if framing == "ocf" else messages, *arguments)[0]

    def read(self, payloads, *arguments):
        """`data` of each payload, each a Kinesis record."""
        records = [{"Data": b64(data)} for data in payloads]
        status, rows, stderr = self._run(["unpack"] + list(arguments), records)
        if status != 0 or len(rows) != len(payloads):
            raise Broken("kinpack unpack %s: exit %d: %s" % (" ".join(arguments), status, stderr[:500]))
        return [row["data"] for row in rows]

    def decompressed(self, codec, payloads):
        return [unb64(data) for data in self.read(payloads, "--decompress", codec)]

    def values(self, framing, payloads):
        found = self.read(payloads, "--avro", framing, "--schemas", str(self._schemas))
        return [value for values in found for value in values] if framing == "ocf" else found


class Library(Driven):
    """kinpack-payload: what the command has no option for, and any schema."""

    def train(self, size, samples):
        found = self.ask(op="train", size=size, payloads=[{"data": b64(data)} for data in samples])
        return unb64(found[0]["data"])

    def frame(self, framing, schema, values):
        results = self.ask(op="frame", values=[as_json(of) for of in values], **self._schema(framing, schema))
        return [self._payload(framing, result) for result in results]

    @staticmethod
    def _payload(framing, result):
        data = unb64(result["data"])
        return (data, unb64(result["header"])) if framing == "header" else data

    def unframe(self, framing, schema, payloads, reader=None):
        """As JSON."""
        if framing == "header":
            payloads = [{"data": b64(data), "header": b64(header)} for data, header in payloads]
        else:
            payloads = [{"data": b64(data)} for data in payloads]
        request = self._schema(framing, schema)
        results = self.ask(op="unframe", payloads=payloads, reader=reader and reader.text, **request)
        return [value for result in results for value in result["values"]]

    @staticmethod
    def _schema(framing, schema):
        return {"framing": framing, "schema": schema.text, "version": VERSION, "id": schema.id, "guid": schema.guid}
