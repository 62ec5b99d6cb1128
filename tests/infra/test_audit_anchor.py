"""The head of the audit chain is published at each seal, to a webhook or to syslog."""

import json
import socket
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from trimtab.infra.audit import Audit
from trimtab.infra.audit_anchor import (
    AnchoredHead,
    RetryingAnchor,
    SyslogAnchor,
    WebhookAnchor,
    anchor_of,
)
from trimtab.infra.audit_files import CHECKPOINT, AuditFiles
from trimtab.infra.dependencies import Dependencies
from trimtab.infra.signing import Signer, open_envelope
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.errors import InvalidInput, Misconfigured
from trimtab.testing.clock import FakeClock


@pytest.fixture
def seal_to(databases, tmp_path):
    """Seals a chain of one event with an anchor; returns the files."""
    with DataDirectory(tmp_path / "data") as directory:
        database = databases.at(directory.file("state.db"), ("state",))

        def start(anchor):
            folder = directory.folder("audit_logs") / "local"
            audit = Audit(database, SystemClock())
            files = AuditFiles(folder, audit, Signer.of(directory), anchor)
            audit.append("me", "did", "something")
            files.seal()
            return files

        yield start
        database.close()


@pytest.fixture
def webhook():
    """A server that keeps what is posted; its status can be changed."""
    posted = []

    class Handler(BaseHTTPRequestHandler):
        status = 204

        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(Handler.status)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook-secret", posted, Handler
    server.shutdown()
    server.server_close()


HOUR = timedelta(hours=1)


def _gaps(files):
    return files.review(HOUR).gaps


def test_each_seal_posts_the_signed_head(seal_to, webhook):
    address, posted, _ = webhook
    files = seal_to(anchor_of(address))
    (body,) = posted
    assert files.anchored.seq == body["seq"]
    head = files.audit.recent(1)[0]
    signed = open_envelope(body["envelope"], files.signer.public_pem, CHECKPOINT)
    assert (body["seq"], body["hash"], signed["hash"]) == (head.seq, head.hash, head.hash)
    assert (body["kind"], body["at"]) == ("trimtab.audit.head", head.at)
    assert body["text"] == f"audit head {head.seq}:{head.hash} at {head.at}"
    assert _gaps(files) == ()


def test_a_head_that_the_webhook_refuses_is_reported_until_one_is_taken(seal_to, webhook):
    address, _, handler = webhook
    handler.status = 500
    files = seal_to(anchor_of(address))
    (gap,) = _gaps(files)
    assert (
        gap
        == "the head is not anchored outside: the webhook failed: the webhook did not take it (HTTPStatusError)"
    )
    assert "secret" not in gap
    handler.status = 204
    files.seal()
    assert _gaps(files) == ()


def test_a_seal_is_done_when_nobody_takes_its_head(seal_to):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    files = seal_to(WebhookAnchor(f"http://127.0.0.1:{port}/"))
    assert files.anchored.seq == 0
    assert files.review(HOUR).problems == ()
    assert len(_gaps(files)) == 1


def test_a_missing_syslog_is_reported_by_name(seal_to, tmp_path, caplog):
    files = seal_to(anchor_of(f"syslog://{tmp_path}/nothing"))
    (gap,) = _gaps(files)
    assert gap.startswith("the head is not anchored outside: the syslog failed: ")
    (record,) = [record for record in caplog.records if "not anchored" in record.message]
    assert record.error == files.anchored.error


@pytest.mark.parametrize(("seconds", "tries"), [(14, 2), (14.1, 1)])
def test_no_try_to_publish_begins_later_than_15_seconds_after_the_first(seconds, tries):
    clock, asked = FakeClock(), []

    class Slow:
        name = "webhook"

        def publish(self, *head):
            asked.append(head)
            clock.advance(seconds)
            raise OSError("no answer")

    # The pause before the second try is one second.
    with pytest.raises(OSError, match="no answer"):
        RetryingAnchor(Slow(), Dependencies(clock)).publish(None, None)
    assert len(asked) == tries


def _fill(address):
    """Send to a socket that is not read until it takes nothing more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(0)
        while True:
            sender.sendto(b"x", address)


def test_a_syslog_that_takes_nothing_more_does_not_hold_up_the_seal(seal_to, tmp_path, monkeypatch):
    monkeypatch.setattr("trimtab.infra.audit_anchor.TIMEOUT_SECONDS", 0.05)
    address = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(address)
        with pytest.raises(BlockingIOError):
            _fill(address)
        files = seal_to(anchor_of(f"syslog://{address}"))
    assert files.review(HOUR).problems == ()
    assert files.anchored.error == "the syslog failed: timed out"


@pytest.mark.parametrize("kind", ["local", "udp"])
def test_each_seal_sends_a_syslog_line_that_verify_takes(seal_to, tmp_path, kind):
    family = socket.AF_UNIX if kind == "local" else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "log") if kind == "local" else ("127.0.0.1", 0))
        receiver.settimeout(10)
        port = None if kind == "local" else receiver.getsockname()[1]
        setting = f"syslog://{tmp_path}/log" if kind == "local" else f"syslog://127.0.0.1:{port}"
        files = seal_to(anchor_of(setting))
        line = receiver.recv(1000).decode()
    kept = AnchoredHead.parse(line.split("head ")[1].split()[0])
    assert files.review(HOUR, anchors=[kept]).problems == ()


def test_the_setting_names_a_webhook_or_syslog():
    assert anchor_of("") is None
    assert anchor_of("syslog") == SyslogAnchor("/dev/log")
    assert anchor_of("syslog://log.example") == SyslogAnchor(("log.example", 514))
    assert anchor_of("https://hooks.example/x") == WebhookAnchor("https://hooks.example/x")


@pytest.mark.parametrize("setting", ["ftp://x", "https://", "somewhere", "syslog://"])
def test_another_setting_is_refused(setting):
    with pytest.raises(Misconfigured):
        anchor_of(setting)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "x:" + "0" * 64,
        "1:00",
        "-1:" + "0" * 64,
        "\u0661:" + "0" * 64,
        "1" * 13 + ":" + "0" * 64,
    ],
)
def test_an_anchor_of_another_form_is_refused(text):
    with pytest.raises(InvalidInput):
        AnchoredHead.parse(text)


def test_an_anchor_may_have_twelve_digits():
    assert AnchoredHead.parse("9" * 12 + ":" + "a" * 64) == AnchoredHead(999_999_999_999, "a" * 64)
