"""Fixtures of several tests."""

from local_aws import aws as aws
