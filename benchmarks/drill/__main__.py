"""`make drill`: what may go wrong, done to a real service in a sandbox, and what customers saw of it.

Copies the bundles, features and release log of REACH_DATA into a folder of its own below it, serves them under a
steady load whose every answer is compared with the list of the version that it names, and breaks one thing after the
other. Prints each fault, what was expected and what happened; the last line is one JSON object. Exits with 1 if
anything differs from what was expected.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.drill.answers import Expected
from benchmarks.drill.bundles import drill_bundles
from benchmarks.drill.events import drill_events
from benchmarks.drill.outages import drill_outages
from benchmarks.drill.overload import drill_overload
from benchmarks.drill.restarts import RESTARTS, drill_sigterm, drill_worker
from benchmarks.drill.sandbox import Sandbox, Served
from benchmarks.drill.sheet import Sheet
from benchmarks.drill.stores import RedisServer, SqliteFile
from benchmarks.drill.swaps import drill_features, drill_swaps
from benchmarks.drill.traffic import Traffic
from benchmarks.drill.versions import derive
from benchmarks.serving import known_customers
from feature_store.online.reader import OnlineFeatureReader
from registry.champion_alias import Registry
from settings import Settings, load_settings

CUSTOMERS = 100
STRANGER = "drill: no such customer"
K = 10


class Drill:
    """A sandbox with three versions, and what each of them has to answer."""

    def __init__(self, settings: Settings, folder: Path, sheet: Sheet, rate: float):
        champion = Registry(settings.paths.release).champion()
        if champion is None:
            sys.exit(f"error: {settings.data} has no champion to drill with. Run 'make demo' first.")
        self.sandbox = Sandbox.of(settings, folder)
        self.sheet = sheet
        self.rate = rate
        self.versions = [champion.version, "drill-b", "drill-c"]
        for number, version in enumerate(self.versions[1:], start=2):
            derive(self.sandbox.store, champion.version, version, factor=1.0 + number / 2)
        reader = OnlineFeatureReader(self.sandbox.settings, deadline_seconds=10.0)
        self.customers = [*known_customers(self.sandbox.settings)[:CUSTOMERS], STRANGER]
        self.expected = Expected({customer_id: reader.read(customer_id) for customer_id in self.customers}, K)
        for version in self.versions:
            self.expected.learn(self.sandbox.store, version)

    def traffic(self, served: Served, visits: int = 1) -> Traffic:
        return Traffic(served.port, self.expected, self.customers, self.rate, visits)

    def on_sqlite(self, swaps: int, rollbacks: int, seconds: float, kills: int, only: Sequence[str] = ("",)) -> None:
        """One worker, SQLite: releases, bundles, outages, restarts, events. `only`: words of some outages, restarts."""
        outages = [fault for fault in SqliteFile(self.sandbox).faults() if any(word in fault.name for word in only)]
        restarts = [name for name in RESTARTS if any(word in name for word in only)]
        with self.sandbox.service() as served:
            with self.traffic(served) as traffic:
                drill_swaps(self.sandbox, served, traffic, self.sheet, self.versions, swaps, rollbacks)
                drill_features(self.sandbox, traffic, self.sheet)
                drill_bundles(self.sandbox, served, traffic, self.sheet)
                drill_outages(served, traffic, self.sheet, outages, seconds)
                drill_worker(served, traffic, self.sheet, restarts)
                drill_events(served, traffic, self.expected.product_id, self.sheet, kills)
            self.sheet.count(traffic.total)
            drill_sigterm(served, self.customers[0], self.sheet)

    def overload(self, seconds: float) -> None:
        """One worker, and no other customers than those who come too many."""
        with self.sandbox.service() as served:
            drill_overload(served, self.customers[:-1], self.sheet, seconds)

    def on_redis(self, workers: int, seconds: float) -> None:
        """Several workers, Redis: outages and restarts."""
        with RedisServer.running(self.sandbox.settings.data / "redis") as server:
            sandbox = self.sandbox.on_redis(server.address)
            with sandbox.service(REACH_SERVICE_WORKERS=str(workers)) as served:
                with self.traffic(served, visits=4 * workers) as traffic:  # so that each worker has seen nearly all
                    drill_outages(served, traffic, self.sheet, server.faults(sandbox), seconds)
                    drill_worker(served, traffic, self.sheet, list(RESTARTS))
                self.sheet.count(traffic.total)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drill", description=__doc__)
    parser.add_argument("--rate", type=float, default=40.0, help="requests a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=12.0, help="how long an outage lasts (default: %(default)s)")
    parser.add_argument("--untimed", action="store_true", help="do not judge seconds: others use the machine, too")
    parser.add_argument("--part", choices=("sqlite", "redis"), help="only this part")
    options = parser.parse_args()
    settings = load_settings()
    sheet = Sheet(check_times=not options.untimed)
    with TemporaryDirectory(dir=settings.data, prefix="drill-") as folder:
        drill = Drill(settings, Path(folder), sheet, options.rate)
        if options.part != "redis":
            drill.on_sqlite(swaps=20, rollbacks=5, seconds=options.seconds, kills=3)
            drill.overload(options.seconds)
        if options.part != "sqlite":
            drill.on_redis(workers=2, seconds=options.seconds)
    print(sheet.last_line())
    sys.exit(0 if sheet.held == sheet.faults and not sheet.failed else 1)


if __name__ == "__main__":
    main()
