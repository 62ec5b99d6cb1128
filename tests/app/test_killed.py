"""`kill -9` at every stage of a real incident: after the restart it goes on to its end, each side effect done once."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, logging, os, sys
from pathlib import Path

from trimtab.app import HANDBOOK, build
from trimtab.infra.settings import load
from trimtab.kernel.clock import SystemClock

logging.basicConfig(level=logging.CRITICAL)
folder, die_at = Path(sys.argv[1]), sys.argv[2]
fresh = not folder.exists()
settings = load(environment={}, flags={
    "service.data_dir": str(folder), "incidents.approval_timeout_minutes": "6000",
})
# The first process's fast clock ran ahead of the machine's; the second one's goes on from there.
app = build(settings, SystemClock(20, ahead_seconds=0 if fresh else 36_000))
app.start(handbook=False)
if fresh:
    app.knowledge.ingest_text(HANDBOOK, "page.md", "# Page\\n\\nThe model is small.")
    app.catalog.fault("knowledge.embedding.remove_model").inject({})
    app.knowledge.ingest_text(HANDBOOK, "late.md", "# Late\\n\\nWritten while the model was gone.")

while not (found := app.incidents.list(limit=1)):
    app.clock.sleep(1)
incident, seen = found[0], 0
while incident.state != "resolved":
    for entry in app.incidents.follow(incident.id, seen, 0.2):
        seen = entry.seq
    incident = app.incidents.get(incident.id)
    if incident.state == die_at:
        os.kill(os.getpid(), 9)
    question = app.incidents.approval(incident.id)
    if question is not None and not question.decision:
        app.incidents.approve(incident.id, question.plan_hash, "tester")
app.knowledge.drain()
print(json.dumps({
    "incidents": [i.id for i in app.incidents.list()],
    "journal": [entry.text for entry in app.incidents.timeline(incident.id)],
    "queued": len(app.knowledge.documents.queued()),
    "approvals": [e.subject for e in app.audit.recent(1000) if "approved" in e.action],
    "found": len(app.knowledge.search(HANDBOOK, "written late", 5).passages),
    "up": app.knowledge.components()["embedding_model"],
    "audit": app.audit.verify().problems,
}))
app.close()
"""


def _run(folder, die_at):
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(folder), die_at]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=250)


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
