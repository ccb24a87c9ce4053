"""`python -m serving`: the service on loopback. The process becomes `bentoml serve`, so its id stays."""

import argparse
import os
import socket
import sys

from release.environment import bentoml_environment
from serving.errors import PortTakenError, ServingError
from settings import ROOT, SettingsError, load_settings

SERVICE = "serving.service:service"


def main(arguments: list[str] | None = None) -> None:
    """Start the service; prints `error: …` and exits 1 if it cannot."""
    parser = argparse.ArgumentParser(prog="python -m serving", description="Serve the champion's recommendations.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--bento", metavar="TAG", help="serve this built Bento, as reach:2018-01-01-3f2a9c")
    options = parser.parse_args(arguments)
    try:
        settings = load_settings()
        check_port(options.host, settings.service_port)
    except (SettingsError, ServingError) as error:
        sys.exit(f"error: {error}")
    command = serve_command(options.host, settings.service_port, options.bento)
    os.execve(command[0], command, os.environ | bentoml_environment(settings.paths))


def serve_command(host: str, port: int, bento: str | None = None) -> list[str]:
    """The command line of `bentoml serve` for the code beside this file, or for a built Bento."""
    target = [bento] if bento else [SERVICE, "--working-dir", str(ROOT)]
    return [sys.executable, "-m", "bentoml", "serve", *target, "--host", host, "--port", str(port)]


def check_port(host: str, port: int) -> None:
    """Raise PortTakenError if something listens there: BentoML would say so only in a traceback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTakenError(
                f"Port {port} on {host} cannot be used ({error.strerror}). Stop what listens there, or set "
                "REACH_SERVICE_PORT to a free port."
            ) from error


if __name__ == "__main__":
    main()
