"""Handles orders, sixteen keys at a time. Progress is kept in DynamoDB, so that no order of an
aggregate is handled again because another one failed. An order that fails three times, or that is
no order, goes to a queue, and the later ones of its customer follow it."""

from __future__ import annotations

import os

import boto3  # type: ignore[import-untyped]

import kinpack

dynamodb = boto3.client("dynamodb")
sqs = boto3.client("sqs")


@kinpack.handler(
    report="batch_item_failures",
    concurrency=16,
    progress=kinpack.DynamoProgress(os.environ["PROGRESS_TABLE"], client=dynamodb),
    poison=kinpack.Poison(
        after=3,
        to=kinpack.SqsDeadLetter(os.environ["DEAD_LETTER_QUEUE_URL"], client=sqs),
        policy="hold_key",
    ),
)
def handler(record: kinpack.UserRecord) -> None:
    # What is no JSON is poison, without a word said here.
    order = record.json()
    try:
        item, amount = order["item"], order["amount"]
    except (KeyError, TypeError) as error:
        raise kinpack.PoisonRecord("no order") from error
    if amount < 0:
        raise ValueError(f"{amount} of {item} cannot be had")
    print(record.id, order)
