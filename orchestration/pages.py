"""The step that writes a page of links, with a button that leads there (orchestration/plugins/reach_pages.py
shows it).
"""

from typing import Any

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

from orchestration.operators import CommandOperator

FOLDERS = {"run": "runs", "features": "quality"}


class PageLink(BaseOperatorLink):
    """A button on the task."""

    name = "Page of the run"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page's address on the API server; the arguments of the step that has run say which page it is."""
        _, kind, *options = [argument for argument in operator.arguments if argument]
        if not options:
            return ""
        folder = options[0].partition("=")[2]
        return f"{conf.get('api', 'base_url').rstrip('/')}/reach/{FOLDERS[kind]}/{folder}/index.html"


class PageOperator(CommandOperator):
    """Runs `python -m pages …`."""

    operator_extra_links = (PageLink(),)
