"""Run the steps of the feature store: `python -m feature_store publish|apply|materialize|materialize-profiles`."""

import argparse
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.command import Commands, add_as_of
from customer_scores.errors import ScoresError
from features.errors import FeatureStoreError
from features.feast_import import typeguard_disabled
from settings import Settings, SettingsError, load_settings

logger = logging.getLogger("feature_store")

Step = Callable[[Settings, argparse.Namespace], dict[str, Any]]


def main(arguments: list[str] | None = None) -> int:
    """Run one step and return its exit code."""
    commands = Commands("feature_store", __doc__, load_settings, (FeatureStoreError, ScoresError, SettingsError))
    for name, function, text in (
        ("publish", _publish, "make the staged feature tables the current ones"),
        ("materialize", _materialize, "bring the online store to the published features"),
        (
            "materialize-profiles",
            _materialize_profiles,
            "bring the online store of profiles to the published scores of customers",
        ),
    ):
        add_as_of(commands.add(name, _timed(function), text), "the day", required=True)
    commands.add("apply", _timed(_apply), "write entities, views and services into the registry")
    return commands.run(arguments)


def _timed(function: Step) -> Step:
    """Return the step with a log line about its duration."""

    def run(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
        started = time.monotonic()
        outcome = function(settings, options)
        logger.info("%s took %.1f s", options.command, time.monotonic() - started)
        return outcome

    return run


# Importing Feast takes seconds, so each step imports only the code that it needs, without typeguard's checks.


def _publish(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    with typeguard_disabled():
        from feature_store.publish import publish

    published = publish(settings, options.as_of)
    publication = published.publication
    for table, rows in publication.rows.items():
        logger.info(f"{table}: {rows:,} rows")
    logger.info(
        f"Published {publication.name}."
        if published.changed
        else f"Unchanged: {publication.name} was published before; it is the current one."
    )
    return {
        "as_of": str(options.as_of),
        "features": publication.name,
        "unchanged": not published.changed,
        "rows": publication.rows,
    }


def _apply(settings: Settings, _options: argparse.Namespace) -> dict[str, Any]:
    with typeguard_disabled():
        from feature_store.apply import apply
        from feature_store.offline_store import open_store, publication_name

    names = apply(settings)
    publication = publication_name(open_store(settings))
    logger.info(f"The registry in {_relative(settings.paths.feast)} reads {publication}.")
    logger.info(f"Views: {', '.join(names.views)}. Services: {', '.join(names.services)}.")
    return {"features": publication, "views": names.views, "services": names.services}


def _materialize(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    with typeguard_disabled():
        from feature_store.online.materialize import materialize

    done = materialize(settings, options.as_of)
    logger.info(f"{done.customers:,} customers are online as of {done.as_of} ({done.how}).")
    return {"as_of": str(done.as_of), "customers": done.customers, "how": done.how}


def _materialize_profiles(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    with typeguard_disabled():
        from feature_store.profiles.materialize import materialize_profiles

    done = materialize_profiles(settings, options.as_of)
    logger.info(f"{done.customers:,} profiles are online as of {done.publication.as_of} ({done.how}).")
    for view in done.expired:
        logger.info(f"The scores behind {view} have expired: no newer ones were published, so the profiles lack them.")
    return {
        "as_of": str(done.publication.as_of),
        "scores": done.publication.name,
        "customers": done.customers,
        "how": done.how,
        "expired": done.expired,
    }


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(main())
