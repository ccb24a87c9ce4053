"""Random small shops from their landing tables to answers, through the real commands in one process.

`python -m tests.support.ml.shops --shops 50 --seed 7` tries many and names those that end in anything but answers.
Shops are of 1 to 300 customers and 1 to 50 products, open for days or years, flat or growing up to tenfold a month,
with and without categories, names, promotions and profiles.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from dbt.cli.main import dbtRunner

from core.command import ExitCode
from feature_store.__main__ import main as feature_store
from landing.__main__ import main as landing
from ml.__main__ import main as ml
from ml.bundles.champion import deployed_champion
from ml.config import Config, load_config
from ml.data.dataset import Dataset
from ml.gate.policy import Policy, load_policy
from ml.runs import artifacts
from ml.runs.not_enough_data import not_enough_data
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from quality.__main__ import main as quality
from registry.__main__ import main as registry
from scoring.bundle import Bundle
from scoring.models.ranker import SLATES
from scoring.request import RecommendationRequest
from settings import ROOT, Settings, load_settings

END = datetime(2026, 3, 1)
PROJECT = ROOT / "dbt"


@dataclass(frozen=True)
class Shop:
    """Parameters of a random shop.

    days: how long it has been open. growth: customers of a month over those of the month before. pace: baskets per
    customer and week. loyalty: the share of purchases that are of the customer's few favourites.
    """

    seed: int
    customers: int
    products: int
    days: float
    growth: float
    pace: float
    loyalty: float
    has_categories: bool = True
    has_names: bool = True
    has_promotions: bool = True
    has_profiles: bool = True

    @classmethod
    def random(cls, seed: int) -> "Shop":
        rng = np.random.default_rng(seed)

        def between(low: float, high: float) -> float:
            return float(np.exp(rng.uniform(np.log(low), np.log(high))))

        return cls(
            seed=seed,
            customers=round(between(1, 300)),
            products=round(between(1, 50)),
            days=between(0.5, 112) if rng.random() < 0.3 else between(112, 730),
            growth=float(rng.choice([1.0, between(1, 10)])),
            pace=between(0.05, 3),
            loyalty=float(rng.choice([0.0, rng.random(), 1.0])),
            **{
                name: bool(rng.random() < 0.5)
                for name in ("has_categories", "has_names", "has_promotions", "has_profiles")
            },
        )

    def land(self, folder: Path) -> None:
        """Write the landing tables as Parquet."""
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng([self.seed, 1])
        tables = {"transactions": self._transactions(rng), "products": self._products()}
        if self.has_profiles:
            known = [f"c{i}" for i in range(0, self.customers, 2)]
            tables["customers"] = {"customer_id": known, "age_band": ["35-44"] * len(known)}
        if self.has_promotions:
            tables["promotions"] = self._promotions(rng)
        for name, columns in tables.items():
            pq.write_table(pa.table(columns), folder / f"{name}.parquet")

    def _transactions(self, rng: np.random.Generator) -> dict[str, Any]:
        # A customer's first day: uniform for a flat shop; the more recent, the likelier in one that grows.
        rate, share = np.log(self.growth) / 30 * self.days, rng.random(self.customers)
        first = share if rate < 1e-6 else np.log1p(share * np.expm1(rate)) / rate
        fame = rng.permutation(1.0 / np.arange(1, self.products + 1))
        rows: list[tuple] = []
        for customer, opened in enumerate(first * self.days):
            favourites = rng.choice(self.products, min(3, self.products), replace=False, p=fame / fame.sum())
            visits = 1 + rng.poisson(self.pace * (self.days - opened) / 7)
            for visit, day in enumerate([opened, *rng.uniform(opened, self.days, visits - 1)]):
                at = END - timedelta(days=self.days - float(day), seconds=1)
                loyal = rng.random(1 + rng.poisson(1)) < self.loyalty
                wanted = rng.choice(self.products, len(loyal), p=fame / fame.sum())
                for product in np.unique(np.where(loyal, rng.choice(favourites, len(loyal)), wanted)):
                    rows.append((f"c{customer}", f"b{customer}-{visit}", f"p{product}", 1.0, 1.0 + product % 7, at))
        names = ("customer_id", "basket_id", "product_id", "quantity", "sales_value", "transaction_at")
        return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))

    def _products(self) -> dict[str, Any]:
        numbers = range(self.products)
        columns: dict[str, Any] = {"product_id": [f"p{i}" for i in numbers]}
        if self.has_names:
            columns["product_name"] = [f"Product {i}" if i % 5 else None for i in numbers]
        if self.has_categories:
            columns["category"] = [f"category {i % 4}" for i in numbers]
            columns["product_type"] = [f"type {i % 9}" if i % 3 else None for i in numbers]
        return columns

    def _promotions(self, rng: np.random.Generator) -> dict[str, Any]:
        weeks = max(1, int(self.days / 7))
        starts = [END.date() - timedelta(weeks=int(week)) for week in rng.integers(-3, weeks, 2 * weeks)]
        return {
            "product_id": [f"p{i}" for i in rng.integers(0, self.products, len(starts))],
            "starts_on": starts,
            "ends_on": [start + timedelta(days=6) for start in starts],
            "mailer": ["A"] * len(starts),
        }


@dataclass(frozen=True)
class Needs:
    """How little is enough: `real` as configured; otherwise anything, so that the smallest shops are trained on."""

    is_real: bool = True
    lets_everything_through: bool = False

    @property
    def config(self) -> Config:
        config = load_config()
        few: dict[str, Any] = {"retrieval": config.retrieval.model_copy(update={"pretraining_epochs": 1, "epochs": 1})}
        few |= {"ranking": config.ranking.model_copy(update={"rankers": ["dlrm"], "epochs": 1})}
        if not self.is_real:
            few |= {"training_windows": config.training_windows.model_copy(update={"min_customers": 1})}
        return config.model_copy(update=few)

    @property
    def policy(self) -> Policy:
        policy = load_policy()
        if not self.is_real:
            policy = policy.model_copy(update={"min_customers": 1})
        if self.lets_everything_through:
            lenient = {
                "confidence": 1e-6,
                "plausibility_ceiling": 1e6,
                "non_inferiority_margins": {},
                "must_beat": {},
                "max_calibration_error": {},
            }
            coverage = policy.coverage.model_copy(update={"minimum": 0})
            slow = policy.serving.model_copy(update={"max_median_cpu_ms": 1e4, "min_list_agreement": 0.0})
            policy = policy.model_copy(update=lenient | {"coverage": coverage, "serving": slow})
        return policy


@dataclass(frozen=True)
class Served:
    """The results of a shop: the exit codes by command, the decision of the run, the version that serves."""

    codes: Mapping[str, int]
    run: Run
    bundle: Bundle
    seconds: float

    @property
    def not_enough_data(self) -> str | None:
        return not_enough_data(self.run)


class CommandError(AssertionError):
    """A command of a shop ended in anything but a result."""


def serve(
    shop: Shop, home: Path, needs: Needs = Needs(), as_of: date | None = None, checks: bool = True, run: str = "shop"
) -> Served:
    """Run every step from the landing tables to the deployment; `checks`: also dbt's and Great Expectations'."""
    started = time.monotonic()
    if not (home / "landing").exists():
        shop.land(home / "landing")
    names = {"REACH_DATA": home / "data", "REACH_LANDING": home / "landing", "REACH_TIMEZONE": "UTC", "DO_NOT_TRACK": 1}
    day = as_of or END.date()
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, {name: str(value) for name, value in names.items()}))
        stack.enter_context(patch("ml.__main__.load_config", lambda own=None: needs.config))
        for place in ("ml.steps.build_dataset.load_policy", "ml.steps.gate.load_policy", "ml.report.write.load_policy"):
            stack.enter_context(patch(place, lambda: needs.policy))
        stack.enter_context(patch("os.sched_getaffinity", lambda _: {0}))
        codes: dict[str, int] = {}
        settings, run_id = load_settings(), f"{day}-{run}"

        def step(name: str, main: Any, *arguments: str, may_skip: bool = False) -> None:
            codes[name] = _quietly(name, main, list(arguments))
            if codes[name] not in ((0, ExitCode.NOTHING_TO_DO) if may_skip else (0,)):
                raise CommandError(f"{name} ended with {codes[name]}")

        step("admit", landing, "admit", f"--as-of={day}")
        if checks:
            step("check_landing", quality, "landing", f"--as-of={day}")
        step("accept", landing, "accept", f"--as-of={day}")
        step("dbt", lambda _: _dbt(settings, day, checks))
        if checks:
            step("check_features", quality, "features", f"--as-of={day}")
        step("features", feature_store, "publish", f"--as-of={day}")
        step("apply", feature_store, "apply")
        step("materialize", feature_store, "materialize", f"--as-of={day}")
        step("build-dataset", ml, "build-dataset", f"--run-id={run_id}", f"--as-of={day}")
        if checks:
            step("check_training", quality, "training", f"--run-id={run_id}", may_skip=True)
        for name in ("train-retrieval", "generate-candidates"):
            step(name, ml, name, f"--run-id={run_id}", may_skip=True)
        for ranker in needs.config.ranking.rankers:
            step(f"train-{ranker}", ml, "train-ranker", f"--run-id={run_id}", f"--ranker={ranker}", may_skip=True)
        for name in ("select-ranker", "evaluate"):
            step(name, ml, name, f"--run-id={run_id}", may_skip=True)
        step("gate", ml, "gate", f"--run-id={run_id}")
        step("register-model", ml, "register-model", f"--run-id={run_id}", may_skip=True)
        finished = Run(settings.paths.runs, run_id)
        if codes["register-model"] == 0:
            version = finished.read_json(artifacts.REGISTERED_MODEL)["version"]
            step("deploy", registry, "deploy", f"--version={version}", "--reason=a test")
        champion = deployed_champion(settings)
        assert champion is not None, "no version serves"
        bundle = Bundle.open(champion.path)
        bundle.check_golden()
        _ask(bundle, finished)
    return Served(codes, finished, bundle, time.monotonic() - started)


def build_features(home: Path) -> Settings:
    """Publish the feature tables of the landing tables in `<home>/landing`, without checks and without training."""
    names = {"REACH_DATA": home / "data", "REACH_LANDING": home / "landing", "REACH_TIMEZONE": "UTC", "DO_NOT_TRACK": 1}
    day = END.date()
    with patch.dict(os.environ, {name: str(value) for name, value in names.items()}):
        settings = load_settings()
        for name, main, arguments in (
            ("admit", landing, ["admit", f"--as-of={day}"]),
            ("accept", landing, ["accept", f"--as-of={day}"]),
            ("dbt", lambda _: _dbt(settings, day, checks=False), []),
            ("publish", feature_store, ["publish", f"--as-of={day}"]),
        ):
            if (code := _quietly(name, main, arguments)) != 0:
                raise CommandError(f"{name} ended with {code}")
    return settings


def _ask(bundle: Bundle, run: Run) -> None:
    """Everybody gets a list of both slates, also who is not known; every product is similar to others."""
    recommender, catalogue = bundle.recommender, bundle.recommender.catalogue
    customers = Dataset(run.path(artifacts.DATASET)).customers(RunSpec.read(run).split.now)[1]
    for customer in customers[:50]:
        for slate in SLATES:
            answer = recommender.recommend(customer, RecommendationRequest(slate, 10))
            new = len(set(catalogue.product_ids) - set(customer.product_ids))
            assert len(answer.items) == min(10, len(catalogue) if slate == "all" else new), (slate, answer)
            assert all(np.isfinite(item.score) and item.reason for item in answer.items)
            if bundle.manifest.baseline:
                assert answer.fallback == "baseline"
    assert len(recommender.recommend(None, RecommendationRequest("all", 5)).items) == min(5, len(catalogue))
    for product_id in catalogue.product_ids[:10]:
        assert len(recommender.similar(product_id, 5).items) == min(5, len(catalogue) - 1)
    assert "<h1>" in run.path(artifacts.REPORT).read_text()


def _dbt(settings: Settings, day: date, checks: bool) -> int:
    for folder in (settings.paths.warehouse.parent, settings.paths.staged_features, settings.data / "dbt"):
        folder.mkdir(parents=True, exist_ok=True)
    folders = {"project-dir": PROJECT, "profiles-dir": PROJECT, "target-path": settings.data / "dbt"}
    folders["log-path"] = settings.data / "dbt" / "logs"
    arguments = [word for name, folder in folders.items() for word in (f"--{name}", str(folder))]
    instants = [str(instant) for instant in settings.snapshot_instants(day)]
    variables = {"as_of": str(day), "as_of_instant": instants[0], "timezone": settings.timezone, "snapshots": instants}
    command = ["build", "--exclude-resource-type", "unit_test"] if checks else ["run"]
    result = dbtRunner().invoke(["--quiet", *command, *arguments, "--vars", json.dumps(variables)])
    found: Any = result.result
    for one in found or []:
        if str(one.status) in ("error", "fail"):
            print(f"dbt {one.node.name}: {one.status} {one.message}")
    return 0 if result.success else 1


def _quietly(name: str, main: Any, arguments: list[str]) -> int:
    """Return the exit code; the output is shown only after a failure."""
    printed = StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        try:
            code: int = main(arguments)
        except Exception:
            traceback.print_exc(file=printed)
            code = -1
    if code not in (0, ExitCode.NOTHING_TO_DO):
        print(f"--- {name}: {code}\n{printed.getvalue()[-3000:]}")
    return code


@contextmanager
def _home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="shop-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.ml.shops", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--shops", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--real", action="store_true", help="only with the configured least numbers of customers")
    parser.add_argument("--unchecked", action="store_true", help="without dbt's tests and Great Expectations")
    options = parser.parse_args()
    failed = []
    for seed in range(options.seed, options.seed + options.shops):
        shop, needs = Shop.random(seed), Needs(options.real or seed % 3 == 0, seed % 3 == 1)
        print(f"{shop} {needs}", flush=True)
        with _home() as home:
            try:
                served = serve(shop, home, needs, checks=not options.unchecked)
            except Exception as error:
                traceback.print_exc()
                failed.append(seed)
                print(f"  FAILED: {error!r}"[:400], flush=True)
                continue
        words = served.not_enough_data or served.bundle.manifest.baseline or f"{served.bundle.manifest.ranker} serves"
        print(f"  {served.seconds:.0f} s: {words}", flush=True)
    print(f"{options.shops - len(failed)} of {options.shops} shops were served; failed: {failed or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
