"""Hold what the pages share, and answer requests with their errors as pages."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from console.access.roles import Permission
from console.access.users import User
from console.errors import NotAllowedError
from console.web.command import Command
from console.web.commands import Commands
from console.web.page import Pages
from console.web.service_client import ServiceClient
from settings import Settings

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Console:
    """The parts that every page uses.

    Attributes:
        settings: of the installation.
        pages: renders templates.
        service: asks the recommendation service.
        commands: runs Reach's commands.
    """

    settings: Settings
    pages: Pages
    service: ServiceClient
    commands: Commands

    def progress(self, request: Request, command: Command) -> Response:
        """Return the part of a page that shows a command's progress until it has ended."""
        return self.pages.render(request, "_command.html", {"command": command})


def user_of(request: Request) -> User:
    """Return the user of a request; the guard has checked that there is one."""
    user: User = request.state.user
    return user


def requires(permission: Permission) -> Callable[[Endpoint], Endpoint]:
    """Return a decorator that lets an endpoint answer only users with the permission."""

    def decorate(endpoint: Endpoint) -> Endpoint:
        async def checked(request: Request) -> Response:
            user = user_of(request)
            if not user.may(permission):
                raise NotAllowedError(f"Your role '{user.role}' may not {permission}. Ask an admin of the console.")
            return await endpoint(request)

        checked.permission = permission  # type: ignore[attr-defined]
        return checked

    return decorate
