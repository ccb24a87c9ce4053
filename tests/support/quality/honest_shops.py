"""Random honest shops: whatever a check finds in one of them is a false alarm.

`python -m tests.support.quality.honest_shops --shops 200` makes 200 shops and checks each landing. It prints how often
each check was broken although the shop has no such defect. It takes about a second per shop.
"""

import argparse
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from landing.admission import admit
from quality.checkpoints.landing import landing_stages
from quality.run import validate_stages
from quality.thresholds import load_thresholds
from settings import Settings

LAST = date(2026, 4, 6)
"""A week after the clocks of Berlin changed, four after New York's."""

EVENTS = {
    "every_recent_selling_day_has_lines": "closed",
    "recent_days_are_mostly_there": "closed",
    "recent_volume_is_usual": "sale",
    "most_lines_name_their_customer": "anonymous",
    "basket_ids_are_not_used_again": "restarting",
}
"""Checks that report something which honest shops have, so their report is not a false alarm."""


@dataclass(frozen=True)
class Shop:
    """A shop: the landing's folder, its time zone, and its unusual properties."""

    folder: Path
    timezone: str
    traits: frozenset[str]


def honest_shop(folder: Path, seed: int) -> Shop:
    """Write a shop's transactions and products: of any size, age, growth, calendar, assortment and kind of till."""
    rng = np.random.default_rng(seed)
    traits: set[str] = set()
    days, lines = _volumes(rng, traits)
    day = np.repeat(np.arange(days), lines)
    n = len(day)
    products, categories = int(np.exp(rng.uniform(np.log(20), np.log(3000)))), rng.choice([1, 7, 40, 1500])
    category = rng.integers(0, categories, products)
    product = _bought(rng, day, products, category)
    customers = int(np.exp(rng.uniform(np.log(20), np.log(3000))))
    basket = np.arange(n) // rng.integers(1, 8)
    baskets_a_day = len(np.unique(basket)) / days
    customers = max(customers, int(2 * baskets_a_day))
    activity = rng.lognormal(0, 1, customers)
    activity = np.minimum(activity, 1.5 / baskets_a_day * activity.sum())  # no person makes two baskets every day
    buyer = rng.choice(customers, n, p=activity / activity.sum())[basket]
    second = np.sort(rng.integers(9 * 3600, 20 * 3600, n))[np.argsort(np.argsort(day, kind="stable"), kind="stable")]
    second = second[basket % n]
    precision = rng.choice([1, 60, 86400], p=[0.6, 0.2, 0.2])
    number = basket - np.repeat(np.concatenate([[0], np.cumsum(lines)[:-1]]), lines)[: len(basket)] // 4
    if rng.random() < 0.3:
        traits.add("restarting")
    else:
        number = basket + day * 1_000_000
    price = np.round(rng.lognormal(1, 1, products) + 0.05, 2)
    quantity = rng.choice([1, 1, 1, 2, 3, -1], n) if rng.random() < 0.7 else np.ones(n)
    start = np.datetime64(LAST - timedelta(days=days), "s")
    moment = start + (day * 86400 + second // precision * precision).astype("timedelta64[s]")
    columns = {
        "customer_id": pa.array([f"c{value}" for value in buyer], mask=_nobody(rng, basket, traits)),
        "basket_id": pa.array(number.astype(str)),
        "product_id": pa.array([f"p{value}" for value in product]),
        "store_id": pa.array((buyer % rng.integers(1, 40)).astype(str)),
        "quantity": pa.array(quantity.astype(float)),
        "sales_value": pa.array(np.round(price[product] * quantity, 2)),
        "retail_discount": pa.array(np.where(rng.random(n) < 0.2, 0.1 * quantity, 0.0)),
        "transaction_at": pa.array(moment.astype("datetime64[us]")),
    }
    table = pa.table(columns)
    if rng.random() < 0.3:  # a till with one line a scanned unit
        table = table.take(np.repeat(np.arange(n), rng.choice([1, 1, 2, 4], n)))
    folder.mkdir(parents=True)
    pq.write_table(table, folder / "transactions.parquet")
    catalogue = {"product_id": [f"p{i}" for i in range(products)], "category": [f"category {i}" for i in category]}
    pq.write_table(pa.table(catalogue), folder / "products.parquet")
    return Shop(folder, "UTC", frozenset(traits))


def _volumes(rng: np.random.Generator, traits: set[str]) -> tuple[int, np.ndarray]:
    """How many days, and the lines of each: weekdays, growth, noise between days, closures, sales."""
    days = int(rng.integers(35, 500))
    day = np.arange(days)
    usual = np.exp(rng.uniform(np.log(8), np.log(400)))
    growth = rng.choice([1.0, 0.9, 1.1, 2.0, 10.0], p=[0.4, 0.2, 0.2, 0.1, 0.1])
    level = usual * growth ** np.maximum((day - days) / 30, -4 if growth > 1 else -20)
    level *= rng.lognormal(0, 0.3, 7)[day % 7] * rng.lognormal(0, rng.uniform(0.02, 0.3), days)
    level *= 1 + 0.2 * np.sin(day / 58)
    if rng.random() < 0.4:
        level[np.isin(day % 7, rng.choice(7, rng.integers(1, 3), replace=False))] = 0
    if rng.random() < 0.4:
        first, length = rng.integers(0, days - 1), rng.integers(1, 32)
        level[first : min(first + length, days - 1)] = 0
        if first + length > days - 28:
            traits.add("closed")
    if rng.random() < 0.3:
        sale = days - int(rng.integers(1, min(days, 120)))
        level[sale] *= rng.uniform(2, 8)
        if sale >= days - 28:
            traits.add("sale")
    level[-1] = max(level[-1], usual)
    return days, rng.poisson(level)


def _bought(rng: np.random.Generator, day: np.ndarray, products: int, category: np.ndarray) -> np.ndarray:
    """Products by a long-tailed taste; categories have seasons, and every fortnight some products are promoted."""
    taste = 1 / (rng.permutation(products) + 1) ** rng.uniform(0.3, 1.1)
    strength, phase = rng.uniform(0, 0.5), rng.uniform(0, 6.3, category.max() + 1)
    product = np.empty(len(day), dtype=int)
    for period in np.unique(day // 14):
        mine = day // 14 == period
        promoted = np.where(rng.random(products) < 0.02, 4.0, 1.0)
        weight = taste * promoted * (1 + strength * np.sin(period / 4.2 + phase[category]))
        product[mine] = rng.choice(products, mine.sum(), p=weight / weight.sum())
    return product


def _nobody(rng: np.random.Generator, basket: np.ndarray, traits: set[str]) -> np.ndarray:
    """Which lines name no customer: whole baskets, in half of the shops."""
    share = rng.choice([0.0, 0.3, 0.8], p=[0.5, 0.3, 0.2])
    if share > 0.4:
        traits.add("anonymous")
    hidden: np.ndarray = (rng.random(basket.max() + 1) < share)[basket]
    return hidden


def alarms(folder: Path, seed: int) -> dict[str, str]:
    """The checks of the landing that a random honest shop breaks and should not, with their severity."""
    shop = honest_shop(folder / "landing", seed)
    settings = Settings(data=folder / "data", landing=shop.folder, timezone=shop.timezone)
    admit(settings, shop.folder, LAST)
    thresholds = load_thresholds("landing", None)
    stages = landing_stages(settings, LAST, folder / "spill", thresholds)
    _, outcomes = validate_stages(stages, folder / "site", thresholds)
    broken = {outcome.check.name: outcome.check.severity for outcome in outcomes if not outcome.success}
    return {name: severity for name, severity in broken.items() if EVENTS.get(name) not in shop.traits}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.quality.honest_shops", description=__doc__)
    parser.add_argument("--shops", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=0)
    options = parser.parse_args()
    found: Counter[tuple[str, str]] = Counter()
    for seed in range(options.first_seed, options.first_seed + options.shops):
        with tempfile.TemporaryDirectory() as folder:
            broken = alarms(Path(folder), seed)
        found.update(broken.items())
        if broken:
            print(seed, broken, flush=True)
    for (name, severity), count in found.most_common():
        print(f"{count / options.shops:7.1%}  {severity:<9} {name}")


if __name__ == "__main__":
    main()
