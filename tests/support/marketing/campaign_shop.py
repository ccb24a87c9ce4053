"""An installation with everything that a campaign reads: two publications of scores, products, features, an outbox."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from customer_scores.publish import publish
from marketing.campaigns.definition.file import CampaignFile, read_campaign
from marketing.campaigns.plan.planning import SECRET
from marketing.campaigns.plan.staged_plan import read_record
from outbox.customers.records import Consent, Contact, record_consents, record_contacts
from outbox.store import open_store, store_url
from settings import Settings
from tests.support.customer_scores.marketing import stage_marketing
from tests.support.customer_scores.scores import CUSTOMERS, stage_scores

BEFORE, AS_OF = date(2017, 12, 25), date(2018, 1, 1)
NOON = datetime(2018, 1, 1, 17)
"""Noon in the shop's zone, as naive UTC."""

PRODUCTS = [
    ("p1", "Pale Ale", "BEERS/ALES", "GROCERY"),
    ("p2", "Whole Milk", "MILK", "GROCERY"),
    ("p3", "Green Tea", "TEA", "GROCERY"),
    ("p4", "Oat Biscuits", "BISCUITS", "GROCERY"),
]
SIMPLE = """
id = "simple"
status = "running"
goal = "Inform everybody"
message_class = "promotional"
purpose = "marketing"
[audience]
everybody = true
[[content]]
name = "all"
subject = "Hello"
text = "News for you. {{ unsubscribe_url }}"
[experiment]
holdout = 0.3
"""


def write_campaign(folder: Path, text: str, name: str = "simple") -> CampaignFile:
    """Write a campaign's file and read it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.toml"
    file.write_text(text)
    return read_campaign(file)


def campaign_shop(data: Path, customers: Sequence[str] = CUSTOMERS) -> Settings:
    """Publish scores of two days and write products, lists and features; every customer consents to e-mail."""
    settings = Settings(data=data)
    for seed, day in ((1, BEFORE), (7, AS_OF)):
        stage_scores(settings, day, customers, seed=seed)
        if tuple(customers) == CUSTOMERS:
            stage_marketing(settings)
        publish(settings, day)
    _write(settings.paths.admitted / "products.parquet", _products())
    _write(settings.paths.recommendations / "explore.parquet", _lists(customers))
    _write(settings.paths.features / "feat_customer_profile.parquet", _profiles(settings, customers))
    settings.paths.plans.mkdir(parents=True)
    (settings.paths.plans / SECRET).write_bytes(bytes(range(32)))
    fill_outbox(settings, customers)
    return settings


def fill_outbox(settings: Settings, customers: Sequence[str]) -> None:
    """Record an address and a consent of every customer."""
    store, since = open_store(store_url(settings)), datetime(2017, 1, 1)
    record_contacts(store, [Contact(one, "email", f"{one}@example.invalid", None, since) for one in customers])
    record_consents(store, [Consent(one, "email", "marketing", True, since, "made") for one in customers])
    store.close()


def mark_checked(settings: Settings, campaign_id: str, **broken: str) -> Path:
    """Write results of a check of a staged plan; `broken` has the severity by expectation."""
    record = read_record(settings.paths.plans / campaign_id)
    file = settings.paths.quality / record.plan_id / "plan" / "results.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    results = [{"name": "customers_get_one_message", "severity": "critical", "met": True}]
    results += [{"name": name, "severity": severity, "met": False} for name, severity in broken.items()]
    file.write_text(json.dumps(results))
    return file


def _products() -> pa.Table:
    names = ("product_id", "product_name", "category", "department")
    return pa.table({name: [row[number] for row in PRODUCTS] for number, name in enumerate(names)})


def _lists(customers: Sequence[str]) -> pa.Table:
    """The beer first, then the others; the first customer has the beer only."""
    rows = [
        (customer, rank, product)
        for number, customer in enumerate(sorted(customers))
        for rank, (product, *_) in enumerate(PRODUCTS if number else PRODUCTS[:1], start=1)
    ]
    schema = pa.schema([("customer_id", pa.string()), ("rank", pa.int16()), ("product_id", pa.string())])
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=schema)


def _profiles(settings: Settings, customers: Sequence[str]) -> pa.Table:
    rng, count = np.random.default_rng(3), len(customers)
    baskets = rng.poisson(3, count).astype(float)
    return pa.table(
        {
            "customer_id": sorted(customers),
            "event_timestamp": pa.array([settings.start_of_day(AS_OF)] * count, pa.timestamp("us")),
            "days_since_first_basket": [3.0 if number < 2 else 200.0 + number for number in range(count)],
            "spend_4w": baskets * 30,
            "spend_13w": baskets * 30 + rng.gamma(2, 60, count),
            "baskets_4w": baskets,
            "baskets_13w": baskets + rng.poisson(6, count),
        }
    )


def _write(file: Path, table: pa.Table) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file)


def instant(text: str) -> datetime:
    """Return an instant with an offset as naive UTC."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
