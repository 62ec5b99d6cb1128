"""Logged errors reach a server that speaks Sentry's protocol, without secrets and personal data."""

import gzip
import json
import logging
import threading

import brotli
import pytest

from tests.infra.test_notification_channels import Receiver
from trimtab.infra.error_reports import (
    BadToolAddress,
    ErrorReports,
    ReportingRefused,
    check_addresses,
)
from trimtab.infra.settings.sections.tools import ToolsSettings

log = logging.getLogger("trimtab.tests.reports")


def events(receiver):
    """Return the events of the envelopes that arrived."""
    found = []
    for _, path, body in receiver.got:
        assert path == "/api/7/envelope/"
        lines = unpacked(body).decode().splitlines()
        for head, item in zip(lines[1::2], lines[2::2], strict=True):
            assert json.loads(head)["type"] == "event"
            found.append(json.loads(item))
    return found


def unpacked(body):
    """Return the envelope; the client packs it with Brotli where that is installed, else with gzip."""
    if body[:1] == b"{":
        return body
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else brotli.decompress(body)


@pytest.fixture
def receiver():
    return Receiver()


@pytest.fixture
def reports(receiver):
    with receiver.serve() as url:
        dsn = url.replace("http://", "http://public-key@") + "/7"
        made = ErrorReports(ToolsSettings(sentry_dsn=dsn, sentry_environment="staging"))
        made.start()
        yield made
        made.close()


def fail_with(secret):
    person = "sam@example.com"
    raise ValueError(f"no answer for {secret}, {len(person)}")


@pytest.mark.feature("F738")
def test_an_error_arrives_with_its_type_and_place(receiver, reports):
    try:
        fail_with("tt_0123456789abcdef")
    except ValueError:
        log.exception("the answer failed for Bearer abcdefghijkl", extra={"question": "secret?"})
    log.error("the disk is full", extra={"error_type": "StorageFull"})
    log.warning("only a warning")
    reports.close()
    first, second = events(receiver)
    assert first["logentry"]["formatted"] == "the answer failed for [redacted]"
    (raised,) = first["exception"]["values"]
    assert (raised["type"], raised["value"]) == ("ValueError", "no answer for [redacted], 15")
    assert [frame["function"] for frame in raised["stacktrace"]["frames"]][-1] == "fail_with"
    assert (first["level"], first["environment"]) == ("error", "staging")
    assert first["release"].startswith("trimtab@")
    assert second["logentry"]["formatted"] == "the disk is full"
    assert second["tags"] == {"error_type": "StorageFull"}
    text = json.dumps([first, second])
    for hidden in ("sam@example.com", "secret?", "abcdefghijkl", "0123456789abcdef"):
        assert hidden not in text


def test_nothing_is_sent_after_the_close(receiver, reports):
    reports.close()
    log.error("too late")
    assert receiver.got == []


def test_a_server_that_is_down_or_slow_stops_no_one():
    reports = ErrorReports(ToolsSettings(sentry_dsn="http://key@127.0.0.1:9/7"))
    reports.start()
    worker = threading.Thread(target=lambda: [log.error("lost") for _ in range(500)])
    worker.start()
    worker.join(60)
    assert not worker.is_alive()
    reports.close()


@pytest.mark.parametrize(
    "dsn", ["nothing", "http://127.0.0.1/7", "https://key@host", "ftp://k@h/7"]
)
def test_what_is_no_address_of_a_project_stops_the_start(dsn):
    with pytest.raises(ReportingRefused, match="sentry_dsn"):
        ErrorReports(ToolsSettings(sentry_dsn=dsn))


@pytest.mark.parametrize("name", ["grafana_url", "prometheus_url", "jaeger_url", "sentry_url"])
def test_only_addresses_that_a_browser_opens_are_linked(name):
    check_addresses(ToolsSettings(**{name: "https://tool.example.com/x"}))
    for wrong in ("javascript:alert(1)", "tool.example.com", "https://"):
        with pytest.raises(BadToolAddress, match=name):
            check_addresses(ToolsSettings(**{name: wrong}))
