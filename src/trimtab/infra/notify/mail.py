"""E-mail to those who are told of escalations and of their end."""

import smtplib
from email.message import EmailMessage

from trimtab.infra.notify.channels import NotDelivered
from trimtab.infra.notify.routes import Message

CHANNEL = "email"


class EmailChannel:
    """Sends each message to the channel ``email`` through an SMTP server.

    Args:
        server: ``host`` or ``host:port``; a server of one's own that needs no password.
        sender: The address it comes from.
        to: Who gets it.
        timeout_seconds: How long the server may take.
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
        """Return whether it is a message to the channel ``email``."""
        return message.channel == CHANNEL

    def send(self, message: Message) -> None:
        """Send it; the subject is the first line of the text."""
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
