"""Read and write a run's specification: decided once by the step `build-dataset`, read by every later step."""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from ml.config import Config
from ml.data.dataset import Dataset
from ml.data.splits import Split
from ml.errors import RunError
from ml.runs.artifacts import DATASET, OLD_RUN_SPEC, RUN_SPEC
from ml.runs.run import Run


@dataclass(frozen=True)
class RunSpec:
    """Hold the inputs that determine a run: `as_of`, seed, configuration and the folder of the published features."""

    run_id: str
    as_of: date
    seed: int
    reason: str
    features: str
    config: Config
    split: Split

    def day(self, instant: datetime) -> date:
        """Return the day a snapshot starts, counted back from `as_of` (clock changes move an instant by an hour)."""
        return self.as_of - timedelta(days=round((self.split.now - instant) / timedelta(days=1)))

    def write(self, run: Run) -> None:
        """Publish the specification in the run's folder."""
        run.write_json(RUN_SPEC, self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return the specification with plain dictionaries for configuration and split."""
        return vars(self) | {"config": self.config.model_dump(), "split": vars(self.split)}

    @classmethod
    def read(cls, run: Run) -> "RunSpec":
        """Read the specification of a run.

        Raises:
            RunError: The run has none, or an earlier version of the code wrote it.
        """
        if not (run.folder / RUN_SPEC).exists() and (run.folder / OLD_RUN_SPEC).exists():
            raise RunError(_made_by_earlier_code(run))
        spec = run.read_json(RUN_SPEC)
        split = spec["split"]
        return cls(
            **spec
            | {
                "as_of": date.fromisoformat(spec["as_of"]),
                "config": Config.model_validate(spec["config"]),
                "split": Split(
                    now=datetime.fromisoformat(split["now"]),
                    evaluation=datetime.fromisoformat(split["evaluation"]),
                    ranker=[datetime.fromisoformat(item) for item in split["ranker"]],
                    retrieval=[datetime.fromisoformat(item) for item in split["retrieval"]],
                ),
            }
        )


def dataset(run: Run) -> Dataset:
    """Open the training set that the step `build-dataset` wrote."""
    return Dataset(run.path(DATASET, made_by="build-dataset --as-of <its day>"))


def _made_by_earlier_code(run: Run) -> str:
    spec = json.loads((run.folder / OLD_RUN_SPEC).read_text())
    try:
        Config.model_validate(spec.get("config"))
        keys = ""
    except ValidationError as error:
        keys = " Its configuration: " + "; ".join(detail["msg"] for detail in error.errors()) + "."
    return (
        f"Run '{run.run_id}' was made by an earlier version of the code: its specification is in {OLD_RUN_SPEC}, "
        f"not in {RUN_SPEC}.{keys} Start a new run with '.venv/bin/python -m ml build-dataset'."
    )
