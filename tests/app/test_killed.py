"""`kill -9` at every stage of a real incident: after the restart it goes on to its end, each side effect done once."""

import json

import pytest

from tests import forks
from tests.app.killed import operate


def _run(folder, die_at):
    return forks.run(operate, folder, die_at, folder=folder.parent, timeout=250)


def _times(journal, beginning):
    return sum(text.startswith(beginning) for text in journal)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "stage",
    ["detected", "triaged", "diagnosed", "awaiting_approval", "executing", "verifying", "restored"],
)
def test_an_incident_killed_at_a_stage_goes_on_to_its_end(tmp_path, stage):
    folder = tmp_path / "data"
    killed = _run(folder, stage)
    # A stage may be over before it is seen: then the run has ended well, and there was nothing to kill.
    assert killed.returncode in {-9, 0}, killed.stderr
    done = _run(folder, "never") if killed.returncode else killed
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["incidents"]) == 1
    journal = found["journal"]
    for once in (
        "Alert KnowledgeEmbeddingModelDown fired",
        "Triaged",
        "Most likely cause",
        "Planned",
    ):
        assert _times(journal, once) == 1, (once, "\n".join(journal))
    for once in ("tester approved", "Running", "Done: Rebuilt", "Repair verified", "Resolved"):
        assert _times(journal, once) == 1, (once, "\n".join(journal))
    assert (found["queued"], found["up"], found["audit"]) == (0, True, [])
    assert found["found"] >= 1
