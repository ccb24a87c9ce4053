"""Run checks through Great Expectations and build Data Docs; this is the only file that imports the library.

Great Expectations cannot read DuckDB's tables, so it validates pandas frames that DuckDB has made small.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations.core import ExpectationValidationResult
from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity

from quality.check import Check, Outcome
from quality.docs.index import write_index
from quality.docs.offline import make_offline

_NAMED = 5  # offenders that are named per check


class Validator:
    """Collects the validations of one checkpoint, frame by frame, into one site of Data Docs."""

    def __init__(self, checkpoint: str, site: Path):
        self._checkpoint = checkpoint
        self._site = site
        self._context = _context(site)
        self._source = self._context.data_sources.add_pandas(checkpoint)

    def validate(self, checks: Sequence[Check], frames: Mapping[str, pd.DataFrame]) -> list[Outcome]:
        """Validate each frame against its checks, in the checks' order of frames."""
        outcomes = []
        for name in dict.fromkeys(check.frame for check in checks):
            frame_checks = [check for check in checks if check.frame == name]
            outcomes += self._validate_frame(name, frames[name], frame_checks)
        return outcomes

    def write_docs(self, title: str, where: str, outcomes: Sequence[Outcome]) -> Path:
        """Write the Data Docs of all validations, without references to other hosts.

        Args:
            title: The first page's title.
            where: Sentence about the file in which limits and severities are set.
            outcomes: The outcomes of all checks.

        Returns:
            The page to open.
        """
        self._context.build_data_docs()
        page = write_index(self._site, title, where, outcomes)
        make_offline(self._site)
        return page

    def _validate_frame(self, name: str, frame: pd.DataFrame, checks: list[Check]) -> list[Outcome]:
        expectations = [_configuration(check).to_domain_obj() for check in checks]
        suite = self._context.suites.add(gx.ExpectationSuite(name, expectations=expectations))
        batch = self._source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
        validation = self._context.validation_definitions.add(
            gx.ValidationDefinition(name=name, data=batch, suite=suite)
        )
        checkpoint = self._context.checkpoints.add(
            gx.Checkpoint(
                name=f"{self._checkpoint}.{name}",
                validation_definitions=[validation],
                result_format=_RESULT_FORMAT,
            )
        )
        result = checkpoint.run(batch_parameters={"dataframe": frame})
        found = {
            item.expectation_config.meta["name"]: item
            for run in result.run_results.values()
            for item in run.results
            if item.expectation_config is not None
        }
        return [
            Outcome(check, bool(found[check.name].success), _details(found[check.name], _examples(check, frame)))
            for check in checks
        ]


def _context(site: Path) -> EphemeralDataContext:
    """Return a context that keeps everything in memory, sends nothing, and writes its pages below `site`."""
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
    """Return the expectation with its arguments, as Data Docs show it next to the name."""
    arguments = ", ".join(f"{key} = {value}" for key, value in check.arguments.items())
    return f"{check.expectation}({arguments})"


_RESULT_FORMAT = {
    "result_format": "SUMMARY",
    "unexpected_index_column_names": ["subject"],
    "partial_unexpected_count": _NAMED,
}
"""Offenders are named by their subject: a day, a column, a category; never a customer."""


def _examples(check: Check, frame: pd.DataFrame) -> dict[str, str]:
    """Return the example of each subject that has one."""
    if not check.example:
        return {}
    pairs = zip(frame["subject"], frame[check.example], strict=True)
    return {subject: example for subject, example in pairs if isinstance(example, str) and example}


def _details(result: ExpectationValidationResult, examples: Mapping[str, str]) -> str:
    """Describe the offenders in words; empty if the check is met."""
    if result.success:
        return ""
    details = result.result
    if not details:
        return f"could not be evaluated: {_exception(result)}"
    count, rows = details.get("unexpected_count", 0), details.get("element_count", 0)
    offenders = details.get("partial_unexpected_index_list")
    if not offenders:
        return f"{count:,} of {rows:,} rows"
    shown = "; ".join(_offender(offender, examples) for offender in offenders[:_NAMED])
    return shown if count <= _NAMED else f"{shown}; and {count - _NAMED:,} more"


def _offender(offender: Mapping[str, Any], examples: Mapping[str, str]) -> str:
    """Return `subject (column value)`, numbers to three digits; `, such as …` if there is an example."""
    values = (f"{column} {_number(value)}" for column, value in offender.items() if column != "subject")
    example = examples.get(offender["subject"])
    return f"{offender['subject']} ({', '.join(values)})" + (f", such as {example}" if example else "")


def _number(value: object) -> str:
    """Format counts as whole numbers and other numbers to three digits."""
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _exception(result: ExpectationValidationResult) -> str:
    """Return the first message of an expectation that raised an exception."""
    found = re.search(r"'exception_message': ['\"](.+?)['\"][,}]", str(result.exception_info))
    return found.group(1) if found else "Great Expectations gave no reason"
