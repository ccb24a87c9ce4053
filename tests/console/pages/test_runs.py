"""Runs and releases: the table, the release log, and the roll-back."""

import json
from pathlib import Path

import pytest

from registry.champion_alias import Registry
from settings import Settings
from tests.support.console.client import log_in, open_console


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """One run that was published, and two releases."""
    settings = Settings(data=tmp_path)
    run = settings.paths.runs / "2018-01-01-aaaaaa"
    run.mkdir(parents=True)
    (run / "run_spec.json").write_text(json.dumps({"as_of": "2018-01-01", "reason": "new prices"}))
    (run / "gate.json").write_text(json.dumps({"publish": True, "reasons": ["better by .01"]}))
    (run / "registered_model.json").write_text(json.dumps({"version": "v2"}))
    (run / "report.html").write_text("<h1>Report</h1><script>alert(1)</script>")
    (settings.paths.runs / "latest").symlink_to(run)
    registry = Registry(settings.paths.release)
    registry.deploy("v1", None, "the first", "ann")
    registry.deploy("v2", None, "better by .01", "ann")
    return settings


def test_a_run_is_shown_with_its_verdict_version_and_report(settings: Settings) -> None:
    with open_console(settings) as client:
        page = log_in(client, "viewer").get("/runs").text
    assert page.count("new prices") == 1  # the link 'latest' is not a second run
    assert "publish the challenger" in page
    assert "better by .01" in page
    assert 'href="/files/runs/2018-01-01-aaaaaa/report.html"' in page
    assert "Roll back to v1" not in page


def test_an_empty_product_is_explained_and_an_unknown_one_is_not_found(settings: Settings) -> None:
    with open_console(settings) as client:
        log_in(client, "viewer")
        assert "No run yet." in client.get("/runs?product=customers").text
        answer = client.get("/runs?product=prices")
        assert answer.status_code == 404
        assert "Choose one of recommender, customers." in answer.text


def test_a_wrong_address_is_named_with_the_next_step(settings: Settings) -> None:
    with open_console(settings) as client:
        log_in(client, "viewer")
        unknown = client.get("/nothing/here")
        assert unknown.status_code == 404
        assert "no page at the address &#39;/nothing/here&#39;. Choose a page" in unknown.text
        assert "&#39;/runs/roll-back&#39; belongs to a button" in client.get("/runs/roll-back").text
        assert "The page &#39;runs/gone.html&#39; does not exist" in client.get("/files/runs/gone.html").text


def test_a_report_is_served_in_a_sandbox_and_nothing_else_of_the_data_is(settings: Settings) -> None:
    (settings.data / "secrets.html").write_text("secret")
    with open_console(settings) as client:
        log_in(client, "viewer")
        answer = client.get("/files/runs/2018-01-01-aaaaaa/report.html")
        assert answer.headers["content-security-policy"].startswith("sandbox")
        for path in ("secrets.html", "runs/../secrets.html", "runs/%2e%2e/secrets.html", "runs/missing.html"):
            assert client.get(f"/files/{path}").status_code == 404


def test_a_roll_back_needs_the_role_and_a_reason(settings: Settings) -> None:
    form = {"product": "recommender", "reason": "bad lists"}
    with open_console(settings) as client:
        assert log_in(client, "marketer").post("/runs/roll-back", data=form).status_code == 403
        log_in(client, "operator")
        assert "Roll back to v1" in client.get("/runs").text
        answer = client.post("/runs/roll-back", data=form | {"reason": " "})
        assert (answer.status_code, "needs a reason" in answer.text) == (400, True)
