"""The project keeps the rules of dbt Labs' project evaluator, but for exceptions that each give a reason."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.dbt_project.conftest import Built
from tests.support.dbt_project.conventions import RULES, Project

EXCEPTIONS = tomllib.loads(Path(__file__).with_name("conventions.toml").read_text())


@pytest.fixture(scope="module")
def project(built: Built) -> Project:
    return Project.of(json.loads((built.data / "dbt" / "manifest.json").read_text()))


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_broken_only_by_its_exceptions(project: Project, rule: str) -> None:
    assert set(RULES[rule](project)) == set(EXCEPTIONS.get(rule, {}))


def test_an_exception_names_a_rule_and_a_reason() -> None:
    assert set(EXCEPTIONS) <= set(RULES)
    assert all(reason for exceptions in EXCEPTIONS.values() for reason in exceptions.values())
