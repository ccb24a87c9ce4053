"""Find customers who are due to buy a category again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from marketing.audience.index import BUYER_COLUMNS, CATEGORY, AudienceIndex
from marketing.campaigns.targets.rows import target_rows
from marketing.campaigns.triggers.definitions import CategoriesDue


def categories_due(
    trigger: CategoriesDue,
    predictions: pa.Table,
    index: AudienceIndex,
    as_of: datetime,
    zone: ZoneInfo,
    is_restricted: Callable[[str], bool],
) -> pa.Table:
    """Return, per customer, the category that is most probably due.

    The occurrence is the category and the day on which the customer bought it last, so a category that stays due for
    weeks is one occurrence, and the next purchase opens a new one.

    Args:
        trigger: which categories, and the least probability.
        predictions: the published predictions.
        index: the published purchases of the audiences, which have the day of the last purchase.
        as_of: the instant of the index (naive UTC).
        zone: the shop's time zone, in which days begin.
        is_restricted: whether no message may name a category.

    Returns:
        Rows of `TARGETS`, by customer_id; `probability` is of buying the category within four weeks.
    """
    lists = predictions.select(["customer_id", "categories_due", "categories_due_probability"]).combine_chunks()
    row = pc.list_parent_indices(lists["categories_due"])
    due = pa.table(
        {
            "customer_id": lists["customer_id"].take(row),
            "category": pc.list_flatten(lists["categories_due"]),
            "probability": pc.list_flatten(lists["categories_due_probability"]),
        }
    )
    kept = pc.greater_equal(due["probability"], trigger.min_probability)
    if trigger.categories:
        kept = pc.and_(kept, pc.is_in(due["category"], pa.array(trigger.categories)))
    barred = [name for name in pc.unique(due["category"]).to_pylist() if is_restricted(name)]
    kept = pc.and_(kept, pc.invert(pc.is_in(due["category"], pa.array(barred, pa.string()))))
    due = due.filter(kept).sort_by(
        [("customer_id", "ascending"), ("probability", "descending"), ("category", "ascending")]
    )
    days = _last_days(due, index, as_of, zone)
    due = due.append_column("day", days).filter(pc.is_valid(days))
    first = pc.not_equal(due["customer_id"].combine_chunks()[1:], due["customer_id"].combine_chunks()[:-1])
    due = due.filter(pa.concat_arrays([pa.array([True]), first])) if len(due) else due
    occurrences = pc.binary_join_element_wise(due["category"], due["day"], ":")
    return target_rows(trigger.type, due["customer_id"], occurrences, due["probability"], due["category"])


def _last_days(due: pa.Table, index: AudienceIndex, as_of: datetime, zone: ZoneInfo) -> pa.Array:
    """Return the day of each customer's last purchase of the category, as text; empty where the index has none."""
    numbers = pc.index_in(due["customer_id"].combine_chunks(), index.customer_ids)
    customers = pc.fill_null(numbers, -1).to_numpy(zero_copy_only=False)
    categories = np.array(due["category"].to_pylist(), object)
    found = np.full(len(due), "", object)
    column = BUYER_COLUMNS.index("days_since_last")
    for category in sorted(set(categories)):
        item = index.numbers[CATEGORY].get(category)
        if item is None:
            continue
        buyers, rows = index.past_buyers([item]), np.flatnonzero(categories == category)
        rank = np.searchsorted(buyers.customers, customers[rows])
        rank[rank == len(buyers.customers)] = 0
        bought = buyers.customers[rank] == customers[rows] if len(buyers.customers) else np.zeros(len(rows), bool)
        for target, since in zip(rows[bought], buyers.bought[rank[bought], column], strict=True):
            found[target] = _local_day(as_of, float(since), zone)
    return pa.array([day or None for day in found], pa.string())


def _local_day(as_of: datetime, days: float, zone: ZoneInfo) -> str:
    """Return the day of an instant some days ago; minutes are rounded, because the index holds float32."""
    instant = as_of - timedelta(minutes=round(days * 24 * 60))
    return str(instant.replace(tzinfo=UTC).astimezone(zone).date())
