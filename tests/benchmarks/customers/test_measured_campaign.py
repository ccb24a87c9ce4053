"""The simulated campaign finds the effect that was planted, and none where none was."""

from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.customers.measured_campaign import simulated
from experiments.measurement.purchases import admitted_purchases
from experiments.verdict import Outcome
from settings import Settings
from tests.support.marketing.measured_campaign import AS_OF, drawn, write_admission


@pytest.mark.parametrize(("lift", "outcome"), [(0.3, Outcome.EFFECT), (0.0, Outcome.NOTHING_VISIBLE)])
def test_a_planted_effect_is_found_on_real_purchases(tmp_path: Path, lift: float, outcome: Outcome) -> None:
    settings = Settings(data=tmp_path)
    write_admission(tmp_path, drawn({"holdout": 1.0}), 0.0)
    before = (settings.paths.admitted / "transactions.parquet").read_bytes()
    result = simulated(settings, admitted_purchases(settings), AS_OF - timedelta(weeks=4), 4, 0.3, lift)
    assert result.verdicts["spend"].outcome is outcome
    assert result.looks_done == 4
    assert result.counts["holdout"] == pytest.approx(0.3 * sum(result.counts.values()), rel=0.15)
    # The real purchases are unchanged, and the copy is deleted.
    assert (settings.paths.admitted / "transactions.parquet").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".simulated")] == []
