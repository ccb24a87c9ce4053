"""The level of a test file: unit, integration or e2e.

A file that never names a level gets one from what it imports: a test that can start a program, train a model, build
with dbt or validate with Great Expectations is an integration test. `pytestmark = pytest.mark.integration` sets the
level by hand, for a file that is slow for another reason.
"""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

LEVELS = ("unit", "integration", "e2e")

HEAVY = (
    "subprocess",
    "multiprocessing",
    "great_expectations",
    "tensorflow",
    "bentoml",
    "airflow",
    "feast",
    "dbt",
    "playwright",
    "ml.keras_setup",
)
"""Modules that start programs, or take seconds to import or to do anything."""


def level_of(file: Path) -> str:
    """Return the level of a test file by its folder and its imports."""
    if file.is_relative_to(ROOT / "tests" / "e2e"):
        return "e2e"
    conftests = [folder / "conftest.py" for folder in file.parents if folder.is_relative_to(ROOT / "tests")]
    waiting = [file, *(path for path in conftests if path.exists() and path != ROOT / "tests" / "conftest.py")]
    reached = set(waiting)
    while waiting:
        for name in _imports(waiting.pop()):
            if any(name == heavy or name.startswith(f"{heavy}.") for heavy in HEAVY):
                return "integration"
            path = _source(name)
            if path is not None and path not in reached:
                reached.add(path)
                waiting.append(path)
    return "unit"


@cache
def _imports(file: Path) -> tuple[str, ...]:
    """The modules that a file imports anywhere, and the names it takes from them, which may be modules."""
    found: dict[str, None] = {}
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= dict.fromkeys(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found[node.module] = None
            found |= dict.fromkeys(f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(found)


@cache
def _source(name: str) -> Path | None:
    path = ROOT / name.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)
