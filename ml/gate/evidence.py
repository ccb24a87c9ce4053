"""The gate's evidence, from what an evaluation left."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ml.evaluation.baselines import BASELINES, OWN_FREQUENCY
from ml.evaluation.metrics import mean
from ml.evaluation.results import Results
from ml.evaluation.serving_checks import ServingFacts
from ml.evaluation.slices import Slice
from ml.gate.gate import Evidence

SLICES = "slices.json"
CALIBRATION = "calibration.json"
SERVING = "serving.json"


@dataclass(frozen=True)
class Checks:
    """What `evaluate` found besides scores: see `ml.evaluation.slices`, `.calibration` and `.serving_checks`."""

    slices: Sequence[Slice]
    calibration: Mapping[str, Any]
    serving: ServingFacts

    def save(self, folder: Path) -> None:
        (folder / SLICES).write_text(json.dumps([asdict(found) for found in self.slices], indent=2))
        (folder / CALIBRATION).write_text(json.dumps(self.calibration, indent=2))
        (folder / SERVING).write_text(json.dumps(asdict(self.serving), indent=2))

    @classmethod
    def load(cls, folder: Path) -> "Checks":
        slices, calibration, serving = (json.loads((folder / n).read_text()) for n in (SLICES, CALIBRATION, SERVING))
        return cls([Slice.from_json(row) for row in slices], calibration, ServingFacts(**serving))


def evidence_of(
    results: Results, checks: Checks, leaks: Sequence[str], challenger: str, champion: str, seed: int
) -> Evidence:
    """The challenger's paired differences against the champion (if one serves) and every simple rule."""
    others = [*BASELINES, *([champion] if results.champion else [])]
    return Evidence(
        customers=len(results.customer_ids),
        opponent=champion if results.champion else OWN_FREQUENCY,
        against=results.differences(challenger, others, seed),
        means={
            method: {name: mean(values) for name, values in results.scores[method].items()}
            for method in (challenger, *others)
        },
        coverage=results.coverage[challenger],
        slices=checks.slices,
        calibration={slate: found["ece"] for slate, found in checks.calibration.items()},
        serving=checks.serving,
        leaks=tuple(leaks),
    )
