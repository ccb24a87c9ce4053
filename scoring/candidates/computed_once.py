"""Values that candidate sources compute once for an object and share."""

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, TypeVar

T = TypeVar("T")


class ComputedOnce:
    """Keep computed values by key, for as long as the object lives."""

    def cached(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return what `compute` returned first for the key.

        Args:
            key: The source's name and what is kept.
            compute: Called if the key is new.
        """
        if key not in self._cache:
            self._cache[key] = compute()
        found: T = self._cache[key]
        return found

    @cached_property
    def _cache(self) -> dict[Hashable, Any]:
        return {}
