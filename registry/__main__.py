"""`python -m registry`: deploy, verify, roll back, look, build, prune. The last line printed is one JSON object."""

import argparse
import getpass
import json
import sys
from typing import Any

from registry import bento
from registry.champion_alias import Registry
from registry.checks import open_checked
from registry.errors import BuildError, ReleaseError, UnusableBundleError
from registry.model_store import ModelStore
from registry.prune import prune
from registry.release_log import Change
from registry.service_client import ServiceClient
from registry.verify import verify
from settings import Settings, SettingsError, load_settings

SHOWN_CHANGES = 10
KEPT = 10


def main(arguments: list[str] | None = None) -> None:
    """Run one command; prints `error: …` and exits 1 if it fails."""
    options = _parser().parse_args(arguments)
    try:
        result = options.run(load_settings(), options)
    except (SettingsError, ReleaseError) as error:
        sys.exit(f"error: {error}")
    print(json.dumps(result))


def deploy(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Make a stored version champion, once its bundle passed all checks."""
    registry, store = _rooms(settings)
    try:
        bundle = open_checked(store, options.version)
    except UnusableBundleError as error:
        registry.refuse(options.version, str(error), options.by)
        raise
    reason = options.reason
    if bundle.manifest.baseline:
        reason = f"{reason}. The simple rule serves: {bundle.manifest.baseline}"
    champion = registry.deploy(options.version, options.expect, reason, options.by)
    print(f"{champion.version} is champion (generation {champion.generation}); before: {champion.previous or 'none'}.")
    return _state(champion.version, champion.generation, champion.previous)


def check(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Compare the running service with the champion; roll back if it fails."""
    registry, store = _rooms(settings)
    key = settings.service_key.get_secret_value() if settings.service_key else None
    client = ServiceClient(settings.service_port, key)
    verified = verify(registry, store, client, options.version, options.wait, options.by)
    return {"version": options.version, "service": "verified" if verified else "not running"}


def rollback(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Go back to the version before the present one, if its bundle is still sound."""
    registry, store = _rooms(settings)
    pointer = registry.reconcile()
    if pointer is not None and pointer.previous is not None:
        open_checked(store, pointer.previous)
    expected = None if pointer is None else pointer.generation
    champion = registry.rollback(options.reason, options.by, expect_generation=expected)
    print(f"{champion.version} is champion again (generation {champion.generation}).")
    further = f"go to {champion.previous}" if champion.previous else "be refused: nothing was deployed before it"
    print(f"Another rollback would {further}.")
    return _state(champion.version, champion.generation, champion.previous)


def status(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Which version serves, which are kept, what happened last."""
    registry, store = _rooms(settings)
    pointer = registry.reconcile()
    for change in registry.history()[-SHOWN_CHANGES:]:
        print(_sentence(change))
    state = _state(pointer.version, pointer.generation, pointer.previous) if pointer else _state(None, 0, None)
    print(f"Champion: {state['version'] or 'none'}. A rollback goes to: {state['previous'] or 'nothing'}.")
    return state | {"versions": store.versions()}


def build(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Build the Bento of a version (the champion's by default)."""
    version = options.version
    if version is None:
        champion = Registry(settings.paths.release).champion()
        if champion is None:
            raise BuildError("There is no champion to build a Bento of. Deploy a version, or name one.")
        version = champion.version
    tag = bento.build(settings.paths, version, options.again)
    print(f"Built {tag}. Serve it with '.venv/bin/python -m serving --bento {tag}'.")
    return {"bento": tag, "version": version}


def tidy(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Delete old versions that no rollback and no recent line of the log needs."""
    removed = prune(settings.paths, options.keep)
    kept = ModelStore(settings.paths.bentoml).versions()
    print(f"Deleted: {', '.join(removed) or 'nothing'}. Kept: {', '.join(kept) or 'nothing'}.")
    return {"removed": removed, "kept": kept}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m registry", description="Versions: deploy, verify, roll back.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("deploy", help="make a stored version champion")
    command.add_argument("--version", required=True)
    command.add_argument(
        "--expect", type=_generation, default=None, metavar="GENERATION",
        help="fail if the champion changed since this generation; 'auto' (default) takes it as it is",
    )  # fmt: skip
    _add_why(command, "deployed by hand")
    command.set_defaults(run=deploy)

    command = commands.add_parser("verify", help="check the running service; roll back if it fails")
    command.add_argument("--version", required=True)
    command.add_argument("--wait", type=float, default=90.0, metavar="SECONDS")
    _add_why(command, "")
    command.set_defaults(run=check)

    command = commands.add_parser("rollback", help="go back to the version before")
    _add_why(command, "rolled back by hand")
    command.set_defaults(run=rollback)

    command = commands.add_parser("status", help="which version serves and what happened")
    command.set_defaults(run=status)

    command = commands.add_parser("build", help="build a Bento with one pinned bundle")
    command.add_argument("--version", help="default: the champion")
    command.add_argument("--again", action="store_true", help="replace a Bento that was built before")
    command.set_defaults(run=build)

    command = commands.add_parser("prune", help="delete old versions; never the champion or the one before it")
    command.add_argument(
        "--keep", type=_positive, default=KEPT, metavar="N",
        help="keep the N newest, and all that the log's last N lines name (default: %(default)s)",
    )  # fmt: skip
    command.set_defaults(run=tidy)
    return parser


def _add_why(command: argparse.ArgumentParser, reason: str) -> None:
    command.add_argument("--reason", default=reason, help="a sentence for the release log")
    command.add_argument("--by", default=_user(), help="who does it (default: %(default)s)")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return "unknown"


def _generation(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdigit():
        raise argparse.ArgumentTypeError(
            f"'{text}' is no generation: a number from '.venv/bin/python -m registry status', or auto"
        )
    return int(text)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of versions: 1 or more")
    return int(text)


def _rooms(settings: Settings) -> tuple[Registry, ModelStore]:
    return Registry(settings.paths.release), ModelStore(settings.paths.bentoml)


def _state(version: str | None, generation: int, previous: str | None) -> dict[str, Any]:
    return {"version": version, "generation": generation, "previous": previous}


def _sentence(change: Change) -> str:
    words = change.change.replace("_", " ")
    version = change.version or "no version"
    return f"{change.changed_at:%Y-%m-%d %H:%M} UTC  {words} {version} by {change.by}: {change.reason}"


if __name__ == "__main__":
    main()
