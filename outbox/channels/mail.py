"""Build the e-mail of a message: plain text and HTML, one-click unsubscription, and a Message-ID that never changes."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from core.clock import utc_now
from outbox.channels.channel import Outgoing, personal
from outbox.errors import DeliveryError


class MailBuilder:
    """Builds e-mails from one sender.

    Args:
        sender: REACH_SMTP_FROM, such as `Shop <news@shop.example>`.

    Raises:
        DeliveryError: The sender is not an address.
    """

    def __init__(self, sender: str):
        name, address = parseaddr(sender)
        user, _, self._domain = address.rpartition("@")
        if not user or not self._domain:
            raise DeliveryError("REACH_SMTP_FROM is not an address such as 'Shop <news@shop.example>'.")
        self.sender = address
        self._from = Address(name, user, self._domain)

    def build(self, outgoing: Outgoing) -> EmailMessage:
        """Return the e-mail.

        Raises:
            ValueError: The address or the subject cannot be a header, such as one with a line break.
        """
        message = EmailMessage(policy=SMTP)
        message["From"] = self._from
        message["To"] = Address(addr_spec=outgoing.address)
        message["Subject"] = outgoing.subject
        message["Date"] = format_datetime(utc_now())
        message["Message-ID"] = f"<{outgoing.message_id}@{self._domain}>"
        if outgoing.unsubscribe_url:
            message["List-Unsubscribe"] = f"<{outgoing.unsubscribe_url}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        own = outgoing.message_id, outgoing.unsubscribe_url
        message.set_content(personal(outgoing.body_text, *own))
        if outgoing.body_html is not None:
            html = personal(outgoing.body_html, *own)
            message.add_alternative(html, subtype="html")
        return message
