"""Operations checklists: each check passes or says what to do."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from trimtab import __version__
from trimtab.infra.audit_anchor import AnchoredHead
from trimtab.infra.audit_files import AuditFiles, SealReport
from trimtab.infra.auth import Keys
from trimtab.infra.key_report import key_report
from trimtab.infra.settings import load
from trimtab.infra.settings.sections.trust import TrustSettings
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import NotFound, TrimtabError
from trimtab.kernel.health import Health, Status, overall
from trimtab.operations.readings import ServiceReadings, StorageReading

_BACKUP_MAX_AGE = timedelta(hours=26)
"""A daily backup that is late by two hours can still be restored from."""
_NEARLY = 0.9
"""Share of a limit above which there is something to do."""
_ADVISORIES_MAX_AGE = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class TaskResult:
    """Result of one check."""

    id: str
    """As in the contract: ``ENT-06`` to ``ENT-25``."""
    name: str
    passed: bool
    detail: str
    todo: str = ""
    """What a person does now; empty when it passed."""

    def as_dict(self) -> dict[str, object]:
        """Return a JSON-serialisable dict."""
        return asdict(self)


def result_of(task: tuple[str, str], detail: str, todo: str) -> TaskResult:
    """Return the result of a check; it passed when there is nothing to do."""
    return TaskResult(task[0], task[1], not todo, detail, todo)


class PeriodUnknown(NotFound):
    """The period is not daily, weekly, monthly or rollback."""

    code = "answers.period_unknown"
    default_hint = "Choose daily, weekly, monthly or rollback."


FiringAlerts = Callable[[], Sequence[tuple[str, str]]]
"""Returns the names of the firing alerts, each with its runbook."""


@dataclass(frozen=True, slots=True)
class Checklists:
    """Runs the checklists on a running service.

    Args:
        services: What the services report.
        health: The health of every component.
        keys: API keys.
        audit: The chain and its files.
        settings: Maximum ages and gaps.
        firing: The alerts.
    """

    services: ServiceReadings
    health: Health
    keys: Keys
    audit: AuditFiles
    settings: TrustSettings
    firing: FiringAlerts

    def run(self, period: str) -> list[TaskResult]:
        """Run a checklist: ``daily``, ``weekly``, ``monthly`` or ``rollback``.

        Raises:
            PeriodUnknown: There is no such checklist.
        """
        checklists = {
            "daily": self._daily,
            "weekly": self._weekly,
            "monthly": self._monthly,
            "rollback": self._rollback,
        }
        if period not in checklists:
            raise PeriodUnknown(f"There are no {period} tasks.")
        return sorted(checklists[period](), key=lambda result: result.id)

    def verify_audit(self, anchors: Sequence[AnchoredHead] = ()) -> SealReport:
        """Verify the audit chain, its files, its checkpoints and heads that were kept elsewhere."""
        gap = timedelta(minutes=self.settings.audit_max_gap_minutes)
        return self.audit.review(gap, now=self._clock.now(), anchors=anchors)

    @property
    def _clock(self) -> Clock:
        return self.audit.audit.clock

    def _daily(self) -> Iterable[TaskResult]:
        found = self.health.check()
        down = [name for name, component in found.items() if component.status is not Status.UP]
        yield result_of(
            ("ENT-10", "health"),
            f"{len(found) - len(down)} of {len(found)} components are up ({overall(found)})",
            f"Look at {', '.join(down)}: `trimtab status`." if down else "",
        )
        yield self._quality()
        firing = list(self.firing())
        pages = ", ".join(f"{name}: {page or 'no runbook'}" for name, page in firing)
        yield result_of(
            ("ENT-12", "alerts"),
            f"{len(firing)} alerts fire",
            f"Follow the runbooks: {pages}." if firing else "",
        )
        without_page = [name for name, page in firing if not page]
        yield result_of(
            ("ENT-13", "playbooks"),
            f"{len(firing) - len(without_page)} of {len(firing)} firing alerts have a playbook",
            f"Write a page for {', '.join(without_page)}." if without_page else "",
        )
        failures = self.services.failures()
        yield result_of(
            ("ENT-14", "errors"),
            f"{sum(failures.values())} questions failed since the start",
            f"Search the log for: {', '.join(sorted(failures))}." if failures else "",
        )
        yield self._audit()

    def _quality(self) -> TaskResult:
        now, todo = self.services.quality(), []
        if now.empty_rate > 0.05:
            todo.append(
                "over 5 % of the questions find nothing: runbook answers-retrieval-degraded"
            )
        if now.hallucination_rate > 0.2:
            todo.append("answers are not supported: runbook answers-hallucination-spike")
        if not math.isnan(now.cosine_ratio) and abs(now.cosine_ratio - 1) > 0.1:
            todo.append("similarity left its baseline: runbook answers-retrieval-degraded")
        if now.blocked_rate > 0.1:
            todo.append("guards block over 10 %: runbook answers-injection-attack")
        return result_of(
            ("ENT-11", "figures"),
            f"{now.answers} answers in the window" + ("" if now.answers else ": nothing to judge"),
            "; ".join(todo),
        )

    def _weekly(self) -> Iterable[TaskResult]:
        now = self.services.quality()
        if now.drift is not None:
            detail = f"p = {now.drift.p_value}, effect {now.drift.effect}"
            todo = "People ask about other things: runbook answers-retrieval-degraded."
            yield result_of(("ENT-19", "drift"), detail, todo if now.drift.detected else "")
        elif now.has_baseline:
            yield result_of(("ENT-19", "drift"), "too few questions to tell", "")
        else:
            todo = "Pin a baseline: `trimtab act answers.watch.pin_baseline`."
            yield result_of(("ENT-19", "drift"), "no baseline is pinned", todo)

    def _monthly(self) -> Iterable[TaskResult]:
        yield self._dependencies()
        report = key_report(
            self.keys,
            self._clock.now(),
            max_age_days=self.settings.key_max_age_days,
            unused_days=self.settings.key_unused_days,
        )
        due = [f"{key.name} is {problem}" for key in report for problem in key.problems]
        due += self._external_keys()
        yield result_of(("ENT-22", "keys"), f"{len(report)} active keys", "; ".join(due))
        yield self._provider_use()
        yield self._audit()

    def _provider_use(self) -> TaskResult:
        budget = self.services.budget()
        detail = [
            f"{budget.spent_usd:.4f} of {budget.limit_usd:g} USD",
            f"{budget.calls} calls",
            f"{budget.tokens} tokens in {budget.period}",
        ]
        todo = [budget.provider_problem] if budget.provider_problem else []
        if budget.credits_usd is not None:
            detail.append(f"{budget.credits_usd:.2f} USD left")
        if budget.share > _NEARLY:
            todo.append("The budget is nearly used: runbook answers-budget.")
        if budget.calls_limit:
            detail.append(f"{budget.calls_used} of {budget.calls_limit} calls of this month")
            if budget.calls_used > _NEARLY * budget.calls_limit:
                todo.append("The calls of this month are nearly used: runbook answers-budget.")
        storage = self.services.storage()
        if storage is not None:
            detail += _storage_detail(storage)
            todo += [storage.problem] if storage.problem else []
            if storage.used_gb > _NEARLY * storage.limit_gb:
                todo.append(f"The storage at {storage.name} is nearly full: enlarge the plan.")
        return result_of(("ENT-23", "provider use"), ", ".join(detail), " ".join(todo))

    def _audit(self) -> TaskResult:
        review = self.verify_audit()
        wrong = [*review.problems, *review.gaps]
        return result_of(
            ("ENT-25", "audit"),
            f"{review.events} events, {review.files} files, {review.checkpoints} checkpoints",
            "Keep the data directory as it is and find out who changed it: " + "; ".join(wrong[:5])
            if wrong
            else "",
        )

    def _external_keys(self) -> Iterable[str]:
        """Yield the keys for other services that may have expired, because calls with them fail."""
        for name in self.services.resting_generators():
            yield (
                f"the generator {name} failed three times in a row: "
                "check its key and its status page"
            )
        if self.services.export_error():
            yield "the tracing backend does not take traces: check answers.otlp_headers"

    def _dependencies(self) -> TaskResult:
        found = self.services.dependencies()
        todo = list(found.problems)
        if self._clock.now().date() - found.advisories_date > _ADVISORIES_MAX_AGE:
            todo.append(
                f"the advisories are of {found.advisories_date}: "
                "take a newer release, or `pip audit`"
            )
        detail = (
            f"{found.packages} packages, {found.advisories} advisories of {found.advisories_date}"
        )
        return result_of(("ENT-21", "dependencies"), detail, "; ".join(todo))

    def _rollback(self) -> Iterable[TaskResult]:
        """Yield whether there is something to go back to; run before a rollback."""
        good = self.services.newest_backup()
        stale = good is None or self._clock.now() - good.at > _BACKUP_MAX_AGE
        kept = f"the newest good backup is {good.name}" if good else "no backup is good"
        backup_first = "Take a backup first: `trimtab act knowledge.backup.take`." if stale else ""
        settings_problem = _settings_problem()
        yield result_of(
            ("ENT-06", "application"),
            f"version {__version__} runs, {kept}; stop it, check out the tag before, `make run`",
            backup_first,
        )
        yield result_of(
            ("ENT-07", "configuration"),
            settings_problem or "the settings can be read",
            "Put the last good trimtab.toml back (`git checkout COMMIT -- trimtab.toml`)."
            if settings_problem
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
        both = [todo for todo in (backup_first, settings_problem) if todo]
        yield result_of(
            ("ENT-09", "full"),
            "application, configuration and database together",
            " ".join(both),
        )


def _storage_detail(storage: StorageReading) -> list[str]:
    if storage.problem:
        return []
    stored = f"about {storage.used_gb:.2f} of {storage.limit_gb:g} GB at {storage.name}"
    return [stored, *([storage.requests] if storage.requests else [])]


def _settings_problem() -> str:
    """Return why the settings cannot be read; empty when they can."""
    try:
        load()
    except TrimtabError as error:
        return str(error)
    return ""
