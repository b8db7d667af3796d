"""Handlers that do what their records say."""

from __future__ import annotations

import asyncio
import os
import time

import kinpack

REPORT = os.environ.get("REPORT", "batch_item_failures")


def obey(record: kinpack.UserRecord) -> None:
    order = record.json()
    if order.get("exit"):
        os._exit(1)
    time.sleep(order.get("sleep", 0))
    finish(record, order)


async def obey_async(record: kinpack.UserRecord) -> None:
    order = record.json()
    if order.get("exit"):
        os._exit(1)
    await asyncio.sleep(order.get("sleep", 0))
    finish(record, order)


def finish(record: kinpack.UserRecord, order: dict) -> None:
    if order.get("poison"):
        raise kinpack.PoisonRecord("so it says")
    if order.get("fail"):
        raise ValueError("so it says")
    # Not by print: threads get into each other's way there, and lines are lost.
    os.write(1, f"handled {record.partition_key} {order.get('n')}\n".encode())


def stores() -> dict:
    if "TABLE" not in os.environ:
        return {}
    import boto3

    return {
        "progress": kinpack.DynamoProgress(os.environ["TABLE"], client=boto3.client("dynamodb")),
        "poison": kinpack.Poison(
            after=3,
            to=kinpack.SqsDeadLetter(os.environ["QUEUE"], client=boto3.client("sqs")),
            policy="skip_record",
        ),
    }


one_by_one = kinpack.handler(report=REPORT, **stores())(obey)
threaded = kinpack.handler(report=REPORT, concurrency=8, **stores())(obey)
coroutines = kinpack.handler(report=REPORT, concurrency=8, **stores())(obey_async)


def loop(event, context):
    with kinpack.batch(event, context, report=REPORT) as batch:
        for record in batch:
            obey(record)
    return batch.response
