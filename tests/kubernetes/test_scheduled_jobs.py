"""What the CronJobs and the probes do, done on a running service."""

import httpx
import pytest

from tests.kubernetes.test_deployment import MAIN, manifest, pod
from tests.processes import run_in

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.


@pytest.fixture
def job(serve, command, data_dir, tmp_path):
    """Run the command of a CronJob, as its pod does: over HTTP, with the key of the secret."""
    service = serve()
    made = command("keys", "create", "jobs", "--role", "operator", "--json")
    assert made.code == 0, made.err

    def start(name):
        (container,) = pod(manifest("CronJob", name))["containers"]
        given = {each["name"] for each in container["env"]}
        assert given == {"TRIMTAB_URL", "TRIMTAB_API_KEY"}
        found = {"TRIMTAB_URL": service.url, "TRIMTAB_API_KEY": made.json["key"]}
        return run_in(tmp_path, *container["args"], "--json", **found)

    def started_at():
        headers = {"X-API-Key": made.json["key"]}
        return httpx.get(f"{service.url}/v1/service", headers=headers).json()["started_at"]

    start.started_at = started_at
    return start


@pytest.mark.feature("F584")
def test_each_job_does_its_work_and_the_restart_ends_on_its_date(job, command):
    for name in ("db-backup", "disk-cleanup", "db-integrity-check", "cache-warmer"):
        done = job(name)
        assert done.code == 0, (name, done.out, done.err)
    assert len(command("knowledge", "backups", "--json").json["backups"]) == 1
    begun = job.started_at()
    restart = manifest("CronJob", "six-hour-restart")
    assert restart["spec"]["schedule"] == "0 */6 * * *"
    args = pod(restart)["containers"][0]["args"]
    over = command(*args[:-1], "2026-01-31")
    assert (over.code, over.out) == (0, "Not restarted: this was asked for until 2026-01-31.\n")
    assert job.started_at() == begun
    done = command(*args[:-1], "2999-12-31", "--json")
    assert (done.code, done.json["restarted"]) == (0, True)


def test_the_probes_ask_what_the_service_answers(serve):
    url = serve().url
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = MAIN[name]["httpGet"]
        # The kubelet asks the address of the pod, under that name.
        assert httpx.get(url + probe["path"]).status_code == 200
        assert probe["port"] == MAIN["ports"][0]["name"]
