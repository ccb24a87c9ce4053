"""Audiences and offers of the service are those of the commands, from whatever is published at the moment."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from customer_scores.publish import publish
from marketing.__main__ import main
from marketing.offers.ranking import offers_for
from serving.customer_state.published_scores import PublishedScores
from serving.errors import (
    BadRequestError,
    NoAudienceError,
    NoOffersError,
    ProfilesUnavailableError,
    ScoresNotPublishedError,
    ServingError,
)
from serving.handlers.audience import AudienceHandler, AudienceRequest, AudienceResponse
from serving.handlers.offers import OffersHandler, OffersRequest
from settings import Settings
from tests.support.customer_scores.marketing import stage_marketing
from tests.support.customer_scores.scores import AS_OF, stage_scores

WEEK = timedelta(weeks=1)
AS_TEXT = pa_csv.ConvertOptions(column_types={"customer_id": pa.string()})


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation whose scores are published, also for the commands."""
    monkeypatch.setenv("REACH_DATA", str(tmp_path / "data"))
    settings = Settings(data=tmp_path / "data")
    stage_scores(settings)
    stage_marketing(settings)
    publish(settings, AS_OF)
    coupons = settings.paths.admitted / "coupons.parquet"
    coupons.parent.mkdir()
    pq.write_table(pa.table({"coupon_id": ["x", "x"], "product_id": ["p1", "p2"]}), coupons)
    return settings


@pytest.fixture
def audiences(settings: Settings) -> AudienceHandler:
    return AudienceHandler(
        PublishedScores(settings.paths.customers).current, settings.paths.admitted / "coupons.parquet"
    )


def ask(handler: AudienceHandler, **body: Any) -> AudienceResponse:
    return asyncio.run(handler.audience(AudienceRequest.parse(json.dumps(body).encode())))


@pytest.mark.parametrize(
    ("kind", "asked", "arguments"),
    [
        ("category", ["milk"], ["--category", "milk"]),
        ("product", ["p1", "p2"], ["--product", "p1", "p2"]),
        ("coupon", ["x"], ["--coupon", "x"]),
    ],
)
def test_the_service_answers_as_the_command_does(
    audiences: AudienceHandler, tmp_path: Path, kind: str, asked: list[str], arguments: list[str]
) -> None:
    out = tmp_path / "audience.parquet"
    assert main(["audience", *arguments, "--size", "7", "--out", str(out)]) == 0
    answer = ask(audiences, kind=kind, ids=asked, size=7)
    found = [(one.customer_id, one.score, one.bought_before) for one in answer.customers]
    assert found == [tuple(row.values()) for row in pq.read_table(out).to_pylist()]
    assert len(found) == 7
    assert answer.expected is not None
    assert answer.expected.low <= answer.expected.expected_buyers <= answer.expected.high
    assert answer.as_of == AS_OF


def test_many_products_together_have_a_warning(
    audiences: AudienceHandler, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(audiences, kind="coupon", ids=["x"]).warnings == []
    monkeypatch.setattr("marketing.audience.question.MANY_PRODUCTS", 1)
    [warning] = ask(audiences, kind="coupon", ids=["x"]).warnings
    assert warning.startswith("The probabilities of 2 products together are not calibrated")
    assert main(["audience", "--coupon", "x"]) == 0
    *_, result = capsys.readouterr().out.splitlines()
    assert json.loads(result)["warnings"] == [warning]
    assert ask(audiences, kind="category", ids=["MILK", "BEER"]).warnings == []


@pytest.mark.parametrize("as_file", [False, True])
def test_the_service_finds_the_look_alikes_of_the_command(
    audiences: AudienceHandler, tmp_path: Path, as_file: bool
) -> None:
    out, given = tmp_path / "alike.csv", tmp_path / "given.csv"
    given.write_text("customer_id\n1\n2\nstranger\n")
    asked = [str(given)] if as_file else ["1", "2", "stranger"]
    assert main(["audience", "--like", *asked, "--size", "5", "--out", str(out)]) == 0

    answer = ask(audiences, kind="customer", ids=["1", "2", "stranger"], size=5)
    found = [(one.customer_id, one.score, one.bought_before) for one in answer.customers]
    assert found == [tuple(row.values()) for row in pa_csv.read_csv(out, convert_options=AS_TEXT).to_pylist()]
    assert [part.customers for part in answer.left_out if part.reason == "given but unknown"] == [1]


def test_look_alikes_do_not_hold_the_given_customers(audiences: AudienceHandler) -> None:
    answer = ask(audiences, kind="customer", ids=["1", "2"], size=5)
    assert answer.score == "similarity"
    assert not {"1", "2"} & {one.customer_id for one in answer.customers}


def test_several_categories_are_asked_for_together(audiences: AudienceHandler) -> None:
    past = ask(audiences, kind="category", ids=["MILK", "BEER"], buyers="past")
    assert {one.customer_id for one in past.customers} == {"1", "10", "11", "12", "13", "14"}  # numbers 0 to 5 by id


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ({"kind": "category", "ids": ["MLIK"]}, NoAudienceError, "'MILK'"),
        ({"kind": "category", "ids": ["MILK"], "min_probability": 1.0}, NoAudienceError, "The audience is empty"),
        ({"kind": "product", "ids": ["'; DROP TABLE x; --"]}, NoAudienceError, "No customer ever bought"),
        ({"kind": "category", "ids": []}, BadRequestError, "'ids' is \\[\\]"),
        ({"kind": "category"}, BadRequestError, "'ids' is missing"),
        ({"kind": "category", "ids": ["MILK"], "size": 0}, BadRequestError, "'size' is 0"),
    ],
)
def test_a_question_without_an_answer_names_the_value(
    audiences: AudienceHandler, body: dict[str, Any], error: type[ServingError], words: str
) -> None:
    with pytest.raises(error, match=words):
        ask(audiences, **body)


def test_the_next_publication_is_followed_and_one_that_cannot_be_opened_leaves_the_last(settings: Settings) -> None:
    scores = PublishedScores(settings.paths.customers)
    assert scores.current().publication.as_of == AS_OF
    stage_scores(settings, AS_OF + WEEK)
    stage_marketing(settings)
    publish(settings, AS_OF + WEEK)
    assert scores.current().publication.as_of == AS_OF + WEEK
    stage_scores(settings, AS_OF + 2 * WEEK)
    stage_marketing(settings)
    (settings.paths.staged_customers / "audience_model.json").write_text("{}")
    publish(settings, AS_OF + 2 * WEEK)
    assert scores.current().publication.as_of == AS_OF + WEEK


def test_offers_are_those_of_the_command(settings: Settings) -> None:
    handler = OffersHandler(settings.paths.customers)
    answer = asyncio.run(handler.offers(OffersRequest(customer_id="1", budget=1.5, k=3)))
    rows = offers_for(settings.paths.customers, "1", 1.5, 3).rows
    assert [offer.coupon_id for offer in answer.offers] == [row["coupon_id"] for row in rows] == ["y"]
    assert answer.offers[0].expected_margin == rows[0]["expected_margin"]
    nothing = asyncio.run(handler.offers(OffersRequest(customer_id="1", budget=0.0)))
    assert nothing.offers == []
    [why] = nothing.warnings
    assert why.startswith("No offer is made")
    assert answer.warnings == []
    with pytest.raises(NoOffersError, match="'stranger'"):
        asyncio.run(handler.offers(OffersRequest(customer_id="stranger", budget=5.0)))


def test_a_budget_without_effect_has_a_warning(settings: Settings) -> None:
    file = settings.paths.customers / "offer_coupons.parquet"
    coupons = pq.read_table(file)
    for name in ("face_value", "margin"):
        coupons = coupons.set_column(coupons.schema.get_field_index(name), name, pa.nulls(len(coupons), pa.float64()))
    pq.write_table(coupons, file)
    answer = asyncio.run(OffersHandler(settings.paths.customers).offers(OffersRequest(customer_id="1", budget=0.0)))
    assert [offer.face_value for offer in answer.offers] == [None, None]
    [warning] = answer.warnings
    assert "Neither the budget nor the limit" in warning


def test_without_published_scores_the_next_step_is_named(tmp_path: Path) -> None:
    link = Settings(data=tmp_path / "data").paths.customers
    handler = AudienceHandler(PublishedScores(link).current, tmp_path / "coupons.parquet")
    with pytest.raises(ScoresNotPublishedError, match="make customers"):
        ask(handler, kind="category", ids=["MILK"])
    with pytest.raises(ScoresNotPublishedError, match="make customers"):
        asyncio.run(OffersHandler(link).offers(OffersRequest(customer_id="1", budget=5.0)))


def test_scores_without_audiences_and_offers_say_so(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    stage_scores(settings)
    publish(settings, AS_OF)
    with pytest.raises(ProfilesUnavailableError, match="hold no audiences"):
        ask(
            AudienceHandler(PublishedScores(settings.paths.customers).current, tmp_path / "x"),
            kind="category",
            ids=["A"],
        )
    with pytest.raises(ProfilesUnavailableError, match="hold no offers"):
        asyncio.run(OffersHandler(settings.paths.customers).offers(OffersRequest(customer_id="1", budget=5.0)))
