"""Compression and Avro, over the vectors of kinpack-payload."""

import base64
import gzip
import json
import uuid
import zlib

import pytest

import kinpack
from vectors import lambda_event, load_payload

COMPRESSED = [pytest.param(it, id=name) for name, it in load_payload("compression")]
AVRO = dict(load_payload("avro"))
CLICK = AVRO["avro-datum-java"]["schema"]
VALUE = AVRO["avro-datum-java"]["value"]
GLUE = AVRO["glue-avro-none"]["uuid"]


@pytest.mark.parametrize("vector", COMPRESSED)
def test_what_others_compressed(vector):
    data, value = bytes.fromhex(vector["bytes"]), vector["value"].encode()
    dictionaries = [kinpack.Dictionary(bytes.fromhex(vector["dict"]))] if "dict" in vector else []
    decompressor = kinpack.Decompressor(dictionaries=dictionaries)
    (record,) = kinpack.records([{"Data": data}], decompress=decompressor)
    if vector["codec"] == "brotli" or vector["codec"].startswith("deflate"):
        assert record.data == data
        assert decompressor.decompress(data) == data
    else:
        assert record.data == value
        assert decompressor.decompress(data) == value
        assert decompressor.decompress(bytearray(data), vector["codec"]) == value
        for event in ({"Records": [{"Data": data}]}, lambda_event([_entry(data)] * 3)):
            records = kinpack.records(event, decompress=decompressor)
            assert records.data() == [value] * len(records)
            assert [bytes(it) for it in records.memoryviews()] == [value] * len(records)
        assert kinpack.records([{"Data": data}]).data() == [data]


def _entry(data):
    return {"data": base64.b64encode(data).decode(), "partition_key": "k"}


@pytest.mark.parametrize("compression", ["gzip", "gzip:9", "zlib:1", "deflate", "zstd", "zstd:-3"])
def test_round_trip(compression):
    message = b'{"id": 42}' * 50
    compressor = kinpack.Compressor(compression)
    small = compressor.compress(message)
    assert len(small) < len(message) / 2
    codec = compression.split(":")[0]
    assert kinpack.Decompressor().decompress(small, codec) == message
    if codec == "gzip":
        assert gzip.decompress(small) == message
    if codec == "zlib":
        assert zlib.decompress(small) == message
    assert codec in repr(compressor)


def test_user_records_inside_an_aggregate():
    messages = [b'{"id": %d, "pad": "aaaaaaaaaaaaaaaaaaaaaaaaaa"}' % i for i in range(50)]
    compressor = kinpack.Compressor("zstd")
    entries = list(kinpack.aggregate(("k", compressor.compress(it)) for it in messages))
    assert kinpack.records(entries, decompress=True).data() == messages
    assert [it.data for it in kinpack.records(entries, decompress=True)] == messages
    assert kinpack.records(entries).data() != messages


def test_whole_aggregates():
    messages = [b'{"id": %d}' % i for i in range(500)]
    (entry,) = kinpack.aggregate(("k", message) for message in messages)
    for codec in ("gzip", "zlib", "zstd"):
        small = kinpack.Compressor(codec).compress_for_kinpack_readers_only(entry["Data"])
        assert len(small) < len(entry["Data"]) / 3
        records = kinpack.records([{"Data": small}, entry, {"Data": b"x"}], decompress=True)
        assert records.data() == [*messages, *messages, b"x"]
        assert [bytes(view) for view in records.memoryviews()] == records.data()
        # Found without being asked; what is inside them is another matter.
        records = kinpack.records([{"Data": small}, entry])
        assert records.data() == [*messages, *messages]
        assert [bytes(view) for view in records.memoryviews()] == records.data()
        assert kinpack.records([{"Data": small}], decompress=False).data() == [small]
        limited = kinpack.Decompressor(limit=2000)
        with pytest.raises(kinpack.DecodeError, match="Kinesis record 0: .*more than 2000 bytes"):
            kinpack.records([{"Data": small}], decompress=limited)
        (kept,) = kinpack.records([{"Data": small}], decompress=limited, errors="keep")
        assert kept.data == small
        assert "2000 bytes" in str(kept.error)
        together = kinpack.Decompressor(limit=len(entry["Data"]))
        with pytest.raises(kinpack.DecodeError, match="Kinesis record 4: .* together"):
            kinpack.records([{"Data": small}] * 5, decompress=together)
    with pytest.raises(kinpack.CompressionError, match="does not begin with the magic"):
        kinpack.Compressor("zstd").compress_for_kinpack_readers_only(b"plain")


def test_a_bomb_is_found_at_its_record():
    bomb = gzip.compress(bytes(100_000))
    entries = list(kinpack.aggregate([("k", b"fine"), ("k", bomb)]))
    records = kinpack.records(entries, decompress=kinpack.Decompressor(limit=50_000))
    assert records[0].data == b"fine"
    message = "Kinesis record 0: user record 1: gzip data of more than 50000 bytes"
    for read in (lambda: records[1].data, records.data, records.memoryviews):
        with pytest.raises(kinpack.DecodeError, match=message):
            read()
    with pytest.raises(kinpack.CompressionError, match="more than 50000 bytes"):
        kinpack.Decompressor(limit=50_000).decompress(bomb)


def test_dictionaries():
    messages = [
        b'{"device":"sensor-%d","t":%d.5,"unit":"celsius"}' % (i, i % 40) for i in range(2000)
    ]
    dictionary = kinpack.Dictionary.train(messages, 4 << 10)
    small = kinpack.Compressor("zstd", dictionary=dictionary).compress(messages[7])
    assert len(small) < len(messages[7]) / 2
    again = kinpack.Dictionary(bytes(dictionary))
    assert again.id == dictionary.id
    decompressor = kinpack.Decompressor(dictionaries=[again])
    assert decompressor.decompress(small) == messages[7]
    with pytest.raises(kinpack.CompressionError, match=f"dictionary {dictionary.id} is not known"):
        kinpack.Decompressor().decompress(small)
    with pytest.raises(kinpack.CompressionError, match="no zstd dictionary"):
        kinpack.Dictionary(b"text")
    with pytest.raises(kinpack.CompressionError, match="no dictionary comes of 0 samples"):
        kinpack.Dictionary.train([])
    with pytest.raises(kinpack.CompressionError, match="takes no dictionary"):
        kinpack.Compressor("gzip", dictionary=dictionary)


def test_names_of_codecs_are_checked():
    with pytest.raises(ValueError, match='no codec is called "lz4"'):
        kinpack.Compressor("lz4")
    with pytest.raises(ValueError, match="gzip has no level 10"):
        kinpack.Compressor("gzip:10")
    with pytest.raises(ValueError, match="no codec is called"):
        kinpack.Decompressor().decompress(b"", "lz4")
    assert kinpack.Decompressor().limit == 64 << 20


def store_of(vector):
    if "schema_id" in vector:
        return kinpack.SchemaStore({vector["schema_id"]: vector["schema"]}), "confluent"
    if "uuid" in vector:
        return kinpack.SchemaStore({uuid.UUID(vector["uuid"]): vector["schema"]}), "glue"
    return kinpack.SchemaStore([vector["schema"]]), None


@pytest.mark.parametrize(
    "name", [name for name in AVRO if "avro" in name and "datum" not in name and "guid" not in name]
)
def test_what_others_wrote(name):
    vector = AVRO[name]
    data, value = bytes.fromhex(vector["bytes"]), vector["value"]
    store, framing = store_of(vector)
    reader = kinpack.AvroReader(store, framing=framing)
    assert reader.read(data) == value
    (record,) = kinpack.records([{"Data": data}])
    assert record.avro(reader) == value
    schema = kinpack.AvroSchema(json.dumps(vector["schema"]))
    assert record.avro(schema, framing=framing) == value
    assert record.avro(vector["schema"], framing=framing) == value


def test_datums_and_schemas_by_id():
    data = bytes.fromhex(AVRO["avro-datum-java"]["bytes"])
    record = kinpack.UserRecord(data)
    assert record.avro(CLICK, framing="datum") == VALUE
    with pytest.raises(kinpack.AvroError, match="say its framing"):
        record.avro(CLICK)

    asked = []

    def registry(schema_id):
        asked.append(schema_id)
        return json.dumps(CLICK) if schema_id in (301, GLUE) else None

    for name, framing, expected in [
        ("confluent-avro", "confluent", 301),
        ("glue-avro-none", "glue", GLUE),
    ]:
        reader = kinpack.AvroReader(registry, framing=framing)
        data = bytes.fromhex(AVRO[name]["bytes"])
        assert [reader.read(data) for _ in range(3)] == [VALUE] * 3
        assert asked.pop() == expected
        assert not asked
    unknown = b"\0\0\0\0\x07" + data
    with pytest.raises(kinpack.AvroError, match="no schema for Confluent schema id 7"):
        kinpack.AvroReader(registry, framing="confluent").read(unknown)

    def failing(schema_id):
        raise LookupError("the registry is down")

    with pytest.raises(kinpack.AvroError, match="the registry is down"):
        kinpack.AvroReader(failing, framing="confluent").read(unknown)


def test_a_directory_of_schemas(tmp_path):
    (tmp_path / "301.avsc").write_text(json.dumps(CLICK))
    reader = kinpack.AvroReader(kinpack.SchemaStore.from_directory(tmp_path), framing="confluent")
    assert reader.read(bytes.fromhex(AVRO["confluent-avro"]["bytes"])) == VALUE
    (tmp_path / "302.avsc").write_text("{")
    with pytest.raises(kinpack.AvroError, match=r"302\.avsc"):
        kinpack.SchemaStore.from_directory(tmp_path)


def test_writing_and_resolution():
    schema = kinpack.AvroSchema(CLICK)
    vector = AVRO["avro-single-object-java"]
    assert schema.encode(VALUE).hex() == vector["bytes"]
    assert f"{schema.fingerprint:016x}" == vector["fingerprint_u64"]
    assert schema.canonical_form == vector["canonical_form"]
    confluent = schema.encode(VALUE, framing="confluent", id=301)
    assert confluent.hex() == AVRO["confluent-avro"]["bytes"]
    assert schema.encode(VALUE, framing="glue", id=GLUE).hex() == AVRO["glue-avro-none"]["bytes"]
    assert schema.encode(VALUE, framing="datum").hex() == AVRO["avro-datum-java"]["bytes"]

    newer = json.loads(json.dumps(CLICK))
    newer["fields"].append({"name": "extra", "type": "int", "default": 7})
    reader = kinpack.AvroReader(kinpack.SchemaStore([CLICK]), schema=newer)
    assert reader.read(schema.encode(VALUE)) == {**VALUE, "extra": 7}

    everything = kinpack.AvroSchema(
        {
            "type": "record",
            "name": "All",
            "fields": [
                {"name": "bytes", "type": "bytes"},
                {"name": "map", "type": {"type": "map", "values": "boolean"}},
                {
                    "name": "price",
                    "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
                },
                {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                {"name": "float", "type": "float"},
            ],
        }
    )
    value = {"bytes": "\u00ff", "map": {"a": True}, "price": "12.50", "at": 7, "float": 1.5}
    read = kinpack.UserRecord(everything.encode(value)).avro(everything)
    # Bytes are bytes, and a decimal is the number without its point, as it is stored.
    assert read == {**value, "bytes": b"\xff", "price": (1250).to_bytes(2, "big")}
    assert repr(kinpack.AvroSchema('"long"')) == 'AvroSchema("\\"long\\"")'


def test_avro_errors_say_what():
    with pytest.raises(kinpack.AvroError):
        kinpack.AvroSchema('{"type": "no"}')
    with pytest.raises(TypeError, match="a schema is JSON"):
        kinpack.AvroSchema(7)
    with pytest.raises(TypeError, match="a store is a SchemaStore"):
        kinpack.AvroReader(7)
    schema = kinpack.AvroSchema(CLICK)
    with pytest.raises(kinpack.AvroError, match="user"):
        schema.encode({**VALUE, "user": 7})
    for value, says in [
        (b"a", "bytes is not JSON serializable. Bytes are written as text"),
        (float("nan"), 'as "NaN", "Infinity"'),
        ("\ud800", "no JSON value"),
        ([[]] * 2, "Click"),
    ]:
        with pytest.raises(kinpack.AvroError, match=says):
            schema.encode(value)
    double = kinpack.AvroSchema('"double"')
    for text in ["NaN", "Infinity", "-Infinity"]:
        read = kinpack.UserRecord(double.encode(text)).avro(double)
        assert repr(read) == repr(float(text))
    with pytest.raises(ValueError, match="id is the schema id"):
        schema.encode(VALUE, framing="confluent")
    with pytest.raises(ValueError, match="framing is"):
        schema.encode(VALUE, framing="parquet")
    cut = kinpack.UserRecord(schema.encode(VALUE)[:-3])
    with pytest.raises(kinpack.AvroError, match="byte"):
        cut.avro(schema)
    other = kinpack.AvroSchema('"long"')
    with pytest.raises(kinpack.AvroError, match="no schema for schema fingerprint"):
        cut.avro(other)
    references = kinpack.AvroSchema({"type": "array", "items": "Click"}, references=[_named()])
    assert references.encode([], framing="datum") == b"\0"


def _named():
    return {"type": "record", "name": "Click", "fields": []}
