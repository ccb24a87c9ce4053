"""Define what a watch measures, and what an alarm asks of a person."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Action(StrEnum):
    """The kinds of work that an alarm asks for."""

    CHECK_DATA = "check the data"
    RETRAIN = "retrain"
    CHECK_SERVICE = "check the service"


@dataclass(frozen=True)
class Watch:
    """One thing that is measured every day.

    Attributes:
        name: its name in the policy, the results and the metrics.
        measures: what the value is, in one sentence with its unit.
        action: what an alarm asks for.
        next_step: the next step, as a sentence for a person.
    """

    name: str
    measures: str
    action: Action
    next_step: str


@dataclass(frozen=True)
class Figure:
    """The value of a watch on one day.

    Attributes:
        watch: the watch's name.
        day: the shop's day, or the day of the snapshot.
        value: the measured value; larger is worse.
        subject: what the value belongs to, such as a store or a feature; None if to all.
        compared: how many stores, products, customers or answers were compared.
    """

    watch: str
    day: date
    value: float
    subject: str | None
    compared: int


@dataclass(frozen=True)
class Evaluated:
    """A figure with its limit.

    Attributes:
        figure: what was measured.
        limit: an alarm is raised above it.
    """

    figure: Figure
    limit: float

    @property
    def is_alarm(self) -> bool:
        """Whether the value exceeds its limit."""
        return self.figure.value > self.limit


SILENT_STORE = Watch(
    "silent_store",
    "Lines that a store usually sells in the days since its last sale, for a silence twice as long as any before.",
    Action.CHECK_DATA,
    "Ask whether the store was closed. If it was open, its sales were not delivered: land them, then 'make features'.",
)
PRICE_UNIT = Watch(
    "price_unit",
    "Share of a department's products whose price is more than three times, or less than a third of, the usual one.",
    Action.CHECK_DATA,
    "Compare prices in the delivery with the shop's: another currency or unit (cents) is likely. Land it again.",
)
RENAMED_CATEGORY = Watch(
    "renamed_category",
    "Share of the last four weeks' lines with products in another category than in the deployed version.",
    Action.CHECK_DATA,
    "If they were renamed on purpose, retrain ('make retrain'). If not, correct the products and land them again.",
)
UNKNOWN_PRODUCTS = Watch(
    "unknown_products",
    "Share of the last week's lines with products that are missing in the deployed version.",
    Action.RETRAIN,
    "Retrain ('make retrain'), so that new products can be recommended.",
)
STUCK_FEATURE = Watch(
    "stuck_feature",
    "1 − share of customers or products whose value changed since the last snapshot, over the least of such shares.",
    Action.CHECK_DATA,
    "Look up the feature in docs/features.md, and check the landing table that it is computed from: rows are missing.",
)
FEATURE_DRIFT = Watch(
    "feature_drift",
    "Population stability index of a feature between two snapshots, over its largest earlier one or over 0.1.",
    Action.RETRAIN,
    "If the checks of the data are in order, customers behave differently: retrain ('make retrain').",
)
FALLBACKS = Watch(
    "fallbacks",
    "Share of a day's answers that are not the model's.",
    Action.CHECK_SERVICE,
    "Look at the reasons: 'fallback' in fct_decisions. Then at the online store and at 'make status'.",
)
SOURCES = Watch(
    "sources",
    "Jensen-Shannon distance of a day's shares of candidate sources from those of the four weeks before.",
    Action.CHECK_SERVICE,
    "See which source has vanished or grown, and whether a version was deployed on that day: 'make status'.",
)
COVERAGE = Watch(
    "coverage",
    "1 − different products in a day's answers, over those of an equal number of shown items on the days before.",
    Action.RETRAIN,
    "The lists of many customers have become alike. Look at fallbacks first; if there are none, retrain.",
)
AGE = Watch(
    "age",
    "Days from the end of the newest published features to now.",
    Action.CHECK_DATA,
    "Start build_features ('make features'), or set REACH_FEATURES_SCHEDULE.",
)

WATCHES = {
    watch.name: watch
    for watch in (
        SILENT_STORE,
        PRICE_UNIT,
        RENAMED_CATEGORY,
        UNKNOWN_PRODUCTS,
        STUCK_FEATURE,
        FEATURE_DRIFT,
        FALLBACKS,
        SOURCES,
        COVERAGE,
        AGE,
    )
}
"""All watches by name."""
