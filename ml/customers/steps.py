"""The steps of a customer-model run: each reads what earlier steps left in the run's folder."""

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.atomic_files import staged_folder, staging_path
from core.bundle_files import BundleError
from features.publication import current_publication
from ml.bundles.write import git_revision
from ml.customers.bundle import ChurnBundle, write_bundle
from ml.customers.config import ChurnConfig
from ml.customers.dataset import (
    RECENCY,
    Examples,
    concatenate,
    load_examples,
    read_customers,
    read_examples,
    split,
    write_examples,
)
from ml.customers.evaluation import auc_lead, log_loss_lead, log_losses, score
from ml.customers.gate import Evidence, decide
from ml.customers.model import BG_NBD_INPUT, ChurnModel
from ml.customers.rules import BgNbd, Calibration, bg_nbd_score, recency_score
from ml.errors import NotEnoughDataError, RunError
from ml.runs.run import Run
from registry.champion_alias import Registry
from registry.model_store import ModelStore
from settings import Settings

logger = logging.getLogger(__name__)

PRODUCT = "churn"
PLAN, DATASET, MODEL, GATE, REGISTERED, SCORES = (
    "churn_plan.json", "dataset", "model.json", "gate.json", "registered.json", "scores.parquet",
)  # fmt: skip
TUNING, VALIDATION, TRAINING, EVALUATION = "tuning", "validation", "training", "evaluation"
RECENCY_RULE, BG_NBD_RULE, MODEL_NAME = "recency", "BG/NBD", "model"
READ_BY_RULE = {RECENCY_RULE: RECENCY, BG_NBD_RULE: BG_NBD_INPUT}
"""The model's input that is the score of each rule."""


def build_dataset(settings: Settings, config: ChurnConfig, run: Run, as_of: date) -> dict[str, Any]:
    """Write the examples of every stage from the published feature tables.

    Raises:
        RunError: the published features are those of another day.
        NotEnoughDataError: the tables do not reach back far enough.
    """
    publication = current_publication(settings.paths.features)
    if publication.as_of != as_of:
        raise RunError(
            f"The published features are as of {publication.as_of}, not {as_of}. Run build_features for {as_of} first."
        )
    folder = settings.paths.features.parent / publication.name
    instants = settings.snapshot_instants(as_of)
    windows = split(instants, config)
    stages = {
        TUNING: windows.tuning,
        VALIDATION: [windows.validation],
        TRAINING: windows.training,
        EVALUATION: [windows.evaluation],
    }
    counts: dict[str, int] = {}
    run.folder.mkdir(parents=True, exist_ok=True)
    with staged_folder(run.folder / DATASET) as staged:
        for name, snapshots in stages.items():
            examples = concatenate([read_examples(folder, instants, snapshot, config) for snapshot in snapshots])
            if not 0 < int(examples.churned.sum()) < len(examples.churned):
                raise NotEnoughDataError(f"Of {len(examples.ids)} {name} examples all have the same outcome.")
            write_examples(staged / f"{name}.parquet", examples)
            counts[name] = len(examples.ids)
            logger.info(
                "%s: %d examples at %d snapshots, %.1f %% churned",
                name, counts[name], len(snapshots), 100 * float(examples.churned.mean()),
            )  # fmt: skip
    run.write_json(
        PLAN,
        {
            "run_id": run.run_id,
            "as_of": as_of,
            "publication": publication.name,
            "seed": settings.seed,
            "config": config.model_dump(),
            "evaluation": windows.evaluation,
            "trained_until": as_of - _whole_days(windows.now - windows.evaluation),
        },
    )
    return {"run_id": run.run_id, "as_of": as_of.isoformat(), "examples": counts}


@dataclass(frozen=True)
class Fitted:
    """What `train` leaves: the model, and the rules with their calibration."""

    model: ChurnModel
    penalty: float
    opponent: str
    rules: dict[str, Calibration]

    def by_rule(self, name: str, examples: Examples) -> np.ndarray:
        """Return a rule's probabilities, float `[n]`."""
        return self.rules[name](_rule_scores(self.model.bg_nbd, self.model.horizon_weeks, examples.features)[name])

    def rule_as_model(self, name: str) -> ChurnModel:
        """Return a rule as a model that a bundle can hold."""
        model = self.model
        return ChurnModel.of_rule(model.horizon_weeks, model.bg_nbd, READ_BY_RULE[name], self.rules[name])

    def write(self, run: Run) -> None:
        """Write this as a part of the run."""
        run.write_json(
            MODEL,
            {
                MODEL_NAME: self.model.as_dict(),
                "penalty": self.penalty,
                "opponent": self.opponent,
                "rules": {name: asdict(rule) for name, rule in self.rules.items()},
            },
        )

    @classmethod
    def read(cls, run: Run) -> "Fitted":
        """Read what `write` wrote."""
        found = run.read_json(MODEL)
        rules = {name: Calibration(**values) for name, values in found["rules"].items()}
        return cls(ChurnModel.from_dict(found[MODEL_NAME]), found["penalty"], found["opponent"], rules)


def train(run: Run, config: ChurnConfig) -> dict[str, Any]:
    """Choose penalty and strongest rule on the validation window, then fit both on all closed snapshots."""
    tuning, validation, training = (_examples(run, stage) for stage in (TUNING, VALIDATION, TRAINING))
    tuned = {penalty: _fit(tuning, config, penalty) for penalty in config.penalties}
    losses = {
        penalty: float(log_losses(fitted.model.predict(validation.features), validation.churned).mean())
        for penalty, fitted in tuned.items()
    }
    penalty = min(losses, key=lambda value: losses[value])
    of_rules = {
        name: float(log_losses(tuned[penalty].by_rule(name, validation), validation.churned).mean())
        for name in tuned[penalty].rules
    }
    opponent = min(of_rules, key=lambda name: of_rules[name])
    for name, loss in of_rules.items():
        logger.info("validation: log loss %.4f by the rule %s", loss, name)
    for value, loss in losses.items():
        logger.info("validation: log loss %.4f by the model with penalty %g", loss, value)
    fitted = _fit(training, config, penalty)
    Fitted(fitted.model, penalty, opponent, fitted.rules).write(run)
    return {"penalty": penalty, "opponent": opponent, "validation_log_loss": losses[penalty], "rules": of_rules}


def gate(settings: Settings, run: Run, config: ChurnConfig) -> dict[str, Any]:
    """Score the evaluation window and decide. "Keep the champion" is a result, too."""
    plan, fitted, examples = run.read_json(PLAN), Fitted.read(run), _examples(run, EVALUATION)
    predicted = {MODEL_NAME: fitted.model.predict(examples.features)}
    predicted |= {name: fitted.by_rule(name, examples) for name in fitted.rules}
    opponents = [fitted.opponent]
    champion = _comparable_champion(settings, date.fromisoformat(plan["trained_until"]))
    if champion is not None:
        predicted[champion.version] = champion.model.predict(examples.features)
        opponents.append(champion.version)
    scores = {name: score(values, examples.churned) for name, values in predicted.items()}
    leads = {
        name: (
            log_loss_lead(predicted[MODEL_NAME], values, examples.churned, plan["seed"]),
            auc_lead(predicted[MODEL_NAME], values, examples.churned, plan["seed"]),
        )
        for name, values in predicted.items()
        if name != MODEL_NAME
    }
    decision = decide(
        Evidence(
            customers=len(examples.ids),
            churned=int(examples.churned.sum()),
            challenger=scores[MODEL_NAME],
            log_loss_leads={name: leads[name][0] for name in opponents},
            auc_leads={name: leads[name][1] for name in opponents},
        ),
        config.gate,
    )
    record = {
        "publish": decision.publish,
        "reasons": list(decision.reasons),
        "opponents": opponents,
        "customers": len(examples.ids),
        "churned": int(examples.churned.sum()),
        "scores": {name: asdict(found) for name, found in scores.items()},
        "leads": {name: {"log_loss": asdict(pair[0]), "auc": asdict(pair[1])} for name, pair in leads.items()},
        "policy": config.gate.model_dump(),
    }
    run.write_json(GATE, record)
    logger.info("PUBLISH" if decision.publish else "KEEP THE CHAMPION")
    for reason in decision.reasons:
        logger.info("  %s", reason)
    return {"publish": decision.publish, "reasons": list(decision.reasons), "scores": record["scores"]}


def register_model(settings: Settings, run: Run) -> dict[str, Any] | None:
    """Put into the model store what may be deployed, and return its version; None if the champion stays.

    This is the model if the gate let it through. Otherwise it is the strongest rule, as long as no model was deployed,
    so that there are probabilities from the first run on.
    """
    plan, decision, fitted = run.read_json(PLAN), run.read_json(GATE), Fitted.read(run)
    model, name, baseline = fitted.model, MODEL_NAME, ""
    if not decision["publish"]:
        champion = deployed_bundle(settings)
        if champion is not None and not champion.manifest.baseline:
            logger.info("Nothing to register: %s stays the champion.", champion.version)
            return None
        name = fitted.opponent
        model = fitted.rule_as_model(name)
        baseline = f"{name}, because no model is shown to be better. {decision['reasons'][0]}"
        logger.info("The rule %s", baseline)
    fields = {
        "as_of": plan["as_of"],
        "run_id": run.run_id,
        "git_revision": git_revision(),
        "publication": plan["publication"],
        "horizon_weeks": plan["config"]["horizon_weeks"],
        "active_days": plan["config"]["active_days"],
        "baseline": baseline,
        "trained_until": plan["trained_until"],
        "seed": plan["seed"],
        "metrics": decision["scores"][name],
        "gate": {key: decision[key] for key in ("publish", "reasons", "opponents")},
    }
    # The same run registered again is the same version; another model cannot take its name.
    content = json.dumps(model.as_dict(), sort_keys=True).encode()
    version = f"{run.run_id}-{hashlib.sha256(content).hexdigest()[:8]}".lower()
    store = ModelStore(settings.paths.bentoml, PRODUCT)
    if version not in store.versions():
        with TemporaryDirectory(dir=run.folder, prefix=".bundle.") as folder:
            write_bundle(Path(folder), model, fields | {"version": version})
            store.put(Path(folder), version)
    run.write_json(REGISTERED, {"version": version})
    return {"version": version} | ({"baseline": baseline} if baseline else {})


def score_customers(settings: Settings, run: Run) -> dict[str, Any]:
    """Write the champion's probability for every active customer of the newest snapshot.

    Raises:
        RunError: no version is deployed.
    """
    bundle = deployed_bundle(settings)
    if bundle is None:
        raise RunError(
            f"No version is deployed. Deploy one first: '.venv/bin/python -m registry deploy --product {PRODUCT} …'."
        )
    publication = current_publication(settings.paths.features)
    now = settings.snapshot_instants(publication.as_of)[0]
    folder = settings.paths.features.parent / publication.name
    customers = read_customers(folder, now, bundle.manifest.active_days)
    table = pa.table(
        {
            "customer_id": customers.ids,
            "snapshot": pa.array([now] * len(customers.ids), pa.timestamp("us")),
            "churn_probability": bundle.model.predict(customers.features),
            "model_version": [bundle.version] * len(customers.ids),
        }
    )
    run.folder.mkdir(parents=True, exist_ok=True)
    staged = staging_path(run.folder / SCORES)
    pq.write_table(table.sort_by([("churn_probability", "descending"), ("customer_id", "ascending")]), staged)
    staged.replace(run.folder / SCORES)
    return {"version": bundle.version, "customers": len(customers.ids), "scores": str(run.folder / SCORES)}


def _fit(examples: Examples, config: ChurnConfig, penalty: float) -> Fitted:
    bg_nbd = BgNbd.fit(examples.features)
    by_rule = _rule_scores(bg_nbd, config.horizon_weeks, examples.features)
    rules = {name: Calibration.fit(values, examples.churned) for name, values in by_rule.items()}
    return Fitted(ChurnModel.fit(examples, config.horizon_weeks, bg_nbd, penalty), penalty, "", rules)


def _rule_scores(bg_nbd: BgNbd, weeks: int, features: np.ndarray) -> dict[str, np.ndarray]:
    return {RECENCY_RULE: recency_score(features), BG_NBD_RULE: bg_nbd_score(bg_nbd, features, float(weeks))}


def deployed_bundle(settings: Settings) -> ChurnBundle | None:
    """Return the bundle of the champion, or None before the first deployment."""
    champion = Registry(settings.paths.release, PRODUCT).champion()
    if champion is None:
        return None
    return ChurnBundle.open(ModelStore(settings.paths.bentoml, PRODUCT).path(champion.version))


def _comparable_champion(settings: Settings, evaluation_starts: date) -> ChurnBundle | None:
    """Return the deployed model, unless it learned from the evaluation window or this code cannot read it."""
    try:
        bundle = deployed_bundle(settings)
    except BundleError as error:
        logger.warning("The champion is not compared: %s", error)
        return None
    if bundle is None or bundle.manifest.baseline:
        return None  # a rule is an opponent anyway
    until = bundle.manifest.trained_until
    if until > evaluation_starts:
        logger.warning("%s learned from purchases until %s, so it is not compared.", bundle.version, until)
        return None
    return bundle


def _examples(run: Run, stage: str) -> Examples:
    return load_examples(run.path(DATASET, made_by="build-dataset") / f"{stage}.parquet")


def _whole_days(span: timedelta) -> timedelta:
    return timedelta(days=round(span / timedelta(days=1)))
