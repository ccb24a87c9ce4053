"""Importing Feast in half the time, for a service that must be ready in seconds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typeguard


@contextmanager
def typeguard_disabled() -> Iterator[None]:
    """While it lasts, classes that are imported are not rewritten to check their arguments' types.

    Feast decorates its classes so, for those who define features by hand; rewriting their source takes more than half
    of its import's time. Who only reads what was applied and checked before needs none of it.
    """
    typechecked = typeguard.typechecked
    vars(typeguard)["typechecked"] = _as_it_is
    try:
        yield
    finally:
        vars(typeguard)["typechecked"] = typechecked


def _as_it_is(target: Callable[..., Any] | None = None, **options: Any) -> Any:
    """In the place of the decorator, with or without options."""
    return _as_it_is if target is None else target
