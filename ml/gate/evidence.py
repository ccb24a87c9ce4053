"""Collect the gate's evidence from the files of an evaluation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from experiments.bootstrap import Estimate
from ml.evaluation.baselines import BASELINES, OWN_FREQUENCY
from ml.evaluation.calibration import SlateCalibration
from ml.evaluation.results import Results, read_part
from ml.evaluation.serving_checks import ServingMeasurements
from ml.evaluation.slices import Slice
from ml.metrics import mean

SLICES = "slices.json"
CALIBRATION = "calibration.json"
SERVING = "serving_checks.json"


@dataclass(frozen=True)
class Evidence:
    """Hold the evidence of an evaluation about a challenger.

    Attributes:
        customers: How many customers were evaluated.
        opponent: The method to beat: the deployed version, or the strongest baseline if none is deployed.
        against: Paired differences challenger - other, by other and score, on the same customers.
        means: The challenger's and the baselines' means, by method and score.
        coverage: Different products that the challenger shows in the first ten, by slate.
        slices: Groups of customers with their paired differences.
        calibration: The expected error by slate.
        serving: Measurements of single requests.
        leaks: Sentences about features or labels that contain later purchases than their snapshot allows.
    """

    customers: int
    opponent: str
    against: Mapping[str, Mapping[str, Estimate]]
    means: Mapping[str, Mapping[str, float]]
    coverage: Mapping[str, int]
    slices: Sequence[Slice]
    calibration: Mapping[str, float]
    serving: ServingMeasurements
    leaks: Sequence[str]


@dataclass(frozen=True)
class EvaluationChecks:
    """Hold the results of `evaluate` apart from scores: slices, calibration by slate, and serving."""

    slices: Sequence[Slice]
    calibration: Mapping[str, SlateCalibration]
    serving: ServingMeasurements

    def save(self, folder: Path) -> None:
        """Write the checks into an evaluation's folder."""
        (folder / SLICES).write_text(json.dumps([asdict(found) for found in self.slices], indent=2))
        (folder / CALIBRATION).write_text(
            json.dumps({slate: asdict(found) for slate, found in self.calibration.items()}, indent=2)
        )
        (folder / SERVING).write_text(json.dumps(asdict(self.serving), indent=2))

    @classmethod
    def load(cls, folder: Path) -> "EvaluationChecks":
        """Read the checks of an evaluation's folder.

        Raises:
            RunError: An earlier version made this evaluation.
        """
        slices, calibration, serving = (read_part(folder, name) for name in (SLICES, CALIBRATION, SERVING))
        return cls(
            [Slice.from_json(row) for row in slices],
            {slate: SlateCalibration.from_json(found) for slate, found in calibration.items()},
            ServingMeasurements(**serving),
        )


def evidence_of(
    results: Results, checks: EvaluationChecks, leaks: Sequence[str], challenger: str, champion: str, seed: int
) -> Evidence:
    """Gather the challenger's paired differences against the champion (if one is deployed) and every baseline."""
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
        calibration={slate: found.ece for slate, found in checks.calibration.items()},
        serving=checks.serving,
        leaks=tuple(leaks),
    )
