"""The outbox by hand and from Airflow: import, send, export, pause, status, unsubscribe, erase and prune."""

import argparse
import logging
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from core.command import Commands
from outbox.channels.channel import Channel
from outbox.channels.mail import MailBuilder
from outbox.channels.smtp import SmtpChannel, server_of
from outbox.channels.webhook import WebhookChannel, signer_of
from outbox.customers.records import erase
from outbox.customers.unsubscribe import UnsubscribeLinks, redeem
from outbox.errors import DeliveryError, OutboxError
from outbox.plan import Delivery
from outbox.prune import DAYS_KEPT, Pruned, prune
from outbox.sending.claims import Claims
from outbox.sending.liveness import OwnerLock
from outbox.sending.recovery import owners
from outbox.sending.sender import Limits, Sender, end_of
from outbox.status import status
from outbox.store import Store, describe, has_store, open_store, store_url
from outbox.switches import pause, restart_campaign, resume, stop_campaign
from settings import Settings, SettingsError, load_settings

# By name, because this module is called `__main__` when it runs, and only loggers of packages print.
log = logging.getLogger("outbox")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code of `core.command`."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    commands = Commands[Settings]("outbox", __doc__, load_settings, (OutboxError, SettingsError, OSError))
    commands.add("init", _init, "create the store's tables, or check that they can be used")
    commands.add("import", _import, "read the admitted consents, addresses and bounces into the store")
    send = commands.add("send", _send, "send the messages that are due; exit code 99 if there are none")
    send.add_argument("--follow", action="store_true", help="keep running, and send whatever becomes due")
    export = commands.add("export", _export, "publish the due messages of a campaign as a file for another tool")
    export.add_argument("--campaign", required=True, metavar="ID", help="the campaign's id")
    export.add_argument("--channel", default="email", help="the channel whose addresses are exported (default: email)")
    export.add_argument("--format", choices=("csv", "parquet"), default="csv", help="default: csv")
    commands.add("status", lambda settings, _: status(_store(settings)), "count messages and name those in doubt")
    stop = commands.add("pause", _pause, "stop every sender before its next message")
    stop.add_argument("--reason", required=True, help="kept with the switch and shown by status")
    commands.add("resume", lambda settings, _: {"was_paused": resume(_store(settings))}, "let senders continue")
    halt = commands.add("stop", _stop, "suppress a campaign's waiting messages, and those planned later")
    halt.add_argument("campaign", metavar="ID", help="the campaign's id")
    halt.add_argument("--reason", required=True, help="kept with the switch and shown by status")
    restart = commands.add("restart", _restart, "let later plans of a stopped campaign send again")
    restart.add_argument("campaign", metavar="ID", help="the campaign's id")
    leave = commands.add("unsubscribe", _unsubscribe, "withdraw the consent that an unsubscribe link stands for")
    leave.add_argument("token", help="the token of the link")
    forget = commands.add("erase", _erase, "remove a customer's address, consents and unsent messages")
    forget.add_argument("customer_id", help="the customer's id")
    old = commands.add("prune", _prune, "delete the texts of old messages; the messages stay")
    old.add_argument("--days", type=int, default=DAYS_KEPT, help="days for which texts are kept (default: %(default)s)")
    return commands.run(arguments)


def _store(settings: Settings) -> Store:
    return open_store(store_url(settings))


def _prune(settings: Settings, options: argparse.Namespace) -> object:
    if options.days < 1:
        raise OutboxError(f"--days {options.days} is less than 1. Name the days whose texts stay.")
    if not has_store(settings):
        log.info("There is no outbox yet, so nothing is deleted.")
        return asdict(Pruned(0, 0))
    return asdict(prune(_store(settings), options.days))


def _init(settings: Settings, _: argparse.Namespace) -> object:
    return {"store": describe(_store(settings).engine.url)}


def _import(settings: Settings, _: argparse.Namespace) -> object:
    # Imported here, because a sender does without Arrow, which takes half a second to load.
    from outbox.imports.admission import import_admitted

    return asdict(import_admitted(_store(settings), settings.paths.admitted))


def _send(settings: Settings, options: argparse.Namespace) -> object:
    channels = _channels(settings)
    if not channels:
        raise DeliveryError("No channel is configured. Set REACH_SMTP_URL and REACH_SMTP_FROM, or REACH_WEBHOOK_URL.")
    limits = Limits(settings.send_connections, settings.send_rate_per_second)
    links = _links(settings)
    if links is None:
        raise DeliveryError(
            "Set REACH_UNSUBSCRIBE_URL and REACH_UNSUBSCRIBE_KEY: every message that needs a consent has such a link."
        )
    sender = Sender(_store(settings), channels, links, limits, settings.resend_in_doubt, options.follow)
    with _stopped_by_signals(sender):
        result = sender.run()
    end_of(result)
    if result.pause is not None:
        reason = result.pause.rstrip(".")
        log.warning("Sending is paused: %s. '.venv/bin/python -m outbox resume' ends the pause.", reason)
    did = {
        "sent": dict(result.states),
        "recovered": dict(result.recovered),
        "stopped_campaigns": result.stopped,
    }
    return {**did, "paused": result.pause} if any(did.values()) else None


@contextmanager
def _stopped_by_signals(sender: Sender) -> Iterator[None]:
    """Let the messages that are being delivered end before the process does."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: sender.stop()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _export(settings: Settings, options: argparse.Namespace) -> object:
    # Imported here, because a sender does without Arrow, which takes half a second to load.
    from outbox.channels.exports import Exporter

    store = _store(settings)
    with OwnerLock(store) as lock:
        claims = Claims(store, lock.owner)
        exporter = Exporter(store, claims, settings.paths.outbox / "exports", _links(settings))
        exporter.recover([owner for owner in owners(store, lock.owner) if lock.is_dead(owner)])
        found = exporter.export(options.campaign, options.channel, options.format)
    return None if found is None else {**asdict(found), "file": str(found.file)}


def _pause(settings: Settings, options: argparse.Namespace) -> object:
    pause(_store(settings), options.reason)
    return {"paused": True}


def _stop(settings: Settings, options: argparse.Namespace) -> object:
    return {"suppressed": stop_campaign(_store(settings), options.campaign, options.reason)}


def _restart(settings: Settings, options: argparse.Namespace) -> object:
    return {"was_stopped": restart_campaign(_store(settings), options.campaign)}


def _unsubscribe(settings: Settings, options: argparse.Namespace) -> object:
    if settings.unsubscribe_key is None:
        raise DeliveryError("Set REACH_UNSUBSCRIBE_KEY to the key that signed the link.")
    redeem(_store(settings), options.token, settings.unsubscribe_key.get_secret_value())
    return {"withdrawn": True}


def _erase(settings: Settings, options: argparse.Namespace) -> object:
    found = asdict(erase(_store(settings), options.customer_id))
    if not any(found.values()):
        log.warning(
            "The outbox has nothing about this id: no address, consent, decision or message. It is on the suppression "
            "list from now on. Check the spelling."
        )
    return found


def _links(settings: Settings) -> UnsubscribeLinks | None:
    if settings.unsubscribe_url is None or settings.unsubscribe_key is None:
        return None
    return UnsubscribeLinks(settings.unsubscribe_url, settings.unsubscribe_key.get_secret_value())


def _channels(settings: Settings) -> dict[Delivery, Callable[[], Channel]]:
    found: dict[Delivery, Callable[[], Channel]] = {}
    if settings.smtp_url is not None:
        if settings.smtp_from is None:
            raise DeliveryError("REACH_SMTP_URL is set without REACH_SMTP_FROM. Set it to an address of the shop.")
        server, builder = server_of(settings.smtp_url.get_secret_value()), MailBuilder(settings.smtp_from)
        found["smtp"] = lambda: SmtpChannel(server, builder)
    if settings.webhook_url is not None:
        if settings.webhook_secret is None:
            raise DeliveryError("REACH_WEBHOOK_URL is set without REACH_WEBHOOK_SECRET, which signs every delivery.")
        url, signer = settings.webhook_url.get_secret_value(), signer_of(settings.webhook_secret.get_secret_value())
        found["webhook"] = lambda: WebhookChannel(url, signer)
    return found


if __name__ == "__main__":
    sys.exit(main())
