"""Caps count sent and waiting messages in rolling windows and in the customer's day; a missing row means no."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

from marketing.campaigns.definition.campaign import Schedule
from marketing.campaigns.policy.contacts import Contacts, decided_since
from marketing.campaigns.policy.timing import windows
from outbox.plan import ClassPolicy, FrequencyCap, QuietHours
from tests.support.marketing.campaign_shop import NOON

IDS = pa.array(["a", "b", "c"])
TEXT = pa.string()


def contacts(messages: Sequence[tuple[str, str, datetime]] = (), **tables: list[dict[str, object]]) -> Contacts:
    schemas = {
        "consents": {"customer_id": TEXT, "channel": TEXT, "purpose": TEXT, "granted": pa.bool_()},
        "contacts": {"customer_id": TEXT, "channel": TEXT, "timezone": TEXT},
        "suppressions": {"customer_id": TEXT, "channel": TEXT},
    }
    made = {name: pa.Table.from_pylist(tables.get(name, []), pa.schema(schema)) for name, schema in schemas.items()}
    rows = [{"customer_id": one, "message_class": name, "at": at} for one, name, at in messages]
    schema = pa.schema({"customer_id": TEXT, "message_class": TEXT, "at": pa.timestamp("us")})
    return Contacts(messages=pa.Table.from_pylist(rows, schema), **made)


def allowance(rules: ClassPolicy, messages: list[tuple[str, str, datetime]], as_of: datetime = NOON) -> list[int]:
    found = windows(pa.nulls(len(IDS), TEXT), as_of, Schedule(), rules.quiet_hours, ZoneInfo("America/New_York"))
    return contacts(messages).allowance(IDS, "promotional", rules, found).tolist()


def test_a_rolling_window_ends_when_the_new_message_may_leave() -> None:
    rules = ClassPolicy(caps=(FrequencyCap(2, timedelta(days=7)),))
    messages = [
        ("a", "promotional", NOON - timedelta(days=6, hours=23)),
        ("a", "promotional", NOON + timedelta(hours=3)),  # waits
        ("b", "promotional", NOON - timedelta(days=7)),
        ("b", "transactional", NOON - timedelta(days=1)),
        ("c", "promotional", NOON + timedelta(days=7)),  # waits beyond the window
        ("z", "promotional", NOON),
    ]
    assert allowance(rules, messages) == [0, 2, 2]


def test_the_cap_of_a_day_counts_the_customers_calendar_day() -> None:
    rules = ClassPolicy(cap_per_day=1)
    day = [datetime(2018, 1, 1, 4, 59), datetime(2018, 1, 1, 5), datetime(2018, 1, 2, 5)]
    messages = [("a", "promotional", day[0]), ("b", "promotional", day[1]), ("c", "promotional", day[2])]
    assert allowance(rules, messages) == [1, 0, 1]


def test_the_strictest_of_several_caps_decides() -> None:
    rules = ClassPolicy(caps=(FrequencyCap(5, timedelta(days=30)), FrequencyCap(1, timedelta(days=1))), cap_per_day=9)
    assert allowance(rules, [("a", "promotional", NOON - timedelta(days=2))]) == [1, 1, 1]
    assert allowance(rules, [("a", "promotional", NOON - timedelta(hours=2))]) == [0, 1, 1]


def test_nothing_known_a_no_and_another_purpose_are_no_consent() -> None:
    rows = [("a", "email", "marketing", True), ("b", "email", "marketing", False), ("c", "email", "service", True)]
    names = ("customer_id", "channel", "purpose", "granted")
    found = contacts(consents=[dict(zip(names, row, strict=True)) for row in rows])
    assert found.has_consent(pa.array(["a", "b", "c", "d"]), "email", "marketing").tolist() == [
        True,
        False,
        False,
        False,
    ]
    assert not found.has_consent(IDS, "sms", "marketing").any()


def test_a_suppression_of_every_channel_counts() -> None:
    found = contacts(suppressions=[{"customer_id": "a", "channel": "*"}, {"customer_id": "b", "channel": "sms"}])
    assert found.is_suppressed(IDS, "email").tolist() == [True, False, False]


def test_addresses_and_zones_are_of_the_channel() -> None:
    rows = [("a", "email", "Europe/Berlin"), ("b", "email", None), ("c", "sms", "Europe/Berlin")]
    found = contacts(contacts=[dict(zip(("customer_id", "channel", "timezone"), row, strict=True)) for row in rows])
    has_address, zones = found.timezones(IDS, "email")
    assert has_address.tolist() == [True, True, False]
    assert zones.to_pylist() == ["Europe/Berlin", None, None]


def test_a_cooldown_counts_held_out_customers_and_not_suppressed_ones() -> None:
    rows = [("a", "planned", 3), ("b", "held_out", 3), ("c", "suppressed", 3), ("a", "planned", 30)]
    decided = pa.Table.from_pylist(
        [{"customer_id": one, "outcome": out, "decided_at": NOON - timedelta(days=days)} for one, out, days in rows],
        pa.schema({"customer_id": TEXT, "outcome": TEXT, "decided_at": pa.timestamp("us")}),
    )
    assert decided_since(decided, IDS, NOON - timedelta(days=7)).tolist() == [True, True, False]
    assert decided_since(decided, IDS, NOON - timedelta(days=2)).tolist() == [False, False, False]


def test_quiet_hours_move_the_window_of_a_cap() -> None:
    """At 23:00 a message waits until 8:00, when yesterday's 8:30 is within a day and 7:30 is not."""
    rules = ClassPolicy((FrequencyCap(1, timedelta(days=1)),), quiet_hours=QuietHours(time(21), time(8)))
    night = datetime(2018, 1, 2, 4)
    messages = [("a", "promotional", datetime(2018, 1, 1, 13, 30)), ("b", "promotional", datetime(2018, 1, 1, 12, 30))]
    assert allowance(rules, messages, night) == [0, 1, 1]
