"""Read the landing's campaigns, which had no hold-out, with the spend of their customers and of all others.

The comparison is of spend per customer and week: in the four weeks from the start (or three, where the data ends), and
in the two spans of four weeks before it. Customers take part who bought in the eight weeks before the start.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np

from core.duckdb_engine import read_parquet
from experiments.measurement.purchases import Purchases, open_engine
from experiments.observational import Observational, observational
from marketing.measurement.errors import MeasurementError
from settings import Settings

WEEKS, MIN_WEEKS = 4, 3
METRIC = "spend per week"

MIN_CHOSEN = 2
_SPANS = 3
"""Spans of four weeks: one after the start, two before it."""


@dataclass(frozen=True)
class PastCampaign:
    """A campaign of the landing and its comparison.

    Attributes:
        campaign_id: The campaign.
        kind: Its type in the landing, or None.
        starts_on: Its first day.
        mailed: Customers who received it.
        chosen: Recipients who take part: they bought in the eight weeks before the start.
        others: Customers who did not receive it and take part.
        result: The comparison; None if `why_not` names what is missing.
        why_not: The reason for which nothing is compared, or None.
    """

    campaign_id: str
    kind: str | None
    starts_on: date
    mailed: int
    chosen: int
    others: int
    result: Observational | None
    why_not: str | None


def past_campaigns(settings: Settings, purchases: Purchases) -> list[PastCampaign]:
    """Return every campaign of the landing, by start.

    Raises:
        MeasurementError: The landing has no campaigns, or a file cannot be read.
    """
    file = purchases.file.with_name("campaigns.parquet")
    if not file.is_file():
        raise MeasurementError(f"There is no {file}: the landing has no campaigns to compare.")
    try:
        with open_engine(settings) as engine:
            named = engine.execute(
                f"""
                SELECT campaign_id, min(campaign_type), min(starts_on)::DATE, count(DISTINCT customer_id)
                FROM {read_parquet(file)} GROUP BY campaign_id ORDER BY 3, length(campaign_id), 1
                """
            ).fetchall()
            return [_compare(engine, settings, purchases, file, *row) for row in named]
    except duckdb.Error as error:
        raise MeasurementError(f"The campaigns cannot be read: {error}. Admit the landing again.") from error


def _compare(
    engine: duckdb.DuckDBPyConnection,
    settings: Settings,
    purchases: Purchases,
    campaigns: Path,
    campaign_id: str,
    kind: str | None,
    starts_on: date,
    mailed: int,
) -> PastCampaign:
    start = settings.start_of_day(starts_on)
    spend, is_chosen = _spans(engine, purchases, campaigns, campaign_id, start)
    weeks = min((purchases.until - start) / timedelta(weeks=1), WEEKS)
    chosen, others = int(is_chosen.sum()), int((~is_chosen).sum())
    result, why_not = None, None
    if weeks < MIN_WEEKS:
        why_not = f"the data ends on {purchases.as_of}, before its first {MIN_WEEKS} weeks do"
    elif min(chosen, others) < MIN_CHOSEN:
        why_not = f"{chosen} chosen and {others} other customers bought in the eight weeks before its start"
    else:
        result = observational(
            METRIC, spend[:, 0] * (WEEKS / weeks), [spend[:, span] for span in range(1, _SPANS)], is_chosen
        )
    return PastCampaign(campaign_id, kind, starts_on, mailed, chosen, others, result, why_not)


def _spans(
    engine: duckdb.DuckDBPyConnection, purchases: Purchases, campaigns: Path, campaign_id: str, start: datetime
) -> tuple[np.ndarray, np.ndarray]:
    """Return spend per week `[customers, 3]` after the start and in the two spans before, and the recipients."""
    seconds = WEEKS * 7 * 24 * 3600
    rows = engine.execute(
        f"""
        WITH bought AS (
            SELECT customer_id, sales_value::DOUBLE / {WEEKS} AS spend,
                   floor((epoch(transaction_at::TIMESTAMP) - epoch($start::TIMESTAMP)) / {seconds})::INTEGER AS span
            FROM {read_parquet(purchases.file)} WHERE customer_id IS NOT NULL
        ),
        mailed AS (SELECT DISTINCT customer_id FROM {read_parquet(campaigns)} WHERE campaign_id = $campaign)
        SELECT coalesce(sum(spend) FILTER (WHERE span = 0), 0)::DOUBLE AS s0,
               coalesce(sum(spend) FILTER (WHERE span = -1), 0)::DOUBLE AS s1,
               coalesce(sum(spend) FILTER (WHERE span = -2), 0)::DOUBLE AS s2,
               bool_or(mailed.customer_id IS NOT NULL) AS is_chosen
        FROM bought LEFT JOIN mailed USING (customer_id)
        GROUP BY customer_id HAVING count(*) FILTER (WHERE span IN (-1, -2)) > 0
        ORDER BY customer_id
        """,
        {"start": start, "campaign": campaign_id},
    ).fetchnumpy()
    return np.column_stack([rows[f"s{span}"] for span in range(_SPANS)]), np.asarray(rows["is_chosen"]).astype(bool)
