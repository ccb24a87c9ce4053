"""`make drill`: inject faults into a real service in a sandbox, and report their effect on customers.

The drill copies the bundles, features and release log of REACH_DATA into a temporary folder below it. It serves the
copy under a steady load, and compares each answer with the list of the version that the answer names. It then injects
one fault after the other. For each fault it prints what was expected and what happened; the last line is one JSON
object. The exit code is 1 if anything differs from what was expected.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.drill.answers import Expected
from benchmarks.drill.bundles import drill_bundles
from benchmarks.drill.events import drill_events
from benchmarks.drill.fault_report import FaultReport
from benchmarks.drill.outages import drill_outages, drill_overload
from benchmarks.drill.restarts import RESTARTS, drill_sigterm, drill_worker
from benchmarks.drill.sandbox import Sandbox, Served
from benchmarks.drill.stores import RedisServer, SqliteFile
from benchmarks.drill.swaps import derive, drill_features, drill_swaps
from benchmarks.drill.traffic import Traffic
from benchmarks.installation import champion_version, known_customers
from benchmarks.outbox.kill_drill import problems, run_drill
from benchmarks.outbox.world import World
from core.clock import utc_now
from core.restricted import hidden_patterns
from feature_store.online.reader import OnlineFeatureReader
from outbox.store import open_store
from settings import Settings, SettingsError, load_settings

CUSTOMERS = 100
OUTBOX_CUSTOMERS, OUTBOX_KILLS = 1_000, 10
UNKNOWN_CUSTOMER = "drill: no such customer"
K = 10


class Drill:
    """Run the faults in a sandbox with three versions, and check answers against each version's lists."""

    def __init__(self, settings: Settings, folder: Path, report: FaultReport, rate: float):
        champion = champion_version(settings)
        self.sandbox = Sandbox.of(settings, folder)
        self.report = report
        self.rate = rate
        self.versions = [champion, "drill-b", "drill-c"]
        for number, version in enumerate(self.versions[1:], start=2):
            derive(self.sandbox.store, champion, version, factor=1.0 + number / 2)
        reader = OnlineFeatureReader(self.sandbox.settings, deadline_seconds=10.0)
        self.customers = [*known_customers(self.sandbox.settings)[:CUSTOMERS], UNKNOWN_CUSTOMER]
        features = {customer_id: reader.read(customer_id) for customer_id in self.customers}
        restricted = hidden_patterns(settings.exclude_restricted, settings.contact_policy, SettingsError)
        self.expected = Expected(features, K, restricted)
        for version in self.versions:
            self.expected.add_version(self.sandbox.store, version)

    def traffic(self, served: Served, visits: int = 1) -> Traffic:
        """Return a steady load on a service; each customer has made `visits` requests before."""
        return Traffic(served.port, self.expected, self.customers, self.rate, visits)

    def on_sqlite(self, swaps: int, rollbacks: int, seconds: float, kills: int, only: Sequence[str] = ("",)) -> None:
        """Run every fault on one worker with SQLite: releases, bundles, outages, restarts, events.

        Args:
            swaps: Number of model swaps.
            rollbacks: Number of roll-backs.
            seconds: Duration of each outage.
            kills: Number of kills right after acknowledged events.
            only: Words; only outages and restarts whose name contains one of them are run.
        """
        outages = [fault for fault in SqliteFile(self.sandbox).faults() if any(word in fault.name for word in only)]
        restarts = [name for name in RESTARTS if any(word in name for word in only)]
        with self.sandbox.service() as served:
            with self.traffic(served) as traffic:
                drill_swaps(self.sandbox, served, traffic, self.report, self.versions, swaps, rollbacks)
                drill_features(self.sandbox, traffic, self.report)
                drill_bundles(self.sandbox, served, traffic, self.report)
                drill_outages(served, traffic, self.report, outages, seconds)
                drill_worker(served, traffic, self.report, restarts)
                drill_events(served, traffic, self.expected.product_id, self.report, kills)
            self.report.count(traffic.total)
            drill_sigterm(served, self.customers[0], self.report)

    def overload(self, seconds: float) -> None:
        """Overload one worker for `seconds`, without any other load."""
        with self.sandbox.service() as served:
            drill_overload(served, self.customers[:-1], self.report, seconds)

    def on_redis(self, workers: int, seconds: float) -> None:
        """Run outages of `seconds` and restarts on several workers with Redis."""
        with RedisServer.running(self.sandbox.settings.data / "redis") as server:
            sandbox = self.sandbox.on_redis(server.address)
            with sandbox.service(REACH_SERVICE_WORKERS=str(workers)) as served:
                with self.traffic(
                    served, visits=4 * workers
                ) as traffic:  # because each worker caches the customers that it has served
                    drill_outages(served, traffic, self.report, server.faults(sandbox), seconds)
                    drill_worker(served, traffic, self.report, list(RESTARTS))
                self.report.count(traffic.total)


def drill_outbox(folder: Path, report: FaultReport) -> None:
    """Kill planners and senders of an outbox of its own, and count what its customers got."""
    url = f"sqlite:///{folder}/outbox-drill/outbox.db"
    store = open_store(url)
    found = run_drill(store, url, World(OUTBOX_CUSTOMERS, utc_now()), OUTBOX_KILLS, folder)
    store.close()
    wrong = problems(found)
    counts = f"{found['received']} messages received, {found['in_doubt']} in doubt after {found['kills']} kills"
    report.note(
        "outbox: a sender and one of three planners are killed again and again",
        "no customer gets a message twice or against a rule, and at most one message per kill is in doubt",
        "; ".join(wrong) or counts,
        not wrong,
    )


def main() -> None:
    """Run the drill of the command line and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drill", description=__doc__)
    parser.add_argument("--rate", type=float, default=40.0, help="requests per second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=12.0, help="how long an outage lasts (default: %(default)s)")
    parser.add_argument("--untimed", action="store_true", help="do not check durations: for a shared machine")
    parser.add_argument("--part", choices=("sqlite", "redis"), help="only this part")
    options = parser.parse_args()
    settings = load_settings()
    report = FaultReport(check_times=not options.untimed)
    with TemporaryDirectory(dir=settings.data, prefix="drill-") as folder:
        drill = Drill(settings, Path(folder), report, options.rate)
        if options.part != "redis":
            drill.on_sqlite(swaps=20, rollbacks=5, seconds=options.seconds, kills=3)
            drill.overload(options.seconds)
        if options.part != "sqlite":
            drill.on_redis(workers=2, seconds=options.seconds)
        if options.part is None:
            drill_outbox(Path(folder), report)
    print(report.last_line())
    sys.exit(0 if report.held == report.faults and not report.failed else 1)


if __name__ == "__main__":
    main()
