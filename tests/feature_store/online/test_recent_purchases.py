"""Recent purchases are deleted once the feature tables hold them, never too early."""

import json
from datetime import date, datetime, timedelta

from core.clock import utc_now
from core.held import Held
from events.factory import open_recent_events
from events.records import Event
from feature_store.online.reader import OnlineFeatureReader
from settings import Settings
from tests.support.feature_store.installation import AS_OF, run_all

NEXT = AS_OF + timedelta(days=14)


def collect(settings: Settings, as_of: date, collected_at: datetime) -> None:
    """Write the manifest of an admission."""
    settings.paths.admitted.mkdir(parents=True, exist_ok=True)
    manifest = {"as_of": str(as_of), "collected_at": collected_at.isoformat()}
    (settings.paths.admitted / "manifest.json").write_text(json.dumps(manifest))


def buy(settings: Settings, event_id: str, occurred_at: datetime) -> None:
    recent = open_recent_events(settings)
    fields = {"customer_id": "c3", "product_id": "p1", "event_type": "purchase"} | {
        "occurred_at": f"{occurred_at.isoformat()}Z"
    }
    recent.append([Event.model_validate({"event_id": event_id} | fields)]).result()
    recent.close()


def kept(settings: Settings) -> set[str]:
    recent = open_recent_events(settings)
    found = {purchase.event_id for purchase in recent.of_customer("c3").purchases}
    recent.close()
    return found


def test_a_purchase_is_forgotten_one_materialisation_after_the_features_hold_it(settings: Settings) -> None:
    midnight = settings.start_of_day(AS_OF)
    buy(settings, "known", midnight - timedelta(days=1))
    buy(settings, "since", midnight + timedelta(hours=1))
    collect(settings, AS_OF, utc_now())
    run_all(settings, AS_OF)
    buy(settings, "late", midnight - timedelta(days=1))
    assert kept(settings) == {"known", "since", "late"}  # readers may still have the features before these open
    collect(settings, NEXT, utc_now())
    run_all(settings, NEXT)
    assert kept(settings) == {"since", "late"}
    run_all(settings, NEXT + timedelta(days=14))
    assert kept(settings) == set()


def test_a_row_says_when_its_data_was_collected(settings: Settings) -> None:
    first, again = utc_now() - timedelta(hours=2), utc_now() - timedelta(hours=1)
    collect(settings, AS_OF, first)
    run_all(settings, AS_OF)
    collect(settings, AS_OF, again)
    run_all(settings, AS_OF)  # the same rows: what arrived in between is not in them
    row = OnlineFeatureReader(settings).read("c3")
    assert row is not None
    assert row["held"] == Held(datetime.min, datetime.min, first)


def test_an_admission_of_another_day_says_nothing(settings: Settings) -> None:
    collect(settings, NEXT, utc_now())
    run_all(settings, AS_OF)
    row = OnlineFeatureReader(settings).read("c3")
    assert row is not None
    assert row["held"] is None
