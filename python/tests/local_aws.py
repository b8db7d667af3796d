"""DynamoDB and SQS on this machine, by moto's server."""

import itertools
import json

import pytest

_names = itertools.count()


class Aws:
    """Clients of a local server, and what a function needs to find it."""

    def __init__(self, url):
        import boto3

        self.environment = {
            "AWS_ENDPOINT_URL": url,
            "AWS_DEFAULT_REGION": "us-east-2",
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }
        session = boto3.Session("id", "secret", region_name="us-east-2")
        self.dynamodb = session.client("dynamodb", endpoint_url=url)
        self.sqs = session.client("sqs", endpoint_url=url)

    def table(self):
        name = f"table-{next(_names)}"
        self.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        return name

    def queue(self):
        return self.sqs.create_queue(QueueName=f"queue-{next(_names)}")["QueueUrl"]

    def letters(self, queue):
        answer = self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


@pytest.fixture(scope="module")
def aws():
    pytest.importorskip("boto3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Aws(f"http://{host}:{port}")
    server.stop()
