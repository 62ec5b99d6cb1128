"""``kill -9`` in a storm of alerts: what was acknowledged is neither lost nor doubled."""

import multiprocessing
import signal
from collections import Counter

import pytest

from tests.incidents.intake import kill_process
from tests.incidents.intake.desk import make_desk

# The fork server imports once; every process starts from it within milliseconds.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.incidents.intake.kill_process"])


def _run(folder, moment, count):
    process = _processes.Process(target=kill_process.run, args=(folder, moment, count))
    process.start()
    process.join(timeout=100)
    if process.is_alive():
        process.kill()
    return process.exitcode


@pytest.mark.timeout(240)
@pytest.mark.parametrize("moment", ["stored", "opened", "reported"])
def test_a_storm_survives_kill_9_without_a_lost_or_doubled_alert(tmp_path, moment):
    for count in (3, 4, 7):
        assert _run(tmp_path, moment, count) == -signal.SIGKILL
    assert _run(tmp_path, "", 0) == 0

    desk = make_desk(tmp_path)
    incidents = desk.open()
    assert len(incidents) == kill_process.GROUPS
    assert desk.store.count() == kill_process.GROUPS * kill_process.SIZE
    for incident in incidents:
        names = Counter(each.alert.fingerprint for each in incident.alerts)
        assert len(names) == kill_process.SIZE
        assert set(names.values()) == {1}
        assert desk.store.counts(incident.id)["firing"] == kill_process.SIZE
        opened = [t for t in desk.operator.texts(incident.id) if "incident opened" in t]
        assert len(opened) <= 11  # Ten alerts with a line of their own and one line for the others.
