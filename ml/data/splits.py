"""Split the snapshots into those that train and the one that is evaluated: by time, never at random.

With a horizon of four weeks and a snapshot every two:

    retrieval  … ─┬─┬─┬─┐ labels end before the first ranker snapshot, so that the retrieval
    ranker              └─┬─┬─┐ scores that the ranker reads contain no label of its own
    evaluated                 └── the last horizon before `as_of`
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml.config import TrainingWindowsConfig
from ml.errors import NotEnoughDataError

_TOLERANCE = timedelta(hours=2)
"""Largest difference of two instants that count as equal, because clock changes move local midnights by an hour."""


@dataclass(frozen=True)
class Split:
    """Hold the snapshots of a run, newest first. A snapshot's label is the purchases in the horizon after it.

    Attributes:
        now: Snapshot of the released bundle's features.
        evaluation: Snapshot at which the system is evaluated.
        ranker: Snapshots that train the rankers.
        retrieval: Snapshots that train the towers.
    """

    now: datetime
    evaluation: datetime
    ranker: list[datetime]
    retrieval: list[datetime]

    @property
    def featured(self) -> list[datetime]:
        """Return the instants at which features are needed."""
        return [self.now, self.evaluation, *self.ranker, *self.retrieval]


@dataclass(frozen=True)
class Supply:
    """Count the data that the feature tables hold for training and evaluation.

    Attributes:
        customers: For each instant, the number of customers who bought both before it and in the horizon after it.
        first_purchase: Time of the oldest purchase; None without purchases.
        needed: Number of evaluated customers that a decision needs.
    """

    customers: Mapping[datetime, int]
    first_purchase: datetime | None
    needed: int


def split(instants: list[datetime], windows: TrainingWindowsConfig, shift_weeks: int = 0, supply: Supply | None = None) -> Split:
    """Choose the snapshots of a run among the instants of the feature tables.

    A snapshot trains if at least `windows.min_customers` customers bought both before it and in the horizon after it.
    A horizon of purchases must also lie before it, because at the beginning of the data every purchase looks like a
    first one. In a growing shop, where most buyers of each month are new, the returning customers train.

    Args:
        instants: Instants of the feature tables, newest (`as_of`) first.
        windows: The section `[training_windows]`.
        shift_weeks: Weeks by which everything but `now` moves back; one horizon gives the validation window.
        supply: The data at each instant; None accepts every instant.

    Raises:
        NotEnoughDataError: The data is too short or too small; the message has the missing numbers.
    """
    evaluation = _at(instants, instants[0] - timedelta(weeks=windows.horizon + shift_weeks), windows)
    missing = [] if supply is None else _missing_to_evaluate(evaluation, windows, supply)
    try:
        ranker, retrieval = _training(instants, evaluation, windows, supply)
    except NotEnoughDataError as error:
        raise NotEnoughDataError(" ".join([*missing, str(error)])) from error
    if missing:
        raise NotEnoughDataError(" ".join(missing))
    return Split(instants[0], evaluation, ranker, retrieval)


def _training(
    instants: list[datetime], evaluation: datetime, windows: TrainingWindowsConfig, supply: Supply | None
) -> tuple[list[datetime], list[datetime]]:
    """Return the snapshots that train the rankers and those that train the towers."""
    horizon = timedelta(weeks=windows.horizon)
    usable = [t for t in instants if supply is None or _teaches(t, windows, supply)]
    before = [t for t in usable if t <= _soon(evaluation - horizon)][: windows.ranker_snapshots]
    if not before:
        raise _too_little(instants, evaluation - horizon, evaluation - 2 * horizon, windows, supply)
    # A short history is shared fairly: the ranker has no more snapshots than it leaves to the towers.
    for count in range(len(before), 0, -1):
        ranker = before[:count]
        retrieval = [t for t in usable if t <= _soon(ranker[-1] - horizon)][: windows.retrieval_snapshots]
        if len(retrieval) >= min(count, windows.retrieval_snapshots):
            return ranker, retrieval
    raise _too_little(instants, before[0] - horizon, before[0] - horizon, windows, supply)


def untrained(instants: list[datetime], windows: TrainingWindowsConfig) -> Split:
    """Return the split of a run that trains nothing: only `now` is used."""
    return Split(instants[0], instants[0] - timedelta(weeks=windows.horizon), [], [])


def label_instant(snapshot: datetime, instants: list[datetime], windows: TrainingWindowsConfig) -> datetime:
    """Return the instant whose `customer_purchases` row is the label of `snapshot`: one horizon later."""
    return _at(instants, snapshot + timedelta(weeks=windows.horizon), windows)


def label_instants(instants: list[datetime], windows: TrainingWindowsConfig) -> dict[datetime, datetime]:
    """Return the instant of the label of every snapshot whose window has ended."""
    horizon = timedelta(weeks=windows.horizon)
    found = {t: [later for later in instants if abs(later - t - horizon) <= _TOLERANCE] for t in instants}
    return {t: later[0] for t, later in found.items() if later}


def _teaches(instant: datetime, windows: TrainingWindowsConfig, supply: Supply) -> bool:
    return supply.customers.get(instant, 0) >= windows.min_customers and instant >= _first_usable(windows, supply)


def _first_usable(windows: TrainingWindowsConfig, supply: Supply) -> datetime:
    if supply.first_purchase is None:
        return datetime.max
    return supply.first_purchase + timedelta(weeks=windows.horizon) - _TOLERANCE


def _missing_to_evaluate(evaluation: datetime, windows: TrainingWindowsConfig, supply: Supply) -> list[str]:
    found = supply.customers.get(evaluation, 0)
    if found >= supply.needed:
        return []
    return [
        f"Too few customers to evaluate: {found:,} bought both before {evaluation:%Y-%m-%d} and in the "
        f"{windows.horizon} weeks after it. A decision needs {supply.needed:,}, {supply.needed - found:,} more."
    ]


def _too_little(
    instants: list[datetime], latest: datetime, oldest: datetime, windows: TrainingWindowsConfig, supply: Supply | None
) -> NotEnoughDataError:
    """Return an error with the reason why no snapshot at or before `latest` trains, and what is missing.

    The first of three reasons that applies: the settings hold no snapshot at or before `oldest`, which the towers need;
    the purchases begin too late for it; too few customers bought before and after `latest`.
    """
    if supply is None or instants[-1] > _soon(oldest):
        return _too_few_snapshots(instants, oldest)
    as_of, horizon = instants[0], windows.horizon
    first = _first_usable(windows, supply)
    if first > _soon(oldest):
        began = supply.first_purchase
        needed = f"training needs {_weeks(as_of - oldest) + horizon} weeks of them before {as_of:%Y-%m-%d}"
        if began is None:
            return NotEnoughDataError(f"Too little history to train on: there are no purchases, and {needed}.")
        return NotEnoughDataError(
            f"Too little history to train on: the purchases begin on {began:%Y-%m-%d}, and {needed}. "
            f"{_weeks(first - oldest)} more weeks are missing."
        )
    there = max((t for t in instants if t <= _soon(latest)), key=lambda t: supply.customers.get(t, 0))
    found, needed_customers = supply.customers.get(there, 0), windows.min_customers
    later = [t for t in instants if t > latest and _teaches(t, windows, supply)]
    return NotEnoughDataError(
        f"Too few customers to train on: at no snapshot until {latest:%Y-%m-%d} did more than {found:,} customers buy "
        f"both before it and in the {horizon} weeks after it. Training needs {needed_customers:,}, "
        f"{needed_customers - found:,} more."
        + (f" From {later[-1]:%Y-%m-%d} on there are enough: {_weeks(later[-1] - latest)} more weeks." if later else "")
    )


def _weeks(time: timedelta) -> int:
    """Return the number of weeks, rounded up."""
    return -(-(time - _TOLERANCE) // timedelta(weeks=1))


def _soon(instant: datetime) -> datetime:
    return instant + _TOLERANCE


def _at(instants: list[datetime], wanted: datetime, windows: TrainingWindowsConfig) -> datetime:
    for instant in instants:
        if abs(instant - wanted) <= _TOLERANCE:
            return instant
    if instants[-1] <= wanted <= instants[0]:
        raise NotEnoughDataError(
            f"No snapshot lies at {wanted:%Y-%m-%d}, because REACH_SNAPSHOT_WEEKS does not divide the horizon of "
            f"{windows.horizon} weeks. Set it to 1 or 2 and build the features again."
        )
    raise _too_few_snapshots(instants, wanted)


def _too_few_snapshots(instants: list[datetime], wanted: datetime) -> NotEnoughDataError:
    step = (instants[0] - instants[-1]) / max(len(instants) - 1, 1)
    needed = 1 + -(-(instants[0] - wanted - _TOLERANCE) // step)
    return NotEnoughDataError(
        f"The feature tables hold no snapshot at or before {wanted:%Y-%m-%d}: the {len(instants)} snapshots that "
        f"REACH_SNAPSHOTS asks for reach back to {instants[-1]:%Y-%m-%d}. Set REACH_SNAPSHOTS to at least {needed} and "
        "build the features again."
    )
