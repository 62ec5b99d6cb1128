"""The operators' daily, weekly and monthly tasks, each as a check that passes or says what to do.

What needs other domains than answers comes in from outside, as rounds of its own.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta

from trimtab.answers.service import AnswerService
from trimtab.infra.audit_anchor import AnchoredHead
from trimtab.infra.audit_files import AuditFiles, SealReport
from trimtab.infra.auth import Keys
from trimtab.infra.key_care import key_report
from trimtab.infra.settings.sections.trust import TrustSettings
from trimtab.kernel.errors import NotFound
from trimtab.kernel.health import Health, Status, overall


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One task and how it went."""

    id: str
    """As in the contract: ``ENT-06`` to ``ENT-25``."""
    name: str
    passed: bool
    detail: str
    todo: str = ""
    """What a person does now; empty when it passed."""

    def as_dict(self) -> dict[str, object]:
        """Return it, JSON-ready."""
        return asdict(self)


def result_of(task: tuple[str, str], detail: str, todo: str) -> TaskResult:
    """Return the result of a task, given its id and name; it passed when there is nothing to do."""
    return TaskResult(task[0], task[1], not todo, detail, todo)


class PeriodUnknown(NotFound):
    """There are daily, weekly and monthly tasks, and those before a rollback."""

    code = "answers.period_unknown"
    default_hint = "Choose daily, weekly, monthly or rollback."


Round = Callable[[], Iterable[TaskResult]]


@dataclass(frozen=True, slots=True)
class Tasks:
    """Looks at the running service.

    Args:
        service: Answers.
        health: Every component.
        keys: API keys.
        audit: The chain and its files.
        settings: Ages and gaps.
        firing: Returns the names of the alerts that fire, each with its runbook.
        others: What other domains look at, by period.
    """

    service: AnswerService
    health: Health
    keys: Keys
    audit: AuditFiles
    settings: TrustSettings
    firing: Callable[[], Sequence[tuple[str, str]]]
    others: Mapping[str, Round] = field(default_factory=dict)

    def run(self, period: str) -> list[TaskResult]:
        """Do the tasks of ``daily``, ``weekly``, ``monthly`` or ``rollback``, in the contract's order.

        Raises:
            PeriodUnknown: There is no such period.
        """
        own = {"daily": self._daily, "weekly": self._weekly, "monthly": self._monthly}
        if period not in own and period not in self.others:
            raise PeriodUnknown(f"There are no {period} tasks.")
        found = [result for known in (own, self.others) for result in known.get(period, list)()]
        return sorted(found, key=lambda result: result.id)

    def _daily(self) -> Iterable[TaskResult]:
        found = self.health.check()
        down = [name for name, one in found.items() if one.status is not Status.UP]
        yield result_of(
            ("ENT-10", "health"),
            f"{len(found) - len(down)} of {len(found)} components are up ({overall(found)})",
            f"Look at {', '.join(down)}: `trimtab health`." if down else "",
        )
        yield self._figures()
        firing = list(self.firing())
        pages = ", ".join(f"{name}: {page or 'no runbook'}" for name, page in firing)
        yield result_of(
            ("ENT-12", "alerts"),
            f"{len(firing)} alerts fire",
            f"Follow the runbooks: {pages}." if firing else "",
        )
        lost = [name for name, page in firing if not page]
        yield result_of(
            ("ENT-13", "playbooks"),
            f"{len(firing) - len(lost)} of {len(firing)} firing alerts have a playbook",
            f"Write a page for {', '.join(lost)}." if lost else "",
        )
        failures = self.service.tally.failures()
        yield result_of(
            ("ENT-14", "errors"),
            f"{sum(failures.values())} questions failed since the start",
            f"Search the log for: {', '.join(sorted(failures))}." if failures else "",
        )
        yield self._audit()

    def _figures(self) -> TaskResult:
        seen = self.service.watch.run_once()
        now, todo = seen.figures, []
        if now.empty_rate > 0.05:
            todo.append(
                "over 5 % of the questions find nothing: runbook answers-retrieval-degraded"
            )
        if now.hallucination_rate > 0.2:
            todo.append("answers are not supported: runbook answers-hallucination-spike")
        if not math.isnan(seen.cosine_ratio) and abs(seen.cosine_ratio - 1) > 0.1:
            todo.append("similarity left its baseline: runbook answers-retrieval-degraded")
        if now.blocked_rate > 0.1:
            todo.append("guards block over 10 %: runbook answers-injection-attack")
        return result_of(
            ("ENT-11", "figures"),
            f"{now.answers} answers in the window" + ("" if now.answers else ": nothing to judge"),
            "; ".join(todo),
        )

    def _weekly(self) -> Iterable[TaskResult]:
        seen = self.service.watch.run_once()
        if seen.drift is None:
            known = not math.isnan(seen.cosine_baseline)
            todo = "" if known else "Pin a baseline: `trimtab act answers.watch.pin_baseline`."
            detail = "too few questions to tell" if known else "no baseline is pinned"
            yield result_of(("ENT-19", "drift"), detail, todo)
        else:
            detail = f"p = {seen.drift.p_value}, effect {seen.drift.effect}"
            todo = "People ask about other things: runbook answers-retrieval-degraded."
            yield result_of(("ENT-19", "drift"), detail, todo if seen.drift.detected else "")

    def _monthly(self) -> Iterable[TaskResult]:
        clock, trust = self.service.ground.clock, self.settings
        report = key_report(
            self.keys,
            clock.now(),
            max_age_days=trust.key_max_age_days,
            unused_days=trust.key_unused_days,
        )
        due = [f"{key.name} is {problem}" for key in report for problem in key.problems]
        due += self._refused_outside()
        yield result_of(("ENT-22", "keys"), f"{len(report)} active keys", "; ".join(due))
        standing = self.service.budget.standing()
        over = standing.share > 0.9
        yield result_of(
            ("ENT-23", "provider use"),
            f"{standing.spent_usd:.4f} of {standing.limit_usd:g} USD, {standing.calls} calls, "
            f"{standing.input_tokens + standing.output_tokens} tokens in {standing.period}",
            "The budget is nearly used: runbook answers-budget." if over else "",
        )
        yield self._audit()

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

    def verify_audit(self, anchors: Sequence[AnchoredHead] = ()) -> SealReport:
        """Check the audit chain, its files, its checkpoints and heads that were kept elsewhere."""
        gap = timedelta(minutes=self.settings.audit_max_gap_minutes)
        return self.audit.review(gap, now=self.audit.audit.clock.now(), anchors=anchors)

    def _refused_outside(self) -> Iterable[str]:
        """Yield the keys of others that may have ended: whoever takes them refuses or does not answer."""
        models = self.service.models
        for name in models.names:
            if models.resting(name):
                yield f"the generator {name} failed three times in a row: check its key and its status page"
        if self.service.exporter.last.error:
            yield "the tracing backend does not take traces: check answers.otlp_headers"
