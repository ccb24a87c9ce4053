"""Read the file of an experiment; an error names the file, the line, the value and what is allowed."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from core.toml.problems import located, problem
from online_experiments.definition.experiment import Experiment
from online_experiments.errors import DefinitionError


def read_experiment(path: Path) -> Experiment:
    """Read and check one file.

    Raises:
        DefinitionError: The file cannot be used; the message names each problem with its line.
    """
    try:
        text = path.read_text()
        fields = tomllib.loads(text)
    except OSError as error:
        raise DefinitionError(path.name, [f"{path} cannot be read ({error.strerror})."]) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DefinitionError(path.name, [f"It is not TOML: {error}."]) from error
    try:
        experiment = Experiment.model_validate(fields)
    except ValidationError as error:
        problems = [problem(text, found, Experiment) for found in error.errors()]
        raise DefinitionError(path.name, problems) from error
    if experiment.id != path.stem:
        message = f"id = '{experiment.id}', but the file is named '{path.stem}'. Make them equal."
        raise DefinitionError(path.name, [located(text, ("id",), message)])
    return experiment
