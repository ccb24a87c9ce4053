"""Decide whether a feature may be zero everywhere: it may, if its source has no row for the points in time.

A rule is a query for a row of the admitted tables that must make the feature differ from zero at one of the points in
time. Windows are a day shorter on each side than the feature's, so that clock changes do not matter.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd

from core.duckdb_engine import quote_literal, read_parquet
from quality.frames.campaign_sources import CAMPAIGN_RULES

_BOUGHT = "FROM moment JOIN line ON bought_at < moment.instant - INTERVAL 1 DAY"
_IN_WINDOW = _BOUGHT + " AND bought_at > moment.instant - INTERVAL {hours} HOURS"
_OF_CUSTOMER = " AND customer_id IS NOT NULL"
_PLACED = (
    "FROM moment JOIN promotion ON trim({column}) NOT IN ('', '0')"
    " AND starts_on <= moment.day + {last} AND ends_on >= moment.day + {first}"
    " JOIN sold USING (product_id) WHERE sold.first_at < moment.instant - INTERVAL 1 DAY"
)

_IN_HALF_YEAR = _BOUGHT + f" AND bought_at > moment.instant - INTERVAL {24 * (7 * 26 - 1)} HOURS" + _OF_CUSTOMER
_NEVER = "FROM moment WHERE false"
"""Zero is always possible, whatever the source contains."""

_CAME_BEFORE = " JOIN customer USING (customer_id) WHERE customer.first_at < moment.instant - INTERVAL 1 DAY"

RULES: dict[str, str] = {
    **CAMPAIGN_RULES,
    "baskets": _BOUGHT + _OF_CUSTOMER,
    "buyers": _BOUGHT + _OF_CUSTOMER,
    "quantity": _BOUGHT + _OF_CUSTOMER + " AND quantity > 0.001",
    "spend": _BOUGHT + _OF_CUSTOMER + " AND sales_value > 0.01",
    "price": _BOUGHT + _OF_CUSTOMER + " AND sales_value > 0.01 AND quantity > 0.001",
    "discount_share": _BOUGHT + _OF_CUSTOMER + " AND abs(retail_discount) > 0.01",
    "discount_depth": _IN_WINDOW + _OF_CUSTOMER + " AND abs(retail_discount) > 0.01",
    "stores": _IN_WINDOW + _OF_CUSTOMER + " AND trim(store_id) <> ''",
    "share_in_type": _IN_WINDOW + _OF_CUSTOMER + " JOIN product USING (product_id) WHERE trim(product_type) <> ''",
    "share_in_category": _IN_WINDOW + _OF_CUSTOMER + " JOIN product USING (product_id) WHERE trim(category) <> ''",
    "rebuyers": "FROM moment JOIN line AS first ON first.bought_at < moment.instant - INTERVAL 1 DAY"
    " JOIN line AS again ON again.bought_at < moment.instant - INTERVAL 1 DAY"
    " AND again.bought_at > first.bought_at + INTERVAL 1 DAY"
    " AND again.customer_id = first.customer_id AND again.product_id = first.product_id"
    " AND again.basket_id <> first.basket_id",
    "basket_value": _BOUGHT + _OF_CUSTOMER + " AND sales_value > 0.01",
    "days_since_first": _IN_HALF_YEAR,
    "days_since_last": _IN_HALF_YEAR,
    "weekday_share": _IN_HALF_YEAR,
    "store_share": _IN_HALF_YEAR + " AND trim(store_id) <> ''",
    "coupon_share": _IN_HALF_YEAR + " AND abs(coupon_discount) > 0.01",
    "private_label_share": _IN_HALF_YEAR
    + " AND sales_value > 0.01 JOIN product USING (product_id) WHERE lower(trim(brand)) = 'private'",
    "evening_share": _IN_HALF_YEAR + " AND hour(local_at) BETWEEN 17 AND 22",
    "morning_share": _IN_HALF_YEAR + " AND hour(local_at) BETWEEN 6 AND 10",
    "weekend_share": _IN_HALF_YEAR + " AND isodow(local_at) = 6 AND hour(local_at) BETWEEN 6 AND 20",
    "price_position": _NEVER,  # every product type may have one price
    "coupon_redemptions": "FROM moment JOIN redemption ON redeemed_on < moment.day" + _CAME_BEFORE,
    "campaigns_received": "FROM moment JOIN campaign ON starts_on < moment.day" + _CAME_BEFORE,
    "coupons_active": "FROM moment JOIN campaign ON starts_on < moment.day AND ends_on >= moment.day"
    " JOIN coupon USING (campaign_id) JOIN sold USING (product_id)"
    " WHERE sold.first_at < moment.instant - INTERVAL 1 DAY",
    "mailer_stores": _PLACED.format(column="mailer", first=-7, last=-1),
    "mailer_stores_next": _PLACED.format(column="mailer", first=0, last=27),
    "mailer_stores_next_1w": _PLACED.format(column="mailer", first=0, last=6),
    "display_stores": _PLACED.format(column="display", first=-7, last=-1),
    "display_stores_next": _PLACED.format(column="display", first=0, last=27),
    "display_stores_next_1w": _PLACED.format(column="display", first=0, last=6),
}
"""Rules by the feature's name without its window; `{hours}` is the window minus a day."""

_SAME = {
    "gap_mean_days": "rebuyers",
    "new_product_share": "first_buyers",
    "periods_4w": "baskets",
    "last_20_baskets": "baskets",
    "products": "baskets",
    "basket_size_mean": "baskets",
    "basket_lines": "baskets",
    "weekly_baskets": "baskets",
    "weekly_spend": "spend",
    **{f"decayed_{days}d": "baskets" for days in (20, 60, 120, 240)},
}
_FIRST_BOUGHT = (
    "FROM moment JOIN (SELECT customer_id, product_id, min(bought_at) AS bought_at FROM line"
    " WHERE customer_id IS NOT NULL GROUP BY ALL) AS first_line ON bought_at < moment.instant - INTERVAL 1 DAY"
    " AND bought_at > moment.instant - INTERVAL {hours} HOURS"
)


def explained(
    connection: duckdb.DuckDBPyConnection, profile: pd.DataFrame, admitted: Path, moments: Sequence[datetime], zone: str
) -> pd.DataFrame:
    """Return the profile with the reason of each feature that is zero everywhere.

    New columns: `all_zero`, whether it is zero although its source has rows; `is_unexplained`, whether it has no rule;
    `why`, the evidence in words.

    Args:
        connection: The connection that runs the queries.
        profile: The frame of `profile`.
        admitted: The folder of the admitted tables.
        moments: The points in time, naive UTC.
        zone: The shop's time zone.
    """
    all_zero: list[bool] = []
    unexplained: list[bool] = []
    why: list[str] = []
    names = [subject.rpartition(".")[2].rpartition("__")[2] for subject in profile["subject"]]
    if profile["is_zero"].any():
        _views(connection, admitted, moments, zone)
    for name, is_zero in zip(names, profile["is_zero"], strict=True):
        query = _rule(name) if is_zero else None
        rows = query is not None and _found(connection, query)
        all_zero.append(rows)
        unexplained.append(bool(is_zero) and query is None)
        why.append("its source has rows for at least one point in time" if rows else "")
    return profile.assign(all_zero=all_zero, is_unexplained=unexplained, why=why)


def _rule(name: str) -> str | None:
    """Return the rule's query; None if the feature has no rule."""
    if name in RULES:
        return RULES[name]
    if name.endswith(("_odd", "_even")):  # half of a habit's baskets: the whole has the rule
        return _NEVER
    windowed = re.fullmatch(r"(.+)_(\d+)w", name)
    base = windowed[1] if windowed else name
    base = _SAME.get(name, _SAME.get(base, base))
    hours = 24 * (7 * int(windowed[2]) - 1) if windowed else 24 * 27
    if base == "first_buyers":
        return _FIRST_BOUGHT.format(hours=hours)
    if base in RULES and windowed and RULES[base].startswith(_BOUGHT) and "{hours}" not in RULES[base]:
        return RULES[base].replace(_BOUGHT, _IN_WINDOW).format(hours=hours)
    return RULES[base].format(hours=hours) if base in RULES else None


def _views(connection: duckdb.DuckDBPyConnection, admitted: Path, moments: Sequence[datetime], zone: str) -> None:
    instants = ", ".join(f"TIMESTAMP {quote_literal(moment)}" for moment in moments)
    first_at = "min(bought_at) AS first_at FROM line WHERE customer_id IS NOT NULL GROUP BY ALL"
    tables = {
        "moment": f"SELECT instant, CAST(instant AT TIME ZONE 'UTC' AT TIME ZONE {quote_literal(zone)} AS DATE) AS day"
        f" FROM (SELECT unnest([{instants}]) AS instant)",
        "line": "SELECT *, transaction_at AS bought_at,"
        f" transaction_at AT TIME ZONE 'UTC' AT TIME ZONE {quote_literal(zone)} AS local_at"
        f" FROM {read_parquet(admitted / 'transactions.parquet')}"
        " WHERE quantity >= 0 AND sales_value >= 0",
        "product": f"FROM {read_parquet(admitted / 'products.parquet')}",
        "promotion": f"FROM {read_parquet(admitted / 'promotions.parquet')}",
        "campaign": f"FROM {read_parquet(admitted / 'campaigns.parquet')}",
        "coupon": f"FROM {read_parquet(admitted / 'coupons.parquet')}",
        "coupon_value": f"FROM {read_parquet(admitted / 'coupon_values.parquet')}",
        "redemption": f"FROM {read_parquet(admitted / 'redemptions.parquet')}",
        "customer": f"SELECT customer_id, {first_at}",
        "sold": f"SELECT product_id, {first_at}",
    }
    for name, query in tables.items():
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {query}")


def _found(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    return len(connection.execute(f"SELECT 1 {query} LIMIT 1").fetchall()) > 0
