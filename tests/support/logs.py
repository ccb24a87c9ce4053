"""Collect the messages that a package logs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def logged(package: str) -> Iterator[list[str]]:
    """Yield a list that receives the messages of a package's loggers, from INFO upwards."""
    logger, collector = logging.getLogger(package), _Collector()
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(collector)
    try:
        yield collector.messages
    finally:
        logger.removeHandler(collector)
        logger.setLevel(before)
