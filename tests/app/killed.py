"""A real incident that ends its process with SIGKILL at a stage, or goes on to its end and tells what was done."""

import json
import logging
import os
import sys
import warnings
from pathlib import Path

from trimtab.app import HANDBOOK, build
from trimtab.infra.settings import load
from trimtab.kernel.clock import SystemClock


def operate(folder: Path, die_at: str) -> None:
    """Let an embedding model fail and its repair be approved, or go on with it; write what was done as JSON."""
    warnings.simplefilter("ignore")
    logging.basicConfig(level=logging.CRITICAL)
    fresh = not folder.exists()
    settings = load(
        environment={},
        flags={
            "service.data_dir": str(folder),
            "incidents.approval_timeout_minutes": "6000",
        },
    )
    # The first process's fast clock ran ahead of the machine's; the second one's goes on from there.
    app = build(settings, SystemClock(20, ahead_seconds=0 if fresh else 36_000))
    app.start(handbook=False)
    if fresh:
        app.knowledge.ingest_text(HANDBOOK, "page.md", "# Page\n\nThe model is small.")
        app.catalog.fault("knowledge.embedding.remove_model").inject({})
        app.knowledge.ingest_text(
            HANDBOOK, "late.md", "# Late\n\nWritten while the model was gone."
        )

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
    sys.stdout.write(
        json.dumps(
            {
                "incidents": [i.id for i in app.incidents.list()],
                "journal": [entry.text for entry in app.incidents.timeline(incident.id)],
                "queued": len(app.knowledge.documents.queued()),
                "approvals": [e.subject for e in app.audit.recent(1000) if "approved" in e.action],
                "found": len(app.knowledge.search(HANDBOOK, "written late", 5).passages),
                "up": app.knowledge.components()["embedding_model"],
                "audit": app.audit.verify().problems,
            }
        )
    )
    app.close()
