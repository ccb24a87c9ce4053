"""`make outbox-drill` and `python -m benchmarks.outbox`: kill planners and senders, or measure how fast they are.

`drill` kills the sender and one of three planners 50 times, while 10,000 customers are planned and sent to. `speed`
plans 100,000 messages and sends some. Each prints its counts; the last line is one JSON object. The exit code is 1 if a
customer got a message twice or against a rule, and if more messages are in doubt than senders were killed.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from benchmarks.outbox.kill_drill import problems, run_drill
from benchmarks.outbox.speed import measure
from benchmarks.outbox.world import World
from core.clock import utc_now
from outbox.planning import enqueue
from outbox.store import open_store, store_url
from settings import load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outbox", description="Kill or measure the outbox.")
    commands = parser.add_subparsers(dest="command", required=True)
    drill = commands.add_parser("drill", help="kill planners and senders, and count what customers got")
    drill.add_argument("--customers", type=int, default=10_000)
    drill.add_argument("--kills", type=int, default=50)
    drill.add_argument("--seed", type=int, default=7)
    drill.add_argument("--url", help="an empty PostgreSQL database; default: an SQLite file in a temporary folder")
    speed = commands.add_parser("speed", help="plan and send messages, and print seconds and memory")
    speed.add_argument("--messages", type=int, default=100_000)
    speed.add_argument("--url", help="an empty PostgreSQL database; default: an SQLite file in a temporary folder")
    plan = commands.add_parser("plan", help="what a planner of the drill runs")
    plan.add_argument("--customers", type=int, required=True)
    plan.add_argument("--started", type=datetime.fromisoformat, required=True)
    plan.add_argument("--order", type=int, required=True)
    options = parser.parse_args(arguments)
    if options.command == "plan":
        return _plan(options)
    with tempfile.TemporaryDirectory(prefix="reach-outbox-") as name:
        url = options.url or f"sqlite:///{name}/outbox.db"
        if options.command == "speed":
            print(json.dumps(measure(url, options.messages)))
            return 0
        store = open_store(url)
        found = run_drill(store, url, World(options.customers, utc_now()), options.kills, Path(name), options.seed)
        store.close()
    for key, value in found.items():
        print(f"{key:28} {value}")
    wrong = problems(found)
    for line in wrong:
        print(f"WRONG {line}")
    print(json.dumps(found))
    return 1 if wrong else 0


def _plan(options: argparse.Namespace) -> int:
    """Plan all waves in an order of this planner's own, as fast as the store lets it."""
    store = open_store(store_url(load_settings()))
    plans = list(World(options.customers, options.started).plans())
    random.Random(options.order).shuffle(plans)
    for plan in plans:
        print(enqueue(store, plan), flush=True)
        time.sleep(0.05)
    return 0


if __name__ == "__main__":
    sys.exit(main())
