"""Access to the console: sessions, origins, host names, roles, and headers."""

from pathlib import Path

import pytest
from starlette.routing import Route

from console.access.attempts import MAX_FAILURES
from console.app import build_app
from console.errors import ConsoleConfigError
from settings import Settings
from tests.support.console.client import PASSWORD, log_in, open_console, with_console


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


def test_a_page_leads_to_the_login_and_back(settings: Settings) -> None:
    with open_console(settings) as client:
        answer = client.get("/runs")
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/runs")
        assert client.get("/", headers={"hx-request": "true"}).headers["hx-redirect"] == "/login"
        answer = client.post("/login", data={"name": "viewer", "password": PASSWORD, "next": "/runs"})
        assert answer.headers["location"] == "/runs"
        assert client.get("/").status_code == 200


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_a_login_leads_to_no_other_host(settings: Settings, target: str) -> None:
    with open_console(settings) as client:
        answer = client.post("/login", data={"name": "viewer", "password": PASSWORD, "next": target})
        assert answer.headers["location"] == "/"


def test_a_wrong_password_is_refused_and_guessing_has_to_wait(settings: Settings) -> None:
    with open_console(settings) as client:
        wrong = {"name": "admin", "password": "wrong"}
        assert [client.post("/login", data=wrong).status_code for _ in range(MAX_FAILURES + 1)] == (
            [401] * MAX_FAILURES + [429]
        )
        assert client.post("/login", data={"name": "admin", "password": PASSWORD}).status_code == 429
        assert client.post("/login", data={"name": "viewer", "password": PASSWORD}).status_code == 303


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}])
def test_a_form_of_another_site_is_refused(settings: Settings, headers: dict[str, str]) -> None:
    with open_console(settings) as client:
        log_in(client, "admin")
        assert client.post("/logout", headers=headers).status_code == 403
        assert client.post("/logout", headers={"sec-fetch-site": "same-origin"}).status_code == 303


def test_another_host_name_is_refused_unless_it_is_set(settings: Settings) -> None:
    with open_console(settings) as client:
        assert client.get("/login", headers={"host": "evil.example"}).status_code == 400
    named = settings.model_copy(update={"console_hosts": "reach.shop.example"})
    with open_console(named) as client:
        assert client.get("/login", headers={"host": "reach.shop.example"}).status_code == 200


def test_nothing_is_cached_or_framed_by_others_and_no_script_is_inline(settings: Settings) -> None:
    with open_console(settings) as client:
        headers = log_in(client, "viewer").get("/").headers
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]


def test_a_session_ends_with_the_logout(settings: Settings) -> None:
    with open_console(settings) as client:
        log_in(client, "viewer").post("/logout")
        assert client.get("/").status_code == 303


def test_a_viewer_can_change_nothing(settings: Settings) -> None:
    """Every route that takes a form asks for a permission, and no viewer has one."""
    app = build_app(with_console(settings))
    forms = [route for route in app.routes if isinstance(route, Route) and "POST" in (route.methods or ())]
    unguarded = {route.path for route in forms if not hasattr(route.endpoint, "permission")}
    assert unguarded <= {"/login", "/logout", "/customers", "/audiences", "/offers", "/segments", "/campaigns/past"}
    with open_console(settings) as client:
        answer = log_in(client, "viewer").post("/sending", data={"step": "pause"})
        assert answer.status_code == 403
        assert "may not pause and continue sending" in answer.text


def test_a_short_key_is_refused(settings: Settings) -> None:
    with pytest.raises(ConsoleConfigError, match="REACH_CONSOLE_KEY has 0 characters"):
        build_app(with_console(settings).model_copy(update={"console_key": None}))
