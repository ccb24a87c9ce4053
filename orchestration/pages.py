"""The task that writes a page of links, with a button to it; orchestration/plugins/reach_pages.py serves the page."""

from typing import Any

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

from orchestration.operators import CommandOperator

FOLDERS = {"run": "runs", "features": "quality"}


class PageLink(BaseOperatorLink):
    """A button on the task."""

    name = "Page of the run"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the page's address on the API server, from the arguments of the finished task."""
        _, kind, *options = [argument for argument in operator.arguments if argument]
        if not options:
            return ""
        folder = options[0].partition("=")[2]
        return f"{conf.get('api', 'base_url').rstrip('/')}/reach/{FOLDERS[kind]}/{folder}/index.html"


class PageOperator(CommandOperator):
    """Run `python -m pages …`."""

    operator_extra_links = (PageLink(),)
