"""Import Feast without typeguard's argument checks, for the commands and the service that start on every run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typeguard


@contextmanager
def typeguard_disabled() -> Iterator[None]:
    """Leave imported classes without typeguard's argument checks inside the block.

    Feast decorates its classes with `typechecked`, which rewrites their source and takes half of its import's time. The
    checks help people who define features. Reach derives its definitions from `features.declarations`, and the tests
    import them with the checks. tests/features/test_feast_import.py names the version that this was read against.
    """
    typechecked = typeguard.typechecked
    vars(typeguard)["typechecked"] = _unchecked
    try:
        yield
    finally:
        vars(typeguard)["typechecked"] = typechecked


def _unchecked(target: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Replace the decorator, with or without options, by one that changes nothing."""
    return _unchecked if target is None else target
