"""Requests for plans without files, scores or a store: customers c00, c01, … who may all be contacted."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from marketing.campaigns.definition.campaign import Campaign
from marketing.campaigns.definition.file import CampaignFile
from marketing.campaigns.plan.plan import Request
from marketing.campaigns.policy.contacts import Contacts
from outbox.plan import ClassPolicy, ContactPolicy, FrequencyCap

POLICY = ContactPolicy(
    {
        "promotional": ClassPolicy((FrequencyCap(1, timedelta(days=7)),)),
        "transactional": ClassPolicy(needs_consent=False),
    },
    "America/New_York",
)
SECRET = b"a secret for the tests of plans!"
MESSAGES = pa.schema({"customer_id": pa.string(), "message_class": pa.string(), "at": pa.timestamp("us")})
DECIDED = pa.schema({"customer_id": pa.string(), "outcome": pa.string(), "decided_at": pa.timestamp("us")})


def ids(count: int) -> list[str]:
    return [f"c{number:02}" for number in range(count)]


def campaign(name: str = "one", **fields: Any) -> CampaignFile:
    """A campaign for everybody without a hold-out, changed by fields."""
    content = [{"name": "all", "subject": "Hello", "text": "{{ segment }} {{ unsubscribe_url }}"}]
    made = {
        "id": name, "goal": "g", "message_class": "promotional", "purpose": "marketing", "status": "running",
        "audience": {"everybody": True}, "content": content, "experiment": {"holdout": 0.0},
    }  # fmt: skip
    return CampaignFile(Path(f"{name}.toml"), "", Campaign.model_validate(made | fields))


def request(file: CampaignFile, customers: list[str], values: list[float] | None = None, **fields: Any) -> Request:
    """A request for these customers, changed by fields."""
    count = len(customers)
    targets = pa.table({
        "customer_id": pa.array(customers, pa.string()), "trigger": pa.array(["campaign"] * count, pa.string()),
        "occurrence": pa.array([f"{file.campaign.id}:once"] * count, pa.string()),
        "category": pa.nulls(count, pa.string()),
    })  # fmt: skip
    made: dict[str, Any] = {
        "file": file, "targets": targets, "content": pa.array(["all"] * count, pa.string()), "product_ids": None,
        "offers": None, "values": np.array(values or [1.0] * count), "decided": DECIDED.empty_table(),
    }  # fmt: skip
    return Request(**(made | fields))


def contacts(
    customers: list[str],
    without_consent: tuple[str, ...] = (),
    suppressed: tuple[str, ...] = (),
    messages: Mapping[str, datetime] | None = None,
) -> Contacts:
    """Contacts of customers with e-mail and consent; the messages are promotional, one per customer."""
    count, rows = len(customers), messages or {}
    texts = pa.string()
    return Contacts(
        pa.table({
            "customer_id": pa.array(customers, texts), "channel": pa.array(["email"] * count, texts),
            "purpose": pa.array(["marketing"] * count, texts),
            "granted": pa.array([one not in without_consent for one in customers], pa.bool_()),
        }),
        pa.table({
            "customer_id": pa.array(customers, texts), "channel": pa.array(["email"] * count, texts),
            "timezone": pa.nulls(count, texts),
        }),
        pa.table({"customer_id": pa.array(suppressed, texts), "channel": pa.array(["email"] * len(suppressed), texts)}),
        pa.table([list(rows), ["promotional"] * len(rows), list(rows.values())], schema=MESSAGES),
    )  # fmt: skip
