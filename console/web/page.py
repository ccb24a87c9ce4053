"""Render the console's pages from their templates."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from console.access.roles import Permission
from console.web import formats
from console.web.navigation import NAVIGATION, active_path
from core.clock import utc_now
from settings import Settings

TEMPLATES = Path(__file__).parent.parent / "templates"


class Pages:
    """Render templates; a name that a template uses and the page does not give is an error."""

    def __init__(self, settings: Settings):
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {"navigation": NAVIGATION, "Permission": Permission, "zone": settings.timezone}
        self._environment.filters |= {
            "number": formats.number,
            "money": formats.money,
            "share": formats.share,
            "percent": formats.percent,
            "signed": formats.signed,
            "size": formats.size,
            "day": formats.day,
            "instant": lambda value: formats.instant(value, settings.timezone),
            "ago": lambda value: formats.ago(value, utc_now()),
        }

    def render(
        self, request: Request, template: str, context: Mapping[str, Any] | None = None, status: int = 200
    ) -> Response:
        """Return a template's page.

        Args:
            request: The request that is answered.
            template: The file below `templates/`; one whose name begins with `_` is a part of a page, for htmx.
            context: The names that the template uses, besides `request`, `user` and `active`.
            status: The status of the answer.
        """
        common = {
            "request": request,
            "user": getattr(request.state, "user", None),
            "active": active_path(request.url.path),
        }
        text = self._environment.get_template(template).render(common | dict(context or {}))
        return HTMLResponse(text, status)
