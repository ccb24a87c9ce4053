"""The real service with another online store: a file the test writes, and customers who make it hang or fail."""

import json
import time
from dataclasses import replace
from typing import Any

import serving.service
from serving.limits import LIMITS
from settings import Settings

HANGING = "hangs"
FAILING = "fails"
CUSTOMERS = "customers.json"


class FileCustomers:
    """Customers in `<data>/customers.json`, features by id."""

    def __init__(self, settings: Settings):
        self._file = settings.data / CUSTOMERS

    def read(self, customer_id: str) -> dict[str, Any] | None:
        if customer_id == HANGING:
            time.sleep(3)
        if customer_id == FAILING:
            raise RuntimeError(f"no connection for {customer_id}")
        features: dict[str, Any] | None = json.loads(self._file.read_text()).get(customer_id)
        return features

    def some(self, count: int) -> list[str]:
        return list(json.loads(self._file.read_text()))[:count]


serving.service.open_customers = FileCustomers
serving.service.LIMITS = replace(LIMITS, breaker_seconds=1.0, poll_seconds=0.1)  # a test should not wait
service = serving.service.service
