"""Interests: categories that a customer buys from significantly more often than the population does."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.special import expit
from scipy.stats import binom, norm
from sklearn.linear_model import LogisticRegression

from core.duckdb_engine import quote_literal
from ml.customers.evaluation import score
from ml.customers.inputs import Inputs
from ml.customers.part import Measure
from ml.customers.tags.declarations import ERROR_BAR, MIN_BASKETS
from ml.customers.tags.kinds import OWN_BASKETS, Interests
from ml.customers.tags.resampling import folds_of, measure
from ml.customers.tags.table import days_before, rows

CATEGORIES, HABITS = "feat_customer_categories", "feat_customer_habits"
HALF_YEAR_WEEKS = 26
LEAST_TAGS = 100
CONFIRMED = "share confirmed in the next half-year"


@dataclass(frozen=True)
class Evaluated:
    """Interests of a closed half-year, with what the half-year after it showed.

    Attributes:
        ids: customer of each tag, sorted.
        confirmed: bool `[tags]`: bought from the category more often than the population again.
        confidence: the probability of that, learned on other customers, `[tags]`.
        share: how many were confirmed.
        error: expected calibration error of the confidence.
        coefficients: of log lift and log z, and the intercept, learned on all customers.
    """

    ids: np.ndarray
    confirmed: np.ndarray
    confidence: np.ndarray
    share: Measure
    error: Measure
    coefficients: tuple[float, float, float]


def evaluate(inputs: Inputs, interests: Interests, seed: int) -> Evaluated | None:
    """Let the last but one half-year decide and the last one confirm; None if too few tags can be confirmed.

    Only customers with enough baskets in both half-years count, because others have no interest to confirm.

    Raises:
        NotEnoughDataError: no snapshot lies half a year before the newest one.
    """
    before = inputs.snapshot(HALF_YEAR_WEEKS)
    with inputs.connect() as connection:
        found = connection.sql(
            f"""
            WITH decided AS ({_rates(before, interests)}), later AS ({_rates(inputs.now)}),
                 still_here AS ({_baskets(inputs.now)})
            SELECT decided.*, coalesce(later.lift, 0) > 1 AS confirmed
            FROM decided
            JOIN still_here USING (customer_id)
            LEFT JOIN later USING (customer_id, category)
            ORDER BY decided.customer_id, decided.category"""
        ).to_arrow_table()
    found, z = _significant(found, interests)
    ids, confirmed = found["customer_id"].to_numpy().astype(str), found["confirmed"].to_numpy()
    if len(ids) < LEAST_TAGS or confirmed.all() or not confirmed.any():
        return None
    evidence = np.column_stack([np.log(found["lift"].to_numpy()), np.log(z)])
    customers, rows_of = np.unique(ids, return_inverse=True)
    fold = folds_of(len(customers), seed)[rows_of]
    confidence = np.zeros(len(ids))
    for held_out in np.unique(fold):
        model = LogisticRegression(C=100.0).fit(evidence[fold != held_out], confirmed[fold != held_out])
        confidence[fold == held_out] = model.predict_proba(evidence[fold == held_out])[:, 1]
    model = LogisticRegression(C=100.0).fit(evidence, confirmed)
    tags = np.bincount(rows_of).astype(float)
    right = np.bincount(rows_of, weights=confirmed)
    return Evaluated(
        ids,
        confirmed,
        confidence,
        measure(lambda weights: float(weights @ right / (weights @ tags)), len(customers), interests.bar, seed),
        Measure(score(confidence, confirmed).calibration_error, bar=ERROR_BAR, at_most=True),
        (float(model.coef_[0][0]), float(model.coef_[0][1]), float(model.intercept_[0])),
    )


def publish(inputs: Inputs, interests: Interests, model: Mapping[str, float]) -> pa.Table:
    """Return the interests of the newest half-year.

    Args:
        inputs: the newest snapshot.
        interests: the declaration.
        model: `lift`, `z`, `intercept` of the confidence, and the `share` that was confirmed.
    """
    with inputs.connect() as connection:
        found = connection.sql(
            f"{_rates(inputs.now, interests)} ORDER BY bought.customer_id, bought.category"
        ).to_arrow_table()
    found, z = _significant(found, interests)
    lift = found["lift"].to_numpy()
    return rows(
        [f"{interests.name}:{category}" for category in found["category"].to_pylist()],
        found["customer_id"].to_pylist(),
        [f"{value:.1f}" for value in lift],
        expit(model["lift"] * np.log(lift) + model["z"] * np.log(z) + model["intercept"]),
        found["bought"].to_numpy(),
        days_before(inputs.now, found["days_since_first"].to_numpy()),
        days_before(inputs.now, found["days_since_last"].to_numpy()),
        (CONFIRMED, model["share"]),
        OWN_BASKETS,
        sensitive=False,
    )


def _significant(found: pa.Table, interests: Interests) -> tuple[pa.Table, np.ndarray]:
    """Return the rows whose count is improbable at the population's rate, and how improbable it is.

    The binomial tail is exact. A normal approximation would take a single basket with a rare category for significant.
    """
    bought, baskets, rate = (found[name].to_numpy() for name in ("bought", "baskets", "rate"))
    z = norm.isf(np.maximum(binom.sf(bought - 1, baskets, np.minimum(rate, 1.0)), np.finfo(float).tiny))
    kept = z >= interests.least_z
    return found.filter(pa.array(kept)), z[kept]


def _baskets(snapshot: object) -> str:
    """Return the query of customers with enough baskets in the half-year before a snapshot."""
    return (
        f"SELECT customer_id FROM {HABITS}"
        f" WHERE event_timestamp = TIMESTAMP {quote_literal(snapshot)} AND baskets >= {MIN_BASKETS}"
    )


def _rates(snapshot: object, interests: Interests | None = None) -> str:
    """Return the query of the lift per customer and category, over the half-year before a snapshot.

    Args:
        snapshot: naive UTC.
        interests: leaves out what is below the least lift and the least count; None leaves nothing out.
    """
    at = f"event_timestamp = TIMESTAMP {quote_literal(snapshot)}"
    least_lift, least_baskets = (interests.least_lift, interests.least_baskets) if interests else (0, 1)
    return f"""
        WITH bought AS (
            SELECT customer_id, unnest(categories) AS category, unnest(baskets_26w)::DOUBLE AS bought,
                   unnest(days_since_last) AS days_since_last
            FROM {CATEGORIES} WHERE {at}
        ),
        everybody AS (SELECT sum(baskets) AS baskets FROM {HABITS} WHERE {at}),
        rates AS (
            SELECT category, sum(bought) / any_value(everybody.baskets) AS rate
            FROM bought, everybody WHERE bought > 0 GROUP BY category
        )
        SELECT bought.customer_id, bought.category, bought.bought, habits.baskets, rates.rate,
               bought.bought / habits.baskets / rates.rate AS lift, habits.days_since_first, bought.days_since_last
        FROM bought
        JOIN rates USING (category)
        JOIN {HABITS} AS habits ON habits.customer_id = bought.customer_id AND habits.{at}
        WHERE bought.bought >= {least_baskets} AND habits.baskets >= {MIN_BASKETS}
          AND bought.bought / habits.baskets / rates.rate >= {least_lift}"""
