"""Tags of a small shop: what meets its bar is published with evidence, and nothing sensitive without a purpose."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ml.customers.inputs import Inputs
from ml.customers.part import Decision, Verdict
from ml.customers.tags import Tags, resampling
from ml.errors import NotEnoughDataError
from tests.support.ml.tag_shop import write_tag_shop

pytestmark = pytest.mark.integration

Rows = list[dict]


@pytest.fixture(scope="module", autouse=True)
def few_resamples() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resampling, "RESAMPLES", 50)
        yield


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return write_tag_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def fitted(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Verdict]:
    folder = tmp_path_factory.mktemp("tags")
    return folder, Tags().fit(inputs, folder)


def scored(inputs: Inputs, folder: Path, published: Path) -> Rows:
    published.mkdir(exist_ok=True)
    Tags().score(inputs, folder, published)
    return pq.read_table(published / "tags.parquet").to_pylist()


@pytest.fixture(scope="module")
def tags(inputs: Inputs, fitted: tuple[Path, Verdict], tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return scored(inputs, fitted[0], tmp_path_factory.mktemp("published"))


def of(tags: Rows, customer: str, tag: str) -> dict:
    [found] = [row for row in tags if (row["customer_id"], row["tag"]) == (customer, tag)]
    return found


def test_a_habit_whose_halves_disagree_is_refused_with_its_figure(fitted: tuple[Path, Verdict], tags: Rows) -> None:
    _, verdict = fitted
    assert verdict.decision is Decision.MODEL
    assert any(reason.startswith("The tag 'weekend_share' is refused: split-half") for reason in verdict.reasons)
    names = {row["tag"] for row in tags}
    assert "weekend_share" not in names
    assert {"basket_value", "main_store", "age_55", "home_ownership", "likes:MILK"} <= names


def test_what_a_customer_gave_is_certain_and_what_is_learned_says_on_whom(tags: Rows) -> None:
    given, learned = of(tags, "c000", "age_55"), of(tags, "c002", "age_55")
    assert (given["value"], given["confidence"], given["learned_on"]) == ("yes", 1.0, "given by the customer")
    assert given["held_out_value"] is None
    assert given["evidence_from"] == given["evidence_until"] == date(2018, 1, 1)
    assert (learned["value"], learned["learned_on"]) == ("yes", "120 customers who gave the field")
    assert 0.5 < learned["confidence"] < 1
    assert learned["held_out_value"] > 0.95
    assert of(tags, "c003", "age_55")["value"] == "no"


def test_evidence_has_rows_and_days_of_the_shop(tags: Rows) -> None:
    store = of(tags, "c001", "main_store")
    assert (store["value"], store["confidence"], store["evidence_rows"]) == ("s2", 0.75, 20)
    # 180.5 days before the midnight on which 2018-01-01 begins in New York.
    assert store["evidence_from"] == date(2017, 7, 4)


def test_one_basket_with_a_rare_category_is_no_interest(tags: Rows) -> None:
    likes = {(row["customer_id"], row["tag"]): row for row in tags if row["tag"].startswith("likes:")}
    assert {tag for _, tag in likes} == {"likes:MILK"}
    # 17 of 20 baskets, where the population has (118 * 17 + 122 * 2) / (240 * 20) = .4688: 1.8 times as often.
    assert likes["c003", "likes:MILK"]["value"] == "1.8"
    assert likes["c003", "likes:MILK"]["evidence_rows"] == 17
    # 118 of the 120 customers who liked milk half a year before still do.
    assert likes["c003", "likes:MILK"]["held_out_value"] == pytest.approx(118 / 120)
    assert ("c001", "likes:MILK") not in likes


def test_without_a_purpose_nothing_sensitive_is_learned_or_published(
    inputs: Inputs, fitted: tuple[Path, Verdict], tags: Rows, tmp_path: Path
) -> None:
    assert {row["tag"] for row in tags if row["sensitive"]} == {"age_55", "home_ownership"}
    withdrawn = scored(replace(inputs, purposes=frozenset({"home"})), fitted[0], tmp_path / "withdrawn")
    assert {row["tag"] for row in withdrawn if row["sensitive"]} == {"home_ownership"}

    (tmp_path / "off").mkdir()
    verdict = Tags().fit(replace(inputs, purposes=None), tmp_path / "off")
    assert "age_55_auc" not in verdict.measures
    assert "Tags about age, children, home" in verdict.reasons[-1]
    assert not any(row["sensitive"] for row in scored(inputs, tmp_path / "off", tmp_path / "published"))


def test_two_fits_write_the_same_files(inputs: Inputs, fitted: tuple[Path, Verdict], tmp_path: Path) -> None:
    Tags().fit(inputs, tmp_path)
    for file in fitted[0].iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name


def test_accuracy_is_reported_for_known_groups(fitted: tuple[Path, Verdict]) -> None:
    rows = fitted[1].tables["accuracy by group"]
    assert ("basket_value", "age_55 = yes") in {(row["tag"], row["group"]) for row in rows}
    assert not [row for row in rows if row["tag"] == "age_55" and str(row["group"]).startswith("age_55")]


def test_too_few_customers_are_not_enough_to_tell(inputs: Inputs, tmp_path: Path) -> None:
    features = tmp_path / "features"
    features.mkdir()
    for file in inputs.features.glob("*.parquet"):
        table = pq.read_table(file)
        if "customer_id" in table.column_names:
            table = table.filter(pc.less(table["customer_id"], "c030"))
        pq.write_table(table, features / file.name)
    with pytest.raises(NotEnoughDataError, match="Only 30 customers have 12 baskets"):
        Tags().fit(replace(inputs, features=features), tmp_path)
