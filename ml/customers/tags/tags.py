"""The part of the customer model that publishes profile tags."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.files.atomic import replace_file
from ml.customers.inputs import Inputs
from ml.customers.part import Decision, Measure, Verdict
from ml.customers.tags import habits, interests, known, statements
from ml.customers.tags.declarations import CLASS_BAR, ERROR_BAR, MIN_BASKETS, RELIABILITY_BAR, TAGS
from ml.customers.tags.fairness import Row, auc_of, by_group, gap_of, groups_of
from ml.customers.tags.kinds import Declarations, Statement
from ml.customers.tags.shares import read_shares
from ml.customers.tags.statements import Answers, FittedStatement
from ml.customers.tags.table import AUC, given_rows, known_rows, learned_rows, log_odds_of, write
from ml.errors import NotEnoughDataError

logger = logging.getLogger(__name__)

MODEL, COEFFICIENTS = "tags.json", "statements.npz"
SAMPLE = 6_000
"""Customers that statements are fitted on at most, which bounds the memory used."""


@dataclass
class _Findings:
    """Gather the results of `fit`: the model's files and the verdict's contents."""

    model: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    measures: dict[str, Measure] = field(default_factory=dict)
    tags: list[Row] = field(default_factory=list)
    fairness: list[Row] = field(default_factory=list)
    classes: list[Row] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)

    def add(self, tag: str, measure: str, found: Measure, is_met: bool, error: Measure | None = None) -> None:
        """Note the figures of a tag, and the reason if it is refused."""
        self.tags.append(
            {
                "tag": tag,
                "published": "yes" if is_met else "no",
                "measure": measure,
                "value": found.value,
                "low": found.low,
                "high": found.high,
                "bar": found.bar,
                "calibration error": error.value if error else None,
            }
        )
        if not is_met:
            missed = f"{measure} is {found.value:.3f}, the bar {found.bar:.2f}"
            if np.isnan(found.value):
                missed = "it is the same for every customer"
            if found.is_met and error is not None:
                missed = f"its calibration error is {error.value:.3f}, at most {error.bar:.2f} is allowed"
            self.reasons.append(f"The tag '{tag}' is refused: {missed}.")


class Tags:
    """Publish each declared tag that meets its bar, with its confidence and evidence.

    Attributes:
        declared: the tags; the shop's own by default.
    """

    def __init__(self, declared: Declarations = TAGS) -> None:
        self.declared = declared

    @property
    def name(self) -> str:
        """Return the name of the part."""
        return "tags"

    def fit(self, inputs: Inputs, folder: Path) -> Verdict:
        """Evaluate every tag on held-out baskets, months or customers, and write what the published ones need.

        Raises:
            NotEnoughDataError: too few customers have enough baskets for any tag.
        """
        data = habits.read(inputs, self.declared.habits)
        if len(data.ids) < habits.LEAST_CUSTOMERS:
            raise NotEnoughDataError(
                f"Only {len(data.ids)} customers have {MIN_BASKETS} baskets in 26 weeks before {inputs.now:%Y-%m-%d}, "
                f"and tags are evaluated on {habits.LEAST_CUSTOMERS} or more. Bring more weeks or customers."
            )
        purposes = inputs.purposes or frozenset()
        found = _Findings({"purposes": sorted(purposes), "habits": {}, "interests": None, "statements": {}})
        fields = [statement.column for statement in self.declared.statements]
        profiles = known.read_profiles(inputs, [*fields, *self.declared.classes])
        groups = groups_of(profiles, self.declared.statements[:4])
        self._fit_habits(data, groups, inputs.seed, found)
        self._fit_interests(inputs, groups, found)
        self._fit_statements(inputs, profiles, groups, purposes, found)
        off = sorted({kind for kind in self.declared.sensitive().values() if kind not in purposes})
        if off:
            found.reasons.append(
                f"Tags about {', '.join(off)} are off, because the policy names no purpose for them; see "
                "docs/customers.md."
            )
        if found.errors:
            found.measures["tag_ece_max"] = Measure(max(found.errors), bar=ERROR_BAR, at_most=True)
        replace_file(folder / MODEL, json.dumps(found.model, indent=1))
        np.savez(folder / COEFFICIENTS, **found.arrays)  # type: ignore[arg-type]
        published = any(row["published"] == "yes" for row in found.tags)
        return Verdict(
            Decision.MODEL if published else Decision.REFUSED,
            found.reasons,
            found.measures,
            inputs.now.date(),
            {"tags": found.tags, "exact fields": found.classes, "accuracy by group": found.fairness},
        )

    def score(self, inputs: Inputs, folder: Path, published: Path) -> None:
        """Write `tags.parquet`: the tags that were published by `fit` and whose purpose the shop still names."""
        model = json.loads((folder / MODEL).read_bytes())
        purposes = frozenset(model["purposes"])
        if inputs.purposes is not None:
            purposes &= inputs.purposes
        tables = []
        used = [habit for habit in self.declared.habits if habit.name in model["habits"]]
        if used:
            data = habits.read(inputs, used)
            tables += [habits.publish(data, habit, **model["habits"][habit.name]) for habit in used]
        if model["interests"] is not None:
            tables.append(interests.publish(inputs, self.declared.interests, model["interests"]))
        learned = [each for each in self.declared.statements if each.sensitive in purposes]
        given = [each for each in self.declared.given if not each.sensitive or each.sensitive in purposes]
        profiles = known.read_profiles(inputs, [*(each.column for each in learned), *(each.column for each in given)])
        learned = [statement for statement in learned if statement.name in model["statements"]]
        intercepts = {each.name: model["statements"][each.name]["intercept"] for each in learned}
        with np.load(folder / COEFFICIENTS, allow_pickle=False) as arrays:
            log_odds = log_odds_of(inputs, profiles, arrays, intercepts)
        for statement in learned:
            fitted = model["statements"][statement.name]
            tables.append(known_rows(inputs, profiles, statement))
            tables.append(learned_rows(inputs, profiles, statement, log_odds[statement.name], fitted))
        tables += [given_rows(inputs, profiles, each) for each in given]
        write(published, tables)

    def _fit_habits(self, data: habits.HabitData, groups: Mapping[str, set[str]], seed: int, found: _Findings) -> None:
        for habit in self.declared.habits:
            name = habits.KAPPA if habit.agreement else habits.SPLIT_HALF
            measure = habits.evaluate(data, habit, seed)
            found.add(habit.name, name, measure, measure.is_met)
            if not measure.is_met:
                continue
            single = 0.0 if habit.agreement else habits.of_one_basket(data, habit)
            found.model["habits"][habit.name] = {"single": single, "reliability": measure.value}
            odd, even = habits.halves(data, habit)
            found.fairness += by_group(
                habit.name,
                name,
                data.ids,
                lambda indices, habit=habit, odd=odd, even=even: habits.reliability(  # type: ignore[misc]
                    habit, odd[indices], even[indices], np.ones(len(indices))
                ),
                groups,
            )
        published = {row["tag"]: row for row in found.tags if row["published"] == "yes"}
        if published:
            worst = min(published.values(), key=lambda row: float(row["value"] or 0))
            found.measures["tag_reliability_min"] = Measure(
                float(worst["value"] or 0), _number(worst["low"]), _number(worst["high"]), RELIABILITY_BAR
            )

    def _fit_interests(self, inputs: Inputs, groups: Mapping[str, set[str]], found: _Findings) -> None:
        declared = self.declared.interests
        try:
            evaluated = interests.evaluate(inputs, declared, inputs.seed)
        except NotEnoughDataError as error:
            found.reasons.append(f"The tag '{declared.name}' is refused: {error}")
            return
        if evaluated is None:
            found.reasons.append(
                f"The tag '{declared.name}' is refused: fewer than {interests.LEAST_TAGS} interests of the half-year "
                "before can be confirmed or not, which is not enough to decide."
            )
            return
        is_met = evaluated.share.is_met and evaluated.error.is_met
        found.measures["likes_confirmed"] = evaluated.share
        found.add(declared.name, interests.CONFIRMED, evaluated.share, is_met, evaluated.error)
        if not is_met:
            return
        found.errors.append(evaluated.error.value)
        lift, z, intercept = evaluated.coefficients
        found.model["interests"] = {"lift": lift, "z": z, "intercept": intercept, "share": evaluated.share.value}
        found.fairness += by_group(
            declared.name,
            interests.CONFIRMED,
            evaluated.ids.tolist(),
            lambda indices: float(evaluated.confirmed[indices].mean()),
            groups,
        )

    def _fit_statements(
        self,
        inputs: Inputs,
        profiles: known.Profiles,
        groups: Mapping[str, set[str]],
        purposes: frozenset[str],
        found: _Findings,
    ) -> None:
        tried = [each for each in self.declared.statements if each.sensitive in purposes]
        if not tried:
            return
        sample = _sample(profiles, tried, inputs.seed)
        shares = read_shares(inputs, [profiles.ids[row] for row in sample])
        views = statements.views_of(shares, inputs.seed)
        if not views:
            found.reasons.append("No statement is learned: the catalogue has no categories and no product types.")
            return
        found.arrays |= {"kinds": shares.kinds, "names": shares.names, "mean": shares.mean, "scale": shares.scale}
        for statement in tried:
            given = profiles.answers(statement)
            indices = np.array([index for index, row in enumerate(sample) if given[row] is not None], dtype=int)
            answers = Answers(indices, np.array([bool(given[sample[index]]) for index in indices]))
            if not answers.is_enough:
                found.reasons.append(
                    f"The tag '{statement.name}' is refused: fewer than {statements.LEAST_OF_EACH} customers gave each "
                    f"answer in the field '{statement.column}', which is not enough to decide."
                )
                continue
            fitted = statements.fit(views, answers, statement, inputs.seed)
            found.add(statement.name, AUC, fitted.auc, fitted.is_met, fitted.error)
            found.measures[f"{statement.name}_auc"] = fitted.auc
            if fitted.is_met:
                was_known = np.array([answer is not None for answer in given])
                self._keep(statement, fitted, known.learned_on(profiles, was_known), found)
                ids = [profiles.ids[sample[index]] for index in indices]
                for name, figure in (
                    (AUC, auc_of(fitted.hidden, answers.true)),
                    ("mean prediction minus observed share", gap_of(fitted.hidden, answers.true)),
                ):
                    found.fairness += by_group(statement.name, name, ids, figure, groups)
        self._try_classes(profiles, sample, views[-1].values, inputs.seed, found)

    @staticmethod
    def _keep(statement: Statement, fitted: FittedStatement, learned_on: str, found: _Findings) -> None:
        found.errors.append(fitted.error.value)
        found.arrays[f"coefficients_{statement.name}"] = fitted.coefficients
        found.model["statements"][statement.name] = {
            "intercept": fitted.intercept,
            "auc": fitted.auc.value,
            "learned_on": learned_on,
        }

    def _try_classes(
        self, profiles: known.Profiles, sample: np.ndarray, values: np.ndarray, seed: int, found: _Findings
    ) -> None:
        """Show how often the exact value of a field would be right."""
        for column in self.declared.classes:
            given = np.array([profiles.fields[column][row] for row in sample])
            is_known = given != ""
            if int(is_known.sum()) < 2 * statements.LEAST_OF_EACH or len(np.unique(given[is_known])) < 2:
                continue
            accuracy, majority = statements.class_accuracy(values[is_known], given[is_known], seed)
            found.classes.append({"field": column, "right": accuracy, "always the most frequent": majority})
            if accuracy < CLASS_BAR:
                found.reasons.append(
                    f"The exact {column} is refused: it is right for {accuracy:.0%} of hidden customers, the most "
                    f"frequent value for {majority:.0%}; the bar is {CLASS_BAR:.0%}."
                )


def _sample(profiles: known.Profiles, tried: list[Statement], seed: int) -> np.ndarray:
    """Return the rows of customers to fit on, sorted: those who gave a field first, then others drawn at random."""
    gave = np.zeros(len(profiles.ids), dtype=bool)
    for statement in tried:
        gave |= np.array([answer is not None for answer in profiles.answers(statement)])
    order = np.random.default_rng(seed).permutation(len(profiles.ids))
    order = order[np.argsort(~gave[order], kind="stable")]
    return np.sort(order[:SAMPLE])


def _number(value: str | float | None) -> float | None:
    return value if isinstance(value, float) else None
