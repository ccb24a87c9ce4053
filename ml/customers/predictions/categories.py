"""The categories due: those bought before that a customer is likely to buy within the next 4 weeks.

The probability is a logistic regression on how often and how long ago the customer bought from the category. DuckDB
computes it, so that pairs of customers and categories are never all in memory.
"""

from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa
from scipy.special import expit

from core.duckdb_engine import quote_literal
from ml.customers.inputs import Inputs
from ml.customers.part import Measure
from ml.customers.predictions.evaluation import calibration_error, estimate, mean
from ml.customers.predictions.linear import Linear, fit_logistic
from ml.customers.predictions.windows import WINDOW_WEEKS
from ml.errors import NotEnoughDataError

TABLE = "feat_customer_categories"
WEEKS = 4
MIN_BASKETS = 2
"""Baskets with a category that make it a habit: of one purchase no rhythm is known."""
DUE = 0.5
"""The least probability of a category that is published as due."""
MAX_CATEGORIES = 20
MAX_CUSTOMERS = 3000
"""Maximum number of customers in the fit and in the evaluation; each has about a hundred categories."""
MIN_PAIRS = 1000
PENALTY = 10.0
MAX_CALIBRATION_ERROR = 0.02

INPUTS = {
    "baskets_4w": "ln(1 + pair.baskets_4w)",
    "baskets_8w": "ln(1 + pair.baskets_8w)",
    "baskets_13w": "ln(1 + pair.baskets_13w)",
    "baskets_26w": "ln(1 + pair.baskets_26w)",
    "baskets": "ln(1 + pair.baskets)",
    "recency": "ln(1 + pair.days_since_last)",
    "overdue": "ln(1 + pair.days_since_last * pair.baskets / greatest(profile.days_since_first_basket, 7))",
    "share_of_baskets": "ln(1 + 100 * pair.baskets_26w / greatest(profile.baskets, 1))",
    "customer_baskets_4w": "ln(1 + profile.baskets_4w)",
    "customer_baskets_13w": "ln(1 + profile.baskets_13w)",
    "customer_recency": "ln(1 + profile.days_since_last_basket)",
    "popularity": "ln(popularity.buyers_4w + 1) - ln(popularity.buyers + 1)",
}
"""The model's inputs in SQL; `popularity` is the share of a category's buyers who bought it in the last 4 weeks."""

RULE = ("baskets_13w",)
"""The simple rule reads only how often the category was bought in 13 weeks."""


@dataclass(frozen=True)
class EvaluatedCategories:
    """How model and rule did on the evaluation window, and which of them is published; see `orders.Evaluated`."""

    ships: Linear
    is_model: bool
    reason: str
    measures: dict[str, Measure]
    row: dict[str, str | float | None]


@dataclass(frozen=True)
class _Pairs:
    """Customers' categories with their inputs, and whether they were bought within the next weeks.

    Attributes:
        customers: `[n]`; a customer's categories follow one another.
        snapshots: number of the snapshot, `[n]`.
    """

    customers: np.ndarray
    snapshots: np.ndarray
    inputs: dict[str, np.ndarray]
    bought: np.ndarray


def fit_and_evaluate(connection: duckdb.DuckDBPyConnection, inputs: Inputs) -> EvaluatedCategories:
    """Fit model and rule on the windows before the evaluation window, and evaluate both there.

    Raises:
        NotEnoughDataError: the table is missing, or the windows hold too few habits.
    """
    if not inputs.has(TABLE):
        raise NotEnoughDataError(f"{TABLE} is not published, so no category can be due. Build the features again.")
    training, evaluation = (
        _concatenated([_read(connection, inputs, weeks) for weeks in (newest + WEEKS, newest)])
        for newest in (WINDOW_WEEKS + WEEKS, WEEKS)
    )
    fewest = min(len(training.bought), len(evaluation.bought))
    if fewest < MIN_PAIRS:
        raise NotEnoughDataError(
            f"A window has {fewest} categories that a customer bought at least {MIN_BASKETS} times; {MIN_PAIRS} are "
            "needed to decide which are due. Bring more customers, or a catalogue with categories."
        )
    model = fit_logistic(training.inputs, training.bought, PENALTY)
    rule = fit_logistic({name: training.inputs[name] for name in RULE}, training.bought, PENALTY)
    by_model, by_rule = (expit(each(evaluation.inputs)) for each in (model, rule))
    error, rule_error = (calibration_error(values, evaluation.bought) for values in (by_model, by_rule))
    losses = [_log_loss(values, evaluation.bought) for values in (by_model, by_rule)]
    difference = estimate(mean(losses[0] - losses[1]), evaluation.customers.tolist(), inputs.seed)
    is_model = (difference.high or 0.0) < 0 and error <= MAX_CALIBRATION_ERROR
    shipped = by_model if is_model else by_rule
    listed = _listed(shipped, evaluation)
    lists = sum(len(np.unique(evaluation.customers[evaluation.snapshots == each])) for each in (WEEKS, 2 * WEEKS))
    measures = {
        "categories_due_ece": Measure(error if is_model else rule_error, bar=MAX_CALIBRATION_ERROR, at_most=True),
        "categories_due_listed": Measure(float(listed.sum() / lists)),
    }
    if listed.any():
        names = evaluation.customers[listed].tolist()
        measures["categories_due_precision"] = estimate(mean(evaluation.bought[listed]), names, inputs.seed)
    name = "model" if is_model else "calibrated frequency"
    reason = (
        f"categories_due: the {name} is published. The model's log loss less the rule's is {difference.value:+.4f} "
        f"[{difference.low:+.4f}, {difference.high:+.4f}], and its probabilities are off by {error:.3f} (limit "
        f"{MAX_CALIBRATION_ERROR})."
    )
    row: dict[str, str | float | None] = {
        "target": "categories_due",
        "published": "model" if is_model else "13-week frequency",
        "rows": len(evaluation.bought),
        "share": float(evaluation.bought.mean()),
        "model_log_loss": float(losses[0].mean()),
        "rule_log_loss": float(losses[1].mean()),
        "model_ece": error,
        "rule_ece": rule_error,
    }
    return EvaluatedCategories(model if is_model else rule, is_model, reason, measures, row)


def due(connection: duckdb.DuckDBPyConnection, inputs: Inputs, model: Linear) -> pa.Table:
    """Return customer_id, categories_due and categories_due_probability of the newest snapshot, most likely first."""
    terms = " + ".join(f"({weight!r}) * ({INPUTS[name]})" for name, weight in model.coefficients.items())
    return connection.sql(
        f"""
        WITH {_PAIRS.format(instant=_instant(inputs.now), chosen="")},
        scored AS (
            SELECT customer_id, pair.category, 1 / (1 + exp(-({model.intercept!r} + {terms}))) AS probability
            {_JOINED}
        ),
        ranked AS (
            SELECT *, row_number() OVER (PARTITION BY customer_id ORDER BY probability DESC, category) AS rank
            FROM scored WHERE probability >= {DUE}
        )
        SELECT customer_id, list(category ORDER BY rank) AS categories_due,
               list(probability ORDER BY rank) AS categories_due_probability
        FROM ranked WHERE rank <= {MAX_CATEGORIES} GROUP BY customer_id"""
    ).to_arrow_table()


_PAIRS = f"""
        pair AS (
            SELECT customer_id, unnest(categories) AS category, unnest(baskets_4w) AS baskets_4w,
                   unnest(baskets_8w) AS baskets_8w, unnest(baskets_13w) AS baskets_13w,
                   unnest(baskets_26w) AS baskets_26w, unnest(baskets) AS baskets,
                   unnest(days_since_last) AS days_since_last
            FROM {TABLE} WHERE event_timestamp = {{instant}}
        ),
        popularity AS (
            SELECT category, count(*) FILTER (baskets_4w > 0) AS buyers_4w, count(*) AS buyers FROM pair GROUP BY ALL
        ),
        profile AS (
            SELECT * FROM feat_customer_profile WHERE event_timestamp = {{instant}} {{chosen}}
        )"""

_JOINED = f"""FROM pair JOIN profile USING (customer_id) JOIN popularity USING (category)
            WHERE pair.baskets >= {MIN_BASKETS} AND pair.baskets_26w > 0"""


def _read(connection: duckdb.DuckDBPyConnection, inputs: Inputs, weeks: int) -> _Pairs:
    """Read a sample of customers at a snapshot some weeks ago, with their purchases of the 4 weeks after it."""
    snapshot, end = inputs.snapshot(weeks), inputs.snapshot(weeks - WEEKS)
    chosen = f"QUALIFY row_number() OVER (ORDER BY md5(customer_id || {inputs.seed})) <= {MAX_CUSTOMERS}"
    columns = ", ".join(f"{expression} AS {name}" for name, expression in INPUTS.items())
    table = connection.sql(
        f"""
        WITH {_PAIRS.format(instant=_instant(snapshot), chosen=chosen)},
        later AS (
            SELECT customer_id, unnest(categories) AS category, unnest(baskets_4w) AS baskets_later
            FROM {TABLE} WHERE event_timestamp = {_instant(end)}
        ),
        known AS (SELECT customer_id, pair.category, {columns} {_JOINED})
        SELECT known.*, coalesce(baskets_later, 0) > 0 AS bought
        FROM known LEFT JOIN later USING (customer_id, category) ORDER BY customer_id, category"""
    ).to_arrow_table()
    return _Pairs(
        np.asarray(table["customer_id"].to_pylist(), dtype=str),
        np.full(len(table), weeks),
        {name: table[name].to_numpy().astype(np.float64) for name in INPUTS},
        table["bought"].to_numpy(),
    )


def _concatenated(parts: list[_Pairs]) -> _Pairs:
    return _Pairs(
        np.concatenate([part.customers for part in parts]),
        np.concatenate([part.snapshots for part in parts]),
        {name: np.concatenate([part.inputs[name] for part in parts]) for name in INPUTS},
        np.concatenate([part.bought for part in parts]),
    )


def _listed(probability: np.ndarray, pairs: _Pairs) -> np.ndarray:
    """Return which pairs would be published, bool `[n]`."""
    order = np.lexsort((-probability, pairs.customers, pairs.snapshots))
    names, snapshots = pairs.customers[order], pairs.snapshots[order]
    first = np.r_[True, (names[1:] != names[:-1]) | (snapshots[1:] != snapshots[:-1])]
    rows = np.arange(len(order))
    rank = rows - np.maximum.accumulate(np.where(first, rows, 0))
    listed = np.zeros(len(order), dtype=bool)
    listed[order] = (rank < MAX_CATEGORIES) & (probability[order] >= DUE)
    return listed


def _log_loss(predicted: np.ndarray, happened: np.ndarray) -> np.ndarray:
    clipped = np.clip(predicted, 1e-6, 1 - 1e-6)
    return np.asarray(-np.where(happened, np.log(clipped), np.log1p(-clipped)))


def _instant(instant: datetime) -> str:
    return f"TIMESTAMP {quote_literal(instant)}"
