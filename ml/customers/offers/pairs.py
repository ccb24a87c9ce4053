"""Read pairs of customer and coupon: what was known when a campaign started, and what was redeemed when it closed."""

from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa

from core.duckdb_engine import quote_literal

MAX_PAIRS = 1_000_000
"""Pairs that are held in memory at most; of a larger shop a sample of its customers is read."""

CUSTOMER_COLUMNS = (
    *("total_spend_13w", "total_baskets_13w", "total_baskets_4w", "days_since_last_basket", "total_products"),
    *("coupons_redeemed", "coupons_redeemed_13w", "campaigns_redeemed", "campaigns_before"),
)
OWN_COLUMNS = (
    *("own_baskets", "own_baskets_13w", "own_baskets_4w", "own_spend", "own_spend_13w", "own_days_since_last"),
    *("category_baskets_13w", "category_share"),
)
COUPON_COLUMNS = (
    *("coupon_products", "coupon_buyers_13w", "coupon_baskets_13w", "coupon_sales_13w", "face_value", "margin"),
    *("seen_contacts", "seen_redemptions"),
)
_HASHES = 2**32


@dataclass(frozen=True)
class Campaign:
    """A campaign at one instant.

    Attributes:
        campaign_id: its id.
        type: its type; empty if unknown.
        at: the instant, naive UTC: its start, or the newest snapshot.
        closes_at: when its last day ends.
    """

    campaign_id: str
    type: str
    at: datetime
    closes_at: datetime


@dataclass(frozen=True)
class Pairs:
    """Pairs sorted by campaign, customer and coupon; a contact is a customer of one campaign.

    Attributes:
        campaigns: the campaigns, in the order of `contact_campaign`.
        contact: the number of each pair's contact, ascending.
        contact_campaign: the campaign's number of each contact.
        customers: the customer of each contact.
        coupons: the coupon of each pair.
        redeemed: whether the coupon was redeemed until the campaign closed; all false before it closes.
        columns: further values of the pairs and, repeated, of customers and coupons, by name.
    """

    campaigns: list[Campaign]
    contact: np.ndarray
    contact_campaign: np.ndarray
    customers: np.ndarray
    coupons: np.ndarray
    redeemed: np.ndarray
    columns: dict[str, np.ndarray]

    @property
    def starts(self) -> np.ndarray:
        """Return the first pair of each contact."""
        return np.flatnonzero(np.diff(self.contact, prepend=-1))

    @property
    def contact_redeemed(self) -> np.ndarray:
        """Return how many coupons each contact redeemed."""
        return np.asarray(np.bincount(self.contact, self.redeemed, len(self.customers)))

    @property
    def pair_type(self) -> np.ndarray:
        """Return the campaign's type of each pair."""
        return np.asarray(self.contact_type[self.contact])

    @property
    def contact_type(self) -> np.ndarray:
        """Return the campaign's type of each contact."""
        return np.asarray(np.array([each.type for each in self.campaigns], object)[self.contact_campaign])

    def only(self, contacts: np.ndarray) -> "Pairs":
        """Return the pairs of the contacts that this boolean array keeps."""
        kept = contacts[self.contact]
        numbers = np.cumsum(contacts) - 1
        return Pairs(
            self.campaigns,
            numbers[self.contact[kept]],
            self.contact_campaign[contacts],
            self.customers[contacts],
            self.coupons[kept],
            self.redeemed[kept],
            {name: values[kept] for name, values in self.columns.items()},
        )

    def of_campaigns(self, wanted: set[str]) -> "Pairs":
        """Return the pairs of these campaigns."""
        chosen = np.array([campaign.campaign_id in wanted for campaign in self.campaigns], bool)
        return self.only(chosen[self.contact_campaign])


def closed_campaigns(connection: duckdb.DuckDBPyConnection) -> list[Campaign]:
    """Return the campaigns whose outcomes are known, oldest start first."""
    return _campaigns(
        connection,
        "campaign_id IN (SELECT unnest(campaign_ids) FROM feat_customer_redemptions)",
    )


def running_campaigns(connection: duckdb.DuckDBPyConnection, now: datetime) -> list[Campaign]:
    """Return the campaigns that run at the newest snapshot."""
    return _campaigns(connection, f"event_timestamp = TIMESTAMP {quote_literal(now)}")


def _campaigns(connection: duckdb.DuckDBPyConnection, condition: str) -> list[Campaign]:
    rows = connection.execute(
        "SELECT campaign_id, campaign_type, event_timestamp,"
        " event_timestamp + to_microseconds(CAST(round(days_left * 86400000000) AS BIGINT))"
        f" FROM feat_campaign_coupons WHERE {condition} ORDER BY event_timestamp, campaign_id"
    ).fetchall()
    return [Campaign(*row) for row in rows]


def closed_pairs(connection: duckdb.DuckDBPyConnection, campaigns: list[Campaign]) -> Pairs:
    """Return the pairs of closed campaigns with their outcomes; of a large shop those of a sample of its customers."""
    count = _count(
        connection,
        "SELECT count(*) FROM (SELECT unnest(campaign_ids) AS campaign_id FROM feat_customer_redemptions)"
        " JOIN (SELECT campaign_id, unnest(coupon_ids) FROM feat_campaign_coupons) USING (campaign_id)",
    )
    sample = "" if count <= MAX_PAIRS else f" WHERE {_hash('customer_id')} < {int(_HASHES * MAX_PAIRS / count)}"
    reached = f"SELECT customer_id, unnest(campaign_ids) AS campaign_id FROM feat_customer_redemptions{sample}"
    return _pairs(connection, campaigns, reached)


def running_pairs(
    connection: duckdb.DuckDBPyConnection, campaigns: list[Campaign], now: datetime, part: int, parts: int
) -> Pairs:
    """Return the pairs of running campaigns and the customers of one of several equal parts."""
    ids = ", ".join(quote_literal(campaign.campaign_id) for campaign in campaigns)
    low, high = _HASHES * part // parts, _HASHES * (part + 1) // parts
    reached = (
        "SELECT customer_id, unnest(["
        f"{ids}]) AS campaign_id FROM feat_customer_offers WHERE event_timestamp = TIMESTAMP {quote_literal(now)}"
        f" AND {_hash('customer_id')} >= {low} AND {_hash('customer_id')} < {high}"
    )
    return _pairs(connection, campaigns, reached)


def running_parts(connection: duckdb.DuckDBPyConnection, now: datetime) -> int:
    """Return in how many parts the customers of running campaigns must be read."""
    at = f"event_timestamp = TIMESTAMP {quote_literal(now)}"
    count = _count(
        connection,
        f"SELECT (SELECT count(*) FROM feat_customer_offers WHERE {at})"
        f" * (SELECT coalesce(sum(len(coupon_ids)), 0) FROM feat_campaign_coupons WHERE {at})",
    )
    return max(1, -(-count // MAX_PAIRS))


def _hash(column: str) -> str:
    """Return a number below 2^32 that is the same in every version of DuckDB."""
    return f"CAST('0x' || substr(md5({column}), 1, 8) AS BIGINT)"


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])


def _pairs(connection: duckdb.DuckDBPyConnection, campaigns: list[Campaign], reached: str) -> Pairs:
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE looked_at (number INTEGER, campaign_id VARCHAR, offered_at TIMESTAMP)"
    )
    rows = [(number, campaign.campaign_id, campaign.at) for number, campaign in enumerate(campaigns)]
    connection.executemany("INSERT INTO looked_at VALUES (?, ?, ?)", rows)
    own = ", ".join(f"unnest({name}) AS {name}" for name in OWN_COLUMNS)
    coupon = ", ".join(f"unnest({name}) AS {name}" for name in COUPON_COLUMNS if not name.startswith("seen"))
    query = f"""
        WITH reached AS ({reached}),
        coupon AS (
            SELECT campaign_id, event_timestamp AS offered_at, unnest(coupon_ids) AS coupon_id, {coupon}
            FROM feat_campaign_coupons JOIN looked_at USING (campaign_id) WHERE event_timestamp = offered_at
        ),
        outcome AS (
            SELECT customer_id, event_timestamp AS closed_at, unnest(redeemed_campaign_ids) AS campaign_id,
                   unnest(redeemed_coupon_ids) AS coupon_id
            FROM feat_customer_redemptions
        ),
        -- How the same coupon did in campaigns that had closed before.
        earlier AS (
            SELECT coupon_id, closed_at, count(*) AS redemptions FROM outcome GROUP BY ALL
        ),
        contacts AS (
            SELECT campaign_id, event_timestamp AS closed_at, count(*) AS contacts
            FROM (SELECT event_timestamp, unnest(campaign_ids) AS campaign_id FROM feat_customer_redemptions)
            GROUP BY ALL
        ),
        exposed AS (
            SELECT DISTINCT contacts.campaign_id, closed_at, contacts, unnest(coupon_ids) AS coupon_id
            FROM contacts JOIN feat_campaign_coupons USING (campaign_id)
        ),
        seen AS (
            SELECT coupon.campaign_id, coupon.offered_at, coupon.coupon_id,
                   (SELECT coalesce(sum(contacts), 0) FROM exposed
                    WHERE exposed.coupon_id = coupon.coupon_id AND closed_at <= coupon.offered_at) AS seen_contacts,
                   (SELECT coalesce(sum(redemptions), 0) FROM earlier
                    WHERE earlier.coupon_id = coupon.coupon_id AND closed_at <= coupon.offered_at) AS seen_redemptions
            FROM coupon
        ),
        customer AS (
            SELECT customer_id, event_timestamp AS offered_at, {", ".join(CUSTOMER_COLUMNS)} FROM feat_customer_offers
            WHERE event_timestamp IN (SELECT offered_at FROM looked_at)
        ),
        own AS (
            SELECT customer_id, event_timestamp AS offered_at, unnest(campaign_ids) AS campaign_id,
                   unnest(coupon_ids) AS coupon_id, {own}
            FROM feat_customer_offers WHERE event_timestamp IN (SELECT offered_at FROM looked_at)
        )
        SELECT looked_at.number, reached.customer_id, coupon.coupon_id, outcome.coupon_id IS NOT NULL AS redeemed,
               {", ".join(f"CAST({name} AS FLOAT) AS {name}" for name in CUSTOMER_COLUMNS)},
               {", ".join(f"CAST(coalesce({name}, 0) AS FLOAT) AS {name}" for name in OWN_COLUMNS)},
               {", ".join(f"CAST({name} AS FLOAT) AS {name}" for name in COUPON_COLUMNS)}
        FROM reached
        JOIN looked_at ON reached.campaign_id = looked_at.campaign_id
        JOIN customer ON reached.customer_id = customer.customer_id AND looked_at.offered_at = customer.offered_at
        JOIN coupon ON reached.campaign_id = coupon.campaign_id AND looked_at.offered_at = coupon.offered_at
        JOIN seen ON coupon.campaign_id = seen.campaign_id AND coupon.offered_at = seen.offered_at
            AND coupon.coupon_id = seen.coupon_id
        LEFT JOIN own ON reached.customer_id = own.customer_id AND looked_at.offered_at = own.offered_at
            AND reached.campaign_id = own.campaign_id AND coupon.coupon_id = own.coupon_id
        LEFT JOIN outcome ON reached.customer_id = outcome.customer_id
            AND reached.campaign_id = outcome.campaign_id AND coupon.coupon_id = outcome.coupon_id
        ORDER BY looked_at.number, reached.customer_id, coupon.coupon_id"""
    table: pa.Table = connection.sql(query).to_arrow_table()
    numbers = table["number"].to_numpy()
    customers, coupons = _texts(table["customer_id"]), _texts(table["coupon_id"])
    first = np.ones(len(numbers), bool)
    first[1:] = (numbers[1:] != numbers[:-1]) | (customers[1:] != customers[:-1])
    return Pairs(
        campaigns,
        np.cumsum(first) - 1,
        numbers[first],
        customers[first],
        coupons,
        table["redeemed"].to_numpy(zero_copy_only=False).astype(bool),
        {name: table[name].to_numpy() for name in (*CUSTOMER_COLUMNS, *OWN_COLUMNS, *COUPON_COLUMNS)},
    )


def _texts(column: pa.ChunkedArray) -> np.ndarray:
    """Return the texts as objects, each different text once in memory."""
    encoded = column.combine_chunks().dictionary_encode()
    return np.asarray(encoded.dictionary.to_numpy(zero_copy_only=False)[encoded.indices.to_numpy()])
