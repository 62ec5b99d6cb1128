"""Two `trimtab serve` on one PostgreSQL, of which one has a wall clock that is five minutes ahead.

The clock is that of libfaketime (Debian package ``libfaketime``), loaded into the real process. The monotonic clock stays, as
on a machine whose clock is set wrong.
"""

import signal
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from threading import Thread

import httpx
import pytest

from tests.fleet.processes import Fleet, wait_until
from tests.fleet_torture.pages import Pages
from tests.processes import models  # noqa: F401 - a fixture.

pytestmark = pytest.mark.timeout(900)
AHEAD = timedelta(minutes=5)


def clock_ahead():
    """Return the environment that puts a process's wall clock ahead."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    assert library, "libfaketime is missing: run `apt-get install libfaketime`"
    seconds = int(AHEAD.total_seconds())
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"+{seconds}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


@pytest.fixture(scope="module")
def pages():
    made = Pages()
    yield made
    made.close()


@pytest.fixture(scope="module")
def fleet(cluster, tmp_path_factory, models, pages):  # noqa: F811 - a fixture.
    server = cluster.database()
    words = (f"notify.webhook_url={pages.url}", "incidents.storm_incidents=1000")
    made = Fleet(tmp_path_factory.mktemp("ahead"), server.url, models, *words)
    try:
        # Of one directory, as on the shared volume of the manifests: the files of the audit chain are there.
        made.start("right", "data")
        made.start("ahead", "data", **clock_ahead())
        wait_until(lambda: both_live(made), 120)
        yield made
    finally:
        made.close()
        cluster.drop(server)


def wall_clock(fleet, name):
    return parsedate_to_datetime(fleet.call(name, "GET", "/health").headers["date"])


def both_live(fleet):
    """Return whether each process tells that both live, and beat lately by the database's clock."""
    seen = [each for name in fleet.services for each in fleet.look(name)["processes"]]
    return len(seen) == 4 and all(each["is_live"] for each in seen)


def at_once(*calls):
    threads = [Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_each_tells_that_both_live_and_agrees_who_leads(fleet):
    apart = wall_clock(fleet, "ahead") - wall_clock(fleet, "right")
    assert abs(apart - AHEAD) < timedelta(minutes=1)
    wait_until(lambda: both_live(fleet))
    assert fleet.leader("right") == fleet.leader("ahead") is not None


def test_keys_hold_and_end_in_both(fleet):
    for here, there in (("right", "ahead"), ("ahead", "right")):
        body = {"name": f"from-{here}", "role": "reader"}
        key = fleet.call(here, "POST", "/v1/keys", json=body).json()["key"]
        headers = {"authorization": f"Bearer {key}"}
        assert fleet.call(there, "GET", "/v1/me", headers=headers).status_code == 200
        fleet.call(here, "DELETE", f"/v1/keys/from-{here}").raise_for_status()
        assert fleet.call(there, "GET", "/v1/me", headers=headers).status_code == 401


@pytest.mark.parametrize(("here", "there"), [("right", "ahead"), ("ahead", "right")])
def test_a_sign_in_link_and_its_session_hold_in_the_other(fleet, here, there):
    made = fleet.call(here, "POST", "/v1/sign-in-links").json()["url"]
    token = {"token": made.rpartition("token=")[2]}
    with httpx.Client(base_url=fleet.services[there].url, timeout=60) as browser:
        assert browser.post("/console/login", data=token).status_code == 303
        assert browser.get("/console").status_code == 200
        back = httpx.Client(base_url=fleet.services[here].url, timeout=60, cookies=browser.cookies)
        with back:
            assert back.get("/console").status_code == 200
            assert back.post("/console/login", data=token).status_code == 401, "used before"
            assert back.post("/console/logout").status_code == 303
        assert browser.get("/v1/me").status_code == 401


def test_an_alert_that_both_receive_is_one_incident_and_each_message_is_sent_once(fleet, pages):
    names = [f"ClockAhead{number}" for number in range(4)]

    def post(process):
        for name in names:
            labels = {"alertname": name, "instance": name, "severity": "critical"}
            body = [{"labels": labels, "annotations": {"summary": f"{name} is down."}}]
            fleet.call(process, "POST", "/api/v2/alerts", json=body).raise_for_status()

    def told():
        return all(
            any(name in text.replace(" ", "") for text in list(pages.text_of.values()))
            for name in names
        )

    at_once(lambda: post("right"), lambda: post("ahead"))
    wait_until(told, 120)
    post("ahead")
    post("right")
    held = fleet.call("right", "GET", "/v1/incidents", params={"limit": 1000}).json()["incidents"]
    titles = [each["title"].replace(" ", "") for each in held]
    assert [titles.count(name) for name in names] == [1, 1, 1, 1]
    assert (pages.doubled(), pages.repeated()) == ([], 0)


def test_the_audit_chain_of_both_verifies_and_its_times_never_go_back(fleet):
    for name in ("ahead", "right", "ahead", "right"):
        fleet.call(name, "POST", "/v1/keys", json={"name": f"k-{name}"})
        fleet.call(name, "DELETE", f"/v1/keys/k-{name}")
    for name in fleet.services:
        assert fleet.call(name, "GET", "/v1/audit/verify").json()["problems"] == []
    events = fleet.call("right", "GET", "/v1/audit", params={"limit": 20}).json()["events"]
    times = [datetime.fromisoformat(each["at"]) for each in events]
    assert times in (sorted(times), sorted(times, reverse=True))


def test_the_process_ahead_replaces_a_frozen_leader_and_the_other_does_not_lead_when_it_goes_on(
    fleet,
):
    wait_until(lambda: both_live(fleet))
    ids = {name: fleet.id_of(name) for name in fleet.services}
    first = next(name for name, each in ids.items() if each == fleet.leader("right"))
    (second,) = set(ids) - {first}
    fleet.signal(first, signal.SIGSTOP)
    try:
        assert wait_until(lambda: fleet.leader(second) == ids[second]) <= 45
    finally:
        fleet.signal(first, signal.SIGCONT)
    wait_until(lambda: both_live(fleet))
    assert fleet.leader(first) == ids[second]
