"""The worked example in docs/add-a-request-parameter.md works: its diffs, applied to a copy, add a parameter."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from settings import ROOT
from tests.support.copied_code import copy_code

PAGE = (ROOT / "docs" / "add-a-request-parameter.md").read_text()

ASK = """
import asyncio, json, sys
from pathlib import Path
from tests.support.serving.in_process import application, started
from tests.support.serving.running import install

async def ask(app):
    async with started(app) as client:
        answers = [await client.post("/recommend", json=body) for body in json.loads(sys.argv[2])]
        described = (await client.get("/docs.json")).json()["components"]["schemas"]["RecommendRequest"]
        print(json.dumps({"answers": [answer.json() for answer in answers],
                          "description": described["properties"]["min_buyers"]["description"]}))

installation = install(Path(sys.argv[1]), "v1")
installation.deploy("v1")
asyncio.run(ask(application(installation)))
"""


def apply(diff: str, root: Path) -> None:
    """Apply a diff whose hunks need no line numbers: the lines that stay are found by their text."""
    file = root / re.findall(r"^\+\+\+ b/(.+)$", diff, re.MULTILINE)[0]
    text = file.read_text()
    for hunk in diff.split("\n@@\n")[1:]:
        lines = hunk.rstrip("\n").split("\n")
        before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
        after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    file.write_text(text)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The changed copy's answers without the parameter, with it, and with a wrong value."""
    copy = copy_code(tmp_path_factory.mktemp("copy"))
    for diff in re.findall(r"```diff\n(.*?)```", PAGE, re.DOTALL):
        apply(diff, copy)
    bodies = [{"customer_id": "nobody", "k": 12} | more for more in ({}, {"min_buyers": 7}, {"min_buyers": -1})]
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(copy / "data"), json.dumps(bodies)], cwd=copy, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_the_guide_changes_two_code_files() -> None:
    assert re.findall(r"^\+\+\+ b/(.+)$", PAGE, re.MULTILINE) == [
        "serving/api/schemas.py",
        "scoring/reranking/business_rules.py",
    ]


def test_the_parameter_filters_the_list(asked: dict[str, Any]) -> None:
    everything, frequent, _ = asked["answers"]

    assert len(everything["items"]) == 12
    # The small bundle's p0 has 12 buyers, p1 has 11, …, p5 has 7.
    assert {item["product_id"] for item in frequent["items"]} == {"p0", "p1", "p2", "p3", "p4", "p5"}
    assert frequent["missing_items"] == 6


def test_its_help_text_is_in_the_message_and_in_the_openapi_document(asked: dict[str, Any]) -> None:
    assert asked["answers"][2]["error"] == "'min_buyers' is -1; allowed: a whole number from 0."
    assert asked["description"].endswith("Allowed: a whole number from 0.")
