"""Those who read and write payloads besides kinpack. Each does one thing at a time."""

import base64
import gzip
import io
import uuid
import zlib

import fastavro
import zstandard
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from values import SCHEMA, SCHEMA_TEXT

PARSED = fastavro.parse_schema(SCHEMA)
CONTEXT = SerializationContext("topic", MessageField.VALUE)
CODECS = ("gzip", "zlib", "deflate", "zstd")
CONTAINERS = ("null", "deflate", "snappy", "zstandard")
VERSION = str(uuid.UUID(int=0xB7B4A7F09C964E4AA687FB5DE9EF0C63))


class Python:
    """The standard library and zstandard."""

    name = "Python"

    def compress(self, codec, data):
        if codec == "gzip":
            return gzip.compress(data)
        if codec == "zlib":
            return zlib.compress(data)
        if codec == "deflate":
            deflater = zlib.compressobj(wbits=-15)
            return deflater.compress(data) + deflater.flush()
        return zstandard.ZstdCompressor().compress(data)

    def decompress(self, codec, data):
        if codec == "gzip":
            return gzip.decompress(data)
        if codec in ("zlib", "deflate"):
            inflater = zlib.decompressobj(15 if codec == "zlib" else -15)
            out = inflater.decompress(data) + inflater.flush()
            assert inflater.eof and not inflater.unused_data, "not one whole stream"
            return out
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)


class Java:
    """java.util.zip, zstd-jni, Apache Avro and Glue's serializer, by the driver."""

    name = "Java"

    def __init__(self, driver):
        self._driver = driver

    def compress(self, codec, data):
        return self._one(data, op="compress", codec=codec)

    def decompress(self, codec, data):
        return self._one(data, op="decompress", codec=codec)

    def frame(self, framing, of):
        return self._one(datum(of), op="frame", framing=framing, schema=SCHEMA_TEXT, version=VERSION)

    def unframe(self, framing, data):
        read = self._one(data, op="unframe", framing=framing, schema=SCHEMA_TEXT, version=VERSION)
        return fastavro.schemaless_reader(io.BytesIO(read), PARSED)

    def _one(self, data, **request):
        payload = {"data": base64.b64encode(data).decode("ascii")}
        answer = self._driver.ask(payloads=[payload], **request)
        if "error" in answer:
            raise ValueError(answer["error"])
        return base64.b64decode(answer["results"][0]["data"])


class Fastavro:
    """fastavro: single objects and containers."""

    name = "fastavro"

    def frame(self, framing, of):
        out = io.BytesIO()
        if framing == "single":
            out.write(b"\xc3\x01" + fingerprint() + datum(of))
        else:
            fastavro.writer(out, PARSED, [of], codec=framing)
        return out.getvalue()

    def unframe(self, framing, data):
        if framing == "single":
            assert data[:2] == b"\xc3\x01" and data[2:10] == fingerprint(), "another header"
            return fastavro.schemaless_reader(io.BytesIO(data[10:]), PARSED)
        return next(fastavro.reader(io.BytesIO(data)))


class Confluent:
    """confluent-kafka's serializer and deserializer, with a registry in memory."""

    name = "confluent-kafka"

    def __init__(self):
        registry = SchemaRegistryClient.new_client({"url": "mock://interop"})
        self.id = registry.register_schema("topic-value", Schema(SCHEMA_TEXT, "AVRO"))
        self._serializer = AvroSerializer(registry, SCHEMA_TEXT)
        self._deserializer = AvroDeserializer(registry)

    def frame(self, _, of):
        return self._serializer(of, CONTEXT)

    def unframe(self, _, data):
        return self._deserializer(data, CONTEXT)


def datum(of):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, PARSED, of)
    return out.getvalue()


def fingerprint():
    """CRC-64-AVRO of the parsing canonical form, in little-endian order, by fastavro."""
    canonical = fastavro.schema.to_parsing_canonical_form(PARSED)
    return bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))

