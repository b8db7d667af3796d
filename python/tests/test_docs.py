"""The examples of the documentation: what they print is what they say."""

from __future__ import annotations

import doctest
import json
import logging
import re
import sys
from pathlib import Path

import pytest

import kinpack
from kinpack import testing
from kinpack.compat import aggregator, deaggregator

pytestmark = pytest.mark.skipif(sys.version_info < (3, 10), reason="match, and moto")
README = Path(__file__).resolve().parents[1] / "README.md"

PUBLIC = {name: getattr(kinpack, name) for name in kinpack.__all__}
PUBLIC |= {f"compat.{name}": getattr(aggregator, name) for name in aggregator.__all__}
PUBLIC |= {f"compat.{name}": getattr(deaggregator, name) for name in deaggregator.__all__}
# What another's example shows: `batch`, `handler`, `put_all`.
SHOWN = {"Batch", "Handler", "PutResult", "__version__"}
# Errors that have nothing but their message.
PLAIN = {
    "AvroError",
    "CompressionError",
    "Error",
    "EventError",
    "InvocationError",
    "KinpackEvent",
    "KinpackNoProgress",
    "KinpackNotFinished",
    "KinpackProgressStore",
    "SchemaStoreError",
    "StreamError",
}


@pytest.fixture(scope="module")
def names(aws):
    """What examples take for granted: a stream, a table and a queue that are there."""
    import boto3

    url = aws.environment["AWS_ENDPOINT_URL"]
    kinesis = boto3.Session("id", "secret", region_name="us-east-2").client(
        "kinesis", endpoint_url=url
    )
    kinesis.create_stream(StreamName="orders", ShardCount=1)
    logger = logging.getLogger("kinpack")
    logger.setLevel(logging.CRITICAL)
    yield {
        "kinpack": kinpack,
        "testing": testing,
        "json": json,
        "kinesis": kinesis,
        "dynamodb": aws.dynamodb,
        "table": aws.table(),
        "sqs": aws.sqs,
        "queue": aws.queue(),
    }
    logger.setLevel(logging.NOTSET)


def examples(text, names, name):
    test = doctest.DocTestParser().get_doctest(text, dict(names), name, None, 0)
    return doctest.DocTestRunner().run(test)


@pytest.mark.parametrize("name", sorted({*PUBLIC} - SHOWN - PLAIN))
def test_public_names_have_examples(name, names):
    result = examples(PUBLIC[name].__doc__, names, name)
    assert result.attempted > 0
    assert result.failed == 0


def test_methods_say_what_they_do():
    for name, value in PUBLIC.items():
        if isinstance(value, type):
            for member, what in vars(value).items():
                if callable(what) and not member.startswith("_"):
                    assert what.__doc__ or name.startswith("compat."), (name, member)


class Message:
    """Of the program in the README."""

    def __init__(self, key, data):
        self.key, self.data = key, data


def event_of_the_readme():
    users = [[("device-1", '{"t":21.5}'), ("device-2", '{"t":19.0}')]]
    event = testing.event(users, stream="orders", shard=6, region="eu-west-1")
    number = re.search(r"sequence_number='(\d+)'", README.read_text(encoding="utf-8"))[1]
    event["Records"][0]["kinesis"]["sequenceNumber"] = number
    return event


def blocks(section):
    """The program texts of a section of the README, and their languages."""
    text = (
        README.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    )
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S)


@pytest.mark.parametrize("section", ["Reading", "Writing", "Testing handlers"])
def test_sessions_of_the_readme(section, names):
    found = [text for language, text in blocks(section) if language == "pycon"]
    assert found
    names = {**names, "event": event_of_the_readme()}
    for text in found:
        result = examples(text, names, section)
        assert result.attempted > 0
        assert result.failed == 0


def test_reading_of_the_readme(capsys):
    (_, program), (_, printed) = blocks("Reading")[:2]
    names = {}
    exec(program, names)
    names["handler"](event_of_the_readme(), None)
    assert capsys.readouterr().out == printed


def test_writing_of_the_readme(names, aws, monkeypatch):
    put_all, aggregator = (text for language, text in blocks("Writing") if language == "python")
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    import boto3

    program = {"kinpack": kinpack, "boto3": boto3, "records": [("ada", "1"), ("bob", "2")]}
    exec(put_all, program)
    assert program["result"].user_records == 2
    sent = []
    messages = [Message("ada", "1"), Message("bob", "2")]
    program = {"kinpack": kinpack, "client": names["kinesis"], "messages": messages}
    exec(aggregator, {**program, "send": sent.extend})
    assert kinpack.records(sent).data() == [b"1", b"2"]


def test_handlers_of_the_readme(aws, monkeypatch):
    decorated, loop = (text for language, text in blocks("Handlers") if language == "python")
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    table, queue = aws.table(), aws.queue()
    decorated = decorated.replace('"kinpack-progress"', repr(table))
    decorated = re.sub(r'"https://sqs[^"]*"', repr(queue), decorated)
    orders = [json.dumps({"currency": it}) for it in ("EUR", "USD", "ECU")]
    event = testing.event([[("ada", order) for order in orders]])
    context = testing.Context(function_name="orders")
    good = {"batchItemFailures": []}
    stored = []
    program = {"store": stored.append}
    exec(decorated, program)
    assert program["lambda_handler"](event, context) == good
    (letter,) = aws.letters(queue)
    assert letter["error"] == "no such currency"
    program = {"kinpack": kinpack, "store": stored.append}
    exec(loop, program)
    assert program["lambda_handler"](event, context) == good
    assert [it["currency"] for it in stored] == ["EUR", "USD", "EUR", "USD", "ECU"]


def test_powertools_of_the_readme(capsys):
    pytest.importorskip("aws_lambda_powertools")
    ((_, program),) = [it for it in blocks("Powertools for AWS Lambda") if it[0] == "python"]
    names = {}
    exec(program, names)
    event = event_of_the_readme()
    assert names["handler"](event, testing.Context()) == {"batchItemFailures": []}
    assert capsys.readouterr().out == "device-1 {'t': 21.5}\ndevice-2 {'t': 19.0}\n"
