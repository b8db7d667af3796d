"""Powertools' batches with aggregates, by functions and by coroutines."""

from __future__ import annotations

import asyncio

from aws_lambda_powertools.utilities.batch import (
    async_process_partial_response,
    process_partial_response,
)
from obey import obey

from kinpack.powertools import AggregatedKinesisProcessor, AsyncAggregatedKinesisProcessor

processor = AggregatedKinesisProcessor()
async_processor = AsyncAggregatedKinesisProcessor()


def handle(record, lambda_context):
    assert lambda_context.get_remaining_time_in_millis() > 0
    obey(record.user_record)


async def handle_async(record, lambda_context):
    await asyncio.sleep(0.01)
    handle(record, lambda_context)


def functions(event, context):
    return process_partial_response(event, handle, processor, context)


def coroutines(event, context):
    return async_process_partial_response(event, handle_async, async_processor, context)
