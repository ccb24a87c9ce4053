"""The worked example in docs/add-a-candidate-source.md works: one file and one line make a candidate source."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ml.config import CONFIG
from scoring.candidates import sources
from settings import ROOT
from tests.support.copied_code import copy_code
from tests.support.serving.small_bundle import write_bundle

PAGE = (ROOT / "docs" / "add-a-candidate-source.md").read_text()

RECOMMEND = """
import json
from ml.config import load_config
from scoring.candidates.sources import SOURCES
from scoring.rank_features import NUMERIC
from scoring.request import RecommendationRequest
from tests.support.scoring.random_shop import shop

found = shop(1, quota=8)
request = RecommendationRequest(slate="explore", k=60)
answers = [found.recommender.recommend(customer, request) for customer in found.customers]
print(json.dumps({
    "sources": list(SOURCES),
    "quotas": load_config().candidates_per_source,
    "columns": NUMERIC,
    "reasons": [item.reason for answer in answers for item in answer.items if item.source == "new_arrivals"],
}))
"""

OPEN = """
import sys
from pathlib import Path
from scoring.bundle import Bundle

Bundle.open(Path(sys.argv[1])).check_golden()
"""


def block(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages that a source passes through, with the page's file and line in their places."""
    project = copy_code(tmp_path_factory.mktemp("project"))
    [path] = re.findall(r"\*\*1\. The file\*\*, `(scoring/candidates/sources/\w+\.py)`", PAGE)
    (project / path).write_text(block("python"))
    changed, sections = re.subn(
        r"^\[sources\]\n", f"[sources]\n{block('toml')}", CONFIG.read_text(), flags=re.MULTILINE
    )
    assert sections == 1
    (project / CONFIG.relative_to(ROOT)).write_text(changed)
    return project


def run(project: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], cwd=project, capture_output=True, text=True)


def test_the_new_source_is_configured_scored_explained_and_read_by_the_ranker(project: Path) -> None:
    done = run(project, RECOMMEND)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["sources"] == [*sources.SOURCES, "new_arrivals"]
    assert found["quotas"]["new_arrivals"] == 20
    assert "score_new_arrivals" in found["columns"]
    assert "rank_new_arrivals" not in found["columns"]
    assert found["reasons"]
    assert all(re.match(r"New on our shelves; you bought type \d+ ", reason) for reason in found["reasons"])


def test_a_version_that_was_trained_before_keeps_serving(project: Path, tmp_path: Path) -> None:
    done = run(project, OPEN, str(write_bundle(tmp_path / "bundle", "v1")))
    assert done.returncode == 0, done.stderr


def test_a_version_that_was_trained_with_the_source_names_it_where_it_is_missing(project: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.support.serving.small_bundle import write_bundle; "
        "write_bundle(Path(sys.argv[1]), 'v2')"
    )
    done = run(project, code, str(tmp_path / "bundle"))
    assert done.returncode == 0, done.stderr
    refused = run(ROOT, OPEN, str(tmp_path / "bundle"))
    assert refused.returncode != 0
    assert "gone: score_new_arrivals" in refused.stderr


def test_a_file_of_two_sources_is_refused(project: Path) -> None:
    path = project / "scoring" / "candidates" / "sources" / "twins.py"
    path.write_text(block("python") + block("python").replace("class NewArrivals", "class Newer"))
    done = run(project, "import scoring.candidates.sources")
    path.unlink()
    assert "twins.py holds 2 candidate sources, but a source's file holds one" in done.stderr
