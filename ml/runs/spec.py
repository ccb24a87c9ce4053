"""What a run is: decided once by `prepare`, read by every later step."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from ml.config import Config
from ml.data.dataset import Dataset
from ml.data.splits import Split
from ml.runs.artifacts import DATASET, PLAN
from ml.runs.run import Run


@dataclass(frozen=True)
class Plan:
    """`as_of`, seed, configuration and the published features (by their folder's name) decide a run."""

    run_id: str
    as_of: date
    seed: int
    reason: str
    features: str
    config: Config
    split: Split

    def day(self, instant: datetime) -> date:
        """The day a snapshot starts, counted back from `as_of` (clock changes move an instant by an hour)."""
        return self.as_of - timedelta(days=round((self.split.now - instant) / timedelta(days=1)))

    def write(self, run: Run) -> None:
        run.write_json(PLAN, self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        return vars(self) | {"config": self.config.model_dump(), "split": vars(self.split)}

    @classmethod
    def read(cls, run: Run) -> "Plan":
        plan = run.read_json(PLAN)
        split = plan["split"]
        return cls(
            **plan
            | {
                "as_of": date.fromisoformat(plan["as_of"]),
                "config": Config.model_validate(plan["config"]),
                "split": Split(
                    now=datetime.fromisoformat(split["now"]),
                    judged=datetime.fromisoformat(split["judged"]),
                    ranker=[datetime.fromisoformat(item) for item in split["ranker"]],
                    retrieval=[datetime.fromisoformat(item) for item in split["retrieval"]],
                ),
            }
        )


def dataset(run: Run) -> Dataset:
    """The training set that `prepare` left."""
    return Dataset(run.path(DATASET, made_by="prepare --as-of <its day>"))
