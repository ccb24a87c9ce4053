"""The dependency groups that an image installs hold every package that the code copied into it imports."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
IMAGES = sorted((ROOT / "deploy").glob("*.Dockerfile"))

OPTIONAL = {
    "implicit": "ALS is fitted only if a configuration asks for it; the error names the group 'peers'",
    "optuna": "'ml tune' is run by hand, outside Airflow",
}


def expand(groups: set[str]) -> set[str]:
    """The groups and those that they include; deptry does not follow `include-group`."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    included = {entry["include-group"] for name in groups for entry in declared[name] if isinstance(entry, dict)}
    return groups if included <= groups else expand(groups | included)


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.name.removesuffix(".Dockerfile"))
def test_an_image_installs_what_its_code_imports(image: Path) -> None:
    text = image.read_text()
    groups = expand(set(re.findall(r"--group (\S+)", text)))
    packages = [name for name in re.findall(r"^COPY (\S+) \S+$", text, re.M) if any((ROOT / name).rglob("*.py"))]
    ignored = ["--ignore", "DEP002", "--per-rule-ignores", f"DEP004={'|'.join(OPTIONAL)}"]
    command = [sys.executable, "-m", "deptry", *packages, "--no-ansi", *ignored]
    # The adapter of the SQL linter lies next to the models; no image runs it.
    command += ["--extend-exclude", "dbt/lint"]
    command += ["--non-dev-dependency-groups", ",".join(sorted(groups))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
