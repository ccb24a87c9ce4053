"""Read who was exposed to an experiment: the customers who got an answer within it, not all who were assigned."""

from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np

from core.duckdb_engine import quote_literal
from experiments.identification import Check
from experiments.measurement.arms import Arms
from online_experiments.announcement import Announcement
from online_experiments.errors import OnlineExperimentError
from settings import Settings


@dataclass(frozen=True)
class Exposed:
    """The exposures of one experiment.

    Attributes:
        arms: Exposed customers with their variant and first exposure; the control is the variant without treatment.
        answer_of: Int64 `[answers]`, the position of each answer's customer in the arms.
        exposed_at: Microseconds `[answers]`, naive UTC.
        clicked_at: Microseconds `[answers]`, the first click of each answer; NaT where there is none.
        testers: Customers who are left out, because a tester chose a variant for them.
        champion_instead: Answers in which the champion was served in place of the variant.
    """

    arms: Arms
    answer_of: np.ndarray
    exposed_at: np.ndarray
    clicked_at: np.ndarray
    testers: int
    champion_instead: int

    def clicks(self, look: datetime) -> np.ndarray:
        """Return the share of each customer's answers before a look that were clicked before it, `[customers]`."""
        at = np.datetime64(look, "us")
        is_before = self.exposed_at < at
        customers = len(self.arms.customer_ids)
        answers = np.bincount(self.answer_of[is_before], minlength=customers)
        clicked = np.bincount(self.answer_of[is_before & (self.clicked_at < at)], minlength=customers)
        return np.asarray(clicked / np.maximum(answers, 1))


def read_exposed(settings: Settings, announcement: Announcement) -> Exposed:
    """Return the exposures of an experiment that the warehouse has.

    Raises:
        OnlineExperimentError: The warehouse cannot be read, or has no exposure to it.
    """
    rows = _query(
        settings,
        f"""
        SELECT customer_id, variant, coalesce(served, 'variant') AS served, is_override, exposed_at, clicked_at
        FROM fct_exposures WHERE experiment_id = {quote_literal(announcement.id)}
        ORDER BY customer_id, exposed_at, request_id
        """,
    )
    ids, variant = rows["customer_id"].astype(np.str_), rows["variant"].astype(np.str_)
    testers = np.unique(ids[rows["is_override"].astype(bool)])
    keep = ~np.isin(ids, testers)
    ids, variant = ids[keep], variant[keep]
    if not len(ids):
        raise OnlineExperimentError(
            f"No customer is exposed to '{announcement.id}' yet, as far as feedback is collected. Ask the service for "
            "lists, then run 'make feedback'."
        )
    at, clicked = (_micros(rows[name])[keep] for name in ("exposed_at", "clicked_at"))
    is_first = np.r_[True, ids[1:] != ids[:-1]]
    arms = Arms(
        customer_ids=ids[is_first],
        variant=variant[is_first],
        decided_at=at[is_first],
        holdout=announcement.experiment.control,
        shares=announcement.experiment.shares,
        checks=(_one_variant_each(ids, variant),),
        unassigned=0,
    )
    instead = int((rows["served"][keep] == "champion").sum())
    return Exposed(arms, np.cumsum(is_first) - 1, at, clicked, len(testers), instead)


def feedback_until(settings: Settings) -> datetime:
    """Return the time of the newest collected feedback, naive UTC: what happened before it is in the warehouse.

    Raises:
        OnlineExperimentError: The warehouse cannot be read, or has no feedback.
    """
    rows = _query(
        settings,
        """
        SELECT max(instant) AS newest FROM (
            SELECT max(decided_at) AS instant FROM fct_decisions
            UNION ALL SELECT max(exposed_at) FROM fct_exposures
            UNION ALL SELECT max(received_at) FROM fct_events
        )
        """,
    )
    newest = _micros(rows["newest"])[0]
    if np.isnat(newest):
        raise OnlineExperimentError("No feedback is collected yet. Run 'make feedback' after the service has answered.")
    found: datetime = newest.item()
    return found


def _one_variant_each(ids: np.ndarray, variant: np.ndarray) -> Check:
    moved = len(np.unique(ids[1:][(ids[1:] == ids[:-1]) & (variant[1:] != variant[:-1])]))
    sentence = "every customer has one variant" if not moved else f"{moved:,} customers had two variants"
    return Check("one variant each", not moved, None, sentence)


def _query(settings: Settings, query: str) -> dict[str, np.ndarray]:
    warehouse = settings.paths.warehouse
    try:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            found = connection.execute(query).fetchnumpy()
    except duckdb.Error as error:
        raise OnlineExperimentError(
            f"{warehouse} cannot be read: {error}. Run 'make feedback', or wait until dbt has ended."
        ) from error
    return {name: np.ma.filled(column, _FILL.get(name)) for name, column in found.items()}


_FILL = {name: np.datetime64("NaT") for name in ("exposed_at", "clicked_at", "newest")}


def _micros(values: np.ndarray) -> np.ndarray:
    return np.asarray(values).astype("datetime64[us]")
