"""The private interfaces that serving uses are those of the installed versions."""

import ast
from importlib.metadata import version

import pytest

from settings import ROOT

READ_AGAINST = {
    "bentoml": "1.4.39",
    "opentelemetry-instrumentation-asgi": "0.66b1",
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
