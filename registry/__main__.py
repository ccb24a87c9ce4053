"""Deploy, verify, roll back, list, build and prune versions: `python -m registry`."""

import argparse
import getpass
import logging
import sys
from typing import Any

from core.command import Commands
from core.restricted import hidden_patterns
from products import DEFAULT_PRODUCT, PRODUCTS
from registry import bento
from registry.bundle import read_stored_manifest
from registry.champion_alias import Registry
from registry.errors import BuildError, RegistryError, UnusableBundleError
from registry.model_store import ModelStore
from registry.prune import prune_versions
from registry.release_log import Change
from registry.service_client import ServiceClient
from registry.verify import check_is_champion, verify_service
from settings import Settings, SettingsError, load_settings

logger = logging.getLogger("registry")

PRINTED_CHANGES = 10
KEPT_VERSIONS = 10


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    commands = Commands("registry", __doc__, load_settings, (SettingsError, RegistryError))

    command = commands.add("deploy", deploy, "make a stored version champion")
    _add_product_arg(command)
    command.add_argument("--version", required=True)
    command.add_argument(
        "--expect", type=_generation, default=None, metavar="GENERATION",
        help="fail if the champion changed since this generation; 'auto' (default) accepts any generation",
    )  # fmt: skip
    _add_audit_args(command, "deployed by hand")

    command = commands.add("verify", verify, "check the running service; roll back if it fails")
    _add_product_arg(command)
    command.add_argument("--version", required=True)
    command.add_argument("--wait", type=float, default=90.0, metavar="SECONDS")
    _add_audit_args(command, "")

    command = commands.add("rollback", rollback, "go back to the version before")
    _add_product_arg(command)
    _add_audit_args(command, "rolled back by hand")

    command = commands.add("status", status, "list champions, versions and the last changes")
    command.add_argument("--product", choices=PRODUCTS, help="default: all products")

    command = commands.add("build", build, "build a Bento with one pinned bundle")
    _add_product_arg(command)
    command.add_argument("--version", help="default: the champion")
    command.add_argument("--again", action="store_true", help="replace a Bento that was built before")

    command = commands.add("prune", prune, "delete old versions; never the champion or the one before it")
    _add_product_arg(command)
    command.add_argument(
        "--keep", type=_positive, default=KEPT_VERSIONS, metavar="N",
        help="keep the N newest, and all that the log's last N lines name (default: %(default)s)",
    )  # fmt: skip
    return commands.run(arguments)


def deploy(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Make a stored version champion, after its bundle passed all checks."""
    registry, store = _registry_and_store(settings, options.product)
    try:
        store.load_verified(options.version)
    except UnusableBundleError as error:
        registry.log_rejection(options.version, str(error), options.by)
        raise
    reason = options.reason
    baseline = read_stored_manifest(store.path(options.version)).baseline
    if baseline:
        reason = f"{reason}. A simple rule is released: {baseline}"
    champion = registry.deploy(options.version, options.expect, reason, options.by)
    before = champion.previous or "none"
    logger.info(f"{champion.version} is champion (generation {champion.generation}); before: {before}.")
    return _state(champion.version, champion.generation, champion.previous)


def verify(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Compare the running service with the champion; roll back if they differ."""
    registry, store = _registry_and_store(settings, options.product)
    if not store.product.is_served:
        check_is_champion(registry, options.version)
        store.load_verified(options.version)
        logger.info(f"No service answers with the product '{options.product}'. The bundle itself passes its checks.")
        return {"version": options.version, "service": "none"}
    key = settings.client_api_key.get_secret_value() if settings.client_api_key else None
    client = ServiceClient(settings.service_port, key)
    restricted = hidden_patterns(settings.exclude_restricted, settings.contact_policy, SettingsError)
    verified = verify_service(registry, store, client, options.version, options.wait, options.by, restricted=restricted)
    return {"version": options.version, "service": "verified" if verified else "not running"}


def rollback(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Go back to the version before the present one, if its bundle still passes its checks."""
    registry, store = _registry_and_store(settings, options.product)
    alias = registry.reconcile()
    if alias is not None and alias.previous is not None:
        store.load_verified(alias.previous)
    expected = None if alias is None else alias.generation
    champion = registry.rollback(options.reason, options.by, expect_generation=expected)
    logger.info(f"{champion.version} is champion again (generation {champion.generation}).")
    further = f"go to {champion.previous}" if champion.previous else "fail: nothing was deployed before it"
    logger.info(f"Another rollback would {further}.")
    return _state(champion.version, champion.generation, champion.previous)


def status(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Print the champion, the stored versions and the last changes of every product, or of one."""
    chosen = list(PRODUCTS) if options.product is None else [options.product]
    return {"products": {product: _product_status(settings, product) for product in chosen}}


def build(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Build the Bento of a version (the champion's by default)."""
    registry, store = _registry_and_store(settings, options.product)
    if not store.product.is_served:
        raise BuildError(f"No service answers with the product '{options.product}', so there is no Bento to build.")
    version = options.version
    if version is None:
        champion = registry.champion()
        if champion is None:
            raise BuildError("There is no champion to build a Bento of. Deploy a version, or name one.")
        version = champion.version
    tag = bento.build(settings.paths, version, options.again, options.product)
    logger.info(f"Built {tag}. Serve it with '.venv/bin/python -m serving --bento {tag}'.")
    return {"bento": tag, "version": version}


def prune(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Delete old versions that no rollback and no recent line of the log needs."""
    removed = prune_versions(settings.paths, options.keep, options.product)
    kept = ModelStore(settings.paths.bentoml, options.product).versions()
    logger.info(f"Deleted: {', '.join(removed) or 'nothing'}. Kept: {', '.join(kept) or 'nothing'}.")
    return {"removed": removed, "kept": kept}


def _product_status(settings: Settings, product: str) -> dict[str, Any]:
    registry, store = _registry_and_store(settings, product)
    logger.info(f"{product}:")
    alias = registry.reconcile()
    for change in registry.history()[-PRINTED_CHANGES:]:
        logger.info(f"  {_sentence(change)}")
    state = _state(alias.version, alias.generation, alias.previous) if alias else _state(None, 0, None)
    logger.info(f"  Champion: {state['version'] or 'none'}. A rollback goes to: {state['previous'] or 'nothing'}.")
    return state | {"versions": store.versions()}


def _add_product_arg(command: argparse.ArgumentParser) -> None:
    command.add_argument("--product", choices=PRODUCTS, default=DEFAULT_PRODUCT, help="default: %(default)s")


def _add_audit_args(command: argparse.ArgumentParser, reason: str) -> None:
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
            f"'{text}' is not a generation: give a number from '.venv/bin/python -m registry status', or auto"
        )
    return int(text)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of versions: give 1 or more")
    return int(text)


def _registry_and_store(settings: Settings, product: str) -> tuple[Registry, ModelStore]:
    return Registry(settings.paths.release, product), ModelStore(settings.paths.bentoml, product)


def _state(version: str | None, generation: int, previous: str | None) -> dict[str, Any]:
    return {"version": version, "generation": generation, "previous": previous}


def _sentence(change: Change) -> str:
    action = change.change.replace("_", " ")
    version = change.version or "no version"
    return f"{change.changed_at:%Y-%m-%d %H:%M} UTC  {action} {version} by {change.by}: {change.reason}"


if __name__ == "__main__":
    sys.exit(main())
