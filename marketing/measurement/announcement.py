"""The part of a campaign's definition that was fixed before its start: primary metric and days of the looks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from experiments.measurement.metrics import METRICS
from experiments.sequential import ALPHA, Looks, announced_looks
from marketing.measurement.errors import MeasurementError

DEFAULT_DAYS = 28

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Announcement:
    """How a campaign is measured.

    Attributes:
        campaign_id: The campaign.
        metric: The primary metric, which decides.
        looks: Days of the looks, ascending; a look counts purchases before its day.
    """

    campaign_id: str
    metric: str = "spend"
    looks: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.campaign_id):
            raise MeasurementError(
                f"'{self.campaign_id}' is not a campaign's id: write letters, digits, '-' and '_', at most 63."
            )
        if self.metric not in METRICS:
            raise MeasurementError(
                f"The metric '{self.metric}' of campaign '{self.campaign_id}' cannot be measured from purchases. "
                f"Possible metrics: {', '.join(METRICS)}."
            )
        if list(self.looks) != sorted(set(self.looks)):
            raise MeasurementError(
                f"The looks {', '.join(map(str, self.looks))} of campaign '{self.campaign_id}' do not ascend."
            )

    @classmethod
    def of_definition(cls, campaign_id: str, definition: Mapping[str, Any]) -> "Announcement":
        """Return the announcement in a campaign's definition, as its plan keeps it (JSON values)."""
        experiment = definition.get("experiment") or {}
        looks = tuple(date.fromisoformat(str(look)) for look in experiment.get("looks") or ())
        return cls(campaign_id, experiment.get("metric") or "spend", looks)

    def days(self, start: date) -> tuple[date, ...]:
        """Return the days of the looks; without announced ones, a single look four weeks after the start.

        Raises:
            MeasurementError: A look lies on or before the day of the start.
        """
        days = self.looks or (start + timedelta(days=DEFAULT_DAYS),)
        if days[0] <= start:
            raise MeasurementError(
                f"The look on {days[0]} of campaign '{self.campaign_id}' is not after its start on {start}. "
                "Results need at least a day."
            )
        return days

    def bounds(self, start: date, alpha: float = ALPHA, correlations: tuple[float, ...] = ()) -> Looks:
        """Return the looks' bounds, which spend alpha by the days from the start.

        Args:
            start: Local day of the first decision.
            alpha: Chance of a false alarm over all looks.
            correlations: Measured correlation of each look's effect with the next look's; it may end early.

        Raises:
            MeasurementError: A look lies on or before the day of the start.
        """
        days = [(day - start).days for day in self.days(start)]
        return announced_looks(tuple(day / days[-1] for day in days), alpha, correlations)
