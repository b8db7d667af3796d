"""Those who read and write payloads besides kinpack. All take and give lists. `expect` says what a
reader makes of payloads whose values are known, where that is not the truth."""

import base64
import gzip
import io
import uuid
import zlib

import fastavro
import zstandard
from confluent_kafka.schema_registry import (Schema, SchemaRegistryClient, dual_schema_id_deserializer,
                                             header_schema_id_serializer)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError

from faults import REFUSED

CODECS = ("gzip", "zlib", "deflate", "zstd")
CONTAINERS = ("null", "deflate", "snappy", "zstandard")
VERSION = str(uuid.UUID(int=0xB7B4A7F09C964E4AA687FB5DE9EF0C63))
HEADER = "__value_schema_id"


def b64(data):
    return base64.b64encode(data).decode("ascii")


def unb64(text):
    return base64.b64decode(text)


class Python:
    """The standard library and zstandard."""

    name = "Python"
    codecs, dictionaries = CODECS, True

    def compress(self, codec, messages, dictionary=None):
        return [self._compress(codec, data, dictionary) for data in messages]

    def decompress(self, codec, payloads, dictionary=None):
        return [self._decompress(codec, data, dictionary) for data in payloads]

    def train(self, size, samples):
        return zstandard.train_dictionary(size, samples).as_bytes()

    @staticmethod
    def _zstd(dictionary):
        return {} if dictionary is None else {"dict_data": zstandard.ZstdCompressionDict(dictionary)}

    def _compress(self, codec, data, dictionary):
        if codec == "gzip":
            return gzip.compress(data)
        if codec == "zlib":
            return zlib.compress(data)
        if codec == "deflate":
            deflater = zlib.compressobj(wbits=-15)
            return deflater.compress(data) + deflater.flush()
        return zstandard.ZstdCompressor(**self._zstd(dictionary)).compress(data)

    def _decompress(self, codec, data, dictionary):
        if codec == "gzip":
            return gzip.decompress(data)
        if codec in ("zlib", "deflate"):
            inflater = zlib.decompressobj(15 if codec == "zlib" else -15)
        else:
            inflater = zstandard.ZstdDecompressor(**self._zstd(dictionary)).decompressobj()
        out = inflater.decompress(data) + inflater.flush()
        assert inflater.eof and not inflater.unused_data, "not one whole stream"
        return out


class Driven:
    """Codecs of a driver: Node's, Go's, Java's, and kinpack-payload's own."""

    def __init__(self, name, driver, codecs=CODECS, dictionaries=True):
        self.name, self.codecs, self.dictionaries = name, codecs, dictionaries
        self.driver = driver

    def compress(self, codec, messages, dictionary=None):
        return self._bytes("compress", codec, messages, dictionary)

    def decompress(self, codec, payloads, dictionary=None):
        return self._bytes("decompress", codec, payloads, dictionary)

    def ask(self, **request):
        answer = self.driver.ask(**request)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["results"]

    def _bytes(self, op, codec, payloads, dictionary):
        results = self.ask(
            op=op,
            codec=codec,
            dictionary=None if dictionary is None else b64(dictionary),
            payloads=[{"data": b64(data)} for data in payloads],
        )
        # Go leaves out what is empty.
        return [unb64(result.get("data", "")) for result in results]


class Java(Driven):
    """java.util.zip, zstd-jni; Apache Avro and Glue's serializer, which make datums of datums."""

    framings = ("datum", "single", "glue", "glue-zlib") + CONTAINERS
    # Glue's deserializer knows the writer's schema only.
    resolves = ("datum", "single") + CONTAINERS

    def frame(self, framing, schema, values):
        return [unb64(it["data"]) for it in self._ask("frame", framing, schema, datums(schema, values))]

    def expect(self, met, wanted, payloads, resolved):
        return wanted

    def unframe(self, framing, schema, payloads, reader=None):
        results = self._ask("unframe", framing, schema, payloads, reader=reader and reader.text)
        found = [unb64(it["data"]) for result in results for it in result["datums"]]
        return [fastavro.schemaless_reader(io.BytesIO(datum), (reader or schema).parsed) for datum in found]

    def _ask(self, op, framing, schema, payloads, **more):
        payloads = [{"data": b64(data)} for data in payloads]
        return self.ask(op=op, framing=framing, schema=schema.text, version=VERSION, payloads=payloads, **more)


class Fastavro:
    """fastavro: datums, single objects and containers."""

    name = "fastavro"
    framings = resolves = ("datum", "single") + CONTAINERS

    def frame(self, framing, schema, values):
        if framing in CONTAINERS:
            out = io.BytesIO()
            fastavro.writer(out, schema.parsed, values, codec=framing)
            return [out.getvalue()]
        head = header(schema) if framing == "single" else b""
        return [head + datum for datum in datums(schema, values)]

    def unframe(self, framing, schema, payloads, reader=None):
        parsed = reader and reader.parsed
        if framing in CONTAINERS:
            return [it for data in payloads for it in fastavro.reader(io.BytesIO(data), parsed)]
        if framing == "single":
            assert all(data.startswith(header(schema)) for data in payloads), "another header"
            payloads = [data[10:] for data in payloads]
        return [self._datum(data, schema, parsed) for data in payloads]

    def expect(self, met, wanted, payloads, resolved):
        return met.resolved_by_fastavro(wanted) if resolved else wanted

    @staticmethod
    def _datum(data, schema, parsed):
        stream = io.BytesIO(data)
        value = fastavro.schemaless_reader(stream, schema.parsed, parsed)
        assert stream.tell() == len(data), "%d bytes of %d" % (stream.tell(), len(data))
        return value


class Confluent:
    """confluent-kafka's serializer and deserializer, with a registry in memory. `header` is its mode
    with the schema's id in a header of the message; payloads are then pairs."""

    name = "confluent-kafka"
    framings = resolves = ("confluent", "header")

    def __init__(self):
        self._registry = SchemaRegistryClient.new_client({"url": "mock://interop"})

    def register(self, schema):
        """The schema's id and GUID."""
        known = self._registry.register_schema_full_response(schema.name + "-value", Schema(schema.text, "AVRO"))
        return known.schema_id, str(known.guid)

    def frame(self, framing, schema, values):
        more = {"schema.id.serializer": header_schema_id_serializer} if framing == "header" else {}
        serializer = AvroSerializer(self._registry, schema.text, conf=more)
        framed = []
        for value in values:
            context = SerializationContext(schema.name, MessageField.VALUE, headers=[])
            payload = serializer(value, context)
            framed.append((payload, context.headers[0][1]) if framing == "header" else payload)
        return framed

    def unframe(self, framing, schema, payloads, reader=None):
        conf = {"schema.id.deserializer": dual_schema_id_deserializer}
        deserializer = AvroDeserializer(self._registry, reader and reader.text, conf=conf)
        found = []
        for payload in payloads:
            payload, headers = (payload[0], [(HEADER, payload[1])]) if framing == "header" else (payload, [])
            context = SerializationContext(schema.name, MessageField.VALUE, headers=headers)
            try:
                found.append(deserializer(payload, context))
            except SerializationError as error:
                if "of length 6 bytes or more" not in str(error):
                    raise
                found.append(REFUSED)
        return found

    def expect(self, met, wanted, payloads, resolved):
        """Its deserializer is fastavro's reader."""
        if resolved:
            wanted = met.resolved_by_fastavro(wanted)
        bare = [payload[0] if isinstance(payload, tuple) else payload for payload in payloads]
        return [met.read_by_confluent(value, payload) for value, payload in zip(wanted, bare)]


def datums(schema, values):
    """Bare datums, by fastavro."""
    found = []
    for value in values:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema.parsed, value)
        found.append(out.getvalue())
    return found


def header(schema):
    """Of a single object, by fastavro: its CRC-64-AVRO is of the parsing canonical form, little-endian."""
    canonical = fastavro.schema.to_parsing_canonical_form(schema.parsed)
    return b"\xc3\x01" + bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))
