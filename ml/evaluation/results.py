"""Results of an evaluation: a score per customer and method, means with intervals, and the lists."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from experiments.bootstrap import Estimate, bootstrap_columns
from ml.errors import RunError
from ml.evaluation.ground_truth import RankedLists, Slates
from ml.metrics import mean

SCORES = "scores.parquet"
SUMMARY = "summary.json"
SAMPLE_CUSTOMERS = "sample_customers.json"
SOURCE_CONTRIBUTIONS = "source_contributions.json"
FALLBACKS = "fallbacks.json"
DIVERSITY = "diversity.json"


@dataclass(frozen=True)
class Results:
    """The scores of an evaluation.

    Attributes:
        customer_ids: The evaluated customers.
        scores: By method and score name, float `[customers]`, NaN for a customer without relevant purchases.
        coverage: Different products shown in the first ten, by method and slate.
        candidate_recall: The recall of the candidates before ranking, and their mean number.
        ranker: The name of the ranker that competed.
        champion: The deployed version that was evaluated too, if any.
    """

    customer_ids: list[str]
    scores: dict[str, dict[str, np.ndarray]]
    coverage: dict[str, dict[str, int]]
    candidate_recall: dict[str, float]
    ranker: str
    champion: str | None

    def summary(self, seed: int) -> dict[str, Any]:
        """Return means with 95% intervals of every method, and the candidates' recall."""
        methods = {}
        for method, scores in self.scores.items():
            estimates = dict(zip(scores, bootstrap_columns(np.column_stack(list(scores.values())), seed), strict=True))
            methods[method] = {
                "means": {name: estimate.mean for name, estimate in estimates.items()},
                "intervals": {name: [estimate.low, estimate.high] for name, estimate in estimates.items()},
                "coverage": self.coverage[method],
            }
        return {
            "customers": len(self.customer_ids),
            "ranker": self.ranker,
            "champion": self.champion,
            "candidates": self.candidate_recall,
            "methods": methods,
        }

    def differences(self, method: str, others: Sequence[str], seed: int) -> dict[str, dict[str, Estimate]]:
        """Return the paired differences `method` - other by other and score, all on the same resamples."""
        scores = self.scores[method]
        columns = [scores[name] - self.scores[other][name] for other in others for name in scores]
        estimates = iter(bootstrap_columns(np.column_stack(columns), seed))
        return {other: {name: next(estimates) for name in scores} for other in others}

    def table(self, seed: int) -> str:
        """Return the methods and their means as text."""
        names = list(next(iter(self.scores.values())))
        width = max(len(method) for method in self.scores) + 2
        lines = ["".ljust(width) + "".join(name.rjust(20) for name in names)]
        for method, scores in self.scores.items():
            lines.append(method.ljust(width) + "".join(f"{mean(scores[n]):20.4f}" for n in names))
        return "\n".join(lines)

    def save(self, folder: Path) -> None:
        """Write the results into an evaluation's folder."""
        rows = [
            pa.table({"customer_id": self.customer_ids, "value": values})
            .append_column("method", pa.array([method] * len(values)))
            .append_column("score", pa.array([name] * len(values)))
            for method, scores in self.scores.items()
            for name, values in scores.items()
        ]
        pq.write_table(pa.concat_tables(rows), folder / SCORES)
        facts = {k: v for k, v in asdict(self).items() if k not in ("scores", "customer_ids")}
        (folder / SUMMARY).write_text(json.dumps(facts, indent=2))

    @classmethod
    def load(cls, folder: Path) -> "Results":
        """Read the results of an evaluation's folder.

        Raises:
            RunError: An earlier version made this evaluation.
        """
        table = pq.read_table(folder / SCORES)
        methods, names = table["method"].to_pylist(), table["score"].to_pylist()
        values, ids = table["value"].to_numpy(), table["customer_id"].to_pylist()
        keys = list(dict.fromkeys(zip(methods, names, strict=True)))
        n = len(ids) // len(keys)
        scores: dict[str, dict[str, np.ndarray]] = {}
        for i, (method, name) in enumerate(keys):
            scores.setdefault(method, {})[name] = values[i * n : (i + 1) * n]
        facts = read_part(folder, SUMMARY)
        return cls(customer_ids=ids[:n], scores=scores, **facts)

    def save_lists(self, path: Path, methods: dict[str, Slates], product_ids: list[str]) -> None:
        """Write every method's lists: `method, slate, customer_id, rank, product_id, score`, rank 1 first."""
        products, customers = np.array(product_ids), np.array(self.customer_ids)
        tables = []
        for method, slates in methods.items():
            for slate, lists in slates.items():
                row, column = np.nonzero(lists.positions >= 0)
                tables.append(
                    pa.table(
                        {
                            "method": pa.array([method] * len(row), pa.string()).dictionary_encode(),
                            "slate": pa.array([slate] * len(row), pa.string()).dictionary_encode(),
                            "customer_id": customers[row],
                            "rank": (column + 1).astype(np.int16),
                            "product_id": products[lists.positions[row, column]],
                            "score": lists.scores[row, column],
                        }
                    ).unify_dictionaries()
                )
        pq.write_table(pa.concat_tables(tables).unify_dictionaries(), path)


def read_part(folder: Path, name: str) -> Any:
    """Read a JSON file of an evaluation's folder.

    Raises:
        RunError: The file is not there, because an earlier version made this evaluation.
    """
    path = folder / name
    if not path.exists():
        run_id = folder.parent.name
        raise RunError(
            f"Run '{run_id}' has no {folder.name}/{name}, because an earlier version of Reach evaluated it. "
            f"'.venv/bin/python -m ml evaluate --run-id {run_id}' evaluates it again."
        )
    return json.loads(path.read_text())


def load_lists(path: Path, customer_ids: list[str], product_ids: list[str]) -> dict[str, Slates]:
    """Read what `save_lists` wrote, by method.

    Args:
        path: The file.
        customer_ids: The customers whose lists are returned, in this order.
        product_ids: The products that positions are indices of.

    Returns:
        The lists by method and slate. The file does not keep sources.
    """
    table = pq.read_table(path)
    rows = pc.index_in(table["customer_id"], pa.array(customer_ids)).fill_null(-1).to_numpy()
    positions = pc.index_in(table["product_id"], pa.array(product_ids)).fill_null(-1).to_numpy()
    ranks, scores = table["rank"].to_numpy() - 1, table["score"].to_numpy()
    methods: dict[str, Slates] = {}
    for pair in table.select(["method", "slate"]).group_by(["method", "slate"]).aggregate([]).to_pylist():
        member = pc.and_(pc.equal(table["method"], pair["method"]), pc.equal(table["slate"], pair["slate"]))
        at = member.to_numpy() & (rows >= 0)
        lists = RankedLists.of([np.zeros(0, np.int64)] * len(customer_ids), [np.zeros(0)] * len(customer_ids))
        lists.positions[rows[at], ranks[at]] = positions[at]
        lists.scores[rows[at], ranks[at]] = scores[at]
        methods.setdefault(pair["method"], {})[pair["slate"]] = lists
    return methods
