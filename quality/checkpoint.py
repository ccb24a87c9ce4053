"""Runs checks through Great Expectations and builds Data Docs; the only file that imports the library.

It has no source that DuckDB works with, so it judges pandas frames that DuckDB has made small.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations.core import ExpectationValidationResult
from great_expectations.data_context import EphemeralDataContext
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity

from quality.check import Check

_NAMED = 5  # so many offenders are named a check


@dataclass(frozen=True)
class Outcome:
    """What became of one check. `what`: who broke it or by how much, in words; empty if met."""

    check: Check
    met: bool
    what: str


class Checkpoint:
    """One boundary's validations, gathered frame by frame into one site of Data Docs."""

    def __init__(self, boundary: str, site: Path):
        self._boundary = boundary
        self._site = site
        self._context = _context(site)
        self._source = self._context.data_sources.add_pandas(boundary)

    def judge(self, checks: Sequence[Check], frames: Mapping[str, pd.DataFrame]) -> list[Outcome]:
        """Validate each frame against its checks, in the checks' order of frames."""
        outcomes = []
        for name in dict.fromkeys(check.frame for check in checks):
            mine = [check for check in checks if check.frame == name]
            outcomes += self._judge_frame(name, frames[name], mine)
        return outcomes

    def write_docs(self) -> Path:
        """Write the Data Docs of everything judged; returns the page to open."""
        self._context.build_data_docs()
        _drop_remote_parts(self._site)
        return self._site / "index.html"

    def _judge_frame(self, name: str, frame: pd.DataFrame, checks: list[Check]) -> list[Outcome]:
        expectations = [_configuration(check).to_domain_obj() for check in checks]
        suite = self._context.suites.add(gx.ExpectationSuite(name, expectations=expectations))
        batch = self._source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
        validation = self._context.validation_definitions.add(
            gx.ValidationDefinition(name=name, data=batch, suite=suite)
        )
        checkpoint = self._context.checkpoints.add(
            gx.Checkpoint(
                name=f"{self._boundary}.{name}",
                validation_definitions=[validation],
                result_format=_result_format(frame),
            )
        )
        result = checkpoint.run(batch_parameters={"dataframe": frame})
        found = {
            item.expectation_config.meta["name"]: item
            for run in result.run_results.values()
            for item in run.results
            if item.expectation_config is not None
        }
        return [Outcome(check, bool(found[check.name].success), _what(found[check.name])) for check in checks]


def _context(site: Path) -> EphemeralDataContext:
    """A context that keeps everything in memory, sends nothing, and writes its pages below `site`."""
    docs = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(site)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        data_docs_sites={"local": docs},
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _configuration(check: Check) -> ExpectationConfiguration:
    return ExpectationConfiguration(
        type=check.expectation,
        kwargs=dict(check.arguments),
        meta={"name": check.name, "advice": check.advice},
        description=f"{check.name} ({check.severity}): {_sentence(check)}",
        severity=FailureSeverity(check.severity),
    )


def _sentence(check: Check) -> str:
    """The technical promise, as Data Docs show it beside the name."""
    arguments = ", ".join(f"{key} = {value}" for key, value in check.arguments.items())
    return f"{check.expectation}({arguments})"


def _result_format(frame: pd.DataFrame) -> dict[str, Any]:
    """Offenders are named by their subject only: a frame of lines has none, and ids are nobody's business."""
    if "subject" not in frame.columns:
        return {"result_format": "BASIC", "partial_unexpected_count": 0}
    return {
        "result_format": "SUMMARY",
        "unexpected_index_column_names": ["subject"],
        "partial_unexpected_count": _NAMED,
    }


def _what(result: ExpectationValidationResult) -> str:
    """Who broke the promise, in words."""
    if result.success:
        return ""
    details = result.result
    if not details:
        return f"could not be judged: {_exception(result)}"
    count, rows = details.get("unexpected_count", 0), details.get("element_count", 0)
    offenders = details.get("partial_unexpected_index_list")
    if not offenders:
        return f"{count:,} of {rows:,} rows"
    shown = "; ".join(_offender(offender) for offender in offenders[:_NAMED])
    return shown if count <= _NAMED else f"{shown}; and {count - _NAMED:,} more"


def _offender(offender: Mapping[str, Any]) -> str:
    """`subject (column value)`, numbers to three digits."""
    values = (
        f"{column} {value:.3g}" if isinstance(value, float) else f"{column} {value}"
        for column, value in offender.items()
        if column != "subject"
    )
    return f"{offender['subject']} ({', '.join(values)})"


def _exception(result: ExpectationValidationResult) -> str:
    """The first message of an expectation that raised instead of judging."""
    found = re.search(r"'exception_message': ['\"](.+?)['\"][,}]", str(result.exception_info))
    return found.group(1) if found else "Great Expectations gave no reason"


def _drop_remote_parts(site: Path) -> None:
    """Show the library's logo from the site itself, not from a counter on the web; leave out unused pictures."""
    logo = site / "static" / "images" / "logo-long.png"
    for page in site.rglob("*.html"):
        local = Path(os.path.relpath(logo, page.parent)).as_posix()
        page.write_text(re.sub(r"https://great-expectations-web-assets[^\"')]*", local, page.read_text()))
    for picture in logo.parent.iterdir():
        if picture.name not in {logo.name, "favicon.ico"}:
            picture.unlink()
