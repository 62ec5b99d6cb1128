"""The operators' rounds that look at more than answers: dependencies, and whether a rollback would succeed."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from trimtab import __version__
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.operations.checklists import Round, TaskResult, result_of

if TYPE_CHECKING:
    from trimtab.knowledge.maintenance.backups import Backups

_FRESH = timedelta(hours=26)
"""A daily backup that is late by two hours is still the one to go back to."""
_ADVISORIES_FRESH = timedelta(days=90)


def rounds(backups: "Backups", clock: Clock) -> Mapping[str, Round]:
    """Return the rounds by period; ``rollback`` is done before one, not at a time."""
    return {
        "monthly": lambda: [_dependencies(clock)],
        "rollback": lambda: _rollbacks(backups, clock),
    }


def _dependencies(clock: Clock) -> TaskResult:
    # The packages' metadata takes a second to read, and only this task needs it.
    from trimtab.gates.supply_chain import Installed, Snapshot, audit
    from trimtab.gates.supply_chain.pins import load_pins, pin_findings

    everything, snapshot = Installed(), Snapshot.load()
    # Extras come beside what trimtab needs, and the pins hold for them too.
    broken_pins = [found.message for found in pin_findings(everything, load_pins(None))]
    installed = everything.needed_by("trimtab")
    holes = audit({package.name: package.version for package in installed.packages}, snapshot)
    todo = [f"{hole.package} {hole.version}: {hole.id}, {_fix(hole.fixed_in)}" for hole in holes]
    todo += broken_pins
    todo += [f"pip check: {broken}" for broken in installed.inconsistencies()]
    if clock.now().date() - snapshot.date > _ADVISORIES_FRESH:
        todo.append(f"the advisories are of {snapshot.date}: take a newer release, or `pip audit`")
    detail = f"{len(installed.packages)} packages, {snapshot.records} advisories of {snapshot.date}"
    return result_of(("ENT-21", "dependencies"), detail, "; ".join(todo))


def _fix(versions: tuple[str, ...]) -> str:
    return f"fixed in {', '.join(versions)}" if versions else "no fix is known"


def _rollbacks(backups: "Backups", clock: Clock) -> Iterable[TaskResult]:
    good = backups.newest_good()
    age = clock.now() - good.at if good else None
    kept = f"the newest good backup is {good.path.name}" if good else "no backup is good"
    stale = age is None or age > _FRESH
    backup_first = "Take a backup first: `trimtab act knowledge.backup.take`." if stale else ""
    wrong = _settings_problem()
    yield result_of(
        ("ENT-06", "application"),
        f"version {__version__} runs, {kept}; stop it, check out the tag before, `make run`",
        backup_first,
    )
    yield result_of(
        ("ENT-07", "configuration"),
        wrong or "the settings can be read",
        "Put the last good trimtab.toml back (`git checkout COMMIT -- trimtab.toml`)."
        if wrong
        else "",
    )
    yield result_of(
        ("ENT-08", "database"),
        f"{kept}; `trimtab act knowledge.database.restore --approve` goes back to it "
        "when the database is damaged",
        ""
        if good
        else "Nothing can be restored. Take a backup: `trimtab act knowledge.backup.take`.",
    )
    both = [todo for todo in (backup_first, wrong) if todo]
    yield result_of(
        ("ENT-09", "full"), "application, configuration and database together", " ".join(both)
    )


def _settings_problem() -> str:
    from trimtab.infra.settings import load

    try:
        load()
    except TrimtabError as error:
        return str(error)
    return ""
