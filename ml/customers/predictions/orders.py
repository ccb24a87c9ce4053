"""The probability of an order within some weeks; a customer lapses who does not order."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from ml.customers.part import Measure
from ml.customers.predictions.bg_nbd import BgNbd
from ml.customers.predictions.columns import behaviour, silences
from ml.customers.predictions.evaluation import auc, calibration_error, estimate, lead
from ml.customers.predictions.history import Customers
from ml.customers.predictions.linear import Linear, calibrated, fit_logistic
from ml.customers.predictions.windows import Examples
from ml.errors import NotEnoughDataError

PENALTY = 20.0
SILENCES_FROM_WEEKS = 4
"""Horizons from this length on read silent weeks."""
AUC_MARGIN = 0.005
"""The lower end of the interval of the model's lead in AUC must be above minus this."""
MAX_CALIBRATION_ERROR = 0.02
MIN_CUSTOMERS, MIN_OUTCOMES = 150, 30
ACTIVE_DAYS = 56


@dataclass(frozen=True)
class Target:
    """A probability that is predicted.

    Attributes:
        name: its column in `predictions.parquet`.
        weeks: the weeks after a snapshot that decide.
        is_lapse: whether it is the probability of no order.
        bar: the AUC that it must reach.
    """

    name: str
    weeks: int
    is_lapse: bool
    bar: float | None = None

    def probability(self, order: np.ndarray) -> np.ndarray:
        """Return the target's probability from that of an order."""
        return 1 - order if self.is_lapse else order


TARGETS = (
    Target("lapse_4w", 4, True),
    Target("lapse_8w", 8, True, 0.88),
    Target("order_7d", 1, False),
    Target("order_14d", 2, False, 0.86),
)


def rule(bg_nbd: BgNbd, weeks: int, recent: Examples) -> Linear:
    """Return BG/NBD's log odds, calibrated on the newest closed windows."""
    score = recent.columns(lambda customers: inputs_of(customers, bg_nbd, weeks))[rule_input(weeks)]
    slope, intercept = calibrated(score, recent.ordered)
    return Linear({rule_input(weeks): slope}, intercept)


def rule_input(weeks: int) -> str:
    """Return the name of BG/NBD's log odds of an order within some weeks."""
    return f"bg_nbd_order_{weeks}w"


def model_inputs(customers: Customers, bg_nbd: BgNbd, weeks: int) -> dict[str, np.ndarray]:
    """Return everything that the model of this horizon reads; silent weeks matter for long horizons only."""
    inputs = behaviour(customers, bg_nbd)
    return inputs | silences(customers) if weeks >= SILENCES_FROM_WEEKS else inputs


def inputs_of(customers: Customers, bg_nbd: BgNbd, weeks: int) -> dict[str, np.ndarray]:
    """Return everything that the model or the rule of this horizon reads."""
    rule_inputs = {rule_input(weeks): bg_nbd.order_log_odds(customers.repeats, weeks)}
    return model_inputs(customers, bg_nbd, weeks) | rule_inputs


def fit(bg_nbd: BgNbd, weeks: int, training: Examples, recent: Examples) -> Linear:
    """Fit log odds on the training windows, then calibrate them on the newest closed ones."""
    inputs, recent_inputs = (
        each.columns(lambda customers: model_inputs(customers, bg_nbd, weeks)) for each in (training, recent)
    )
    model = fit_logistic(inputs, training.ordered, PENALTY)
    return model.rescaled(*calibrated(model(recent_inputs), recent.ordered))


@dataclass(frozen=True)
class Evaluated:
    """How model and rule did on the evaluation window, and which of them is published.

    Attributes:
        ships: the published one.
        is_model: whether that is the model.
        reason: why, one sentence.
        measures: the published one's figures, by name.
        row: both one's figures, for the report.
    """

    ships: Linear
    is_model: bool
    reason: str
    measures: dict[str, Measure]
    row: dict[str, str | float | None]


def evaluate(
    target: Target, model: Linear, fallback: Linear, bg_nbd: BgNbd, examples: Examples, seed: int
) -> Evaluated:
    """Compare a model with the rule on the evaluation window, paired over customers.

    Raises:
        NotEnoughDataError: the window has too few customers, or too few of one outcome.
    """
    happened = ~examples.ordered if target.is_lapse else examples.ordered
    fewest = int(min(happened.sum(), (~happened).sum()))
    customers = examples.ids
    if len(set(customers)) < MIN_CUSTOMERS or fewest < MIN_OUTCOMES:
        raise NotEnoughDataError(
            f"{target.name} cannot be evaluated: the newest closed window has {len(set(customers))} customers and "
            f"{fewest} of the rarer outcome; {MIN_CUSTOMERS} and {MIN_OUTCOMES} are needed. Bring more customers."
        )
    inputs = examples.columns(lambda each: inputs_of(each, bg_nbd, target.weeks))
    by_model, by_rule = (target.probability(expit(score(inputs))) for score in (model, fallback))
    difference = estimate(lead(auc(by_model, happened), auc(by_rule, happened)), customers, seed)
    error, rule_error = (calibration_error(values, happened) for values in (by_model, by_rule))
    low = difference.low if difference.low is not None else -1.0
    is_model = low > -AUC_MARGIN and error <= MAX_CALIBRATION_ERROR
    shipped = by_model if is_model else by_rule
    figures = {
        f"{target.name}_auc": estimate(auc(shipped, happened), customers, seed, target.bar),
        f"{target.name}_ece": Measure(error if is_model else rule_error, bar=MAX_CALIBRATION_ERROR, at_most=True),
    }
    active = examples.columns(lambda each: each.profile)["days_since_last_basket"] <= ACTIVE_DAYS
    if target.is_lapse and min(happened[active].sum(), (~happened[active]).sum()) > 0:
        names = [name for name, is_active in zip(customers, active, strict=True) if is_active]
        figures[f"{target.name}_active_auc"] = estimate(auc(shipped[active], happened[active]), names, seed)
    reason = (
        f"{target.name}: the {'model' if is_model else 'calibrated BG/NBD'} is published. The model's AUC leads BG/NBD "
        f"by {difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}], and its probabilities are off by "
        f"{error:.3f} (limit {MAX_CALIBRATION_ERROR})."
    )
    row: dict[str, str | float | None] = {
        "target": target.name,
        "published": "model" if is_model else "BG/NBD",
        "rows": len(happened),
        "share": float(happened.mean()),
        "model_auc": float(auc(by_model, happened)(np.ones((1, len(happened))))[0]),
        "bg_nbd_auc": float(auc(by_rule, happened)(np.ones((1, len(happened))))[0]),
        "lead": difference.value,
        "lead_low": difference.low,
        "lead_high": difference.high,
        "model_ece": error,
        "bg_nbd_ece": rule_error,
    }
    return Evaluated(model if is_model else fallback, is_model, reason, figures, row)
