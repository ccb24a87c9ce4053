"""After a deployment: check that every worker of the running service answers as the bundle does; if not, roll back."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from core.restricted import Restricted
from registry.bundle import ServedBundle, ServiceProbe
from registry.champion_alias import Champion, Registry
from registry.errors import NothingToRollBackError, RegistryError, ServiceKeyError, UnusableBundleError, VerifyError
from registry.model_store import ModelStore
from registry.service_client import ServiceBusyError, ServiceClient, Worker

POLL_INTERVAL_S = 0.5

MAX_WAIT_FACTOR = 10
"""Verification takes at most this many waiting times, however often a worker starts again."""


def check_is_champion(registry: Registry, version: str) -> Champion:
    """Return the champion, which must be `version`.

    Raises:
        VerifyError: another version is champion, or none.
    """
    champion = registry.champion()
    if champion is None or champion.version != version:
        found = champion.version if champion else "nothing"
        raise VerifyError(f"{version} is not the champion ({found} is): there is nothing to verify. Deploy it first.")
    return champion


def verify_service(
    registry: Registry,
    store: ModelStore,
    client: ServiceClient,
    version: str,
    wait_seconds: float,
    by: str,
    log: Callable[[str], None] = print,
    restricted: Restricted | None = None,
) -> bool:
    """Check every worker of the running service against the champion; return False if no service runs.

    Args:
        registry: the product's champion alias and log.
        store: the product's bundles.
        client: the service.
        version: the version to verify, which must be the champion.
        wait_seconds: how long no worker may change its state. The time starts again whenever a worker begins to load
            the version or serves it, so that slow loaders and many workers get the time that they need.
        by: who verifies, for the release log.
        log: receives one line per step.
        restricted: patterns of products that the service leaves out of its lists; None for none.

    Raises:
        VerifyError: `version` was rolled back, because a worker rejected it, an answer differs from the bundle's, or no
            worker answers any more. Also raised, without a rollback, if `version` is not the champion, or if workers
            still serve another version, are too busy, or were stopped, because that is not the version's fault.
        ServiceKeyError: the service requires another API key.
    """
    champion = check_is_champion(registry, version)
    if not client.is_running():
        log(f"No service runs at {client.url}; the next one to start there serves {version}.")
        return False
    try:
        probes = _served(store, version).service_probes(restricted)
        client.check_key(probes[0].path)
        workers = _wait_for(client, registry, champion, wait_seconds, log)
        log(f"The service at {client.url} has taken up {version} ({_count(workers)}).")
        for _ in workers:  # connections are spread over them
            _compare(client, probes, wait_seconds)
    except ServiceKeyError:
        raise
    except _NotItsFaultError as error:
        raise VerifyError(f"{error} {version} was not rolled back.") from error
    except (RegistryError, OSError) as error:
        raise VerifyError(f"{error} {_roll_back(registry, champion, str(error), by)}") from error
    log("Its answers are the bundle's.")
    return True


class _NotItsFaultError(VerifyError):
    """Another version was deployed in between, or workers stay behind: no reason to roll this version back."""


def _served(store: ModelStore, version: str) -> ServedBundle:
    bundle = store.load_verified(version)
    if not isinstance(bundle, ServedBundle):
        raise UnusableBundleError(f"Bundle {version} names no requests to compare the service by.")
    return bundle


def _wait_for(
    client: ServiceClient, registry: Registry, champion: Champion, seconds: float, log: Callable[[str], None]
) -> list[Worker]:
    """Wait until every live worker serves the champion, and return them."""
    started = changed = time.monotonic()
    states: set[tuple[int, int, str]] = set()
    while True:
        if registry.generation() != champion.generation:
            raise _NotItsFaultError(f"The champion changed while {champion.version} was verified.")
        workers = client.workers()
        if workers is None:
            raise _NotItsFaultError(f"The service at {client.url} was stopped while {champion.version} was verified.")
        behind = [worker for worker in workers if worker.generation != champion.generation]
        if workers and not behind:
            return workers
        rejected = [w for w in behind if w.state == "rejected" and w.champion_generation == champion.generation]
        if rejected:
            raise VerifyError(
                f"{len(rejected)} of {_count(workers)} rejected {champion.version}; the service's log has the reason."
            )
        now, seen = time.monotonic(), {(w.pid, w.generation, w.state) for w in workers}
        if seen - states:
            states |= seen
            changed = now
            for worker in behind:
                log(f"Waiting: {worker.describe()}.")
        if now - changed > seconds or now - started > seconds * MAX_WAIT_FACTOR:
            raise _timed_out(champion, workers, behind, seconds)
        time.sleep(POLL_INTERVAL_S)


def _timed_out(champion: Champion, workers: list[Worker], behind: list[Worker], seconds: float) -> VerifyError:
    if not workers:
        return VerifyError(f"The service does not answer since {champion.version} was deployed.")
    states = "; ".join(worker.describe() for worker in behind)
    return _NotItsFaultError(
        f"{len(behind)} of {_count(workers)} did not take up {champion.version}, and nothing moved for {seconds:g} "
        f"seconds: {states}. None rejected it. Look into the service's log, restart the service, and run "
        f"'.venv/bin/python -m registry verify --version {champion.version}' again."
    )


def _count(workers: list[Worker]) -> str:
    return f"{len(workers)} worker{'' if len(workers) == 1 else 's'}"


def _compare(client: ServiceClient, probes: Sequence[ServiceProbe], seconds: float) -> None:
    """Send the bundle's probes; the service itself checked the golden requests before it swapped."""
    for probe in probes:
        difference = probe.difference(_send(client, probe, seconds))
        if difference:
            raise VerifyError(difference)


def _send(client: ServiceClient, probe: ServiceProbe, seconds: float) -> dict[str, Any]:
    """Return the service's answer; retry for this long."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return client.post(probe.path, probe.body)
        except OSError as error:
            if time.monotonic() > deadline:
                if isinstance(error, ServiceBusyError):
                    raise _NotItsFaultError(
                        f"The service was too busy to be verified for {seconds:g} seconds."
                    ) from error
                raise
        time.sleep(POLL_INTERVAL_S)


def _roll_back(registry: Registry, champion: Champion, cause: str, by: str) -> str:
    """Roll the champion back, or unset it if it was the first; return what was done as a sentence."""
    reason = f"verify of {champion.version} failed: {cause}"
    try:
        now = registry.rollback(reason, by, expect_generation=champion.generation)
        return f"Rolled back to {now.version}."
    except NothingToRollBackError:
        registry.unset_champion(reason, by, expect_generation=champion.generation)
        return f"{champion.version} is no longer the champion, and nothing was deployed before it."
