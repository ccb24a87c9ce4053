"""Find customers whose risk of a lapse rose above a threshold between two publications of scores."""

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from marketing.campaigns.targets.rows import target_rows
from marketing.campaigns.triggers.definitions import LapseRising


def lapse_rising(trigger: LapseRising, before: pa.Table, now: pa.Table, as_of: date) -> pa.Table:
    """Return a target for every customer whose risk is at or above the threshold now and was below it before.

    A customer without an earlier prediction is new and no target.

    Args:
        trigger: the threshold, and the weeks of the lapse.
        before: predictions of the publication before.
        now: predictions of the present publication.
        as_of: the day of the present predictions, which names the occurrence.

    Returns:
        Rows of `TARGETS`, by customer_id; `probability` is the present risk.
    """
    column = f"lapse_{trigger.weeks}w"
    position = pc.index_in(now["customer_id"], before["customer_id"].combine_chunks())
    earlier = before[column].combine_chunks().take(position.combine_chunks())
    crossed = pc.and_(pc.greater_equal(now[column], trigger.threshold), pc.less(earlier, trigger.threshold))
    found = now.filter(pc.fill_null(crossed, False)).sort_by("customer_id")
    return target_rows(trigger.type, found["customer_id"], str(as_of), found[column])
