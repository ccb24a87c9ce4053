"""The drill in reduced form: a real service with a small bundle and a small store; durations are not checked."""

import json
from datetime import date
from pathlib import Path

from benchmarks.drill.__main__ import Drill
from benchmarks.drill.answers import Expected
from benchmarks.drill.fault_report import FaultReport
from benchmarks.drill.swaps import derive
from registry.model_store import ModelStore
from serving.api.schemas import RecommendResponse
from settings import Settings
from tests.support.serving.small_bundle import buyer_features, write_bundle

AS_OF = date(2018, 1, 1)


def test_a_service_holds_through_the_reduced_drill_and_the_installation_is_not_touched(
    installation: Settings,
) -> None:
    before = _content(installation.data)
    report = FaultReport(check_times=False)
    drill = Drill(installation, installation.data / "drill", report, rate=40.0)
    drill.on_sqlite(swaps=4, rollbacks=2, seconds=1.5, kills=1, only=("gone", "stale"))

    assert report.broken == []
    figures = json.loads(report.last_line())
    assert figures.pop("requests") > 100
    assert figures == {"faults": report.faults, "held": report.faults, "failed": 0}
    assert {path: stamp for path, stamp in _content(installation.data).items() if path.parts[0] != "drill"} == before


def _content(data: Path) -> dict[Path, int]:
    return {file.relative_to(data): file.stat().st_mtime_ns for file in data.rglob("*") if file.is_file()}


def test_a_derived_version_has_scores_of_its_own_and_an_answer_that_mixes_two_is_found_out(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "bentoml")
    store.put(write_bundle(tmp_path / "v1", "v1"), "v1")
    derive(store, "v1", "v2", factor=2.0)
    expected = Expected({"buyer": buyer_features("p3", "p5"), "nobody": None}, k=2)
    for version in ("v1", "v2"):
        expected.add_version(store, version)

    # 10 x decayed_120d + buyers_4w: p3 10 x 2 + 9, p5 10 x 1 + 7
    assert expected.mismatch("buyer", "all", _answer("v1", p3=29.0, p5=17.0)) is None
    assert expected.mismatch("buyer", "all", _answer("v2", p3=58.0, p5=34.0)) is None
    assert "is not the list of version v2" in str(expected.mismatch("buyer", "all", _answer("v2", p3=58.0, p5=17.0)))
    assert "never deployed" in str(expected.mismatch("buyer", "all", _answer("v3", p3=29.0, p5=17.0)))
    assert expected.mismatch("nobody", "all", _answer("v1", p3=29.0, p5=17.0)) is not None


def _answer(version: str, **scores: float) -> RecommendResponse:
    items = [
        {"product_id": name, "name": "", "category": "", "score": score, "source": "repeat_purchases", "reason": ""}
        for name, score in scores.items()
    ]
    return RecommendResponse.model_validate(
        {"request_id": "r", "model_version": version, "as_of": AS_OF, "fallback": None, "items": items}
    )
