"""E-mail notifications of escalations and resolutions over SMTP."""

import smtplib
from email.message import EmailMessage

from trimtab.infra.notify.channels import NotDelivered
from trimtab.infra.notify.routes import Kind, Message
from trimtab.kernel.errors import Misconfigured

CHANNEL = "email"


class BadAddress(Misconfigured):
    """An e-mail address holds a line break or other control character, or no @."""

    code = "notify.bad_address"
    default_hint = "Correct `notify.email_from` or `notify.email_to`; one address is `name@host`."


class EmailChannel:
    """Sends each message to the channel ``email`` through an SMTP server.

    Args:
        server: ``host`` or ``host:port`` of a server that needs no password.
        sender: The sender's address.
        to: The recipients' addresses.
        timeout_seconds: Timeout of the server.
    """

    name = "email"

    def __init__(
        self, server: str, sender: str, to: tuple[str, ...], timeout_seconds: float
    ) -> None:
        for address in (sender, *to):
            check_address(address)
        host, _, port = server.partition(":")
        self._host, self._port = host, int(port or smtplib.SMTP_PORT)
        self._sender = sender
        self._to = to
        self._timeout_seconds = timeout_seconds

    def test(self, text: str, key: str) -> None:
        """Send a test mail."""
        self.send(Message(CHANNEL, Kind.NOTE, text, key))

    def reaches_people(self, message: Message) -> bool:
        """Return whether the message is for the channel ``email``."""
        return message.channel == CHANNEL

    def send(self, message: Message) -> None:
        """Send the message by e-mail; the subject is its first line."""
        if not self.reaches_people(message):
            return
        mail = EmailMessage()
        mail["Subject"] = " ".join(message.text.split("\n", 1)[0].split())[:200]
        mail["From"], mail["To"] = self._sender, ", ".join(self._to)
        mail.set_content(message.text)
        try:
            with smtplib.SMTP(self._host, self._port, timeout=self._timeout_seconds) as server:
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise NotDelivered(f"The mail server failed: {type(error).__name__}.") from error


def check_address(address: str) -> None:
    """Raise `BadAddress` unless the text is one address, so that it cannot add a header."""
    if not address.isprintable() or address.count("@") != 1 or set(address) & set(" ,;<>"):
        raise BadAddress(f"{address!r} is not an e-mail address.")
