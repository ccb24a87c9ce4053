"""The end of `make demo`: the result, the lists of three customers, links, and what a quick demo left out."""

import json
from pathlib import Path
from typing import Any

from local.console import Console
from local.service import Service
from settings import ROOT, Settings

QUICK_DATA = ROOT / "data" / "quick"
"""The data directory that the Makefile sets for QUICK=1."""

MODEL = "reach"
SCORES = ("all NDCG@10", "all Recall@20", "repeat Recall@20", "explore NDCG@20", "explore Recall@100")
LIST_LENGTHS = {"all": 5, "explore": 3}
TITLES = {"all": "will buy next", "explore": "has never bought before"}


def result_table(gate: Path) -> list[str]:
    """Return a run's scores on the test window as lines, with the baselines and the difference to the best one.

    Args:
        gate: the gate's decision; without an evaluated model there is no line.
    """
    found = json.loads(gate.read_text())
    evidence = found.get("evidence") or {}
    means, best = evidence.get("means", {}), str(evidence.get("opponent"))
    if best not in means:
        return []
    names = [name for name in SCORES if all(name in scores for scores in means.values())]
    difference = [evidence["against"][best][name] for name in names]
    label = max(len(MODEL) + 3 + len(best), *map(len, means))
    methods = [MODEL, best, *(method for method in means if method not in (MODEL, best))]
    rows = [
        (f"{evidence['customers']:,} customers", names),
        *((method, [_figure(means[method][name]) for name in names]) for method in methods),
        (f"{MODEL} - {best}", [f"{_figure(one['mean'], '+')}" for one in difference]),
        ("95% interval from", [f"{_figure(one['low'], '+')}" for one in difference]),
        ("to", [f"{_figure(one['high'], '+')}" for one in difference]),
    ]
    lines = [f"  {title:<{label}}" + "".join(f"{value:>20}" for value in values) for title, values in rows]
    return ["\nOn the test window", *lines]


def _figure(value: float, sign: str = "") -> str:
    return f"{value:{sign}.4f}".replace("0.", ".", 1)


def customer_lists(service: Service, habit: str, customer_id: str) -> list[str]:
    """Return the customer's lists as lines."""
    lines = [f"\nCustomer {customer_id}, who {habit}"]
    for slate, k in LIST_LENGTHS.items():
        answer = service.recommend(customer_id, slate, k)
        lines.append(f"  {TITLES[slate]} ({slate}, model {answer['model_version']}):")
        lines += [_item(rank, item) for rank, item in enumerate(answer["items"], start=1)]
        if answer["fallback"]:
            lines.append(f"    (fallback: {answer['fallback']})")
    return lines


def _item(rank: int, item: dict[str, Any]) -> str:
    name = item["name"] or f"product {item['product_id']}"
    return f"    {rank}. {name[:52]:<52}  {item['reason']}"


def links(settings: Settings, airflow: str, user: str, password: str, service: str, console: Console) -> list[str]:
    """Return links as lines; pages that do not exist are left out."""
    paths = settings.paths
    data_docs = sorted(paths.quality.glob("*/index.html"), key=lambda page: page.stat().st_mtime)
    pages = {
        "The run": paths.runs / "latest" / "index.html",
        "Model report": paths.runs / "latest" / "report.html",
        "Data Docs": data_docs[-1] if data_docs else Path("missing"),
        "dbt docs": paths.dbt_target / "docs" / "static_index.html",
    }
    stop = "make down QUICK=1" if settings.data == QUICK_DATA else "make down"
    return [
        "\nWhere to look",
        f"  {'Console':<14} {console.url}  ({console.login})",
        f"  {'Airflow':<14} {airflow}  (login {user}, password {password})",
        *(f"  {name:<14} {page.as_uri()}" for name, page in pages.items() if page.is_file()),
        f"  {'Service':<14} {service}  (try: curl -s {service}/recommend -H 'content-type: application/json'"
        """ -d '{"customer_id": "1", "slate": "explore", "k": 5}')""",
        f"  {'Stop it all':<14} {stop}",
    ]


def left_out(settings: Settings) -> list[str]:
    """Return as lines what the settings leave out of the data and of the trainings; none if nothing is left out."""
    usual = Settings.model_fields
    lines = []
    if settings.max_customers is not None:
        lines.append(f"  Of the data's customers only the first {settings.max_customers:,} (REACH_MAX_CUSTOMERS).")
    if settings.snapshots < usual["snapshots"].default:
        lines.append(f"  Points in time: {settings.snapshots} of {usual['snapshots'].default} (REACH_SNAPSHOTS).")
    if settings.models_config is not None:
        lines.append(f"  The models are trained with what {settings.models_config} sets (REACH_MODELS_CONFIG).")
    return ["\nLeft out, so that no figure of this installation is to be quoted:", *lines] if lines else []
