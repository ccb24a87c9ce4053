"""The private interfaces that serving uses are those of the installed versions; Feast is imported without checks."""

import ast
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest
import typeguard

from serving._private import typeguard_disabled
from settings import ROOT

READ_AGAINST = {
    "bentoml": "1.4.39",
    "opentelemetry-instrumentation-asgi": "0.66b1",
    "typeguard": "4.6.0",
}
"""Versions whose private interfaces serving/_private.py uses. Read that file again before you change one."""


@pytest.mark.parametrize(("package", "expected"), READ_AGAINST.items())
def test_private_interfaces_were_read_against_the_installed_version(package: str, expected: str) -> None:
    assert version(package) == expected, f"Read serving/_private.py against {package} {version(package)}."


def test_no_other_file_of_serving_imports_private_modules() -> None:
    files = {path.relative_to(ROOT): path for path in (ROOT / "serving").rglob("*.py") if path.name != "_private.py"}
    private = [
        f"{file}: {name}"
        for file, path in files.items()
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
        if name == "typeguard" or (not name.startswith("serving.") and any(part[0] == "_" for part in name.split(".")))
    ]
    assert private == []


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or "."]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def test_decorated_classes_stay_as_they_are_written():
    def length(text: str) -> int:
        return len(text)

    with typeguard_disabled():
        assert typeguard.typechecked(length) is length
        check: Any = typeguard.typechecked
        assert check(collection_check_strategy=None)(length) is length


def test_the_checks_are_back_afterwards():
    before = typeguard.typechecked
    with typeguard_disabled():
        assert typeguard.typechecked is not before
    assert typeguard.typechecked is before


def test_feast_reads_without_them():
    code = (
        "from serving._private import typeguard_disabled\n"
        "with typeguard_disabled():\n"
        "    from feature_store.online.reader import OnlineFeatureReader\n"
        "import feast\n"
        "assert not hasattr(feast.FeatureView.__init__, '__wrapped__')\n"
        "source = feast.FileSource(name='s', path=1)\n"  # checked, this would be an error
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
