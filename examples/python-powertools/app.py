"""Handles orders with Powertools: its batch processor, its parser and its idempotency utility, for
each user record of an aggregate."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.parser.models import (
    KinesisDataStreamRecord,
    KinesisDataStreamRecordPayload,
)
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Json

from kinpack.powertools import AggregatedKinesisProcessor


class Order(BaseModel):
    item: str
    amount: int


class Payload(KinesisDataStreamRecordPayload):
    data: Json[Order]  # pyright: ignore[reportIncompatibleVariableOverride]


class OrderRecord(KinesisDataStreamRecord):
    kinesis: Payload  # pyright: ignore[reportIncompatibleVariableOverride]


logger = Logger(service="orders")
processor = AggregatedKinesisProcessor(model=OrderRecord)
# The name of a user record: the aggregate's with the place in it.
# It forgets after as long as the mapping sends a record again.
config = IdempotencyConfig(event_key_jmespath="eventID", expires_after_seconds=86_400)
store = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])


def handle(record: OrderRecord) -> None:
    order = record.kinesis.data
    if order.amount < 0:
        raise ValueError(f"{order.amount} of {order.item} cannot be had")
    logger.info("order", extra={"order": order.model_dump(), "id": record.eventID})


handle_once: Callable[..., None] = idempotent_function(
    handle, data_keyword_argument="record", persistence_store=store, config=config
)


def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    config.register_lambda_context(context)
    return process_partial_response(
        event=event, record_handler=handle_once, processor=processor, context=context
    )
