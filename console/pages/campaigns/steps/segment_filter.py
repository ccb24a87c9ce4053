"""Compose a filter from picked segments and a rule of its own, and take it apart again."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import duckdb

from customer_scores.errors import ScoresError as PublishedScoresError
from marketing.errors import ScoresError
from marketing.segments import FilterError, compile_filter, open_scores, read_vocabulary
from marketing.segments.tree import parse
from marketing.segments.vocabulary import SEGMENTS

_PICKED = re.compile(r'segment\.(?P<axis>[a-z0-9_]+) in \((?P<names>"[^"]*"(?:, "[^"]*")*)\)')


@dataclass(frozen=True)
class SegmentFilter:
    """A filter as a form shows it.

    Attributes:
        picked: names of segments by axis.
        rule: the rest of the filter, which must hold as well.
    """

    picked: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rule: str = ""

    @property
    def text(self) -> str:
        """Return the filter; empty if nothing is picked and there is no rule."""
        parts = [
            f"segment.{axis} in ({', '.join(_quoted(name) for name in names)})" for axis, names in self.picked.items()
        ]
        if self.rule:
            parts.append(f"({self.rule})" if parts else self.rule)
        return " and ".join(parts)

    @classmethod
    def of(cls, text: str) -> "SegmentFilter":
        """Return the parts of a filter; one that was written differently is all rule."""
        picked: dict[str, list[str]] = {}
        at = 0
        while (found := _PICKED.match(text, at)) and found["axis"] not in picked:
            picked[found["axis"]] = re.findall(r'"([^"]*)"', found["names"])
            at = found.end() + len(" and ")
        rest = text[at:]
        whole = cls(picked, rest[1:-1] if rest.startswith("(") and rest.endswith(")") else "")
        return whole if whole.text == text else cls(rule=text)


@dataclass(frozen=True)
class PublishedSegment:
    """One segment of the published scores.

    Attributes:
        axis: such as value.
        name: its name in filters.
        label: its name for people.
        customers: how many.
        spend: mean predicted spend of eight weeks, or None.
        lapse: mean risk of no order in eight weeks, or None.
    """

    axis: str
    name: str
    label: str
    customers: int
    spend: float | None
    lapse: float | None


def published_segments(scores: Path) -> list[PublishedSegment]:
    """Return every segment of the published scores, by axis; none if there are no segments.

    The answer about one file is kept, because two steps need it and it grows with the number of customers.

    Raises:
        ScoresError: nothing is published.
    """
    folder = scores.resolve()
    file = folder / f"{SEGMENTS}.parquet"
    return _segments_of(folder, file.stat().st_mtime_ns if file.exists() else None)


@lru_cache(maxsize=4)
def _segments_of(folder: Path, _: int | None) -> list[PublishedSegment]:
    with open_scores(folder) as connection:
        try:
            rows = connection.execute(
                """
                SELECT axis, segment, min(label), count(*), avg(spend_8w), avg(lapse_8w)
                FROM segments LEFT JOIN predictions USING (customer_id)
                GROUP BY axis, segment ORDER BY axis DESC, avg(spend_8w) DESC NULLS LAST, segment
                """
            ).fetchall()
        except duckdb.CatalogException:
            return []
        except duckdb.Error as error:
            raise ScoresError(f"The published segments cannot be read: {error}") from error
    return [PublishedSegment(*row) for row in rows]


def filter_fault(scores: Path, text: str) -> str | None:
    """Return why a filter cannot be used, with near names; None if it can. Without scores only its form is checked."""
    try:
        try:
            with open_scores(scores) as connection:
                compile_filter(text, read_vocabulary(connection))
        except (ScoresError, PublishedScoresError):
            parse(text)
    except FilterError as error:
        return str(error)
    return None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
