"""Log people in and out."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from console.access.attempts import LoginAttempts
from console.access.guard import USER
from console.access.users import Users
from console.web.page import Pages


def endpoints(pages: Pages, users: Users) -> list[Route]:
    """Return the endpoints of `/login` and `/logout`."""
    attempts = LoginAttempts()

    async def login(request: Request) -> Response:
        if request.method == "GET":
            return pages.render(request, "login.html", {"next": _own_path(request.query_params.get("next"))})
        form = await request.form()
        name, password, target = (str(form.get(field, "")) for field in ("name", "password", "next"))
        attempts.require_patience(name)
        user = await run_in_threadpool(users.check, name, password)
        if user is None:
            attempts.add_failure(name)
            context = {"next": _own_path(target), "name": name, "problem": "This name and password do not match."}
            return pages.render(request, "login.html", context, status=401)
        request.session.clear()
        request.session[USER] = user.name
        return RedirectResponse(_own_path(target), 303)

    async def logout(request: Request) -> Response:
        request.session.clear()
        return RedirectResponse("/login", 303)

    return [Route("/login", login, methods=["GET", "POST"]), Route("/logout", logout, methods=["POST"])]


def _own_path(target: str | None) -> str:
    """Return a path of the console; a link cannot lead to another host after the login."""
    return target if target and target.startswith("/") and target[1:2] not in ("/", "\\") else "/"
