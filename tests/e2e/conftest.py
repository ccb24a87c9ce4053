"""One small landing, one copy of the code, and what its features are when nothing goes wrong."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support.e2e.installation import AS_OF, Installation, copy_of_the_code


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_the_code(tmp_path_factory.mktemp("installation") / "code")


@pytest.fixture(scope="session")
def undisturbed(code: Path, small_landing: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The features' name (day and content) after every step was run once by hand, by one of pytest's workers."""
    temporary = tmp_path_factory.getbasetemp()
    # The workers' folders lie next to one another in the folder of this run of pytest.
    shared = (temporary.parent if "PYTEST_XDIST_WORKER" in os.environ else temporary) / "undisturbed"
    with FileLock(f"{shared}.lock"):
        if not shared.exists():
            shared.write_text(_built_by_hand(code, small_landing, tmp_path_factory))
    return shared.read_text()


def _built_by_hand(code: Path, small_landing: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    installation = Installation(code, tmp_path_factory.mktemp("by-hand") / "data", small_landing)
    installation.run("landing", "admit", f"--as-of={AS_OF}")
    installation.run("landing", "accept")
    variables = installation.run("landing", "dbt-vars", f"--as-of={AS_OF}").splitlines()[-1]
    build = installation.dbt_build(variables)
    printed, _ = build.communicate()
    assert build.returncode == 0, printed
    installation.run("feature_store", "publish", f"--as-of={AS_OF}")
    return installation.published
