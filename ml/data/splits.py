"""Which instants train and which judge: cut by time, never at random.

Seen from the end of the data, with a horizon of four weeks and a snapshot every two:

    retrieval  … ─┬─┬─┬─┐ labels end before the first ranker snapshot, so that the ranker sees honest
    ranker              └─┬─┬─┐ retrieval scores
    evaluated                 └── the last horizon before `as_of`
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml.config import TrainingWindowsConfig
from ml.errors import NotEnoughDataError

_CLOCKS = timedelta(hours=2)
"""Local midnights are an hour apart from UTC arithmetic when the clocks change."""


@dataclass(frozen=True)
class Split:
    """Instants, newest first. A snapshot's label is what was bought in the horizon after it.

    now: features for the released bundle; evaluation: the snapshot the system is evaluated at.
    """

    now: datetime
    evaluation: datetime
    ranker: list[datetime]
    retrieval: list[datetime]

    @property
    def featured(self) -> list[datetime]:
        """Instants at which features are needed."""
        return [self.now, self.evaluation, *self.ranker, *self.retrieval]


@dataclass(frozen=True)
class Supply:
    """What the feature tables hold to learn from and to judge on.

    customers: by instant, the customers who were known at it and bought in the horizon after it.
    first_purchase: when the oldest known purchase was made; None if there is none.
    needed: how many evaluated customers a decision needs.
    """

    customers: Mapping[datetime, int]
    first_purchase: datetime | None
    needed: int


def split(instants: list[datetime], windows: TrainingWindowsConfig, shift_weeks: int = 0, supply: Supply | None = None) -> Split:
    """Choose among the feature tables' instants (newest, `as_of`, first).

    A snapshot trains if at least `windows.min_customers` customers were known at it and bought in the horizon after it,
    and if a horizon of purchases lies before it: at the beginning of the data every purchase looks like a first one.
    A growing shop, in which most buyers of every month are new, trains on those that are known.

    shift_weeks: move everything but `now` back; one horizon gives the validation window. supply: None trusts every
    instant. Raises NotEnoughDataError with the numbers that are missing.
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
    """The split of a run that trains nothing: only `now` is looked at."""
    return Split(instants[0], instants[0] - timedelta(weeks=windows.horizon), [], [])


def label_instant(snapshot: datetime, instants: list[datetime], windows: TrainingWindowsConfig) -> datetime:
    """The instant whose `customer_purchases` row is the label of `snapshot`: one horizon later."""
    return _at(instants, snapshot + timedelta(weeks=windows.horizon), windows)


def label_instants(instants: list[datetime], windows: TrainingWindowsConfig) -> dict[datetime, datetime]:
    """By snapshot the instant of its label, for every snapshot whose window has ended."""
    horizon = timedelta(weeks=windows.horizon)
    found = {t: [later for later in instants if abs(later - t - horizon) <= _CLOCKS] for t in instants}
    return {t: later[0] for t, later in found.items() if later}


def _teaches(instant: datetime, windows: TrainingWindowsConfig, supply: Supply) -> bool:
    return supply.customers.get(instant, 0) >= windows.min_customers and instant >= _first_usable(windows, supply)


def _first_usable(windows: TrainingWindowsConfig, supply: Supply) -> datetime:
    if supply.first_purchase is None:
        return datetime.max
    return supply.first_purchase + timedelta(weeks=windows.horizon) - _CLOCKS


def _missing_to_evaluate(evaluation: datetime, windows: TrainingWindowsConfig, supply: Supply) -> list[str]:
    found = supply.customers.get(evaluation, 0)
    if found >= supply.needed:
        return []
    return [
        f"Too few customers to judge on: {found:,} bought both before {evaluation:%Y-%m-%d} and in the "
        f"{windows.horizon} weeks after it. A decision needs {supply.needed:,}, {supply.needed - found:,} more."
    ]


def _too_little(
    instants: list[datetime], latest: datetime, oldest: datetime, windows: TrainingWindowsConfig, supply: Supply | None
) -> NotEnoughDataError:
    """Why no snapshot at or before `latest` trains, and how much is missing.

    The reasons in turn: the settings hold no snapshot at or before `oldest`, which the towers learn from; the purchases
    begin too late for it; too few customers were known at `latest`.
    """
    if supply is None or instants[-1] > _soon(oldest):
        return _too_few_snapshots(instants, oldest)
    as_of, horizon = instants[0], windows.horizon
    first = _first_usable(windows, supply)
    if first > _soon(oldest):
        began = supply.first_purchase
        needed = f"training needs {_weeks(as_of - oldest) + horizon} weeks of them before {as_of:%Y-%m-%d}"
        if began is None:
            return NotEnoughDataError(f"Too little history to train on: no purchase is known, and {needed}.")
        return NotEnoughDataError(
            f"Too little history to train on: the purchases begin on {began:%Y-%m-%d}, and {needed}. "
            f"{_weeks(first - oldest)} more weeks are missing."
        )
    there = max((t for t in instants if t <= _soon(latest)), key=lambda t: supply.customers.get(t, 0))
    found, needed_customers = supply.customers.get(there, 0), windows.min_customers
    later = [t for t in instants if t > latest and _teaches(t, windows, supply)]
    return NotEnoughDataError(
        f"Too few customers to train on: at no snapshot until {latest:%Y-%m-%d} more than {found:,} customers were known "
        f"and bought in the {horizon} weeks after it. Training needs {needed_customers:,}, {needed_customers - found:,} "
        "more."
        + (f" From {later[-1]:%Y-%m-%d} on there are: {_weeks(later[-1] - latest)} more weeks." if later else "")
    )


def _weeks(time: timedelta) -> int:
    """Weeks, a begun one as a whole."""
    return -(-(time - _CLOCKS) // timedelta(weeks=1))


def _soon(instant: datetime) -> datetime:
    return instant + _CLOCKS


def _at(instants: list[datetime], wanted: datetime, windows: TrainingWindowsConfig) -> datetime:
    for instant in instants:
        if abs(instant - wanted) <= _CLOCKS:
            return instant
    if instants[-1] <= wanted <= instants[0]:
        raise NotEnoughDataError(
            f"No snapshot lies at {wanted:%Y-%m-%d}, because REACH_SNAPSHOT_WEEKS does not divide the horizon of "
            f"{windows.horizon} weeks. Set it to 1 or 2 and build the features again."
        )
    raise _too_few_snapshots(instants, wanted)


def _too_few_snapshots(instants: list[datetime], wanted: datetime) -> NotEnoughDataError:
    step = (instants[0] - instants[-1]) / max(len(instants) - 1, 1)
    needed = 1 + -(-(instants[0] - wanted - _CLOCKS) // step)
    return NotEnoughDataError(
        f"The feature tables hold no snapshot at or before {wanted:%Y-%m-%d}: the {len(instants)} snapshots that "
        f"REACH_SNAPSHOTS asks for reach back to {instants[-1]:%Y-%m-%d}. Set REACH_SNAPSHOTS to at least {needed} and "
        "build the features again."
    )
