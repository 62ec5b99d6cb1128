"""Schedules the regular jobs of knowledge, named as in the operators' runbook."""

from collections.abc import Callable, Mapping

from trimtab.infra.jobs import JobRun, Jobs, Json
from trimtab.knowledge.service import Knowledge

Work = Callable[[], Json]


def register(jobs: Jobs, knowledge: Knowledge) -> None:
    """Register and schedule clean-up, snapshot, warming, backup and integrity check."""

    def clean_up() -> Json:
        return knowledge.maintenance.clean_up().report

    def warm() -> Json:
        return knowledge.warm_cache(top=1000).asked

    def backup() -> Json:
        return knowledge.maintenance.backup().path.name

    def snapshot() -> Json:
        return knowledge.snapshots.take().path.name

    def check() -> Json:
        return knowledge.maintenance.check().damage.value

    for name, cron, work in (
        ("disk-cleanup", "0 2 * * *", clean_up),
        ("cache-warmer", "0 */6 * * *", warm),
        ("index-snapshot", "30 2 * * *", snapshot),
        ("db-backup", "0 * * * *", backup),
        ("db-integrity-check", "*/30 * * * *", check),
    ):
        kind = f"knowledge.{name}"
        jobs.register(kind, _body(name, work))
        jobs.schedule(name, cron, kind, {})


def _body(name: str, work: Work) -> Callable[[JobRun, Mapping[str, Json]], Json]:
    def run(job: JobRun, _: Mapping[str, Json]) -> Json:
        return job.step(name, work)

    return run
