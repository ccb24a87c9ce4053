import json
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.measurement.metrics import METRICS
from experiments.verdict import Outcome
from marketing.__main__ import main
from marketing.measurement.announcement import Announcement
from marketing.measurement.command import measure
from marketing.measurement.measure import CampaignResult
from settings import Settings
from tests.support.marketing.measured_campaign import LOOKS, decisions_of, drawn, write_admission, write_manifest

SHARES = {"holdout": 0.4, "offer": 0.6}
SPEND = Announcement("spring", "spend", LOOKS)


def measured(
    data: Path, lift: float, variants: np.ndarray | None = None, shares: dict[str, float] = SHARES
) -> CampaignResult:
    variants = drawn(shares) if variants is None else variants
    write_admission(data, variants, lift)
    return measure(Settings(data=data), SPEND, decisions_of(variants, shares))


def test_a_planted_effect_is_found_where_it_was_planted(tmp_path: Path) -> None:
    result = measured(tmp_path, 0.2)
    verdict = result.verdicts["spend"]
    assert verdict.outcome is Outcome.EFFECT
    assert verdict.effect is not None
    assert verdict.interval is not None
    assert verdict.interval[0] < 0.2 * verdict.effect.control_mean < verdict.interval[1]
    assert verdict.effect.covariates == 4
    assert result.sentence.startswith("Effect shown at look 1: spend +")
    assert list(result.verdicts) == ["spend", "conversion", "visits", "retention"]


def test_nothing_planted_is_nothing_visible(tmp_path: Path) -> None:
    result = measured(tmp_path, 0.0)
    assert {name: verdict.outcome for name, verdict in result.verdicts.items()} == dict.fromkeys(
        ("spend", "conversion", "visits", "retention"), Outcome.NOTHING_VISIBLE
    )
    assert result.sentence.startswith("Nothing visible: spend ")
    assert "98.3% interval" in result.verdicts["visits"].sentence


def test_harm_is_named(tmp_path: Path) -> None:
    assert measured(tmp_path, -0.2).sentence.startswith("Harm at look 1: spend -")


def test_an_arm_that_lost_customers_blocks_every_number(tmp_path: Path) -> None:
    variants = drawn(SHARES)
    write_admission(tmp_path, variants, 0.2)
    decisions = decisions_of(variants, SHARES)
    kept = np.ones(len(variants), dtype=bool)
    kept[np.flatnonzero(variants == "offer")[:150]] = False
    result = measure(Settings(data=tmp_path), SPEND, decisions.filter(pa.array(kept)))
    assert set(result.verdicts) == set(METRICS)
    assert all(verdict.outcome is Outcome.NOT_IDENTIFIED for verdict in result.verdicts.values())
    assert result.sentence.startswith("Not identified: the sample ratio fails: the assignment is broken (")


def test_arms_chosen_by_spend_are_not_identified(tmp_path: Path) -> None:
    by_chance = drawn(SHARES)
    write_admission(tmp_path, by_chance, 0.0)
    transactions = pq.read_table(tmp_path / "admitted" / "transactions.parquet")
    total = transactions.group_by("customer_id").aggregate([("sales_value", "sum")]).sort_by("customer_id")
    order = np.argsort(total["sales_value_sum"].to_numpy() + np.random.default_rng(1).normal(0, 400, len(total)))
    chosen = np.full(len(total), "offer", dtype=by_chance.dtype)
    chosen[order[: int(0.4 * len(total))]] = "holdout"
    result = measure(Settings(data=tmp_path), SPEND, decisions_of(chosen, SHARES))
    assert result.sentence == "Not identified: the arms differ before the start (p < .0001)."


def test_a_campaign_without_a_holdout_has_no_number(tmp_path: Path) -> None:
    result = measured(tmp_path, 0.2, shares={"offer": 1.0})
    assert result.sentence == "Not identified: no hold-out was drawn, so there is nothing to compare with."
    assert result.verdicts["spend"].effect is None


def test_before_the_first_look_nothing_is_measured(tmp_path: Path) -> None:
    variants = drawn(SHARES)
    write_admission(tmp_path, variants, 0.2)
    write_manifest(tmp_path, date(2017, 10, 15))
    result = measure(Settings(data=tmp_path), SPEND, decisions_of(variants, SHARES))
    assert result.sentence == "Not measured yet: the data does not reach the first look on 2017-10-16."
    assert result.verdicts == {}
    # A look on the data's own day counts: everything before that day is known.
    write_manifest(tmp_path, LOOKS[0])
    assert measure(Settings(data=tmp_path), SPEND, decisions_of(variants, SHARES)).looks_done == 1


def test_a_look_counts_only_what_was_known_then(tmp_path: Path) -> None:
    variants = drawn(SHARES)
    write_admission(tmp_path, variants, 0.2)
    settings, decisions = Settings(data=tmp_path), decisions_of(variants, SHARES)
    both = measure(settings, SPEND, decisions)
    write_manifest(tmp_path, date(2017, 10, 20))
    first = measure(settings, SPEND, decisions)
    assert (first.looks_done, both.looks_done) == (1, 2)
    assert first.verdicts["spend"].outcome is Outcome.EFFECT
    assert first.verdicts["spend"].look == 1
    # The first look crossed its bound, and it stays crossed; the figures are those of the second.
    assert both.verdicts["spend"].decided_at == 1
    assert both.sentence.startswith("Effect shown at look 1: spend +")
    assert both.sentence.endswith("look 2 of 2.")


def test_customers_decided_about_after_a_look_are_not_in_it(tmp_path: Path) -> None:
    variants = drawn(SHARES)
    write_admission(tmp_path, variants, 0.0)
    decisions = decisions_of(variants, SHARES)
    late = np.arange(len(variants)) % 3 == 0
    at = decisions["decided_at"].to_numpy() + np.where(late, np.timedelta64(15, "D"), np.timedelta64(0, "D"))
    decisions = decisions.set_column(4, "decided_at", pa.array(at))
    both = measure(Settings(data=tmp_path), SPEND, decisions).verdicts["spend"].effect
    write_manifest(tmp_path, LOOKS[0])
    first = measure(Settings(data=tmp_path), SPEND, decisions).verdicts["spend"].effect
    assert both is not None
    assert first is not None
    assert both.treated + both.control == len(variants)
    assert first.treated + first.control == (~late).sum()


def test_several_variants_are_also_measured_one_by_one(tmp_path: Path) -> None:
    shares = {"holdout": 0.3, "coupon": 0.35, "letter": 0.35}
    variants = drawn(shares)
    write_admission(tmp_path, variants, 0.2)
    result = measure(Settings(data=tmp_path), SPEND, decisions_of(variants, shares))
    assert set(result.by_variant) == {"coupon", "letter"}
    for name, verdict in result.by_variant.items():
        assert verdict.effect is not None
        assert (verdict.effect.treated, verdict.effect.control) == (result.counts[name], result.counts["holdout"])
        assert "97.5% interval" in verdict.sentence


def test_the_command_gives_the_same_answer_twice_and_names_no_customer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    variants = drawn(SHARES)
    write_admission(tmp_path, variants, 0.2)
    pq.write_table(decisions_of(variants, SHARES), tmp_path / "decisions.parquet")
    arguments = ["measure", "spring", "--decisions", str(tmp_path / "decisions.parquet"), "--looks", *map(str, LOOKS)]
    printed = []
    for _ in range(2):
        assert main(arguments) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    result = json.loads(printed[0].splitlines()[-1])["spring"]
    assert result == json.loads((tmp_path / "campaign_results" / "spring.json").read_text())
    assert result["identified"] is True
    assert result["metrics"]["spend"]["outcome"] == "effect"
    assert result["metrics"]["spend"]["low"] > 0
    assert "c0001" not in printed[0]


def test_decisions_that_are_no_parquet_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    assert main(["measure", "spring", "--decisions", __file__]) == 1
    assert "cannot be read as Parquet" in capsys.readouterr().err
