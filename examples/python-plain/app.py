"""Handles orders one after another. An order that fails is reported by the sequence number of its
Kinesis record, and all from there on comes again."""

from __future__ import annotations

from typing import Any

import kinpack


def handle(record: kinpack.UserRecord) -> None:
    order = record.json()
    if order["amount"] < 0:
        raise ValueError(f"{order['amount']} of {order['item']} cannot be had")
    print(record.id, order)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    with kinpack.batch(event, context, report="batch_item_failures") as batch:
        for record in batch:
            handle(record)
    return batch.response
