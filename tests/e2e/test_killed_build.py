"""A build killed in the middle of a write, and run again."""

import signal
import time
from pathlib import Path

import pytest

from tests.support.e2e.installation import AS_OF, Installation

pytestmark = pytest.mark.e2e


def test_a_build_killed_while_writing_and_run_again_publishes_the_same(
    code: Path, small_landing: Path, undisturbed: str, tmp_path: Path
) -> None:
    installation = Installation(code, tmp_path / "data", small_landing)
    installation.run("landing", "admit", f"--as-of={AS_OF}")
    installation.run("landing", "accept")
    variables = installation.run("landing", "dbt-vars", f"--as-of={AS_OF}").splitlines()[-1]

    build = installation.dbt_build(variables)
    staged = installation.settings.paths.staged_features
    while not (unfinished := list(staged.glob("tmp_*"))) and build.poll() is None:
        time.sleep(0.001)
    build.send_signal(signal.SIGKILL)
    build.wait()
    assert unfinished, "the build ended before it could be killed while writing"
    assert not installation.settings.paths.features.exists()

    again = installation.dbt_build(variables)
    printed, _ = again.communicate()
    assert again.returncode == 0, printed
    installation.run("feature_store", "publish", f"--as-of={AS_OF}")
    assert installation.published == undisturbed
    assert not list(installation.settings.paths.features.glob("tmp_*"))
