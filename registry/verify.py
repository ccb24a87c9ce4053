"""After a deployment: do all workers of the running service answer as the bundle should? If not, go back."""

import math
import time
from collections.abc import Callable
from typing import Any, get_args

from registry.champion_alias import Champion, Registry
from registry.checks import open_checked
from registry.errors import NothingToRollBackError, ReleaseError, ServiceKeyError, VerifyError
from registry.model_store import ModelStore
from registry.service_client import ServiceBusyError, ServiceClient, Worker
from scoring.bundle import SCORE_TOLERANCE, Bundle
from scoring.models.ranker import Slate

K = 10
PAUSE_SECONDS = 0.5

PATIENCE = 10
"""Times the waiting time that verification lasts at most, however often a worker begins anew."""


def verify(
    registry: Registry,
    store: ModelStore,
    client: ServiceClient,
    version: str,
    wait_seconds: float,
    by: str,
    say: Callable[[str], None] = print,
) -> bool:
    """Check every worker of the service that runs against the champion `version`; False if no service runs.

    wait_seconds: how long nothing may happen. Whenever a worker begins to load the version or serves it, the time
    begins anew, so that slow loaders and many workers get the time they need.

    Raises VerifyError after rolling `version` back because a worker refused it, an answer differs from the bundle's, or
    no worker answers any more. Raises VerifyError without rolling back if `version` is not the champion, or if workers
    still serve another version, are too busy, or were stopped: that is not the version's fault. Raises ServiceKeyError.
    """
    champion = registry.champion()
    if champion is None or champion.version != version:
        found = champion.version if champion else "nothing"
        raise VerifyError(f"{version} is not the champion ({found} is): there is nothing to verify. Deploy it first.")
    if not client.is_running():
        say(f"No service runs at {client.url}; the next one to start there serves {version}.")
        return False
    client.check_key()
    try:
        bundle = open_checked(store, version)
        workers = _wait_for(client, registry, champion, wait_seconds, say)
        say(f"The service at {client.url} has taken up {version} ({_count(workers)}).")
        for _ in workers:  # connections are spread over them
            _compare(client, bundle, wait_seconds)
    except ServiceKeyError:
        raise
    except _NotItsFaultError as error:
        raise VerifyError(f"{error} {version} was not rolled back.") from error
    except (ReleaseError, OSError) as error:
        raise VerifyError(f"{error} {_go_back(registry, champion, str(error), by)}") from error
    say("Its answers are the bundle's.")
    return True


class _NotItsFaultError(VerifyError):
    """Another version was deployed meanwhile, or workers stay behind: no reason to take this version back."""


def _wait_for(
    client: ServiceClient, registry: Registry, champion: Champion, seconds: float, say: Callable[[str], None]
) -> list[Worker]:
    """Wait until every live worker serves the champion, and return them."""
    started = happened = time.monotonic()
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
        refused = [w for w in behind if w.state == "refused" and w.champion_generation == champion.generation]
        if refused:
            raise VerifyError(
                f"{len(refused)} of {_count(workers)} refused {champion.version}; the service's log says why."
            )
        now, seen = time.monotonic(), {(w.pid, w.generation, w.state) for w in workers}
        if seen - states:
            states |= seen
            happened = now
            for worker in behind:
                say(f"Waiting: {worker.story()}.")
        if now - happened > seconds or now - started > seconds * PATIENCE:
            raise _timed_out(champion, workers, behind, seconds)
        time.sleep(PAUSE_SECONDS)


def _timed_out(champion: Champion, workers: list[Worker], behind: list[Worker], seconds: float) -> VerifyError:
    if not workers:
        return VerifyError(f"The service does not answer since {champion.version} was deployed.")
    stories = "; ".join(worker.story() for worker in behind)
    return _NotItsFaultError(
        f"{len(behind)} of {_count(workers)} did not take up {champion.version}, and nothing moved for {seconds:g} "
        f"seconds: {stories}. None refused it. Look into the service's log, restart the service, and run "
        f"'.venv/bin/python -m registry verify --version {champion.version}' again."
    )


def _count(workers: list[Worker]) -> str:
    return f"{len(workers)} worker{'' if len(workers) == 1 else 's'}"


def _compare(client: ServiceClient, bundle: Bundle, seconds: float) -> None:
    """The service checked the golden answers of known customers before it swapped; here those of a new one."""
    for slate in get_args(Slate):
        expected = bundle.recommender.recommend(None, slate, K).items
        answer = _ask(client, slate, seconds)
        if answer["model_version"] != bundle.version:
            raise VerifyError(f"The service answers with version {answer['model_version']}.")
        same_order = [item["product_id"] for item in answer["items"]] == [item.product_id for item in expected]
        if not same_order or not all(
            math.isclose(got["score"], item.score, rel_tol=SCORE_TOLERANCE, abs_tol=SCORE_TOLERANCE)
            for got, item in zip(answer["items"], expected, strict=True)
        ):
            raise VerifyError(f"The service's '{slate}' list for a new customer is not the bundle's.")


def _ask(client: ServiceClient, slate: str, seconds: float) -> dict[str, Any]:
    """The service's list; tries for so long."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return client.recommend(slate, K)
        except OSError as error:
            if time.monotonic() > deadline:
                if isinstance(error, ServiceBusyError):
                    raise _NotItsFaultError(
                        f"The service was too busy to be verified for {seconds:g} seconds."
                    ) from error
                raise
        time.sleep(PAUSE_SECONDS)


def _go_back(registry: Registry, champion: Champion, cause: str, by: str) -> str:
    """Roll the champion back, or withdraw it if it was the first; returns what was done in a sentence."""
    reason = f"verify of {champion.version} failed: {cause}"
    try:
        now = registry.rollback(reason, by, expect_generation=champion.generation)
        return f"Rolled back to {now.version}."
    except NothingToRollBackError:
        registry.withdraw(reason, by, expect_generation=champion.generation)
        return f"Withdrew {champion.version}; nothing was deployed before it."
