"""Check the pages' files: their policy, and their words for every reason."""

from typing import get_args

import httpx
import pytest

from scoring.fallback import Fallback, MissingHistory
from serving.ui.endpoints import STATIC_DIR, UI_FILES

pytestmark = pytest.mark.chromium


def test_the_pages_files_carry_a_strict_policy_and_ask_for_nothing_from_elsewhere(client: httpx.Client) -> None:
    for path in (*sorted(UI_FILES - {"/ui"}), "/ui/version", "/ui/customers"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", ""), path
    assert {f"/ui/{file.name}" for file in STATIC_DIR.iterdir()} <= UI_FILES | {"/ui/index.html"}
    assert client.get("/static_content/index.css").status_code == 404
    assert client.get("/ui").headers["Location"].endswith("/ui/")
    assert client.get("/ui/../service.py").status_code == 404
    assert client.post("/ui/").status_code == 405


def test_the_page_has_words_for_every_reason_why_something_is_missing() -> None:
    script = (STATIC_DIR / "page.js").read_text()
    for table, reasons in (("FALLBACKS", get_args(Fallback)), ("MISSING", get_args(MissingHistory))):
        words = script.split(f"const {table} = {{")[1].split("};")[0]
        assert [reason for reason in reasons if f"  {reason}:" not in words] == []
