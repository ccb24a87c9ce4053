"""The drill of the outbox, small: planners and senders are killed, and no customer gets two messages."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.outbox.kill_drill import problems, run_drill
from benchmarks.outbox.speed import measure
from benchmarks.outbox.world import World
from core.clock import utc_now
from outbox.store import open_store
from tests.support.servers.postgres_server import postgres_server

CUSTOMERS, KILLS = 150, 4


def drilled(url: str, folder: Path) -> dict[str, Any]:
    store = open_store(url)
    found = run_drill(store, url, World(CUSTOMERS, utc_now(), waves=3), KILLS, folder)
    store.close()
    return found


def test_kills_leave_no_customer_with_two_messages(tmp_path: Path) -> None:
    found = drilled(f"sqlite:///{tmp_path}/outbox.db", tmp_path)
    assert problems(found) == []
    assert found["received"] > CUSTOMERS / 2


@pytest.mark.postgres
def test_nor_on_postgresql(tmp_path: Path) -> None:
    with postgres_server("a-secret-word") as port:
        found = drilled(f"postgresql://airflow:a-secret-word@127.0.0.1:{port}/airflow", tmp_path)
    assert problems(found) == []
    assert found["received"] > CUSTOMERS / 2


def test_a_count_that_must_be_zero_is_a_problem() -> None:
    found = dict.fromkeys(("customers_with_two", "without_consent", "on_suppression_list", "in_quiet_hours"), 0)
    found |= dict.fromkeys(("over_cap", "from_hold_out", "sent_but_not_received", "received_but_not_known"), 0)
    found |= dict.fromkeys(("still_sending", "unsent_without_reason", "customers_without_decisions"), 0)
    assert problems({**found, "in_doubt": 3, "kills": 3}) == []
    assert problems({**found, "in_doubt": 4, "kills": 3}) == ["in_doubt: 4 with 3 kills"]
    assert problems({**found, "in_doubt": 0, "kills": 3, "over_cap": 2}) == ["over_cap: 2 instead of 0"]


def test_speed_is_measured(tmp_path: Path) -> None:
    found = measure(f"sqlite:///{tmp_path}/outbox.db", 400)
    assert found["messages"] == 400
    assert found["sent_per_second"] > 0
