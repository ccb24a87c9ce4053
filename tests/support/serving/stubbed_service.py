"""The real service with another online store: a file the test writes, and customers who make it hang or fail.

While the file HOLD exists, the first worker that loads a bundle waits while it loads.

Its limits are wider than the real ones, because a thread may wait long on a machine that also runs other tests. So a
busy machine causes no rejected request and no open circuit here. The tests of the feature client and of admission, and
the drill, test the real limits.
"""

import json
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

import serving.app
import serving.service
from scoring.bundle import Bundle
from serving.config import CONFIG
from serving.model.bundle_source import Load, ReadAlias, follow_champion
from settings import Settings
from tests.support.customer_scores.profiles import published_profile

HANGING = "hangs"
FAILING = "fails"
CUSTOMERS = "customers.json"
HOLD = "hold-one-loader"


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

    def sample_ids(self, count: int) -> list[str]:
        return list(json.loads(self._file.read_text()))[:count]


class FileProfiles:
    """Profiles as `feature_store.profiles.reader` returns them: those of the published tables, without a store."""

    def __init__(self, settings: Settings):
        self._link = settings.paths.customers

    def read(self, customer_id: str) -> dict[str, Any] | None:
        if customer_id == FAILING:
            raise RuntimeError(f"no connection for {customer_id}")
        return published_profile(self._link, customer_id)

    def sample_ids(self, count: int) -> list[str]:
        return []


def champion_with_a_slow_loader(settings: Settings) -> tuple[ReadAlias, Load]:
    read_alias, load = follow_champion(settings)

    def slow(version: str) -> Bundle:
        hold = settings.data / HOLD
        with suppress(OSError):  # another worker is the slow one, or none is
            hold.rename(hold.with_suffix(".taken"))
            while hold.with_suffix(".taken").exists():
                time.sleep(0.05)
        return load(version)

    return read_alias, slow


PATIENT = replace(CONFIG, feature_timeout_s=1.0, max_queue_wait_s=30.0, circuit_reset_s=2.0)

serving.service.open_customers = FileCustomers
serving.service.open_profiles = FileProfiles
serving.service.follow_champion = champion_with_a_slow_loader
serving.service.CONFIG = serving.app.CONFIG = PATIENT
service = serving.service.service
