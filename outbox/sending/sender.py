"""Send what is due: take one message, commit, use the socket, record the outcome.

Every connection is a thread with a channel of its own. A sender that is killed leaves at most one message per
connection in state `sending`; the next sender finds its lock released and settles these.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from core.clock import utc_now
from outbox.channels.channel import Channel, Outcome, Outgoing, Refused, TemporaryFailure
from outbox.customers.unsubscribe import UnsubscribeLinks
from outbox.errors import DeliveryError, StoreError
from outbox.plan import Delivery
from outbox.sending.claims import Claimed, Claims, Idle, Paused
from outbox.sending.liveness import OwnerLock
from outbox.sending.outcomes import CHANNEL_DOWN
from outbox.sending.rate import Rate
from outbox.sending.recovery import owners, recover
from outbox.sending.stop_rules import stop_by_rules
from outbox.store import Store

POLL_SECONDS = 5.0
"""How often a sender looks for dead senders and for campaigns to stop, and one that follows for due messages."""

SETTLE_SECONDS = 600.0
"""How long a sender tries to record an outcome while the store does not answer."""

CHANNEL_ATTEMPTS = 4
"""Attempts in a row before a sender that does not follow gives a channel up."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
"""Waiting times between attempts on a channel that is down; each is twice the one before."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """How fast one sender works.

    Attributes:
        connections: messages that are delivered at the same time.
        rate_per_second: messages per second over all connections of this process.
    """

    connections: int = 1
    rate_per_second: float = 10.0


@dataclass
class Sent:
    """The numbers of one run of a sender.

    Attributes:
        states: messages by the state in which their delivery ended.
        recovered: messages of dead senders by the state they got.
        stopped: the campaigns that this run stopped by their own limits, with the reason.
        pause: the reason of the pause switch if it ended the run, or None.
        problem: what ended the run early, or None.
    """

    states: Counter[str] = field(default_factory=Counter)
    recovered: Counter[str] = field(default_factory=Counter)
    stopped: dict[str, str] = field(default_factory=dict)
    pause: str | None = None
    problem: str | None = None


class Sender:
    """Sends the messages of some kinds of delivery.

    Args:
        store: the store.
        channels: makes the channel of a connection, by kind of delivery.
        links: makes unsubscribe addresses; None only if no message needs a consent.
        limits: how fast.
        resend_in_doubt: whether messages that may have arrived are sent again.
        follow: whether to wait for further messages; otherwise the run ends when nothing is due.
        clock: returns the present instant.
    """

    def __init__(
        self,
        store: Store,
        channels: dict[Delivery, Callable[[], Channel]],
        links: UnsubscribeLinks | None,
        limits: Limits,
        resend_in_doubt: bool = False,
        follow: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ):
        self._store = store
        self._channels = channels
        self._links = links
        self._limits = limits
        self._resend = resend_in_doubt
        self._follow = follow
        self._clock = clock
        self._stop = threading.Event()
        self._counting = threading.Lock()
        self._rate = Rate(limits.rate_per_second)
        self._result = Sent()

    def stop(self) -> None:
        """End the run after the messages that are being delivered."""
        self._stop.set()

    def run(self) -> Sent:
        """Send until nothing is due, or until `stop` if the sender follows.

        Raises:
            StoreError: The store could not be used. A message whose outcome is not recorded is in doubt.
        """
        failures: list[BaseException] = []
        with OwnerLock(self._store) as lock:
            claims = Claims(self._store, lock.owner, self._resend)
            self._recover(lock)
            self._stop_campaigns()

            def work() -> None:
                try:
                    self._work(claims, lock)
                except BaseException as error:
                    failures.append(error)
                    self._stop.set()

            threads = [threading.Thread(target=work, name=f"connection-{n}") for n in range(self._limits.connections)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if failures:
            raise failures[0]
        return self._result

    def _work(self, claims: Claims, lock: OwnerLock) -> None:
        channels: dict[Delivery, Channel] = {}
        down = 0
        checked = time.monotonic()
        try:
            while not self._stop.is_set():
                if time.monotonic() - checked > POLL_SECONDS:
                    self._recover(lock)
                    self._stop_campaigns()
                    checked = time.monotonic()
                claimed = self._claim(claims)
                if claimed is None:
                    return
                outcome = self._deliver(channels, claimed)
                self._settle(claims, claimed, outcome)
                if isinstance(outcome, Refused) and outcome.is_hard_bounce:
                    self._stop_campaigns()
                is_down = isinstance(outcome, TemporaryFailure) and not outcome.is_of_message
                down = down + 1 if is_down else 0
                if is_down:
                    self._channel_down(claimed, outcome.detail, down)
        finally:
            for channel in channels.values():
                channel.close()

    def _claim(self, claims: Claims) -> Claimed | None:
        """Return the next message, or None when the run ends."""
        while not self._stop.is_set():
            self._rate.wait(self._stop)
            if self._stop.is_set():
                return None
            try:
                found = claims.claim(list(self._channels), self._clock)
            except StoreError as error:
                if not self._follow:
                    raise
                log.warning("No message can be taken: %s", error)
                self._stop.wait(POLL_SECONDS)
                continue
            if isinstance(found, Claimed):
                return found
            self._rate.give_back()
            if isinstance(found, Idle) and found.again:
                continue
            if not self._follow:
                if isinstance(found, Paused):
                    self._result.pause = found.reason
                return None
            self._stop.wait(POLL_SECONDS)
        return None

    def _deliver(self, channels: dict[Delivery, Channel], claimed: Claimed) -> Outcome:
        kind: Delivery = claimed.row["delivery"]
        if kind not in channels:
            channels[kind] = self._channels[kind]()
        url = self._links.of(claimed.message_id) if self._links and claimed.needs_consent else None
        row = claimed.row
        return channels[kind].deliver(
            Outgoing(
                claimed.message_id,
                row["campaign_id"],
                row["customer_id"],
                row["channel"],
                claimed.address,
                claimed.subject,
                claimed.body_text,
                claimed.body_html,
                url,
            )
        )

    def _settle(self, claims: Claims, claimed: Claimed, outcome: Outcome) -> None:
        """Record the outcome, also if the store comes back only later."""
        end = time.monotonic() + SETTLE_SECONDS
        pause = 0.1
        while True:
            try:
                state = claims.settle(claimed, outcome, self._clock())
                break
            except StoreError as error:
                if time.monotonic() > end:
                    raise StoreError(
                        f"The outcome of message {claimed.message_id} ({outcome.detail}) could not be recorded, so "
                        f"it will be in doubt: {error}"
                    ) from error
                log.warning("The outcome of message %s waits for the store: %s", claimed.message_id, error)
                time.sleep(pause)
                pause = min(2 * pause, 10.0)
        with self._counting:
            name = CHANNEL_DOWN if isinstance(outcome, TemporaryFailure) and not outcome.is_of_message else state
            self._result.states[name] += 1
        if state not in ("sent", "exported"):
            log.info("Message %s is %s: %s", claimed.message_id, state, outcome.detail)

    def _channel_down(self, claimed: Claimed, detail: str, times: int) -> None:
        kind = claimed.row["delivery"]
        if not self._follow and times >= CHANNEL_ATTEMPTS:
            self._result.problem = (
                f"The {kind} channel is down ({detail}, {times} attempts). Its messages wait; check its settings and "
                "its server, then run 'python -m outbox send' again."
            )
            self._stop.set()
            return
        pause = min(FIRST_PAUSE_SECONDS * 2.0 ** (times - 1), LONGEST_PAUSE_SECONDS)
        log.warning("The %s channel is down (%s); next attempt in %.0f s", kind, detail, pause)
        self._stop.wait(pause)

    def _stop_campaigns(self) -> None:
        try:
            found = stop_by_rules(self._store)
        except StoreError as error:
            log.warning("The limits of campaigns cannot be asked now: %s", error)
            return
        with self._counting:
            self._result.stopped.update(found)

    def _recover(self, lock: OwnerLock) -> None:
        dead = [owner for owner in owners(self._store, lock.owner) if lock.is_dead(owner)]
        if not dead:
            return
        found = recover(self._store, dead, self._clock(), self._resend)
        if not any(found.values()):
            return
        with self._counting:
            self._result.recovered.update(found)
        log.warning("A sender has died; its messages: %s", ", ".join(f"{n} {state}" for state, n in found.items() if n))


def end_of(result: Sent) -> None:
    """Raise DeliveryError if a problem ended the run early."""
    if result.problem:
        raise DeliveryError(result.problem)
