"""`python -m feature_store publish|apply|materialize|materialize-profiles`: progress, then one line of JSON."""

import argparse
import json
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from customer_scores.errors import ScoresError
from features.errors import FeatureStoreError
from settings import Settings, SettingsError, load_settings


def main(arguments: list[str] | None = None) -> int:
    """Run one step; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m feature_store", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    for name, text in (
        ("publish", "make the staged feature tables the current ones"),
        ("materialize", "bring the online store to the published features"),
        ("materialize-profiles", "bring the online store of profiles to the published scores of customers"),
    ):
        step = steps.add_parser(name, help=text)
        step.add_argument("--as-of", type=date.fromisoformat, required=True, metavar="YYYY-MM-DD")
    steps.add_parser("apply", help="write entities, views and services into the registry")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        settings = load_settings()
        if options.step == "publish":
            outcome = _publish(settings, options.as_of)
        elif options.step == "apply":
            outcome = _apply(settings)
        elif options.step == "materialize":
            outcome = _materialize(settings, options.as_of)
        else:
            outcome = _materialize_profiles(settings, options.as_of)
    except (FeatureStoreError, ScoresError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{options.step} took {time.monotonic() - started:.1f} s")
    print(json.dumps(outcome))
    return 0


# Importing Feast takes seconds; only the step that runs pays for what it needs.


def _publish(settings: Settings, as_of: date) -> dict[str, Any]:
    from feature_store.publish import publish

    published = publish(settings, as_of)
    publication = published.publication
    for table, rows in publication.rows.items():
        print(f"{table}: {rows:,} rows")
    print(
        f"Published {publication.name}."
        if published.changed
        else f"Unchanged: {publication.name} was published before; it is the current one."
    )
    return {
        "as_of": str(as_of),
        "features": publication.name,
        "unchanged": not published.changed,
        "rows": publication.rows,
    }


def _apply(settings: Settings) -> dict[str, Any]:
    from feature_store.apply import apply
    from feature_store.offline_store import open_store, publication_name

    names = apply(settings)
    publication = publication_name(open_store(settings))
    print(f"The registry in {_relative(settings.paths.feast)} reads {publication}.")
    print(f"Views: {', '.join(names.views)}. Services: {', '.join(names.services)}.")
    return {"features": publication, "views": names.views, "services": names.services}


def _materialize(settings: Settings, as_of: date) -> dict[str, Any]:
    from feature_store.online.materialize import materialize

    done = materialize(settings, as_of)
    print(f"{done.customers:,} customers are online as of {done.as_of} ({done.how}).")
    return {"as_of": str(done.as_of), "customers": done.customers, "how": done.how}


def _materialize_profiles(settings: Settings, as_of: date) -> dict[str, Any]:
    from feature_store.profiles.materialize import materialize_profiles

    done = materialize_profiles(settings, as_of)
    print(f"{done.customers:,} profiles are online as of {done.publication.as_of} ({done.how}).")
    for view in done.expired:
        print(f"The scores behind {view} have expired: no newer ones were published, so the profiles lack them.")
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
