"""Which instants train and which judge: cut by time, never at random.

Seen from the end of the data, with a horizon of four weeks and a snapshot every two:

    retrieval  … ─┬─┬─┬─┐ labels end before the first ranker snapshot, so that the ranker sees honest
    ranker              └─┬─┬─┐ retrieval scores
    judged                    └── the last horizon before `as_of`
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml.config import Windows
from ml.errors import NotEnoughData

_CLOCKS = timedelta(hours=2)
"""Local midnights are an hour apart from UTC arithmetic when the clocks change."""


@dataclass(frozen=True)
class Split:
    """Instants, newest first. A snapshot's label is what was bought in the horizon after it.

    now: features for the released bundle; judged: the snapshot the system is judged at.
    """

    now: datetime
    judged: datetime
    ranker: list[datetime]
    retrieval: list[datetime]

    @property
    def featured(self) -> list[datetime]:
        """Instants at which features are needed."""
        return [self.now, self.judged, *self.ranker, *self.retrieval]


def split(instants: list[datetime], windows: Windows, shift_weeks: int = 0) -> Split:
    """Choose among the feature tables' instants (newest, `as_of`, first).

    `shift_weeks` moves everything but `now` back: one horizon gives the validation window.
    Raises NotEnoughData if the feature tables do not reach back far enough.
    """
    as_of = instants[0]
    horizon = timedelta(weeks=windows.horizon)
    judged = _at(instants, as_of - horizon - timedelta(weeks=shift_weeks))
    before = [t for t in instants if t <= _soon(judged - horizon)][: windows.ranker_snapshots]
    if not before:
        raise _too_short(instants, judged - horizon)
    # A short history is shared fairly: the ranker has no more snapshots than it leaves to the towers.
    for count in range(len(before), 0, -1):
        ranker = before[:count]
        retrieval = [t for t in instants if t <= _soon(ranker[-1] - horizon)][: windows.retrieval_snapshots]
        if len(retrieval) >= min(count, windows.retrieval_snapshots):
            return Split(as_of, judged, ranker, retrieval)
    raise _too_short(instants, before[0] - horizon)


def covered(
    instants: list[datetime],
    known: Mapping[datetime, Set[str]],
    buyers: Mapping[datetime, Set[str]],
    windows: Windows,
) -> list[datetime]:
    """The instants, newest first, down to the one before which there is too little history to learn from.

    known: customers with a purchase before each instant; buyers: customers who bought in the horizon before it. Too
    little is when most of those who buy in the horizon after an instant are unknown at it.
    """
    for place, instant in enumerate(instants):
        later = [t for t in instants[:place] if abs(t - instant - timedelta(weeks=windows.horizon)) <= _CLOCKS]
        bought = buyers.get(later[0], set()) if later else set()
        if not known.get(instant) or len(bought & known[instant]) < len(bought) / 2:
            return instants[:place]
    return instants


def label_instant(snapshot: datetime, instants: list[datetime], windows: Windows) -> datetime:
    """The instant whose `customer_purchases` row is the label of `snapshot`: one horizon later."""
    return _at(instants, snapshot + timedelta(weeks=windows.horizon))


def _soon(instant: datetime) -> datetime:
    return instant + _CLOCKS


def _at(instants: list[datetime], wanted: datetime) -> datetime:
    for instant in instants:
        if abs(instant - wanted) <= _CLOCKS:
            return instant
    raise _too_short(instants, wanted)


def _too_short(instants: list[datetime], wanted: datetime) -> NotEnoughData:
    return NotEnoughData(
        f"The feature tables hold no snapshot at or before {wanted:%Y-%m-%d}; they span "
        f"{instants[-1]:%Y-%m-%d} to {instants[0]:%Y-%m-%d}. Choose a later as_of or more REACH_SNAPSHOTS."
    )
