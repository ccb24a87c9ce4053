"""Run the service on loopback: `python -m serving`. The process becomes `bentoml serve` and keeps its id.

`python -m serving hash-key` makes an API key and its entry for REACH_API_KEYS.
"""

import argparse
import os
import socket
import sys

from registry.model_store import bentoml_environment
from serving.errors import PortTakenError, ServingError
from serving.middleware.api_keys import SCOPES, ApiKeyStore, entry_for, make_key
from serving.middleware.auth import require_keys
from settings import ROOT, SettingsError, load_settings

SERVICE = "serving.service:service"


def main(arguments: list[str] | None = None) -> None:
    """Start the service, or make a key. Print `error: …` and exit with 1 on failure."""
    parser = argparse.ArgumentParser(prog="python -m serving", description="Serve the champion's recommendations.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--bento", metavar="TAG", help="serve this built Bento, such as reach:2018-01-01-3f2a9c")
    commands = parser.add_subparsers(dest="command", metavar="hash-key")
    keys = commands.add_parser("hash-key", help="make an API key, or hash your own")
    keys.add_argument("name", help="name of its user, such as web-shop")
    keys.add_argument("scopes", nargs="+", choices=SCOPES, metavar="scope", help=f"one of {', '.join(SCOPES)}")
    keys.add_argument("--stdin", action="store_true", help="read the key from standard input instead of making one")
    options = parser.parse_args(arguments)
    try:
        if options.command:
            print_key(options.name, options.scopes, sys.stdin.readline().strip() if options.stdin else None)
        else:
            serve(options.host, options.bento)
    except (SettingsError, ServingError) as error:
        sys.exit(f"error: {error}")


def serve(host: str, bento: str | None) -> None:
    """Become `bentoml serve`.

    Raises:
        SettingsError: A setting is not valid.
        ApiKeyConfigError: REACH_API_KEYS is not valid, or is missing for an address beyond this machine.
        PortTakenError: Another process listens on the port.
    """
    settings = load_settings()
    require_keys(ApiKeyStore.parse(settings.api_keys), host)
    check_port(host, settings.service_port)
    command = serve_command(host, settings.service_port, bento)
    environment = bentoml_environment(settings.paths) | worker_count(settings.service_workers)
    os.execve(command[0], command, os.environ | environment)


def print_key(name: str, scopes: list[str], key: str | None) -> None:
    """Print a key, by default a new one, and its entry. The key is not stored, so its user must keep it."""
    key = key or make_key()
    print(f"entry for REACH_API_KEYS: {entry_for(key, name, scopes)}")
    print(f"key for {name}: {key}")


def serve_command(host: str, port: int, bento: str | None = None) -> list[str]:
    """Return the command line of `bentoml serve` for this code, or for a built Bento."""
    target = [bento] if bento else [SERVICE, "--working-dir", str(ROOT)]
    return [sys.executable, "-m", "bentoml", "serve", *target, "--host", host, "--port", str(port)]


def worker_count(count: int) -> dict[str, str]:
    """Return the environment in which `bentoml serve` runs `count` processes of the service."""
    return {"BENTOML_CONFIG_OPTIONS": f"services.reach.workers={count}"}


def check_port(host: str, port: int) -> None:
    """Raise PortTakenError if a process listens on the port; BentoML would show only a traceback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTakenError(
                f"Port {port} on {host} cannot be used ({error.strerror}). Stop the process that listens on it, or set "
                "REACH_SERVICE_PORT to a free port."
            ) from error


if __name__ == "__main__":
    main()
