"""Keep the last features of recent customers, for times when the online store fails."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from serving.config import ServiceConfig
from serving.customer_state.feature_client import FeatureResult, Features


class StaleFeatureCache:
    """Cache features in this process's memory, with a size limit (least recently read out first) and a TTL.

    The cache answers when the store does not. It also answers when a customer disappears from the store, because the
    store may have been emptied or is being rebuilt. A deleted customer leaves the cache after `stale_cache_ttl_s`.
    """

    def __init__(self, config: ServiceConfig, clock: Callable[[], float] = time.monotonic):
        self._max_size = config.stale_cache_size
        self._ttl_s = config.stale_cache_ttl_s
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, Features]] = OrderedDict()

    def fill(self, customer_id: str, result: FeatureResult) -> FeatureResult:
        """Return the result with cached features if it has none; cache its features if it has some."""
        if result.features is not None:
            self._entries[customer_id] = (self._clock(), result.features)
            self._entries.move_to_end(customer_id)
            if len(self._entries) > self._max_size:
                self._entries.popitem(last=False)
            return result
        cached_at, features = self._entries.get(customer_id, (0.0, None))
        if features is None:
            return result
        if self._clock() - cached_at > self._ttl_s:
            del self._entries[customer_id]
            return result
        return replace(result, features=features, from_cache=True)
