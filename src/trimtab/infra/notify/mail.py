"""E-mail notifications of escalations and resolutions over SMTP."""

import smtplib
from email.message import EmailMessage

from trimtab.infra.notify.channels import NotDelivered
from trimtab.infra.notify.routes import Message

CHANNEL = "email"


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
        host, _, port = server.partition(":")
        self._host, self._port = host, int(port or smtplib.SMTP_PORT)
        self._sender = sender
        self._to = to
        self._timeout_seconds = timeout_seconds

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
