"""The part is fitted on closed campaigns only, and scores the running ones."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ml.customers.inputs import Inputs
from ml.customers.offers import OffersPart
from ml.customers.offers.model import FILE
from ml.customers.part import Verdict
from ml.errors import NotEnoughDataError
from tests.support.offer_tables import COUPONS, NOW, write_offer_tables

pytestmark = pytest.mark.integration

INSTANTS = [NOW - timedelta(weeks=weeks) for weeks in range(0, 42, 2)]


def inputs(folder: Path, now: datetime = NOW) -> Inputs:
    return Inputs(folder, [instant for instant in INSTANTS if instant <= now], 7, "512MB")


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("publication") / "features"
    write_offer_tables(folder, customers=120)
    return folder


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, features: Path) -> tuple[Path, Verdict]:
    folder = tmp_path_factory.mktemp("model")
    return folder, OffersPart().fit(inputs(features), folder)


def test_the_verdict_has_the_measures_with_bars_and_intervals(fitted: tuple[Path, Verdict]) -> None:
    verdict = fitted[1]
    assert set(verdict.measures) == {"redeemer_auc", "redeemer_top_decile", "coupon_ndcg_10", "new_pairs"}
    for measure in verdict.measures.values():
        assert measure.low is not None
        assert measure.high is not None
        assert measure.low <= measure.value <= measure.high
    # Appetite decides in this shop, so the model must find those who redeem.
    assert verdict.measures["redeemer_auc"].value > 0.65
    # The newest closed campaign started 12 weeks before; nothing from then on was fitted on.
    assert verdict.until == (NOW - timedelta(weeks=12)).date()


def test_the_model_is_the_same_again_and_learns_nothing_of_the_newest_outcomes(
    features: Path, fitted: tuple[Path, Verdict], tmp_path: Path
) -> None:
    model, verdict = fitted
    for file in features.glob("*.parquet"):
        table = pq.read_table(file)
        if file.stem == "feat_customer_redemptions":
            rows = table.to_pylist()
            for row in rows:
                if row["event_timestamp"] == NOW - timedelta(weeks=8) and row["customer_id"] < "c0060":
                    row["redeemed_campaign_ids"], row["redeemed_coupon_ids"] = ["k2"], ["x0"]
            table = table.from_pylist(rows, schema=table.schema)
        pq.write_table(table, tmp_path / file.name)
    (tmp_path / "model").mkdir()
    changed = OffersPart().fit(inputs(tmp_path), tmp_path / "model")
    assert changed.measures["redeemer_auc"] != verdict.measures["redeemer_auc"]
    before, after = (json.loads((folder / FILE).read_text()) for folder in (model, tmp_path / "model"))
    for name in ("choice", "redeemer"):
        assert after[name] == before[name]


def test_scores_are_probabilities_of_running_campaigns_only(
    features: Path, fitted: tuple[Path, Verdict], tmp_path: Path
) -> None:
    OffersPart().score(inputs(features), fitted[0], tmp_path)
    pairs = pq.read_table(tmp_path / "offer_pairs.parquet").to_pylist()
    assert {row["campaign_id"] for row in pairs} == {"k3"}
    assert len({row["customer_id"] for row in pairs}) == 120
    assert all(0 < row["probability"] < 1 and 0 <= row["bought_anyway"] < 1 for row in pairs)
    assert all(row["is_new"] == (row["own_baskets_13w"] == 0) for row in pairs)
    coupons = pq.read_table(tmp_path / "offer_coupons.parquet").to_pylist()
    assert len(coupons) == COUPONS
    assert all(row["face_value"] is None and row["margin"] is None for row in coupons)


def test_without_a_running_campaign_the_tables_are_empty(
    features: Path, fitted: tuple[Path, Verdict], tmp_path: Path
) -> None:
    OffersPart().score(inputs(features, NOW - timedelta(weeks=2)), fitted[0], tmp_path)
    assert pq.read_table(tmp_path / "offer_pairs.parquet").num_rows == 0
    assert pq.read_table(tmp_path / "offer_coupons.parquet").num_rows == 0


def test_without_closed_campaigns_a_sentence_says_so(features: Path, tmp_path: Path) -> None:
    with pytest.raises(NotEnoughDataError, match="No campaign that a customer received had closed before 2017-04"):
        OffersPart().fit(inputs(features, NOW - timedelta(weeks=36)), tmp_path)


def test_too_few_redeemers_are_counted(tmp_path: Path) -> None:
    write_offer_tables(tmp_path / "features", customers=12)
    with pytest.raises(NotEnoughDataError, match=r"Not enough to tell: \d+ contacts"):
        OffersPart().fit(inputs(tmp_path / "features"), tmp_path)
