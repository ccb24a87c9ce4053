"""Names in the code keep to one vocabulary: retired words do not come back."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings import ROOT

RETIRED: dict[str, str] = tomllib.loads(Path(__file__).with_name("retired_words.toml").read_text())
CODE = sorted(
    file
    for file in ROOT.rglob("*.py")
    if file.relative_to(ROOT).parts[0] not in {".venv", "data", "tests"} and ".uv" not in file.parts
)


def names_in(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of everything that a source defines: functions, classes, arguments and variables."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


def words_of(name: str) -> list[str]:
    """Split snake_case, CamelCase and SHOUTED names into lower-case words."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def retired_in(source: str) -> list[tuple[int, str, str]]:
    return [
        (line, name, RETIRED[word]) for line, name in names_in(source) for word in words_of(name) if word in RETIRED
    ]


def test_no_name_holds_a_retired_word() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{line}: '{name}': write {instead}"
        for file in CODE
        for line, name, instead in retired_in(file.read_text())
    ]
    found += [
        f"{file.relative_to(ROOT)}: write {RETIRED[word]}"
        for file in CODE
        for word in words_of(file.stem)
        if word in RETIRED
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("source", ["def judge(): ...", "class RequestDoor: ...", "def f(places): ...", "LIVELY = 1"])
def test_a_retired_word_is_found_in_every_kind_of_name(source: str) -> None:
    assert retired_in(source)


def test_a_word_inside_another_word_is_free() -> None:
    assert not retired_in("replaced = placeholder = indoor = 1")
