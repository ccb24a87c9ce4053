"""Read the staged scores: a folder of files and `scored.json`, which records their day and origin.

`python -m ml.customers score` writes the folder `<data>/customers/staged`; the checks and the publication read it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from customer_scores.errors import StagedScoresError
from customer_scores.tables import HISTORY, check_columns, part_of

MANIFEST = "scored.json"
SCORE_AGAIN = "Run `.venv/bin/python -m ml.customers score` again."

KEPT_TABLES = ("certificates",)
"""Tables of a part's evaluation that a publication keeps, because people read them next to the scores."""


@dataclass(frozen=True)
class Evaluation:
    """How a part of the model was evaluated, as a profile shows it.

    Attributes:
        decision: The kind of scores that the part publishes, such as `model` or `rule`.
        until: The day before which everything lies that the part was fitted on.
        measures: Its figures on the newest closed window, by name.
        reasons: Why, one sentence each; names of refused alternatives with their figures.
        tables: Those of `KEPT_TABLES` that the part has, as rows by name.
    """

    decision: str
    until: date
    measures: Mapping[str, float]
    reasons: Sequence[str] = ()
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Evaluation":
        """Return what a JSON object holds; a publication of an earlier version has no reasons and no tables."""
        return cls(
            fields["decision"],
            date.fromisoformat(fields["until"]),
            fields["measures"],
            tuple(fields.get("reasons", ())),
            fields.get("tables", {}),
        )


@dataclass(frozen=True)
class StagedScores:
    """The content of `scored.json`.

    Attributes:
        as_of: The day before which all data of the scores lies.
        as_of_instant: The UTC instant (naive) at which that day begins.
        features: The publication of feature tables that was scored.
        model_version: The version of the customer model.
        evaluations: By part, how it was evaluated.
    """

    as_of: date
    as_of_instant: datetime
    features: str
    model_version: str
    evaluations: Mapping[str, Evaluation]


def read_manifest(folder: Path) -> StagedScores:
    """Return what the staged folder holds.

    Raises:
        StagedScoresError: Nothing is staged, or `scored.json` is damaged.
    """
    try:
        fields = json.loads((folder / MANIFEST).read_text())
        return StagedScores(
            as_of=date.fromisoformat(fields["as_of"]),
            as_of_instant=datetime.fromisoformat(fields["snapshot"]),
            features=fields["features"],
            model_version=fields["version"],
            evaluations={
                name: Evaluation(
                    verdict["decision"],
                    date.fromisoformat(verdict["until"]),
                    {measure: float(found["value"]) for measure, found in verdict["measures"].items()},
                    tuple(verdict.get("reasons", ())),
                    {name: verdict["tables"][name] for name in KEPT_TABLES if name in verdict.get("tables", {})},
                )
                for name, verdict in fields["parts"].items()
            },
        )
    except (FileNotFoundError, NotADirectoryError):
        raise StagedScoresError(f"No scores are staged in {folder}. {SCORE_AGAIN}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StagedScoresError(f"{folder / MANIFEST} cannot be read: {error!r}. {SCORE_AGAIN}") from error


def staged_files(folder: Path) -> dict[str, list[Path]]:
    """Return the staged files by part; each table has the columns that readers rely on.

    Raises:
        StagedScoresError: A file is damaged, lacks a column, or belongs to no part.
    """
    found: dict[str, list[Path]] = {}
    for file in sorted(folder.iterdir()):
        if file.name in (MANIFEST, HISTORY) or file.name.startswith("."):
            continue
        found.setdefault(part_of(file.name), []).append(file)
        if file.suffix == ".parquet":
            try:
                check_columns(file.name, pq.read_schema(file))
            except pa.ArrowInvalid as error:
                raise StagedScoresError(f"{file} is not a readable Parquet file ({error}). {SCORE_AGAIN}") from error
    if not found:
        raise StagedScoresError(f"{folder} holds no table of scores. {SCORE_AGAIN}")
    return found
