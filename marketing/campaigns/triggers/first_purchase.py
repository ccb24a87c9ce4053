"""Find customers who bought for the first time."""

import pyarrow as pa
import pyarrow.compute as pc

from marketing.campaigns.targets.rows import target_rows
from marketing.campaigns.triggers.definitions import FirstPurchase

ONCE = "first"


def first_purchase(trigger: FirstPurchase, profiles: pa.Table) -> pa.Table:
    """Return a target for every customer whose first basket is at most `within_days` old.

    Args:
        trigger: the days.
        profiles: customer_id and days_since_first_basket at the newest snapshot.

    Returns:
        Rows of `TARGETS`, by customer_id. The occurrence is the same for ever, so no customer is welcomed twice.
    """
    recent = pc.less_equal(profiles["days_since_first_basket"], trigger.within_days)
    found = profiles.filter(pc.fill_null(recent, False)).sort_by("customer_id")
    return target_rows(trigger.type, found["customer_id"], ONCE, pa.repeat(1.0, len(found)))
