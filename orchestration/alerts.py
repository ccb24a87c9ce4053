"""Report a task that has failed for good: a line in its log and, if REACH_ALERTS is set, a message.

Addresses are those of the library apprise: mailto://, json://, slack:// and a hundred others. They hold passwords, so
they are never logged.
"""

import logging
from typing import Any

from settings import load_settings

log = logging.getLogger(__name__)


def on_failure(context: Any) -> None:
    """Log the failure and send it to the addresses of REACH_ALERTS; an address that fails never fails the task."""
    task = context["ti"]
    title = f"Reach: {task.dag_id} failed at {task.task_id}"
    # The first line names the failure; the log of the task has the rest.
    reason = str(context.get("exception") or "no reason was given").partition("\n")[0]
    text = f"{reason}\nRun {task.run_id}, attempt {task.try_number}. {task.log_url}"
    log.error("%s. %s", title, text)
    alerts = load_settings().alerts
    if alerts is not None:
        _send(alerts.get_secret_value().split(), title, text)


def _send(addresses: list[str], title: str, text: str) -> None:
    # Here, because reading the DAGs must stay cheap.
    import apprise

    # Its own lines show parts of an address.
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    for number, address in enumerate(addresses, start=1):
        target = apprise.Apprise()
        if not target.add(address):
            log.error(
                "Address %d of REACH_ALERTS is not one that apprise understands; docs/operate.md has forms.", number
            )
        elif target.notify(title=title, body=text):
            log.info("The message was sent to address %d of REACH_ALERTS.", number)
        else:
            log.error("The message could not be sent to address %d of REACH_ALERTS.", number)
