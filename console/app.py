"""Build the console's application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from console.access import login
from console.access.guard import GuardMiddleware
from console.access.users import Users
from console.errors import ConsoleConfigError, ConsoleError, NotFoundError
from console.pages import audiences, commands, customers, data, experiments, files, offers, runs, segments, today
from console.pages.campaigns import endpoints as campaigns
from console.web.commands import Commands
from console.web.console import Console
from console.web.page import Pages
from console.web.service_client import ServiceClient
from settings import Settings

STATIC = Path(__file__).with_name("static")
MIN_KEY_LENGTH = 32
SESSION_SECONDS = 12 * 3_600
PAGES = (today, campaigns, customers, segments, audiences, offers, experiments, runs, data, files, commands)
MAX_SHOWN_PATH = 120
"""Characters of an unknown address that its error repeats."""

NOT_FOUND, METHOD_NOT_ALLOWED = 404, 405
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def build_app(settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> Starlette:
    """Return the application.

    Args:
        settings: of the installation.
        transport: how requests reach the recommendation service; None: over HTTP.

    Raises:
        ConsoleConfigError: the users or the key of the settings cannot be used.
    """
    users = Users.parse(settings.console_users.get_secret_value() if settings.console_users else None)
    console = Console(settings, Pages(settings), ServiceClient(settings, transport), Commands(settings))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await console.commands.close()
        await console.service.close()

    async def show_error(request: Request, error: Exception) -> Response:
        return _error_page(console, request, error)

    return Starlette(
        routes=[
            Route("/livez", lambda _: PlainTextResponse("ok")),
            Mount("/static", StaticFiles(directory=STATIC)),
            *login.endpoints(console.pages, users),
            *(endpoint for page in PAGES for endpoint in page.endpoints(console)),
        ],
        middleware=[
            # The names of this host; another name that leads here is a page of somebody else (DNS rebinding).
            Middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, *settings.console_hosts.split()]),
            Middleware(
                SessionMiddleware, secret_key=_key(settings), max_age=SESSION_SECONDS, same_site="strict",
                session_cookie="reach_console",
            ),
            Middleware(GuardMiddleware, users=users),
        ],
        exception_handlers={ConsoleError: show_error, HTTPException: show_error},
        lifespan=lifespan,
    )  # fmt: skip


def _key(settings: Settings) -> str:
    key = settings.console_key.get_secret_value() if settings.console_key else ""
    if len(key) < MIN_KEY_LENGTH:
        raise ConsoleConfigError(
            f"REACH_CONSOLE_KEY has {len(key)} characters and needs at least {MIN_KEY_LENGTH}, because it signs the "
            "sessions. Make one with 'openssl rand -base64 48'."
        )
    return key


def _http_problem(path: str, error: HTTPException) -> ConsoleError:
    """Return a router's error as a sentence with the next step."""
    if error.status_code == NOT_FOUND:
        return NotFoundError(f"The console has no page at the address '{path}'. Choose a page from the navigation.")
    if error.status_code == METHOD_NOT_ALLOWED:
        return ConsoleError(f"'{path}' belongs to a button and is not a page. Go back, and press the button.")
    return ConsoleError(error.detail)


def _error_page(console: Console, request: Request, error: Exception) -> Response:
    """Return an error as a page, or as a part of one for htmx."""
    if isinstance(error, HTTPException):
        error = _http_problem(request.url.path[:MAX_SHOWN_PATH], error)
    status = error.status if isinstance(error, ConsoleError) else 500
    template = "_problem.html" if "hx-request" in request.headers else "problem.html"
    return console.pages.render(request, template, {"problem": str(error), "status": status}, status=status)
