"""Read a TOML file into a pydantic model."""

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


def read_toml(path: Path, model: type[Model], error: type[Exception]) -> Model:
    """Read a file, with every unknown or wrong value as an error.

    Args:
        path: The file.
        model: Its content; unknown names are errors if the model forbids them.
        error: Raised with the file's name and the cause if the file cannot be used.
    """
    try:
        return model.model_validate(tomllib.loads(path.read_text()))
    except (OSError, UnicodeDecodeError, ValidationError, tomllib.TOMLDecodeError) as cause:
        raise error(f"{path.name} cannot be used: {cause}") from cause
