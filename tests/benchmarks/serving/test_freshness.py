"""The freshness benchmark on a small installation: what it counts, not how fast it is."""

from argparse import Namespace
from pathlib import Path

import pytest

from benchmarks.serving.freshness import PATIENCE_SECONDS, Outcome, figures, measure
from settings import Settings


def options(**more: object) -> Namespace:
    return Namespace(**{"events": 20, "rate": 20.0, "load": 5.0, "workers": 1, "redis": False} | more)


@pytest.mark.parametrize("on_redis", [False, pytest.param(True, marks=pytest.mark.redis)])
def test_every_purchase_reaches_the_lists_of_both_workers_and_the_installation_is_not_touched(
    installation: Settings, tmp_path: Path, on_redis: bool
) -> None:
    result = measure(installation, tmp_path / "copy", options(workers=2, redis=on_redis))

    assert result["changed"] == result["events"] > 1
    assert result["at_once"] == result["events"], "the first list after the acknowledgement reflects the purchase"
    assert not installation.paths.events.exists()


def test_a_purchase_that_no_list_shows_is_no_change_and_counts_as_slow(capsys: pytest.CaptureFixture[str]) -> None:
    seen, unseen = Outcome(0.01, 0.02, 1), Outcome(0.01, None, 400)
    result = figures([seen] * 90 + [unseen] * 10, options())

    assert (result["events"], result["changed"], result["at_once"]) == (100, 90, 90)
    assert (result["p50_ms"], result["p95_ms"]) == (20.0, PATIENCE_SECONDS * 1e3)
    assert "90 in the first list" in capsys.readouterr().out
