"""Credentials in addresses are in nothing that people read."""

import pytest

from trimtab.kernel.clock import SystemClock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.events import Event, Events
from trimtab.kernel.health import ComponentHealth, Health, Status
from trimtab.kernel.redaction import hide_credentials


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:p@ss@host/db", "postgresql://[hidden]@host/db"),
        ("http://token@host", "http://[hidden]@host"),
        ("http://h/p?api_key=abc&q=1", "http://h/p?api_key=[hidden]&q=1"),
        ("http://h/p?q=1&access_token=abc#x", "http://h/p?q=1&access_token=[hidden]#x"),
        ("https://h/?X-Amz-Signature=1", "https://h/?X-Amz-Signature=[hidden]"),
        ("https://hooks.slack.com/services/T/B/X now", "https://hooks.slack.com/[hidden] now"),
        ("https://d.com/api/webhooks/1/abc", "https://d.com/api/webhooks/[hidden]"),
        ("host=h password=abc dbname=d", "host=h password=[hidden] dbname=d"),
        ("http://h/console/login#token=abc", "http://h/console/login#token=[hidden]"),
    ],
)
def test_credentials_are_hidden(text, shown):
    assert hide_credentials(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "http://qdrant:6333/collections",
        "http://h/p?q=1&monkey=2&top_k=3",
        "mail me at a@b.example",
        "--set service.port=8001",
        "key: value",
    ],
)
def test_everything_else_stays(text):
    assert hide_credentials(text) == text


def test_an_error_shows_none():
    error = TrimtabError("http://u:p@h is down", hint="try http://h?token=x")
    assert error.as_wire()["message"] == str(error) == "http://[hidden]@h is down"
    assert error.hint() == "try http://h?token=[hidden]"


def test_health_shows_none():
    health = Health(SystemClock())
    facts = {"servers": {"a": "http://u:p@h"}}
    health.register("a", lambda: ComponentHealth(Status.DOWN, "http://u:p@h", facts=facts))
    found = health.check()["a"]
    assert found.detail == "http://[hidden]@h"
    assert found.facts == {"servers": {"a": "http://[hidden]@h"}}


def test_a_probe_that_raises_shows_none():
    def probe():
        raise OSError("http://u:p@h refused")

    health = Health(SystemClock())
    health.register("a", probe)
    assert "u:p" not in health.check()["a"].detail


def test_an_event_carries_none():
    heard = []
    events = Events()
    events.subscribe("*", heard.append)
    events.publish(Event("a.done", SystemClock().now(), "x", {"at": ["http://u:p@h"]}))
    assert heard[0].facts == {"at": ["http://[hidden]@h"]}
