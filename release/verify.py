"""After a deployment: does the running service answer as the bundle should? If not, go back."""

import math
import time
from collections.abc import Callable
from typing import get_args

from release.checks import open_checked
from release.errors import NothingToRollBackError, ReleaseError, VerifyError
from release.registry import Champion, Registry
from release.service_client import ServiceClient
from release.store import ModelStore
from scoring.bundle import SCORE_TOLERANCE, Bundle
from scoring.recommender import Slate

K = 10
PAUSE_SECONDS = 0.5


def verify(
    registry: Registry,
    store: ModelStore,
    client: ServiceClient,
    version: str,
    wait_seconds: float,
    by: str,
    say: Callable[[str], None] = print,
) -> bool:
    """Check the service that runs against the champion `version`; False if none runs.

    Raises VerifyError if `version` is not the champion, or after rolling it back because the service refused it,
    did not take it up within `wait_seconds`, or answers differently from the bundle.
    """
    champion = registry.champion()
    if champion is None or champion.version != version:
        found = champion.version if champion else "nothing"
        raise VerifyError(f"{version} is not the champion ({found} is): there is nothing to verify. Deploy it first.")
    if not client.is_running():
        say(f"No service runs at {client.url}; the next one to start there serves {version}.")
        return False
    try:
        bundle = open_checked(store, version)
        _wait_for(client, registry, champion, wait_seconds)
        say(f"The service at {client.url} has taken up {version}.")
        _compare(client, bundle)
    except _SupersededError as error:
        raise VerifyError(str(error)) from error
    except (ReleaseError, OSError) as error:
        raise VerifyError(f"{error} {_go_back(registry, champion, str(error), by)}") from error
    say("Its answers are the bundle's.")
    return True


class _SupersededError(VerifyError):
    """Somebody deployed another version meanwhile: not this one's fault, and not ours to roll back."""


def _wait_for(client: ServiceClient, registry: Registry, champion: Champion, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        if registry.generation() != champion.generation:
            raise _SupersededError(f"The champion changed while {champion.version} was verified.")
        seen = client.generations() or {}
        if seen.get("serving") == champion.generation:
            return
        if seen.get("refused") == champion.generation:
            raise VerifyError(f"The service refused {champion.version}; its log says why.")
        if time.monotonic() > deadline:
            raise VerifyError(f"The service did not take up {champion.version} within {seconds:g} seconds.")
        time.sleep(PAUSE_SECONDS)


def _compare(client: ServiceClient, bundle: Bundle) -> None:
    """The service checked the golden answers of known customers before it swapped; here those of a new one."""
    for slate in get_args(Slate):
        expected = bundle.recommender.recommend(None, slate, K).items
        answer = client.recommend(slate, K)
        if answer["model_version"] != bundle.version:
            raise VerifyError(f"The service answers with version {answer['model_version']}.")
        same_order = [item["product_id"] for item in answer["items"]] == [item.product_id for item in expected]
        if not same_order or not all(
            math.isclose(got["score"], item.score, rel_tol=SCORE_TOLERANCE, abs_tol=SCORE_TOLERANCE)
            for got, item in zip(answer["items"], expected, strict=True)
        ):
            raise VerifyError(f"The service's '{slate}' list for a new customer is not the bundle's.")


def _go_back(registry: Registry, champion: Champion, cause: str, by: str) -> str:
    """Roll the champion back, or withdraw it if it was the first; returns what was done in a sentence."""
    reason = f"verify of {champion.version} failed: {cause}"
    try:
        now = registry.rollback(reason, by, expect_generation=champion.generation)
        return f"Rolled back to {now.version}."
    except NothingToRollBackError:
        registry.withdraw(reason, by, expect_generation=champion.generation)
        return f"Withdrew {champion.version}; nothing was deployed before it."
