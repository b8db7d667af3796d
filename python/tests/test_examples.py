"""The example functions, as Lambda runs them, with a local DynamoDB and SQS."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kinpack import testing
from runtime_api import Function

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ALL_GOOD = {"batchItemFailures": []}


@pytest.fixture
def function():
    pytest.importorskip("awslambdaric", reason="awslambdaric is not there for this Python")
    functions = []

    def start(example, **environment):
        functions.append(Function("app.handler", EXAMPLES / example, **environment))
        return functions[-1]

    yield start
    for one in functions:
        one.close()


def order(key, item, amount):
    return key, json.dumps({"item": item, "amount": amount})


def failed(event, index):
    number = event["Records"][index]["kinesis"]["sequenceNumber"]
    return {"batchItemFailures": [{"itemIdentifier": number}]}


def test_powertools(aws, function):
    orders = function("python-powertools", IDEMPOTENCY_TABLE=aws.table(), **aws.environment)
    event = testing.event(
        [[order("ada", "tea", 2), order("bob", "cup", -1)], order("cyd", "milk", 1)]
    )
    for _ in range(2):
        assert orders.invoke(event).response == failed(event, 0)
        # What is remembered is in the table, and not in a process.
        orders.kill()
    log = "\n".join(orders.printed())
    assert log.count('"item":"tea"') == log.count('"item":"milk"') == 1, log
    good = testing.event([[order("ada", "tea", 2), order("bob", "cup", 1)]], after=event)
    assert orders.invoke(good).response == ALL_GOOD
    poison = testing.event([[order("ada", "tea", 2), ("bob", "no order")]], after=good)
    assert orders.invoke(poison).response == failed(poison, 0)
    answer = orders.invoke(testing.broken(poison, 0, "digest"))
    assert answer.error_type == "BatchProcessingError"
    assert "digest does not match" in answer.error_message


def test_plain(function):
    orders = function("python-plain")
    event = testing.event(
        [[order("ada", "tea", 2)], [order("bob", "cup", 1), order("bob", "cup", -1)]]
    )
    assert orders.invoke(event).response == failed(event, 1)
    good = testing.event([[order("ada", "tea", 2), order("bob", "cup", 1)]], after=event)
    assert orders.invoke(good).response == ALL_GOOD
    assert sum("'item': 'tea'" in line for line in orders.printed()) == 2
    assert orders.invoke(testing.broken(good, 0, "index")).response == failed(good, 0)


def test_durable(aws, function):
    queue = aws.queue()
    orders = function(
        "python-durable",
        PROGRESS_TABLE=aws.table(),
        DEAD_LETTER_QUEUE_URL=queue,
        **aws.environment,
    )
    bad = [order("ada", "tea", 2), order("bob", "cup", -1), order("bob", "milk", 1)]
    event = testing.event([[*bad, ("cyd", "no order"), ("dan", '{"item": "jam"}')]])
    for _ in range(2):
        assert orders.invoke(event).response == failed(event, 0)
        # What is remembered is in the table, and not in a process.
        orders.kill()
    assert orders.invoke(event).response == ALL_GOOD
    assert sum("'item': 'tea'" in line for line in orders.printed()) == 1
    letters = {(it["partitionKey"], it["reason"]) for it in aws.letters(queue)}
    wanted = {("bob", "attempts"), ("bob", "heldKey"), ("cyd", "poison"), ("dan", "poison")}
    assert letters == wanted
    again = testing.event([order("bob", "milk", 1)], after=event)
    assert orders.invoke(again).response == ALL_GOOD


class _Loader:
    """YAML with the short forms of CloudFormation's functions."""

    @staticmethod
    def load(path):
        yaml = pytest.importorskip("yaml", reason="there is no PyYAML for this Python")

        class Loader(yaml.SafeLoader):
            pass

        def function(loader, tag, node):
            return {tag: loader.construct_scalar(node)}

        Loader.add_multi_constructor("!", function)
        return yaml.load(path.read_text(encoding="utf-8"), Loader)


@pytest.mark.parametrize(
    "example", sorted(path.parent for path in EXAMPLES.glob("python-*/app.py"))
)
def test_templates(example):
    path = example / "template.yaml"
    resources = _Loader.load(path)["Resources"]
    function = resources["Function"]["Properties"]
    assert (example / "app.py").exists() and function["Handler"] == "app.handler"
    (layer,) = function["Layers"]
    content = resources[layer["Ref"]]["Properties"]["ContentUri"]
    assert content == "../../dist/kinpack-layer-aarch64.zip"
    assert function["Architectures"] == ["arm64"]
    mapping = function["Events"]["Stream"]["Properties"]
    wanted = """BatchSize MaximumBatchingWindowInSeconds FunctionResponseTypes MaximumRetryAttempts
        BisectBatchOnFunctionError MaximumRecordAgeInSeconds DestinationConfig
        ParallelizationFactor"""
    lines = path.read_text(encoding="utf-8").splitlines()
    for name in wanted.split():
        assert name in mapping
        (at,) = [number for number, line in enumerate(lines) if line.strip().startswith(name)]
        assert lines[at - 1].strip().startswith("#"), f"{name} has no line on why"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # Actions by name, on resources of this template alone.
    for policy in function["Policies"]:
        for statement in policy.get("Statement", []):
            resource = statement["Resource"]
            for one in resource if isinstance(resource, list) else [resource]:
                assert one["GetAtt"].split(".")[0] in resources
            assert "*" not in str(statement)
    # What the program reads from its environment is there.
    program = (example / "app.py").read_text(encoding="utf-8")
    variables = function.get("Environment", {}).get("Variables", {})
    assert set(re.findall(r'os\.environ\["(\w+)"\]', program)) == set(variables)


@pytest.mark.parametrize("template", sorted(EXAMPLES.glob("*/template.yaml")))
def test_templates_are_cloudformation(template):
    program = Path(sys.executable).with_name("cfn-lint")
    if not program.exists():
        pytest.skip("cfn-lint is not there for this Python")
    found = subprocess.run([program, template], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
