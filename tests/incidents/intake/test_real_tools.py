"""The real Prometheus and the real amtool against a running service."""

import contextlib
import json
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.monitoring.real_prometheus import fetch_if_missing, free_port, tool
from tests.processes import models, run, start, with_models  # noqa: F401 - a fixture.
from trimtab.infra.child_process import ChildProcess

pytestmark = pytest.mark.timeout(300)

RULES = """
groups:
  - name: outside
    rules:
      - alert: CheckoutSlow
        expr: vector(1) > 0
        labels: {severity: critical, service: checkout}
        annotations: {summary: "Checkout takes {{ $value }} s"}
"""


@pytest.fixture(scope="module", autouse=True)
def tools_are_there(request):
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        fetch_if_missing("prometheus")
        fetch_if_missing("amtool")


@pytest.fixture(scope="module")
def service(tmp_path_factory, models):  # noqa: F811 - the fixture.
    data_dir = with_models(tmp_path_factory.mktemp("outside") / "data", models)
    found = start(
        data_dir, "--set", "service.rate_limit_per_minute=0", "--set", "api.key_limit_per_minute=0"
    )
    yield found
    found.stop()


@pytest.fixture(scope="module")
def admin(service):
    key = (service.data_dir / "admin.key").read_text().strip()
    with httpx.Client(base_url=service.url, headers={"X-API-Key": key}, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def amtool(service, admin, tmp_path_factory):
    key = admin.post("/v1/keys", json={"name": "duty", "role": "operator"}).json()["key"]
    config = tmp_path_factory.mktemp("amtool") / "http.yml"
    config.write_text(f"authorization: {{credentials: {key}}}\n")

    def call(*words):
        done = subprocess.run(
            [
                tool("amtool"),
                f"--alertmanager.url={service.url}",
                f"--http.config.file={config}",
                *words,
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def wait_for(look):
    """Return the first true result of the function, or fail after a minute."""
    give_up = time.monotonic() + 60
    pause = threading.Event()
    while time.monotonic() < give_up:
        if found := look():
            return found
        pause.wait(0.1)
    raise AssertionError("it did not happen within a minute")


def titled(admin, title):
    found = admin.get("/v1/incidents", params={"limit": 1000}).json()["incidents"]
    return [each for each in found if each["title"] == title]


def triaged(admin, title):
    return [each for each in titled(admin, title) if each["state"] != "detected"]


@contextlib.contextmanager
def prometheus(folder, url, key, *words):
    (folder / "rules.yml").write_text(RULES)
    (folder / "key").write_text(key)
    (folder / "prometheus.yml").write_text(
        json.dumps(
            {
                "global": {"evaluation_interval": "1s"},
                "rule_files": ["rules.yml"],
                "alerting": {
                    "alertmanagers": [
                        {
                            "authorization": {"credentials_file": "key"},
                            "static_configs": [{"targets": [url.removeprefix("http://")]}],
                        }
                    ]
                },
            }
        )
    )
    port = free_port()
    command = [
        tool("prometheus"),
        "--config.file=prometheus.yml",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        # It finds its Alertmanagers after the rule has fired first.
        "--rules.alert.resend-delay=1s",
        "--log.level=error",
        *words,
    ]
    with (folder / "log").open("wb") as log:
        child = ChildProcess(command, stdout=log, stderr=log, cwd=folder)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        child.kill()


def test_a_rule_of_a_real_prometheus_opens_an_incident(service, admin, tmp_path):
    key = admin.post("/v1/keys", json={"name": "prometheus", "role": "alerts"}).json()["key"]
    with prometheus(tmp_path, service.url, key):
        (summary,) = wait_for(lambda: triaged(admin, "Checkout Slow"))
    incident = admin.get(f"/v1/incidents/{summary['id']}").json()
    assert incident["severity"] == "P1"
    (attached,) = incident["alerts"]
    assert attached["alert"]["source"] == "prometheus"
    assert attached["alert"]["annotations"]["summary"] == "Checkout takes 1 s"
    # The server is gone: nobody knows whether the alert is over.
    wait_for(lambda: "no longer repeated" in _journal(admin, summary["id"]))
    assert admin.get(f"/v1/incidents/{summary['id']}").json()["active"]


def test_amtool_adds_queries_and_silences(admin, amtool):
    amtool("alert", "add", "alertname=FromAmtool", "service=shop", "--annotation=summary=By hand")
    wait_for(lambda: titled(admin, "From Amtool"))
    (alert,) = json.loads(amtool("alert", "query", "alertname=FromAmtool", "-o", "json"))
    assert alert["labels"] == {"alertname": "FromAmtool", "service": "shop"}

    silence_id = amtool(
        "silence", "add", "service=shop", "--comment=planned", "--author=bob"
    ).strip()
    (silence,) = json.loads(amtool("silence", "query", "service=shop", "-o", "json"))
    assert (silence["id"], silence["createdBy"]) == (silence_id, "bob")
    wait_for(lambda: "FromAmtool" in amtool("alert", "query", "--silenced", "service=shop"))

    amtool("silence", "update", silence_id, "--duration=3h", "--comment=longer")
    (silence,) = json.loads(amtool("silence", "query", "-o", "json"))
    assert silence["comment"] == "longer"
    amtool("silence", "expire", silence["id"])
    assert json.loads(amtool("silence", "query", "-o", "json")) == []


def test_amtool_shows_status_and_routes(amtool):
    assert "disabled" in amtool("cluster", "show")
    assert "receiver: trimtab" in amtool("config", "show")


@contextlib.contextmanager
def alertmanager(folder, url, key):
    """Run a real Alertmanager that sends everything to trimtab's webhook; yield its URL."""
    webhook = {
        "url": f"{url}/v1/alerts/webhooks/alertmanager",
        "send_resolved": True,
        "http_config": {"authorization": {"credentials": key}},
    }
    (folder / "alertmanager.yml").write_text(
        json.dumps(
            {
                "route": {
                    "receiver": "trimtab",
                    "group_by": ["alertname"],
                    "group_wait": "0s",
                    "group_interval": "1s",
                },
                "receivers": [{"name": "trimtab", "webhook_configs": [webhook]}],
            }
        )
    )
    port = free_port()
    command = [
        _alertmanager_in(folder),
        "--config.file=alertmanager.yml",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
    ]
    with (folder / "log").open("wb") as log:
        child = ChildProcess(command, stdout=log, stderr=log, cwd=folder)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        child.kill()


SHARED = "/usr/share/prometheus/alertmanager"


def _alertmanager_in(folder):
    """Return Debian's Alertmanager so that it runs without being installed.

    It reads its template in an absolute folder. The copy reads it in the current one.
    """
    program = Path(tool("prometheus-alertmanager"))
    if Path(SHARED).exists():
        return program
    code = program.read_bytes()
    assert SHARED.encode() in code
    copy = folder / "alertmanager"
    copy.write_bytes(code.replace(SHARED.encode(), b"./" * (len(SHARED) // 2)))
    copy.chmod(0o755)
    for template in (program.parents[2] / SHARED.removeprefix("/")).glob("*.tmpl"):
        (folder / template.name).write_bytes(template.read_bytes())
    return copy


def test_a_real_alertmanager_sends_an_alert_and_its_end(service, admin, tmp_path):
    key = admin.post("/v1/keys", json={"name": "alertmanager", "role": "alerts"}).json()["key"]
    labels = {"alertname": "QueueStuck", "queue": "äöü", "severity": "warning"}
    with alertmanager(tmp_path, service.url, key) as url:
        wait_for(lambda: _answers(f"{url}/-/ready"))
        httpx.post(f"{url}/api/v2/alerts", json=[{"labels": labels}]).raise_for_status()
        (summary,) = wait_for(lambda: titled(admin, "Queue Stuck"))
        (shown,) = httpx.get(f"{url}/api/v2/alerts").json()
        (attached,) = admin.get(f"/v1/incidents/{summary['id']}").json()["alerts"]
        assert attached["alert"]["fingerprint"] == shown["fingerprint"]
        end = {"labels": labels, "startsAt": shown["startsAt"], "endsAt": shown["startsAt"]}
        httpx.post(f"{url}/api/v2/alerts", json=[end]).raise_for_status()
        wait_for(lambda: _is_quiet(admin, summary["id"]))


def _journal(admin, incident_id):
    entries = admin.get(f"/v1/incidents/{incident_id}/timeline").json()["entries"]
    return " ".join(entry["text"] for entry in entries)


def _is_quiet(admin, incident_id):
    (attached,) = admin.get(f"/v1/incidents/{incident_id}").json()["alerts"]
    return not attached["firing"]


def _answers(url):
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url).status_code == 200
    return False
