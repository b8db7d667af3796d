"""Progress in DynamoDB and dead letters in SQS, by boto3 and moto's server."""

from __future__ import annotations

import base64
import json
import sys
import time

import pytest

import kinpack
from kinpack import testing
from kinpack._handlers._stores import Conflict

ALL_GOOD = {"batchItemFailures": []}
ARN = "arn:aws:kinesis:us-east-2:123456789012:stream/stream"


@pytest.fixture(scope="module")
def clients():
    if sys.version_info < (3, 10):
        pytest.skip("the server of moto that is installed is of Python 3.10 on")
    boto3 = pytest.importorskip("boto3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()

    def client(service):
        return boto3.client(
            service,
            endpoint_url=f"http://{host}:{port}",
            region_name="us-east-2",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    yield client("dynamodb"), client("sqs")
    server.stop()


@pytest.fixture
def table(clients, request):
    name = f"t{abs(hash(request.node.name))}"
    clients[0].create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    return name


def items(clients, table):
    return clients[0].scan(TableName=table)["Items"]


def failing_on(bad, done):
    def function(record):
        if record.data in bad:
            raise ValueError("no")
        done.append(record.data.decode())

    return function


def test_progress_outlives_an_environment(clients, table):
    event = testing.event([[("a", "bad"), ("b", "2"), ("a", "3"), ("c", "4")]])

    def handler(bad, done):
        progress = kinpack.DynamoProgress(table, client=clients[0])
        made = kinpack.handler(report="batch_item_failures", progress=progress, concurrency=3)
        return made(failing_on(bad, done))

    done = []
    context = testing.Context(function_name="reader")
    answer = handler([b"bad"], done)(event, context)
    number = event["Records"][0]["kinesis"]["sequenceNumber"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": number}]}
    assert sorted(done) == ["2", "4"]
    (item,) = items(clients, table)
    assert item["id"] == {"S": f"v1/reader/{ARN}/shardId-000000000000"}
    version = int(item["version"]["N"])
    assert abs(version / 1000 - time.time()) < 60
    assert int(item["expires"]["N"]) == version // 1000 + 7 * 24 * 3600
    assert item["progress"]["B"]
    done.clear()
    assert handler([], done)(event, context) == ALL_GOOD
    assert done == ["bad", "3"]


def test_all_good_writes_nothing(clients, table):
    progress = kinpack.DynamoProgress(table, client=clients[0])
    handler = kinpack.handler(report="batch_item_failures", progress=progress)(lambda record: None)
    assert handler(testing.event([("a", "1")]), testing.Context()) == ALL_GOOD
    assert items(clients, table) == []


def test_writes_are_conditional(clients, table):
    progress = kinpack.DynamoProgress(table, client=clients[0], expire_after=60)
    assert progress.read("k") is None
    progress.write("k", 0, 7000, b"one")
    assert progress.read("k") == (7000, b"one")
    for if_version in [0, 6999]:
        with pytest.raises(Conflict) as conflict:
            progress.write("k", if_version, 8000, b"two")
        assert conflict.value.stored == (7000, b"one")
    progress.write("k", 7000, 8000, b"two")
    assert progress.read("k") == (8000, b"two")
    (item,) = items(clients, table)
    assert item["expires"] == {"N": "68"}


def test_overlapping_invocations_keep_what_both_did(clients, table):
    """The second reads before the first has written, and writes after it."""

    class Late(kinpack.DynamoProgress):
        meanwhile = None

        def write(self, *arguments):
            if self.meanwhile is not None:
                meanwhile, self.meanwhile = self.meanwhile, None
                meanwhile()
            super().write(*arguments)

    event = testing.event([[("a", "1"), ("b", "2"), ("c", "3")]])

    def handler(bad, done, progress):
        made = kinpack.handler(report="batch_item_failures", progress=progress)
        return made(failing_on(bad, done))

    other = kinpack.DynamoProgress(table, client=clients[0])
    late = Late(table, client=clients[0])
    late.meanwhile = lambda: handler([b"1", b"2"], [], other)(event, testing.Context())
    handler([b"1", b"3"], [], late)(event, testing.Context())
    done = []
    assert handler([], done, other)(event, testing.Context()) == ALL_GOOD
    assert done == ["1"]


def test_an_odd_item_and_a_table_that_is_not_there(clients, table):
    key = f"v1/function/{ARN}/shardId-000000000000"
    clients[0].put_item(TableName=table, Item={"id": {"S": key}, "version": {"N": "5"}})
    event = testing.event([("a", "1")])
    for name, says in [(table, "lacks version or progress"), ("nowhere", "ResourceNotFound")]:
        progress = kinpack.DynamoProgress(name, client=clients[0])
        handler = kinpack.handler(report="batch_item_failures", progress=progress)(print)
        with pytest.raises(kinpack.KinpackProgressStore, match=says):
            handler(event, testing.Context(function_name="function"))


def test_the_store_is_read_consistently():
    """Or an invocation would handle again what the one before it has just finished."""
    asked = []

    class Client:
        def get_item(self, **request):
            asked.append(request)
            return {}

    assert kinpack.DynamoProgress("progress", client=Client()).read("key") is None
    expected = {"TableName": "progress", "Key": {"id": {"S": "v1/key"}}, "ConsistentRead": True}
    assert asked == [expected]


@pytest.mark.parametrize("fifo", [False, True])
def test_dead_letters_in_a_queue(clients, fifo):
    sqs = clients[1]
    name = "letters.fifo" if fifo else "letters"
    url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"} if fifo else {})
    url = url["QueueUrl"]
    rule = kinpack.Poison(to=kinpack.SqsDeadLetter(url, client=sqs), policy="hold_key")

    @kinpack.handler(report="batch_item_failures", poison=rule, concurrency=4)
    def handler(record):
        if record.data == b"bad":
            raise kinpack.PoisonRecord("né")

    event = testing.event([[("a", "bad"), ("b", "2"), ("a", "3")]])
    assert handler(event, testing.Context()) == ALL_GOOD
    found = []
    while len(found) < 2:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
        found += answer["Messages"]
    letters = [json.loads(message["Body"]) for message in found]
    assert sorted(base64.b64decode(it["data"]) for it in letters) == [b"3", b"bad"]
    assert {it["reason"] for it in letters} == {"poison", "heldKey"}
    assert any(it.get("error") == "né" for it in letters)
    if fifo:
        groups = {message["Attributes"]["MessageGroupId"] for message in found}
        assert groups == {str(kinpack.hash_key_of("a"))}
        ids = {message["Attributes"]["MessageDeduplicationId"] for message in found}
        assert ids == {
            str(kinpack.hash_key_of(f"{it['id']} {it['partitionKey']} {it['data']}"))
            for it in letters
        }


def test_a_queue_that_drops_duplicates_drops_no_letter_of_another_record(clients):
    """Under enhanced fan-out a place in a group is another record's at the next delivery."""
    sqs = clients[1]
    url = sqs.create_queue(QueueName="fan-out.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    rule = kinpack.Poison(to=kinpack.SqsDeadLetter(url, client=sqs))

    @kinpack.handler(report="batch_item_failures", poison=rule)
    def handler(record):
        raise kinpack.PoisonRecord

    whole = testing.event([[("a", "1"), ("a", "2")]], fan_out=True)
    rest = {"Records": whole["Records"][1:]}
    for event in [whole, rest, whole]:
        assert handler(event, testing.Context()) == ALL_GOOD
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    letters = [json.loads(message["Body"]) for message in found]
    # One twice, as it had another place: better than one that is gone.
    letters = sorted((it["id"][-2:], base64.b64decode(it["data"])) for it in letters)
    assert letters == [("0?", b"1"), ("0?", b"2"), ("1?", b"2")]


def test_a_queue_that_is_not_there_leaves_the_record_failed(clients):
    url = "https://sqs.us-east-2.amazonaws.com/123456789012/nowhere"
    rule = kinpack.Poison(to=kinpack.SqsDeadLetter(url, client=clients[1]))

    @kinpack.handler(report="batch_item_failures", poison=rule)
    def handler(record):
        raise kinpack.PoisonRecord

    answer = handler(testing.event([("a", "1")]), testing.Context())
    assert len(answer["batchItemFailures"]) == 1
