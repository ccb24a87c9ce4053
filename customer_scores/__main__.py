"""Publish the scores of customers, name what is published, and erase customers from it."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.command import Commands, add_as_of
from customer_scores.erasure import erase
from customer_scores.errors import ScoresError
from customer_scores.publication import current_publication
from customer_scores.publish import publish
from settings import Settings, SettingsError, load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code of `core.command`."""
    commands = Commands[Settings]("customer_scores", __doc__, load_settings, (ScoresError, SettingsError))
    add_as_of(commands.add("publish", _publish, "make the staged scores the current ones"), "their day", required=True)
    commands.add("status", _status, "name the published scores, part by part")
    # A file, because ids on the command line would stay in the shell's history.
    commands.add("erase", _erase, "erase customers from the published scores and the history of segments").add_argument(
        "file", type=Path, help="a text file with one customer_id per line"
    )
    return commands.run(arguments)


def _publish(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    published = publish(settings, options.as_of)
    publication = published.publication
    print(
        f"Published {publication.name}." if published.changed else f"Unchanged: {publication.name} is the current one."
    )
    print(f"The history of segments holds {published.snapshots} snapshots.")
    return {
        "as_of": str(publication.as_of),
        "scores": publication.name,
        "unchanged": not published.changed,
        "version": publication.model_version,
        "kept": published.kept,
        "rows": {name: dict(part.rows) for name, part in publication.parts.items()},
    }


def _erase(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    try:
        ids = {line.strip() for line in options.file.read_text().splitlines() if line.strip()}
    except (OSError, UnicodeDecodeError) as error:
        raise ScoresError(f"{options.file} cannot be read ({error}). Give a text file with one id per line.") from error
    if not ids:
        raise ScoresError(f"{options.file} names no customer. Write one customer_id per line.")
    erased = erase(settings, ids)
    print(f"Erased {erased.customers} of {len(ids)} customers; {erased.unknown} were in no table.")
    for file, count in erased.rows.items():
        print(f"  {file}: {count:,} rows")
    print(f"{erased.deleted} earlier publications and the staged scores are deleted.")
    as_of = current_publication(settings.paths.customers).as_of
    print(f"Next: '.venv/bin/python -m feature_store materialize-profiles --as-of {as_of}' erases them online.")
    return asdict(erased)


def _status(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    publication = current_publication(settings.paths.customers)
    for name, part in publication.parts.items():
        rows = ", ".join(f"{file} {count:,}" for file, count in part.rows.items())
        decision = part.evaluation.decision if part.evaluation else "not evaluated"
        print(f"  {name:<12} {part.as_of} {part.model_version:<28} {decision:<16} {rows}")
    return {"scores": publication.name, "as_of": str(publication.as_of), "version": publication.model_version}


if __name__ == "__main__":
    sys.exit(main())
