"""A profile says what was published, how good it is, and why there is none."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq
import pytest

from customer_scores.publish import publish
from serving.customer_state.feature_client import FeatureClient, FeatureResult, Outcome
from serving.errors import ProfilesUnavailableError, ScoresNotPublishedError, ServingError, UnknownCustomerError
from serving.handlers.profile import ProfileHandler, ProfileRequest, build_profile
from serving.metrics import metrics
from settings import Settings
from tests.support.customer_scores.profiles import published_profile
from tests.support.customer_scores.scores import AS_OF, stage_scores


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data=tmp_path / "data")
    stage_scores(settings)
    publish(settings, AS_OF)
    return settings


class StubbedClient:
    """A client of the online store with one answer."""

    def __init__(self, outcome: Outcome, features: dict[str, Any] | None = None) -> None:
        self.result = FeatureResult(outcome, features)

    async def read(self, customer_id: str) -> FeatureResult:
        return self.result


def ask(client: StubbedClient, published: bool = True) -> Any:
    handler = ProfileHandler(cast(FeatureClient, client), lambda: published, metrics())
    return asyncio.run(handler.profile(ProfileRequest(customer_id="1")))


def test_a_profile_is_what_the_published_tables_say_of_the_customer(settings: Settings) -> None:
    values = published_profile(settings.paths.customers, "1")
    answer = ask(StubbedClient("found", values)).model_dump(mode="json")

    def rows(table: str) -> list[dict[str, Any]]:
        found = pq.read_table(settings.paths.customers / table).to_pylist()
        return [row for row in found if row.pop("customer_id") == "1"]

    [prediction] = rows("predictions.parquet")
    due = zip(prediction.pop("categories_due"), prediction.pop("categories_due_probability"), strict=True)
    assert answer["predictions"].pop("categories_due") == [{"category": c, "probability": p} for c, p in due]
    assert answer["predictions"] == prediction
    tags = [
        row | {name: str(row[name]) for name in ("evidence_from", "evidence_until")} for row in rows("tags.parquet")
    ]
    assert answer["tags"] == sorted(tags, key=lambda row: row["tag"])
    segments = [row | {"since": str(row["since"].date())} for row in rows("segments.parquet")]
    assert answer["segments"] == segments
    assert (answer["as_of"], answer["model_version"]) == ("2018-01-01", "2018-01-01-aaaaaa-11111111")
    assert answer["evaluations"]["segments"] == {
        "as_of": "2018-01-01",
        "model_version": "2018-01-01-aaaaaa-11111111",
        "decision": "model",
        "fitted_until": "2017-11-06",
        "measures": {"segments_figure": 0.8},
    }


def test_a_part_that_was_not_scored_again_carries_its_own_day(settings: Settings) -> None:
    stage_scores(settings, AS_OF + timedelta(weeks=1), parts=("predictions",), version="newer")
    publish(settings, AS_OF + timedelta(weeks=1))
    values = published_profile(settings.paths.customers, "1")
    assert values is not None
    profile = build_profile(values)
    assert profile.model_version == profile.evaluations["predictions"].model_version == "newer"
    assert profile.evaluations["tags"].as_of == AS_OF


def test_a_figure_that_is_not_known_is_null(settings: Settings) -> None:
    values = published_profile(settings.paths.customers, "1")
    assert values is not None
    values["customer_tags__confidences"] = [float("nan"), 0.5]
    values["customer_tags__evidence_from"] = ["", "2017-10-03"]
    tags = build_profile(values).tags
    assert (tags[0].confidence, tags[0].evidence_from, tags[1].confidence) == (None, None, 0.5)


@pytest.mark.parametrize(
    ("outcome", "published", "error", "words"),
    [
        ("unknown", True, UnknownCustomerError, "do not contain the customer '1'"),
        ("timeout", True, ProfilesUnavailableError, "materialize-profiles"),
        ("circuit_open", True, ProfilesUnavailableError, "does not answer"),
        ("error", False, ScoresNotPublishedError, "make customers"),
    ],
)
def test_without_a_profile_the_error_names_the_next_step(
    outcome: Outcome, published: bool, error: type[ServingError], words: str
) -> None:
    with pytest.raises(error, match=words):
        ask(StubbedClient(outcome), published)
