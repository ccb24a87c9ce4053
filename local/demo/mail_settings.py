"""Let the demo send to its own mail sink without a setting: address, sender, and the key of unsubscribe links."""

import secrets

from local.private_file import write_private
from settings import MAIL_SINK_SETTINGS, Settings, with_mail_sink

SENDER = "The demo's shop <news@demo.invalid>"
KEY_BYTES = 48


def with_demo_mail(settings: Settings) -> Settings:
    """Write the settings of the mail sink, and return the settings with them.

    With own tables or own mail settings, nothing is written and nothing changes. The key is made once, so links in sent
    messages stay valid; ports follow the settings.
    """
    written = settings.of_mail_sink
    if written is None:
        return settings
    values = {
        "smtp_url": f"smtp://127.0.0.1:{settings.mail_smtp_port}",
        "smtp_from": SENDER,
        "unsubscribe_url": f"http://127.0.0.1:{settings.service_port}/unsubscribe",
        "unsubscribe_key": written.get("unsubscribe_key") or secrets.token_urlsafe(KEY_BYTES),
    }
    if values != written:
        write_private(settings.paths.mail_sink, values)
    return with_mail_sink(settings.model_copy(update=dict.fromkeys(MAIL_SINK_SETTINGS)))
