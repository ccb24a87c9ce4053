"""One build of the corner shop for all tests that only look at it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.dbt_project.runs import PROJECT, dbt, statuses
from tests.support.dbt_project.shop import Shop, corner_shop


@dataclass(frozen=True)
class Built:
    """A data folder after `dbt build`, what landed in it, and each model's and test's status."""

    data: Path
    shop: Shop
    statuses: dict[str, str]
    code_before: set[Path]
    code_after: set[Path]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    data, shop = tmp_path_factory.mktemp("dbt"), corner_shop()
    shop.write(data)
    code_before = set(PROJECT.rglob("*"))
    built = statuses(dbt(data, "build"))
    return Built(data, shop, built, code_before, set(PROJECT.rglob("*")))
