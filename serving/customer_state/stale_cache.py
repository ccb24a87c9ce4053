"""What the online store said of customers asked about lately: better than nothing while it says nothing."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from serving.config import ServiceConfig
from serving.customer_state.feature_client import FeatureResult, Features


class StaleFeatureCache:
    """The features of the customers asked about last, in this process' memory, for a bounded time.

    They stand in when the store does not answer, and when it does not know a customer whom it knew a moment ago: it
    was emptied, or is being written anew. A customer who was deleted is forgotten after `stale_cache_ttl_s`.
    """

    def __init__(self, config: ServiceConfig, clock: Callable[[], float] = time.monotonic):
        self._max_size = config.stale_cache_size
        self._ttl_s = config.stale_cache_ttl_s
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Features]] = OrderedDict()

    def fill(self, customer_id: str, read: FeatureResult) -> FeatureResult:
        """The read as it is if it found the customer; else with what is remembered, if anything is."""
        if read.features is not None:
            self._known[customer_id] = (self._clock(), read.features)
            self._known.move_to_end(customer_id)
            if len(self._known) > self._max_size:
                self._known.popitem(last=False)
            return read
        since, features = self._known.get(customer_id, (0.0, None))
        if features is None:
            return read
        if self._clock() - since > self._ttl_s:
            del self._known[customer_id]
            return read
        return replace(read, features=features, from_cache=True)
