"""Measure every watch for one day, compare the figures with their limits, and keep the result."""

import json
import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from core.clock import utc_now
from core.duckdb_engine import connect
from core.files.atomic import replace_file
from features.publication import read_record
from monitoring.catalogue import compared_with_catalogue
from monitoring.decisions import decision_figures
from monitoring.errors import NothingToWatchError
from monitoring.feature_tables import feature_figures
from monitoring.figures import AGE, WATCHES, Action, Evaluated, Figure
from monitoring.policy import MAX_BEFORE, Policy, evaluated
from monitoring.sales import Period, price_units, read_lines, silent_stores
from registry.champion_alias import Registry
from registry.errors import RegistryError
from registry.model_store import ModelStore
from settings import Settings

logger = logging.getLogger(__name__)

CATALOGUE = Path("catalogue") / "products.parquet"
"""The products of a version of the recommender, in its bundle."""

MEMORY = "1GB"


def check(settings: Settings, policy: Policy) -> dict[str, Any]:
    """Measure all watches of the admitted day, write `Paths.monitoring`, and return what it holds.

    The result has `as_of`, `checked_at`, `version` (the deployed one), `figures` (those of each watch's last day, with
    their limits), `alarms`, `not_watched` (a watch and why it has no figure), and `retrain`: whether an alarm asks for
    it and none asks to check the data first.

    Raises:
        NothingToWatchError: Nothing is admitted.
        PolicyError: A limit cannot be used.
    """
    as_of = admitted_day(settings)
    period = Period(as_of - timedelta(days=MAX_BEFORE), as_of - timedelta(days=1))
    version = _champion(settings)
    with connect(settings.data / "monitoring.spill", settings.duckdb_memory(MEMORY)) as connection:
        figures = sales_figures(connection, settings, period)
        if version:
            catalogue = ModelStore(settings.paths.bentoml).path(version) / CATALOGUE
            figures += compared_with_catalogue(connection, settings.paths.admitted, catalogue, period)
        if settings.paths.features.exists():
            figures += feature_figures(connection, settings.paths.features.resolve())
        landed = settings.paths.feedback / "landed" / "decisions.parquet"
        today = utc_now().date()
        figures += decision_figures(
            connection, landed, settings.timezone, Period(today - timedelta(days=MAX_BEFORE), today)
        )
    figures += _age(settings)
    found = evaluated(figures, policy)
    result = _result(as_of, version, newest(found))
    settings.paths.monitoring.parent.mkdir(parents=True, exist_ok=True)
    replace_file(settings.paths.monitoring, json.dumps(result, indent=2) + "\n")
    for alarm in result["alarms"]:
        logger.warning("%s: %s. %s", alarm["watch"], alarm["what"], alarm["next_step"])
    if not result["alarms"]:
        logger.info("No alarm: %d watches are within their limits.", len(result["figures"]))
    return result


def sales_figures(connection: duckdb.DuckDBPyConnection, settings: Settings, period: Period) -> list[Figure]:
    """Return the figures of the admitted sales, and leave the view `lines` in the connection."""
    read_lines(connection, settings.paths.admitted, settings.timezone, period)
    return [*silent_stores(connection, period), *price_units(connection, settings.paths.admitted, period)]


def admitted_day(settings: Settings) -> date:
    """Return the day before which the admitted rows were known.

    Raises:
        NothingToWatchError: Nothing is admitted.
    """
    manifest = settings.paths.admitted / "manifest.json"
    try:
        return date.fromisoformat(json.loads(manifest.read_text())["as_of"])
    except FileNotFoundError:
        raise NothingToWatchError(f"{manifest} is missing: nothing is admitted. Run 'make features' first.") from None


def _champion(settings: Settings) -> str | None:
    try:
        champion = Registry(settings.paths.release).champion()
    except RegistryError:
        return None
    return champion.version if champion else None


def _age(settings: Settings) -> list[Figure]:
    """Return the age of the published features; none for the demo's data, which end in 2017."""
    publication = read_record(settings.paths.features) if settings.paths.features.exists() else None
    if publication is None or settings.landing is None:
        return []
    age = datetime.now(UTC).replace(tzinfo=None) - publication.as_of_instant
    return [Figure(AGE.name, utc_now().date(), age / timedelta(days=1), None, 1)]


def newest(found: Sequence[Evaluated]) -> list[Evaluated]:
    """Return the figures of each watch's last day."""
    last: dict[str, date] = {}
    for one in found:
        last[one.figure.watch] = max(one.figure.day, last.get(one.figure.watch, one.figure.day))
    return [one for one in found if one.figure.day == last[one.figure.watch]]


def _result(as_of: date, version: str | None, found: list[Evaluated]) -> dict[str, Any]:
    alarms = [_alarm(one) for one in found if one.is_alarm]
    actions = {alarm["action"] for alarm in alarms}
    measured = {one.figure.watch for one in found}
    return {
        "as_of": as_of.isoformat(),
        "checked_at": utc_now().isoformat(timespec="seconds"),
        "version": version,
        "figures": [
            {
                "watch": one.figure.watch,
                "measures": WATCHES[one.figure.watch].measures,
                "day": one.figure.day.isoformat(),
                "value": round(float(one.figure.value), 4),
                "limit": round(float(one.limit), 4),
                "subject": one.figure.subject,
                "compared": int(one.figure.compared),
            }
            for one in found
        ],
        "alarms": alarms,
        "not_watched": {name: "too little to compare" for name in WATCHES if name not in measured},
        # Wrong data must be corrected before a model is trained on them.
        "retrain": actions == {Action.RETRAIN.value},
    }


def _alarm(one: Evaluated) -> dict[str, str]:
    watch, figure = WATCHES[one.figure.watch], one.figure
    subject = f"{figure.subject}: " if figure.subject else ""
    return {
        "watch": watch.name,
        "day": figure.day.isoformat(),
        "what": f"{subject}{figure.value:.3g} on {figure.day}, limit {one.limit:.3g} ({watch.measures})",
        "action": watch.action.value,
        "next_step": watch.next_step,
    }
