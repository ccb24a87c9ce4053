"""The part `audiences` of the customer model: fitted on earlier snapshots, evaluated on the newest closed window."""

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.files.atomic import replace_file
from marketing.audience.index import CATEGORY, PRODUCT
from marketing.audience.scorers import FILE, NEW, PAST, AudienceModel
from ml.customers.audiences.evaluate import (
    PUBLISHED,
    Difference,
    Evaluation,
    compare_methods,
    evaluate,
    over_items,
    spread_of,
)
from ml.customers.audiences.examples import HORIZON_WEEKS, Cut, cut_at
from ml.customers.audiences.fit import (
    KINDS,
    LEAST_BUYERS,
    LOGISTIC,
    MAILED,
    Fitted,
    TrainingRows,
    fit_methods,
    items_to_fit,
    probabilities,
    training_rows,
)
from ml.customers.audiences.groups import Row, known_groups, reach_by_group
from ml.customers.audiences.index import write_index
from ml.customers.inputs import Inputs
from ml.customers.part import Decision, Measure, Verdict
from ml.errors import NotEnoughDataError

logger = logging.getLogger(__name__)

EVALUATION = HORIZON_WEEKS
"""The evaluated snapshot lies this many weeks before now; outcomes of the fitted ones end before it begins."""

NEWEST_FITTED = 2 * HORIZON_WEEKS
OLDER_FITTED = (3 * HORIZON_WEEKS, 4 * HORIZON_WEEKS)
ITEMS_EVALUATED = 50
BUYERS_EVALUATED = {CATEGORY: (40, 900), PRODUCT: (20, 500)}
"""The evaluated items have a number of buyers in this range; those with most come first, products only from mailers."""

FIGURES = {CATEGORY: "category", PRODUCT: "mailer"}
BARS = {"category_lift_all": 3.1, "category_lift_new": 2.2, "mailer_lift_all": 5.1, "mailer_lift_new": 2.4}
ECE_BAR = 0.01
ITEMS_BY_GROUP = 3


@dataclass(frozen=True)
class FittedKind:
    """The scorers of one kind of item."""

    fitted: Fitted
    spread: float


class Audiences:
    """Fit, evaluate and score audiences."""

    name = "audiences"

    def fit(self, inputs: Inputs, folder: Path) -> Verdict:
        """Fit on three snapshots, evaluate on the newest closed window, and write the model into `folder`.

        Raises:
            NotEnoughDataError: the tables do not reach back far enough, or no item has enough buyers.
        """
        fitted = _fit(inputs)
        if not fitted:
            raise NotEnoughDataError(
                f"No category and no product has {LEAST_BUYERS} buyers in the four weeks before a snapshot, so nothing "
                "can be learned for audiences. They need more customers or a longer history."
            )
        before = inputs.before(EVALUATION)
        scorers: dict[str, Mapping[str, object]] = {}
        reasons: list[str] = []
        measures: dict[str, Measure] = {}
        tables: dict[str, list[Row]] = {"audience_lifts": [], "audience_reach_by_group": []}
        with cut_at(inputs, EVALUATION) as cut:
            groups = known_groups(before)
            for kind in KINDS:
                if kind not in fitted:
                    reasons.append(_why_not(cut, kind))
                    continue
                found = fitted[kind]
                item_ids = evaluated_items(cut, kind)
                if not item_ids:
                    reasons.append(f"No {kind} has enough buyers to evaluate audiences, so none are published for it.")
                    continue
                results = compare_methods(found.fitted, cut.examples(kind, item_ids))
                chosen = {}
                for buyers in (PAST, NEW):
                    chosen[buyers], sentence = results[buyers].choose(inputs.seed)
                    reasons.append(f"{kind}, {buyers} buyers: {sentence}.")
                evaluation = evaluate(found.fitted, chosen, cut.examples(kind, item_ids), found.spread)
                measures |= _measures(kind, evaluation, inputs.seed)
                tables["audience_lifts"] += _lift_rows(kind, evaluation, inputs.seed, len(item_ids))
                for example in cut.examples(kind, item_ids[:ITEMS_BY_GROUP]):
                    predicted = probabilities(found.fitted, chosen, example)
                    tables["audience_reach_by_group"] += reach_by_group(groups, example, predicted)
                scorers[kind] = {buyers: found.fitted[buyers][chosen[buyers]] for buyers in chosen}
        if not scorers:
            raise NotEnoughDataError(" ".join(reasons))
        model = AudienceModel(HORIZON_WEEKS, scorers, {kind: fitted[kind].spread for kind in scorers})  # type: ignore[arg-type]
        replace_file(folder / FILE, json.dumps(model.as_dict(), indent=2) + "\n")
        is_model = any(
            scorer.method == LOGISTIC for by_buyers in model.scorers.values() for scorer in by_buyers.values()
        )
        return Verdict(Decision.MODEL if is_model else Decision.RULE, reasons, measures, before.now.date(), tables)

    def score(self, inputs: Inputs, folder: Path, published: Path) -> None:
        """Write the index of `inputs.now` and the model into the folder `published`."""
        write_index(inputs, published)
        shutil.copyfile(folder / FILE, published / FILE)


def evaluated_items(cut: Cut, kind: str) -> list[str]:
    """Return the items of the bars: the fifty with most buyers in the range, of products those in the planned mailers.

    A shop without such items is evaluated on those that are fitted on.
    """
    least, most = BUYERS_EVALUATED[kind]
    found = cut.items(kind, least, most, MAILED if kind == PRODUCT else 0.0)[:ITEMS_EVALUATED]
    return found or items_to_fit(cut, kind, np.random.default_rng(0))[:ITEMS_EVALUATED]


def _fit(inputs: Inputs) -> dict[str, FittedKind]:
    """Fit every method; the spread is measured on the newest fitted snapshot by scorers of the older ones."""
    older: dict[str, list[TrainingRows]] = {kind: [] for kind in KINDS}
    for weeks in OLDER_FITTED:
        try:
            with cut_at(inputs, weeks) as cut:
                _add_rows(cut, older, np.random.default_rng([inputs.seed, weeks]))
        except NotEnoughDataError as error:
            logger.info("Audiences are fitted without the snapshot of %d weeks ago: %s", weeks, error)
    found = {}
    with cut_at(inputs, NEWEST_FITTED) as cut:
        newest: dict[str, list[TrainingRows]] = {kind: [] for kind in KINDS}
        _add_rows(cut, newest, np.random.default_rng([inputs.seed, NEWEST_FITTED]))
        for kind in KINDS:
            if not newest[kind]:
                continue
            earlier = fit_methods(TrainingRows.concatenate(older[kind] or newest[kind]), LOGISTIC)
            examples = cut.examples(kind, evaluated_items(cut, kind))
            spread = spread_of(earlier, {PAST: LOGISTIC, NEW: LOGISTIC}, examples)
            found[kind] = FittedKind(fit_methods(TrainingRows.concatenate([*older[kind], *newest[kind]])), spread)
            logger.info("%s: fitted on %d rows of past and %d of new buyers, spread %.3f", kind,
                        *_counts([*older[kind], *newest[kind]]), spread)  # fmt: skip
    return found


def _why_not(cut: Cut, kind: str) -> str:
    if kind == CATEGORY and not cut.index.numbers[CATEGORY]:
        return (
            "The products have no categories, so there are no category audiences. Bring a products table with the "
            "column 'category'."
        )
    return f"No {kind} has {LEAST_BUYERS} buyers in four weeks, so there are no {kind} audiences."


def _add_rows(cut: Cut, rows: dict[str, list[TrainingRows]], rng: np.random.Generator) -> None:
    for kind in KINDS:
        if (found := training_rows(cut, kind, rng)) is not None:
            rows[kind].append(found)


def _counts(parts: list[TrainingRows]) -> tuple[int, int]:
    return sum(len(part.past[1]) for part in parts), sum(len(part.new[1]) for part in parts)


def _measures(kind: str, evaluation: Evaluation, seed: int) -> dict[str, Measure]:
    figures = {}
    for buyers, lifts in (("all", evaluation.lifts_all), ("new", evaluation.lifts_new)):
        name = f"{FIGURES[kind]}_lift_{buyers}"
        found = over_items(lifts[PUBLISHED], seed)
        figures[name] = Measure(found.mean, found.low, found.high, BARS[name])
    figures[f"{FIGURES[kind]}_ece"] = Measure(evaluation.ece, bar=ECE_BAR, at_most=True)
    figures[f"{FIGURES[kind]}_interval_covers"] = Measure(float(np.mean(evaluation.covered)))
    return figures


def _lift_rows(kind: str, evaluation: Evaluation, seed: int, items: int) -> list[Row]:
    """Return each method's lift and the paired lead of the published order over it."""
    rows: list[Row] = []
    for buyers, lifts in (("all", evaluation.lifts_all), ("new", evaluation.lifts_new)):
        for method, values in lifts.items():
            lead: Difference | None = None
            if method != PUBLISHED:
                lead = over_items(np.subtract(lifts[PUBLISHED], values).tolist(), seed)
            rows.append(
                {
                    "kind": kind,
                    "buyers": buyers,
                    "method": method,
                    "items": float(items),
                    "lift_10": over_items(values, seed).mean,
                    "lead_of_published": lead.mean if lead else None,
                    "lead_low": lead.low if lead else None,
                    "lead_high": lead.high if lead else None,
                }
            )
    return rows
