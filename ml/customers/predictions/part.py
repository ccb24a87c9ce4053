"""The part `predictions`: fit, evaluate and score every target."""

import json
import logging
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import expit

from core.files.atomic import staging_path
from ml.customers.inputs import Inputs
from ml.customers.part import Decision, Measure, Verdict
from ml.customers.predictions import categories, orders, spend
from ml.customers.predictions.bg_nbd import BgNbd
from ml.customers.predictions.history import Customers, History
from ml.customers.predictions.linear import Linear
from ml.customers.predictions.orders import TARGETS
from ml.customers.predictions.spend import SpendModel
from ml.customers.predictions.windows import MAX_CUSTOMERS, WINDOW_WEEKS, read_examples, windows
from ml.errors import NotEnoughDataError

logger = logging.getLogger(__name__)

MODEL = "predictions.json"
SCORES = "predictions.parquet"


class Predictions:
    """Predicts lapse, orders, spend and the categories due; each target ships its model or a simple rule."""

    name = "predictions"

    def fit(self, inputs: Inputs, folder: Path) -> Verdict:
        """Fit on windows that closed 8 weeks ago, evaluate on the newest 8 weeks, and write the model as JSON.

        Raises:
            NotEnoughDataError: the tables reach back less than 16 weeks, or the newest window has too few customers.
        """
        begin = inputs.snapshot(WINDOW_WEEKS)
        reasons: list[str] = []
        measures: dict[str, Measure] = {}
        rows: list[dict[str, str | float | None]] = []
        are_models: list[bool] = []
        with inputs.connect() as connection:
            history = History(connection, inputs, MAX_CUSTOMERS)
            bg_nbd = BgNbd.fit(history.customers(begin).repeats)
            fitted: dict[str, Any] = {"bg_nbd": vars(bg_nbd), "targets": {}, "categories": None}

            def keep(
                evaluated: orders.Evaluated | spend.EvaluatedSpend | categories.EvaluatedCategories,
            ) -> dict[str, Any]:
                reasons.append(evaluated.reason)
                measures.update(evaluated.measures)
                rows.append(evaluated.row)
                are_models.append(evaluated.is_model)
                return evaluated.ships.as_dict()

            for target in TARGETS:
                chosen = windows(inputs, target.weeks)
                training, recent, evaluation = (
                    read_examples(history, pairs, target.weeks)
                    for pairs in (chosen.training, chosen.recent, chosen.evaluation)
                )
                model = orders.fit(bg_nbd, target.weeks, training, recent)
                rule = orders.rule(bg_nbd, target.weeks, recent)
                fitted["targets"][target.name] = keep(
                    orders.evaluate(target, model, rule, bg_nbd, evaluation, inputs.seed)
                )
                if target.weeks == spend.WEEKS:
                    of_spend = SpendModel.fit(bg_nbd, training, recent)
                    fallback = SpendModel.of_rule(bg_nbd, recent)
                    fitted["spend"] = keep(spend.evaluate(of_spend, fallback, bg_nbd, evaluation, inputs.seed))
            try:
                fitted["categories"] = keep(categories.fit_and_evaluate(connection, inputs))
            except NotEnoughDataError as error:
                reasons.append(f"categories_due: nothing is published. {error}")
        for reason in reasons:
            logger.info("%s", reason)
        (folder / MODEL).write_text(json.dumps(fitted, indent=1, sort_keys=True))
        decision = Decision.MODEL if any(are_models) else Decision.RULE
        return Verdict(decision, reasons, measures, date.fromisoformat(f"{begin:%Y-%m-%d}"), {"targets": rows})

    def score(self, inputs: Inputs, folder: Path, published: Path) -> None:
        """Write `predictions.parquet`: one row for each customer with at least one basket."""
        fitted = json.loads((folder / MODEL).read_bytes())
        bg_nbd = BgNbd(**fitted["bg_nbd"])
        with inputs.connect() as connection:
            customers = History(connection, inputs).customers(inputs.now)
            table = pa.table({"customer_id": pa.array(customers.ids, pa.string())} | _scores(customers, fitted, bg_nbd))
            if fitted["categories"] is None or not inputs.has(categories.TABLE):
                logger.warning(
                    "No categories are due, because too few could be evaluated or the categories are missing."
                )
                nothing: list[list[str]] = [[] for _ in customers.ids]
                due = pa.table(
                    {
                        "customer_id": table["customer_id"],
                        "categories_due": pa.array(nothing, pa.list_(pa.string())),
                        "categories_due_probability": pa.array(nothing, pa.list_(pa.float64())),
                    }
                )
            else:
                due = categories.due(connection, inputs, Linear(**fitted["categories"]))
            connection.register("scored", table)
            connection.register("due", due)
            rows = connection.sql(
                "SELECT scored.*, coalesce(categories_due, []::VARCHAR[]) AS categories_due,"
                " coalesce(categories_due_probability, []::DOUBLE[]) AS categories_due_probability"
                " FROM scored LEFT JOIN due USING (customer_id) ORDER BY customer_id"
            ).to_arrow_table()
        staged = staging_path(published / SCORES)
        pq.write_table(rows, staged)
        staged.replace(published / SCORES)


def _scores(customers: Customers, fitted: dict[str, Any], bg_nbd: BgNbd) -> dict[str, np.ndarray]:
    inputs = spend.inputs_of(customers, bg_nbd)
    low, middle, high = SpendModel.from_dict(fitted["spend"]).predict(inputs)
    probabilities = {}
    order = np.zeros(len(customers.ids))
    for target in sorted(TARGETS, key=lambda target: target.weeks):
        inputs |= orders.inputs_of(customers, bg_nbd, target.weeks)
        # Each horizon has a model of its own, and an order within a week is one within two weeks, too.
        order = np.maximum(order, expit(Linear(**fitted["targets"][target.name])(inputs)))
        probabilities[target.name] = target.probability(order)
    columns = {target.name: probabilities[target.name] for target in TARGETS if target.is_lapse}
    columns |= {"spend_8w": middle, "spend_8w_low": low, "spend_8w_high": high}
    return columns | {target.name: probabilities[target.name] for target in TARGETS if not target.is_lapse}
