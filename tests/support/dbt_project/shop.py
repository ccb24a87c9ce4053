"""A shop small enough to recount in Python: admitted tables as landing writes them, with every quirk dbt cleans."""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

TIMEZONE = "America/New_York"
# Two of these weeks lie on either side of 2017-11-05, when New York's clocks go back.
SNAPSHOTS = [datetime(2017, 12, 4, 5), datetime(2017, 11, 20, 5), datetime(2017, 11, 6, 5), datetime(2017, 10, 23, 4)]
FIRST_DAY = datetime(2017, 7, 3, 4)

_COLUMNS = {
    "transactions": "customer_id VARCHAR, basket_id VARCHAR, product_id VARCHAR, store_id VARCHAR, quantity DOUBLE, "
    "sales_value DOUBLE, retail_discount DOUBLE, coupon_discount DOUBLE, coupon_match_discount DOUBLE, "
    "transaction_at TIMESTAMP",
    "products": "product_id VARCHAR, product_name VARCHAR, department VARCHAR, category VARCHAR, product_type VARCHAR, "
    "brand VARCHAR, manufacturer_id VARCHAR, package_size VARCHAR",
    "customers": "customer_id VARCHAR, age_band VARCHAR, income_band VARCHAR, home_ownership VARCHAR, "
    "marital_status VARCHAR, household_size VARCHAR, household_composition VARCHAR, kids_count VARCHAR",
    "promotions": "product_id VARCHAR, store_id VARCHAR, starts_on DATE, ends_on DATE, display VARCHAR, mailer VARCHAR",
    "campaigns": "campaign_id VARCHAR, customer_id VARCHAR, campaign_type VARCHAR, starts_on DATE, ends_on DATE",
    "coupons": "coupon_id VARCHAR, product_id VARCHAR, campaign_id VARCHAR",
    "coupon_values": "coupon_id VARCHAR, campaign_id VARCHAR, face_value DOUBLE, margin DOUBLE",
    "redemptions": "customer_id VARCHAR, coupon_id VARCHAR, campaign_id VARCHAR, redeemed_on DATE",
    "events": "event_id VARCHAR, customer_id VARCHAR, product_id VARCHAR, event_type VARCHAR, occurred_at TIMESTAMP, "
    "received_at TIMESTAMP, request_id VARCHAR, quantity DOUBLE, price DOUBLE, "
    "rating DOUBLE, rating_min DOUBLE, rating_max DOUBLE, query VARCHAR",
    "decisions": "request_id VARCHAR, customer_id VARCHAR, slate VARCHAR, position DOUBLE, product_id VARCHAR, "
    "source VARCHAR, score DOUBLE, model_version VARCHAR, fallback VARCHAR, decided_at TIMESTAMP, "
    "experiment_id VARCHAR, variant VARCHAR, propensity DOUBLE, is_holdout BOOLEAN",
    "exposures": "request_id VARCHAR, customer_id VARCHAR, slate VARCHAR, experiment_id VARCHAR, variant VARCHAR, "
    "propensity DOUBLE, is_holdout BOOLEAN, is_override BOOLEAN, served VARCHAR, fallback VARCHAR, shown DOUBLE, "
    "decided_at TIMESTAMP",
}

UNRATED = (None, None, None, None)
"""The last columns of an event that is neither a rating nor a search."""


@dataclass(frozen=True)
class Shop:
    """Rows by table, in the contract's column order; a table without rows becomes an empty typed file."""

    tables: dict[str, list[tuple]] = field(default_factory=dict)

    def known_before(self, instant: datetime, day: date) -> "Shop":
        """Return the rows that landing would have admitted on that day; promotions are planned 4 weeks ahead."""
        known = {
            "transactions": lambda row: row[9] < instant,
            "redemptions": lambda row: row[3] < day,
            "campaigns": lambda row: row[3] < day,
            "promotions": lambda row: row[2] <= day + timedelta(days=28),
            "events": lambda row: max(row[4], row[5]) < instant,
        }
        return Shop(
            {name: [row for row in rows if known.get(name, lambda _: True)(row)] for name, rows in self.tables.items()}
        )

    def only(self, *names: str) -> "Shop":
        """The same shop with all other tables empty, as a retailer who has no more."""
        return Shop({name: rows for name, rows in self.tables.items() if name in names})

    def write(self, data: Path) -> None:
        """Write <data>/admitted/<table>.parquet, feedback as landed too, and make the folders dbt writes to."""
        for folder in ("admitted", "feedback/landed", "warehouse", "features/staged", "dbt"):
            (data / folder).mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            for name, columns in _COLUMNS.items():
                connection.execute(f"CREATE TABLE {name} ({columns})")
                if rows := self.tables.get(name):
                    places = ", ".join("?" * len(rows[0]))
                    connection.executemany(f"INSERT INTO {name} VALUES ({places})", rows)
                if name not in ("decisions", "exposures"):
                    connection.execute(f"COPY {name} TO '{data / 'admitted' / name}.parquet' (FORMAT parquet)")
                if name in ("events", "decisions", "exposures"):
                    landed = data / "feedback" / "landed" / f"{name}.parquet"
                    connection.execute(f"COPY {name} TO '{landed}' (FORMAT parquet)")


def corner_shop() -> Shop:
    """Eight customers, twelve products, three stores, five months; the same on every machine."""
    chance = random.Random(7)
    lines = []
    for number in range(120):
        moment = FIRST_DAY + timedelta(seconds=chance.randrange(int((SNAPSHOTS[0] - FIRST_DAY).total_seconds())))
        for product in chance.sample(range(12), chance.randint(1, 4)):
            quantity = chance.choice([1, 1, 1, 2, 3])
            # Some tills write money off as a negative number.
            discount = chance.choice([0.0, 0.35, -0.35])
            value = round(quantity * (1.1 + product / 3), 2)
            ids = (f"c{number % 8}", f"b{number}", f"p{product}", f"s{chance.randrange(3)}")
            lines.append((*ids, quantity, value, discount, 0.0, None, moment))
    quirks = [
        # Two guests: one buys products of others, one a product of no other customer.
        (None, "g1", "p3", "s1", 1, 2.1, 0.0, 0.0, 0.0, datetime(2017, 9, 3, 15)),
        (None, "g2", "guests only", "s2", 2, 4.2, 0.0, 0.0, 0.0, datetime(2017, 9, 4, 15)),
        # A return, a free line, a coupon's booking of a product that is not in the catalogue.
        ("c1", "r1", "p1", "s1", -1, -1.43, 0.0, 0.0, 0.0, datetime(2017, 9, 1, 15)),
        ("c1", "f1", "p2", None, 1, 0.0, 1.77, 0.0, 0.0, datetime(2017, 9, 2, 15)),
        ("c2", "k1", "p99", "None", 0, 4.440892098500626e-16, 0.0, -1.0, 0.0, datetime(2017, 9, 3, 15)),
        # A receipt with two lines of one product, one of them at a snapshot's very instant.
        ("c3", "t1", "p3", "s2", 1, 2.1, 0.0, 0.0, 0.0, SNAPSHOTS[2] - timedelta(seconds=1)),
        ("c3", "t1", "p3", "s2", 1, 2.1, 0.0, 0.0, 0.0, SNAPSHOTS[2]),
    ]
    # Cancelled orders, on either side of the snapshot of 20 November, and between two snapshots; one in part.
    quirks += [
        ("c4", "o1", "p5", "s1", 5, 9.0, 0.0, 0.0, 0.0, SNAPSHOTS[1] - timedelta(days=2)),
        ("c4", "o1", "p6", "s1", 1, 3.1, 0.0, 0.0, 0.0, SNAPSHOTS[1] - timedelta(days=2)),
        ("c4", "Co1", "p5", "s1", -5, -9.0, 0.0, 0.0, 0.0, SNAPSHOTS[1] + timedelta(days=1)),
        ("c7", "o4", "p8", "s1", 8, 30.1, 0.0, 0.0, 0.0, SNAPSHOTS[1] - timedelta(days=1)),
        ("c7", "Co4", "p8", "s1", -8, -30.1, 0.0, 0.0, 0.0, SNAPSHOTS[1] + timedelta(hours=9)),
        ("c5", "o2", "p6", "s1", 6, 18.6, 0.0, 0.0, 0.0, SNAPSHOTS[2] + timedelta(days=1)),
        ("c5", "Co2", "p6", "s1", -6, -18.6, 0.0, 0.0, 0.0, SNAPSHOTS[2] + timedelta(days=3)),
        ("c6", "o3", "p7", "s1", 7, 24.0, 0.0, 0.0, 0.0, SNAPSHOTS[2] + timedelta(days=1)),
        ("c6", "Co3", "p7", "s1", -4, -13.7, 0.0, 0.0, 0.0, SNAPSHOTS[2] + timedelta(days=3)),
    ]
    types = ["MILK", "BREAD", "None/Unknown"]
    products = [
        (f"p{n}", None, "GROCERY", "FOOD", types[n % 3], "Private", str(n % 2), None if n % 4 else f"{n} OZ")
        for n in range(12)
    ] + [("new", "Oat Bar", "GROCERY", "FOOD", "BREAD", "Private", "1", "2 OZ")]
    mondays = [date(2017, 7, 3) + timedelta(weeks=week) for week in range(26)]
    promotions = [
        (f"p{(week * 5 + store) % 12}", f"s{store}", monday, monday + timedelta(days=6), str(week % 2), mailer)
        for week, monday in enumerate(mondays)
        for store in range(3)
        for mailer in ("A", "0")
    ] + [("new", "s0", date(2017, 11, 20), date(2017, 11, 26), "0", "D")]
    campaigns = [("k1", f"c{n}", "Type A", date(2017, 10, 1), date(2017, 11, 10)) for n in range(5)]
    # One that starts between two snapshots and has closed, and one that runs at the newest.
    campaigns += [("k2", f"c{n}", "Type B", date(2017, 10, 25), date(2017, 11, 22)) for n in (1, 4, 6)]
    campaigns += [("k3", f"c{n}", "Type B", date(2017, 11, 8), date(2017, 12, 20)) for n in (1, 2)]
    moment = datetime(2017, 12, 1, 15)
    # Purchases of 1 December are on receipts as well, or never will be: receipts of later days are there.
    events = [
        ("e1", "c1", "p1", "impression", moment, moment, "r1", None, None, *UNRATED),
        (
            "e2",
            "c1",
            "p1",
            "purchase",
            moment + timedelta(minutes=9),
            moment + timedelta(minutes=10),
            "r1",
            1,
            1.43,
            *UNRATED,
        ),
        (
            "e2",
            "c1",
            "p1",
            "purchase",
            moment + timedelta(minutes=9),
            moment + timedelta(minutes=11),
            "r1",
            1,
            1.43,
            *UNRATED,
        ),
        ("e3", "c2", "p2", "click", moment, moment, None, None, None, *UNRATED),
        ("e4", "c1", "p3", "click", moment, moment, "r1", None, None, *UNRATED),
    ]
    outside = (None, None, None, None)  # of experiments
    decisions = [
        ("r1", "c1", "all", 1, "p1", "repeat_purchases", 2.5, "v1", None, moment - timedelta(minutes=1), *outside),
        ("r1", "c1", "all", 2, "p2", "popular", 1.5, "v1", None, moment - timedelta(minutes=1), *outside),
        ("r1", "c1", "all", 2, "p2", "popular", 1.5, "v1", None, moment - timedelta(minutes=1), *outside),
    ]
    return Shop(
        {
            "events": events,
            "decisions": decisions,
            "transactions": lines + quirks,
            "products": products,
            "customers": [("c0", "45-54", "Unknown", "None", "Married", "2", "2 Adults No Kids", "0")],
            "promotions": promotions,
            "campaigns": campaigns,
            "coupons": [
                ("x", "p1", "k1"),
                ("x", "p1", "k1"),
                ("y", "p2", "k1"),
                ("z", "p3", "k2"),
                ("z", "p4", "k2"),
                ("x", "p1", "k3"),
                ("x", "p5", "k3"),
                ("w", "p8", "k3"),
            ],
            "coupon_values": [("x", None, 0.5, 2.0), ("x", "k1", 1.0, 3.0)],
            "redemptions": [
                ("c1", "x", "k1", date(2017, 10, 22)),
                ("c1", "y", "k1", date(2017, 11, 6)),
                ("c4", "z", "k2", date(2017, 11, 9)),
            ],
        }
    )
