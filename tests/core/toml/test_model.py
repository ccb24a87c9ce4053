"""A TOML file is read into a model, and a wrong file names itself and its field."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from core.toml.model import read_toml


class Storage(BaseModel):
    model_config = ConfigDict(extra="forbid")

    days: int


class StorageError(Exception):
    pass


def test_a_valid_file_becomes_the_model(tmp_path: Path) -> None:
    (tmp_path / "storage.toml").write_text("days = 3\n")
    assert read_toml(tmp_path / "storage.toml", Storage, StorageError) == Storage(days=3)


@pytest.mark.parametrize(
    ("text", "cause"),
    [("days = 'many'", "days"), ("days = 3\nweeks = 1", "weeks"), ("days =", "Invalid value"), (None, "No such file")],
)
def test_a_file_that_cannot_be_used_names_itself_and_the_cause(tmp_path: Path, text: str | None, cause: str) -> None:
    if text is not None:
        (tmp_path / "storage.toml").write_text(text)
    with pytest.raises(StorageError, match=rf"(?s)^storage\.toml cannot be used: .*{cause}"):
        read_toml(tmp_path / "storage.toml", Storage, StorageError)
