"""The console: web pages for marketers, operators and everybody who wants to look."""

import argparse
import getpass
import sys
from collections.abc import Sequence

import uvicorn

from console.access.roles import ROLES
from console.access.users import entry_for
from console.app import build_app
from console.errors import ConsoleError
from core.command import Commands
from settings import Settings, SettingsError, load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code of `core.command`."""
    commands = Commands[Settings]("console", __doc__, load_settings, (ConsoleError, SettingsError), prints_result=False)
    serve = commands.add("serve", _serve, "serve the pages until it is stopped")
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on; default: %(default)s")
    user = commands.add("hash-password", _hash_password, "print the entry of REACH_CONSOLE_USERS for a user")
    user.add_argument("name", help="the user's name")
    user.add_argument("role", choices=ROLES, help="what the user may do")
    return commands.run(arguments)


def _serve(settings: Settings, options: argparse.Namespace) -> None:
    # The log names no path and no query, because they can contain ids of customers.
    uvicorn.run(
        build_app(settings), host=options.host, port=settings.console_port, access_log=False, server_header=False
    )


def _hash_password(_: Settings, options: argparse.Namespace) -> None:
    if sys.stdin.isatty():
        password = getpass.getpass("Password (at least 12 characters): ")
    else:
        password = sys.stdin.readline().rstrip("\n")
    print(entry_for(options.name, options.role, password))


if __name__ == "__main__":
    sys.exit(main())
