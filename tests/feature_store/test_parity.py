"""The service's online features equal those of training's point-in-time join, and a difference is found."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from feature_store.offline_store import entity_rows, historical_table, open_store
from feature_store.online.reader import OnlineFeatureReader
from ml.data.dataset import customers_of
from ml.data.online_offline_parity import online_agreement
from scoring.customer.customer import Customer
from settings import Settings
from tests.support.feature_store.installation import AS_OF

Joined = tuple[list[str], list[Customer]]


@pytest.fixture
def joined(built: Settings) -> Joined:
    """Everybody at the day of the materialisation, as the step `build-dataset` asks Feast."""
    store = open_store(built)
    rows = entity_rows(store, "customer_history", [built.start_of_day(AS_OF)])
    return customers_of(historical_table(store, "retrieval_query_v1", rows))


def test_online_customers_are_those_of_the_point_in_time_join(built: Settings, joined: Joined) -> None:
    ids, customers = joined
    assert len(ids) > 5
    assert any(not customer.is_new for customer in customers)
    assert online_agreement(OnlineFeatureReader(built).read, ids, customers, built.start_of_day(AS_OF)) == 1.0


@pytest.mark.parametrize(
    "name", ["customer_history__decayed_20d", "customer_profile__spend_4w", "customer_profile__store_id"]
)
def test_a_single_number_that_differs_is_found(built: Settings, joined: Joined, name: str) -> None:
    ids, customers = joined
    reader = OnlineFeatureReader(built)
    someone = next(i for i, customer in zip(ids, customers, strict=True) if not customer.is_new)

    def read(customer_id: str) -> dict[str, Any] | None:
        row = reader.read(customer_id)
        if row is None or customer_id != someone:
            return row
        value = row.get(name)
        other: Any = "another" if name.endswith("store_id") else np.asarray(value, np.float32) + np.float32(1)
        return row | {name: other if np.ndim(other) or isinstance(other, str) else float(other)}

    share = online_agreement(read, ids, customers, built.start_of_day(AS_OF))
    assert share == pytest.approx(1 - 1 / len(ids))


def test_a_customer_the_store_does_not_have_counts_against_it(built: Settings, joined: Joined) -> None:
    ids, customers = joined
    reader = OnlineFeatureReader(built)
    share = online_agreement(
        lambda i: None if i == ids[0] else reader.read(i), ids, customers, built.start_of_day(AS_OF)
    )
    assert share == pytest.approx(1 - 1 / len(ids))


def test_a_store_of_another_day_says_nothing(built: Settings, joined: Joined) -> None:
    ids, customers = joined
    earlier = built.start_of_day(AS_OF - timedelta(days=14))
    assert online_agreement(OnlineFeatureReader(built).read, ids, customers, earlier) is None
