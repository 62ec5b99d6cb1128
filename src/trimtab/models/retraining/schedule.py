"""Scheduled retraining: a durable job that starts one retraining for each file of a folder."""

from collections.abc import Mapping
from pathlib import Path

from trimtab.infra.jobs import JobRun, Jobs, Json
from trimtab.models.retraining.service import SCHEDULED, Retrainings

SCHEDULE_KIND = "models.retraining.scheduled"


def schedule(jobs: Jobs, retrainings: Retrainings, cron: str, folder: Path) -> None:
    """Register the schedule; each run retrains every model of which the folder has a file.

    Args:
        jobs: Not launched yet.
        retrainings: Start the retrainings.
        cron: Five fields, in UTC.
        folder: ``NAME.jsonl`` or ``NAME.csv``, written by the data pipeline.
    """

    def body(run: JobRun, _: Mapping[str, Json]) -> Json:
        return run.step("start", lambda: start_all(retrainings, folder))

    jobs.register(SCHEDULE_KIND, body)
    if cron:
        jobs.schedule("retrain models", cron, SCHEDULE_KIND, {})


def start_all(retrainings: Retrainings, folder: Path) -> Json:
    """Start a retraining for each file of a trainable model; return their ids."""
    files = sorted(folder.glob("*.jsonl")) + sorted(folder.glob("*.csv"))
    started: list[Json] = []
    for file in files:
        if file.stem in retrainings.trainable() and file.stat().st_size:
            found = retrainings.start(file.stem, file.read_bytes(), SCHEDULED, "schedule")
            started.append(found.id)
    return started
