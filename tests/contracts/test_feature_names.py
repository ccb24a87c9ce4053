"""One name from dbt to the models: the contracts in dbt, Feast's views and what scoring reads agree."""

import pytest
import yaml

from feature_repo.views import CUSTOMER_HISTORY, CUSTOMER_PROFILE, PRODUCT_ACTIVITY, PRODUCT_CONTENT
from scoring.schema import ACTIVITY, CONTENT, HISTORY, PROFILE, TRAITS
from settings import ROOT

CONTRACTS = ROOT / "dbt" / "models" / "marts" / "features" / "_features__models.yml"
KEYS = {"customer_id", "product_id", "event_timestamp", "created_timestamp"}
VIEWS = {
    "feat_customer_history": CUSTOMER_HISTORY,
    "feat_customer_profile": CUSTOMER_PROFILE,
    "feat_product_content": PRODUCT_CONTENT,
    "feat_product_activity": PRODUCT_ACTIVITY,
}


def names(view: str) -> set[str]:
    return {field.name for field in VIEWS[view]}


@pytest.mark.parametrize("table", VIEWS)
def test_feast_offers_exactly_the_columns_dbt_promises(table: str):
    [model] = [model for model in yaml.safe_load(CONTRACTS.read_text())["models"] if model["name"] == table]
    assert {column["name"] for column in model["columns"]} - KEYS == names(table)


@pytest.mark.parametrize(
    ("read", "view"),
    [
        ((*HISTORY, "product_ids"), "feat_customer_history"),
        (PROFILE + TRAITS, "feat_customer_profile"),
        ((*CONTENT, "product_name"), "feat_product_content"),
        (ACTIVITY, "feat_product_activity"),
    ],
)
def test_the_models_read_only_what_feast_offers(read: tuple[str, ...], view: str):
    assert set(read) <= names(view)
    assert len(set(read)) == len(read)
