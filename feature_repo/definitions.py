"""Collect all definitions for Feast; the `feast` command reads only this file.

`feast apply` collects module-level objects, so running *as the module it imports* this file reads the settings:
the exception to "importing does nothing", made for `feast` alone (see .feastignore). Everyone else imports it as
`feature_repo.definitions` and calls `feature_objects`.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

if __name__ == "definitions":  # imported by `feast`, whose search path starts in this folder
    sys.path.append(str(Path(__file__).resolve().parent.parent))

from feature_repo.entities import campaign, customer, product
from feature_repo.services import feature_services
from feature_repo.sources import feature_sources
from feature_repo.views import feature_views
from features.errors import NotPublishedError
from features.publication import current_publication
from settings import Settings, load_settings


def feature_objects(settings: Settings) -> list[Any]:
    """Entities, sources, views and services over the current publication.

    Raises NotPublishedError if nothing is published.
    """
    publication = current_publication(settings.paths.features)
    sources = feature_sources(settings.paths.features.parent / publication.name)
    views = feature_views(sources, timedelta(weeks=settings.snapshot_weeks))
    return [campaign, customer, product, *sources.values(), *views, *feature_services(views)]


if __name__ == "definitions":
    if not Path(os.environ.get("REACH_DATA", "")).is_absolute():
        raise NotPublishedError(
            "feature_store.yaml needs the data directory as an absolute path: export REACH_DATA=… before 'feast'."
        )
    _settings = load_settings()
    _settings.paths.feast.mkdir(parents=True, exist_ok=True)  # the registry's file needs its folder
    for _thing in feature_objects(_settings):
        globals()[_thing.name] = _thing
