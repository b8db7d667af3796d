"""What the tests of handlers share: a function, through each of the ways that it may run."""

from __future__ import annotations

import kinpack
from kinpack import testing

ALL_GOOD = {"batchItemFailures": []}
WAYS = ["one-by-one", "threads", "coroutines", "loop"]


class Durable(kinpack.InMemoryProgress):
    """As durable as the test."""

    durable = True


def made(way, function, **settings):
    settings = {"report": "batch_item_failures", **settings}
    if way == "loop":

        def run(event, context):
            with kinpack.batch(event, context, **settings) as batch:
                for record in batch:
                    function(record)
            return batch.response

        return run
    if way == "one-by-one":
        return kinpack.handler(**settings)(function)
    if way == "threads":
        return kinpack.handler(concurrency=4, **settings)(function)

    async def coroutine(record):
        function(record)

    return kinpack.handler(concurrency=4, **settings)(coroutine)


def number(event, index):
    return event["Records"][index]["kinesis"]["sequenceNumber"]


def from_(event, index):
    return {"batchItemFailures": [{"itemIdentifier": number(event, index)}]}


NO = ValueError("no")


def fails(bad, done=None, error=NO):
    def function(record):
        if record.data in bad:
            raise error
        if done is not None:
            done.append(record.data.decode())

    return function


def until_good(handler, event, most):
    """The answers of Lambda's attempts."""
    answers = []
    while len(answers) < most and ALL_GOOD not in answers:
        answers.append(handler(event, testing.Context()))
    return answers


def loop(event, **settings):
    return kinpack.batch(event, testing.Context(), report="batch_item_failures", **settings)
