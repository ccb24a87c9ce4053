"""The id rules, and that Python, SQL and JSON Schema hold the same ones."""

import re

import duckdb
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ids import MAX_LENGTH, PROBLEMS, NotAnIdError, as_id, id_sql, problem_sql, schema_pattern
from core.limits import MAX_NUMBER
from core.missing import WORDS
from settings import ROOT

IDS = {
    "1566": "1566",
    " 1566 ": "1566",
    "\u00a01566\t": "1566",
    "\ufeff1566\u200b\r\n": "1566",
    "00123": "00123",
    "c-0017": "c-0017",
    "17850.0": "17850",
    "-7.00": "-7",
    "0.0": "0",
    "00123.0": "00123.0",
    "10.50": "10.50",
    "1E5": "1E5",
    "SKU 9": "SKU 9",
    "cafe\u0301": "caf\u00e9",
    "x" * MAX_LENGTH: "x" * MAX_LENGTH,
    f" {'x' * MAX_LENGTH} ": "x" * MAX_LENGTH,
    "nobody": "nobody",
    "\u06a9\u200c\u0647": "\u06a9\u200c\u0647",  # a joiner inside a word is spelling
}
NO_IDS = {
    "": "missing",
    " \t\u00a0": "missing",
    "nan": "missing",
    " NULL ": "missing",
    "None": "missing",
    "N/A": "missing",
    "<NA>": "missing",
    "-": "missing",
    "\\N": "missing",
    "x" * (MAX_LENGTH + 1): "too long",
    "15\x0066": "a character",
    "\u00e9\x00": "a character",  # DuckDB's NFC would end the text at the 0
    "15\n66": "a character",
    "15\u200b66": "a character",
    "M\ufffdller": "a character",
    "1.23457E+11": "a shortened number",
    "1,2e+05": "a shortened number",
}


def _in_python(text: str) -> tuple[str | None, str | None]:
    """Id and problem."""
    try:
        return as_id(text), None
    except NotAnIdError as error:
        return None, error.problem


def _in_sql(texts: list[str]) -> list[tuple[str | None, str | None]]:
    problem = f"CASE WHEN id IS NULL THEN 'missing' ELSE {problem_sql('id')} END"
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT CASE WHEN {problem} IS NULL THEN id END, {problem} "
            f"FROM (SELECT {id_sql('text')} AS id, place FROM (SELECT unnest($1) AS text, generate_subscripts($1, 1) "
            "AS place)) ORDER BY place",
            [texts],
        ).fetchall()
    return [(row[0], row[1]) for row in found]


@pytest.mark.parametrize(("text", "expected"), IDS.items())
def test_an_id_is_trimmed_and_keeps_its_case_and_zeros(text: str, expected: str) -> None:
    assert _in_python(text) == (expected, None)
    assert re.search(schema_pattern(), text)


@pytest.mark.parametrize(("text", "problem"), NO_IDS.items())
def test_what_is_no_id_has_a_reason(text: str, problem: str) -> None:
    assert _in_python(text) == (None, problem)
    assert problem in PROBLEMS
    assert not re.search(schema_pattern(), text)


def test_sql_finds_the_same() -> None:
    texts = [*IDS, *NO_IDS]
    assert dict(zip(texts, _in_sql(texts), strict=True)) == {text: _in_python(text) for text in texts}


TELLING = " \t\u00a0\u200b\ufeff\u0301\x00\ufffdaeENnul/A<>-?.0123456789+\u00e9:_"


@settings(max_examples=12, deadline=None)
@given(texts=st.lists(st.text(st.sampled_from(TELLING), max_size=70), min_size=60, max_size=100))
def test_python_sql_and_schema_agree(texts: list[str]) -> None:
    found = [_in_python(text) for text in texts]
    assert _in_sql(texts) == found
    for text, (_, problem) in zip(texts, found, strict=True):
        if "\u0301" not in text:  # the schema counts characters before they are composed
            assert bool(re.search(schema_pattern(), text)) == (problem is None), text


def test_an_id_stands_for_itself() -> None:
    assert all(as_id(text) == text for text in IDS.values())


def test_a_reason_never_repeats_the_id() -> None:
    for text in NO_IDS:
        if len(text) > 3:
            with pytest.raises(NotAnIdError) as caught:
                as_id(text)
            assert text.strip() not in str(caught.value) or text.strip().lower() in WORDS


def test_dbt_cleans_texts_by_the_same_words() -> None:
    project = yaml.safe_load((ROOT / "dbt" / "dbt_project.yml").read_text())
    assert tuple(project["vars"]["missing_words"]) == WORDS


def test_the_warehouse_holds_every_number_that_is_accepted() -> None:
    assert MAX_NUMBER < 10 ** (18 - 4)
    kept = re.findall(r"decimal\((\d+), (\d+)\)", "".join(p.read_text() for p in (ROOT / "dbt").rglob("*.sql")))
    assert ("18", "4") in kept
    assert all(int(width) - int(scale) >= 18 - 4 for width, scale in kept)
