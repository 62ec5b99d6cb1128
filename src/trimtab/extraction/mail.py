"""Reads e-mails and mailboxes line by line, by their declared character sets."""

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage, MIMEPart

from trimtab.extraction.encodings import MEANT
from trimtab.extraction.records import Extracted, Refusal
from trimtab.extraction.web_page import read_html

_SHOWN = ("Subject", "From", "To", "Cc", "Date")
_ENVELOPE = re.compile(
    rb"^From \S{1,300} +[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [^\n]{0,60}\n", re.MULTILINE
)
_MAX_NAMES = 5
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Message:
    """An e-mail as text."""

    subject: str
    headers: str
    body: str
    left_out: tuple[str, ...]
    """Warnings about the parts that are not read."""


def read_mail(data: bytes) -> Extracted:
    """Return headers and body of one e-mail.

    Raises:
        Refusal: It is malformed, or in another character set than declared.
    """
    message = _message(data)
    return Extracted(message.headers + message.body, message.subject, warnings=message.left_out)


def read_mailbox(data: bytes) -> Extracted:
    """Return the e-mails of an mbox file, each under its subject.

    Raises:
        Refusal: None of them can be read.
    """
    sections: list[str] = []
    warnings: list[str] = []
    for number, part in enumerate(_messages(data), 1):
        try:
            message = _message(part)
        except Refusal as refusal:
            warnings.append(f"Message {number} cannot be read: {refusal.detail or refusal.kind}.")
            continue
        title = message.subject or f"Message {number}"
        sections.append(f"# {title}\n\n{message.headers}{message.body.strip()}\n")
        warnings += (f"Message {number}: {line}" for line in message.left_out)
    if warnings and not sections:
        raise Refusal("unreadable", warnings[0])
    return Extracted("\n".join(sections), warnings=tuple(warnings))


def _messages(data: bytes) -> Iterator[bytes]:
    """Yield each message; a line that begins with ``From`` inside a body is written ``>From``."""
    data = data.replace(b"\r\n", b"\n")
    starts = [found for found in _ENVELOPE.finditer(data) if _begins_message(data, found.start())]
    for found, after in zip(starts, [*starts[1:], None], strict=True):
        message = data[found.end() : after.start() if after is not None else len(data)]
        yield _ESCAPED.sub(rb"\1", message)


def _begins_message(data: bytes, at: int) -> bool:
    return at == 0 or data[at - 2 : at] == b"\n\n"


def _message(data: bytes) -> _Message:
    try:
        message = email.message_from_bytes(data, policy=email.policy.default)
        part = message.get_body(("plain", "html"))
        body, charset = _body(part)
        headers = {name: _header(message[name], charset) for name in _SHOWN if message[name]}
        left_out = _left_out(message)
    except (LookupError, ValueError, AttributeError, TypeError) as error:
        raise Refusal("unreadable", f"{type(error).__name__}: {error}") from error
    shown = "".join(f"**{name}**: {value}\n\n" for name, value in headers.items())
    return _Message(headers.get("Subject", ""), shown, body, left_out)


def _left_out(message: EmailMessage) -> tuple[str, ...]:
    """Return one warning that names the attachments, of which nothing is read."""
    names = [
        " ".join(str(part.get_filename() or part.get_content_type()).split())
        for part in message.iter_attachments()
    ]
    if not names:
        return ()
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    noun = "attachment is" if len(names) == 1 else "attachments are"
    return (f"{len(names)} {noun} left out: {', '.join(names[:_MAX_NAMES])}{more}.",)


def _body(part: MIMEPart | None) -> tuple[str, str | None]:
    if part is None:
        return "", None
    charset = part.get_content_charset()
    payload = part.get_payload(decode=True)
    body = _decode(payload, charset) if isinstance(payload, bytes) else ""
    if part.get_content_type() == "text/html":
        body = read_html(body).text
    return body.replace("\r\n", "\n"), charset


def _decode(payload: bytes, charset: str | None) -> str:
    """Decode a body as declared, with the character set that programs mean by the name.

    Raises:
        UnicodeDecodeError, LookupError: It is in another character set, or that is unknown.
    """
    name = (charset or "utf-8").lower()
    try:
        return payload.decode(MEANT.get(name, name))
    except UnicodeDecodeError:
        if charset is None or name == "us-ascii":
            return payload.decode("cp1252", "replace")
        raise


def _header(value: str, charset: str | None) -> str:
    """Return a header in one line; undeclared bytes are read in the body's character set."""
    raw = str(value).encode("utf-8", "surrogateescape")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = _decode(raw, charset)
    return " ".join(text.split())
