"""Logistic scorers as JSON: one per kind of item (category, product) and per kind of buyer (past, new)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from marketing.audience.inputs import NEW_INPUTS, PAST_INPUTS, AudienceInputs
from marketing.errors import ScoresError

FILE = "audience_model.json"
FORMAT = 1
PAST, NEW = "past", "new"
INPUTS = {PAST: PAST_INPUTS, NEW: NEW_INPUTS}


@dataclass(frozen=True)
class Scorer:
    """A logistic regression on scaled inputs.

    Attributes:
        method: its name for people: `logistic`, or the rule whose order it keeps.
        inputs: which inputs it reads.
        mean: of each input over the training rows.
        scale: standard deviation of each input.
        weights: of the scaled inputs.
        intercept: the log odds of mean inputs.
    """

    method: str
    inputs: Sequence[str]
    mean: Sequence[float]
    scale: Sequence[float]
    weights: Sequence[float]
    intercept: float

    def probabilities(self, inputs: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """Return the probability of buying in the horizon, float64 `[rows]`.

        Args:
            inputs: float32 `[rows, names]`.
            names: what the columns are.
        """
        weights = np.zeros(len(names))
        positions = [names.index(name) for name in self.inputs]
        weights[positions] = np.asarray(self.weights) / np.asarray(self.scale)
        intercept = self.intercept - float(weights[positions] @ np.asarray(self.mean))
        log_odds = (inputs @ weights.astype(np.float32)).astype(np.float64) + intercept
        return np.asarray(1 / (1 + np.exp(-log_odds)), np.float64)


@dataclass(frozen=True)
class AudienceModel:
    """The fitted scorers of all kinds of items.

    Attributes:
        horizon_weeks: the probabilities are of buying within this many weeks.
        scorers: by kind of item, then by kind of buyer.
        spread: by kind of item, the standard deviation from item to item of the true log odds around the model's.
    """

    horizon_weeks: int
    scorers: Mapping[str, Mapping[str, Scorer]]
    spread: Mapping[str, float]

    def probabilities(self, kind: str, inputs: AudienceInputs) -> np.ndarray:
        """Return every active customer's probability of buying, float64 `[active]`."""
        found = np.empty(len(inputs.customers))
        found[inputs.is_past] = self.scorers[kind][PAST].probabilities(inputs.past, PAST_INPUTS)
        found[~inputs.is_past] = self.scorers[kind][NEW].probabilities(inputs.new, NEW_INPUTS)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return this as values that JSON holds."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def read(cls, folder: Path) -> "AudienceModel":
        """Read the model of a folder of published scores.

        Raises:
            ScoresError: the file is missing, of another format, or reads inputs that this code does not compute.
        """
        try:
            found = json.loads((folder / FILE).read_bytes())
            if found["format"] != FORMAT:
                raise ValueError(f"its format is {found['format']}, not {FORMAT}")
            scorers = {
                kind: {buyers: Scorer(**fields) for buyers, fields in by_buyers.items()}
                for kind, by_buyers in found["scorers"].items()
            }
            for by_buyers in scorers.values():
                for buyers, scorer in by_buyers.items():
                    if unknown := sorted(set(scorer.inputs) - set(INPUTS[buyers])):
                        raise ValueError(f"it reads {', '.join(unknown)}, which this code does not compute")
            return cls(found["horizon_weeks"], scorers, found["spread"])
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ScoresError(
                f"The audience model in {folder} cannot be used: {error}. Fit the customer model again, then score."
            ) from error
