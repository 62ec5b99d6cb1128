"""The watchdog: an outage of a whole process is seen and told by another one."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from tests.infra.test_notification_channels import Receiver
from tests.processes import COMMAND, clean_environment
from trimtab.infra.notify.channels import NotDelivered
from trimtab.infra.notify.outage import SUBJECT
from trimtab.infra.notify.pagerduty import PagerDutyChannel
from trimtab.infra.notify.routes import Kind
from trimtab.infra.watchdog import Watchdog, WatchState, http_probe
from trimtab.testing.clock import FakeClock


@dataclass
class Memory:
    """A channel that keeps what it gets; it refuses as often as told."""

    name: str = "memory"
    refusals: int = 0
    got: list = field(default_factory=list)

    def reaches_people(self, message):
        return message.channel != "email"

    def send(self, message):
        if self.refusals:
            self.refusals -= 1
            raise NotDelivered("no")
        self.got.append((message.kind, message.text, message.subject))


class World:
    def __init__(self, *channels):
        self.clock, self.why = FakeClock(), ""
        self.dog = Watchdog(lambda: self.why, channels, self.clock, 300)

    def after(self, seconds, why):
        self.clock.advance(seconds)
        self.why = why
        return self.dog.look()


@pytest.mark.feature("F297")
def test_people_are_called_once_after_five_minutes_and_told_when_it_is_back():
    channel = Memory()
    world = World(channel)
    assert world.after(0, "it is gone.").finding is WatchState.FAILING
    assert world.after(299, "it is gone.").finding is WatchState.FAILING
    assert channel.got == []
    report = world.after(1, "it is gone.")
    assert (report.finding, report.called) == (WatchState.DOWN, ("memory",))
    world.after(60, "it is gone.")
    [(kind, text, subject)] = channel.got
    assert (kind, subject) == (Kind.PAGE, SUBJECT)
    assert text.startswith("System-wide outage: the service has been down since 09:00:00 UTC")
    assert world.after(10, "").finding is WatchState.UP
    assert [kind for kind, _, _ in channel.got] == [Kind.PAGE, Kind.RESOLUTION]


@pytest.mark.feature("F320")
def test_the_call_has_the_procedures_label_for_a_service_that_is_down():
    channel = Memory()
    world = World(channel)
    world.after(0, "it is gone.")
    world.after(300, "it is gone.")
    assert "(P0, label P1 critical)" in channel.got[0][1]


def test_a_short_outage_calls_nobody_and_starts_the_time_afresh():
    channel = Memory()
    world = World(channel)
    world.after(0, "it is gone.")
    world.after(200, "")
    world.after(200, "it is gone.")
    assert world.after(299, "it is gone.").finding is WatchState.FAILING
    assert channel.got == []


def test_a_channel_that_fails_is_tried_again_and_the_others_are_not():
    failing, well = Memory("failing", refusals=1), Memory("well")
    world = World(failing, well)
    world.after(0, "it is gone.")
    assert world.after(300, "it is gone.").called == ("well",)
    assert world.after(10, "it is gone.").called == ("well", "failing")
    assert (len(failing.got), len(well.got)) == (1, 1)


def test_without_a_channel_nobody_is_said_to_be_called():
    world = World()
    world.after(0, "it is gone.")
    report = world.after(300, "it is gone.")
    assert report.called == ()
    assert "No on-call channel is configured, so no one was called." in report.text


@pytest.mark.feature("F283")
def test_pagerduty_gets_one_event_and_its_end():
    receiver = Receiver()
    with receiver.serve() as url:
        world = World(PagerDutyChannel(url, "key", httpx.Client()))
        world.after(0, "it is gone.")
        for _ in range(3):
            world.after(300, "it is gone.")
        world.after(10, "")
    events = [json.loads(body) for _, _, body in receiver.got]
    assert [event["event_action"] for event in events] == ["trigger", "resolve"]
    assert {event["dedup_key"] for event in events} == {SUBJECT}
    assert events[0]["payload"]["summary"].startswith("System-wide outage")


SERVICE = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = sys.argv[1].encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


@contextmanager
def started(health):
    """Run a process that answers with this health; yield it with its address."""
    command = [sys.executable, "-c", SERVICE, json.dumps(health)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process, f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


@pytest.mark.parametrize(
    ("components", "why"),
    [
        ({"database": {"status": "up"}, "embedding_model": {"status": "down"}}, ""),
        ({"database": {"status": "down"}}, "database is down."),
        (
            {"database": {"status": "up"}, "vector_store": {"status": "down"}},
            "vector_store is down.",
        ),
    ],
)
def test_a_core_component_that_is_down_counts_and_another_one_does_not(components, why):
    with started({"components": components}) as (_, url):
        assert http_probe(url, 10)() == why


def test_what_is_no_trimtab_service_counts_as_down():
    with started({"hello": 1}) as (_, url):
        assert "not that of a trimtab service" in http_probe(url, 10)()


@pytest.mark.feature("F297")
def test_a_killed_process_is_seen_by_the_command_in_another_one():
    receiver, health = Receiver(), {"components": {"database": {"status": "up"}}}
    with receiver.serve() as webhook, started(health) as (process, url):
        environment = clean_environment(TRIMTAB_NOTIFY_WEBHOOK_URL=webhook)
        command = [str(COMMAND), "--json", "--url", url, "watchdog"]
        options = ["--interval", "0.1", "--down-after", "0.5"]
        up = subprocess.run(
            [*command, "--once"], env=environment, capture_output=True, check=True, text=True
        )
        assert json.loads(up.stdout)["finding"] == "up"
        with subprocess.Popen(
            [*command, *options], env=environment, stdout=subprocess.PIPE, text=True
        ) as dog:
            assert json.loads(dog.stdout.readline())["finding"] == "up"
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            found = [json.loads(dog.stdout.readline())["finding"] for _ in range(2)]
            dog.send_signal(signal.SIGTERM)
        assert dog.returncode == 0
    assert found == ["failing", "down"]
    texts = [json.loads(body)["text"] for _, _, body in receiver.got]
    assert len([text for text in texts if text.startswith("System-wide outage")]) == 1
