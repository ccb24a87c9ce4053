"""A Kafka cluster that librdkafka plays: brokers on ports of this machine, as long as the client that asked for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def kafka_cluster() -> Iterator[str]:
    """Three brokers without topics; gives their addresses. Skips the test without the client."""
    kafka = pytest.importorskip("confluent_kafka")
    cluster = kafka.Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 3, "log_level": 0})
    brokers = cluster.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    del cluster  # until here
