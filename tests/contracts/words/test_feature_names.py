"""One name from dbt to the models: the contracts in dbt and the declared features agree."""

import pytest
import yaml

from features.declarations import TABLES
from features.feature import FeatureTable, Type
from settings import ROOT

CONTRACTS = ROOT / "dbt" / "models" / "marts" / "features" / "_features__models.yml"
KEYS = {"customer_id", "product_id", "campaign_id", "event_timestamp", "created_timestamp"}
COLUMNS = {Type.NUMBER: "double", Type.TEXT: "varchar", Type.NUMBERS: "float[]", Type.TEXTS: "varchar[]"}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_what_is_declared_is_exactly_what_dbt_promises(table: FeatureTable):
    models = yaml.safe_load(CONTRACTS.read_text())["models"]
    [model] = [model for model in models if model["name"] == f"feat_{table.name}"]
    promised = {column["name"]: column["data_type"] for column in model["columns"] if column["name"] not in KEYS}
    assert {feature.name: COLUMNS[feature.type] for feature in table.features} == promised


def test_every_feature_table_of_dbt_is_declared():
    models = yaml.safe_load(CONTRACTS.read_text())["models"]
    assert {model["name"] for model in models} == {f"feat_{table.name}" for table in TABLES}
