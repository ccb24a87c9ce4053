"""No folder gains sentences of the kinds that tests/support/prose.toml lists."""

from collections import Counter
from pathlib import Path

import pytest

from tests.support.prose import RULES, hits, hits_in

BUDGET: dict[str, int] = RULES["budget"]


def test_no_folder_exceeds_its_budget() -> None:
    found = hits()
    count = Counter(hit.folder for hit in found)
    wrong = {folder: (n, BUDGET.get(folder, 0)) for folder, n in count.items() if n > BUDGET.get(folder, 0)}
    listed = "\n".join(f"{hit.file}:{hit.line}: {hit.pattern}: {hit.excerpt}" for hit in found if hit.folder in wrong)
    assert not wrong, f"{listed}\nFound and allowed per folder: {wrong}. Write the new ones otherwise."


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("speech", "The gate says why."),
        ("of_it", "A file and the hash of it."),
        ("dated", "It is computed anew."),
        ("pronoun", "Rows that nobody reads."),
        ("free_relative", "What is missing is counted."),
        ("free_relative", "Rows from who bought."),
        ("is_no", "It is no JSON."),
        ("for_because", "It waits, for the store is down."),
        ("so_many", "At most so many rows."),
        ("some_number", "It takes some eight minutes."),
        ("as_it_is", "The file stays as it is."),
    ],
)
def test_each_pattern_is_found(tmp_path: Path, pattern: str, sentence: str) -> None:
    page, module, query = tmp_path / "page.md", tmp_path / "module.py", tmp_path / "query.sql"
    page.write_text(f"# Title\n\n{sentence}\n")
    module.write_text(
        f"def f():\n    {sentence!r}\n    # Above.\n    #\n    # {sentence}\n    raise E(f'{sentence}')\n"
    )
    query.write_text(f"{{#- {sentence} -#}}\nselect 1\nfrom t -- {sentence}\n")
    found = {path: [(hit.pattern, hit.line) for hit in hits_in(path, tmp_path)] for path in (page, module, query)}
    assert found[page] == [(pattern, 3)]
    assert sorted(found[module], key=lambda hit: hit[1]) == [(pattern, 2), (pattern, 5), (pattern, 6)]
    assert sorted(found[query], key=lambda hit: hit[1]) == [(pattern, 1), (pattern, 3)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Known customers are those who bought before.",
        "The customer, whose purchases are listed, gets one of them.",
        "There is no store, so nothing is read for an hour.",
        "What if the store is down?",
        "See `what it says`.",
    ],
)
def test_ordinary_sentences_are_not_counted(tmp_path: Path, sentence: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# What it says\n\n{sentence}\n\n```\nWhat is missing\n```\n")
    assert list(hits_in(page, tmp_path)) == []
