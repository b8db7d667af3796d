"""Fixtures of several tests."""

import pytest

from handling import WAYS
from kinpack._handlers import _settings
from local_aws import aws as aws


@pytest.fixture(autouse=True)
def say_again():
    """What is said once in an environment is said once in each test."""
    _settings._said.clear()


@pytest.fixture(params=WAYS)
def way(request):
    return request.param
