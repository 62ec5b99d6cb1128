"""Adapters: what the incident operator asks of the services."""

from collections.abc import Sequence

from trimtab.answers import Question
from trimtab.answers.service import AnswerService
from trimtab.app.handbook import HANDBOOK
from trimtab.incidents import AlertMonitor
from trimtab.kernel.drilling import in_drill
from trimtab.kernel.ids import new_id
from trimtab.knowledge import Knowledge
from trimtab.knowledge.errors import ProjectUnknown

PROBE = "trimtab-probe"
"""The user id of the service's own questions."""
_PROBED = "What happens to queries when the embedding model is down?"
_QUERY_CHARACTERS = 1000


class HandbookSearch:
    """Searches the manual and the runbooks for what a diagnosis asks."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    def __call__(self, question: str) -> Sequence[str]:
        """Return the best passages, each with the name of its page; none before the first start."""
        query = question[:_QUERY_CHARACTERS]
        try:
            found = self._knowledge.search(HANDBOOK, query, 3, labels=())
        except ProjectUnknown:
            return ()
        return [f"{passage.document_name}: {passage.text}" for passage in found.passages]


class OwnQuestions:
    """Searches and asks the handbook: an idle service is judged by these questions.

    Args:
        knowledge: Is searched.
        answers: Is asked; its traces name `PROBE` as the user. A drill keeps none.
    """

    def __init__(self, knowledge: Knowledge, answers: AnswerService) -> None:
        self._knowledge = knowledge
        self._answers = answers

    def __call__(self) -> None:
        """Search once and ask once; raises what they raise."""
        self._knowledge.search(HANDBOOK, _PROBED, 3)
        answers = self._answers
        user = new_id("drill", answers.context.clock.now()) if in_drill() else PROBE
        try:
            answers.answer(Question(HANDBOOK, _PROBED, user_id=user))
        finally:
            if user != PROBE:
                answers.forget_drill(user)


class QuestionsImpact:
    """Measures the impact on users from the counters of answers.

    Args:
        monitor: Evaluates PromQL.
        retention_seconds: How far back the samples reach; longer times give an empty text.
    """

    def __init__(self, monitor: AlertMonitor, retention_seconds: float) -> None:
        self._monitor = monitor
        self._retention_seconds = retention_seconds

    def __call__(self, seconds: float) -> str:
        """Return how many questions were asked, failed and were answered in degraded mode."""
        if seconds > self._retention_seconds:
            return ""
        # A scrape before the begin and one after the end belong to it; one minute holds both.
        window = f"[{int(seconds) + 60}s]"
        given = self._count(f"answers_given_total{window}")
        if given is None:
            return ""
        failed = self._count(f"answers_failed_total{window}") or 0
        degraded = self._count(f"answers_degraded_total{window}") or 0
        return (
            f"{given + failed} questions were asked, {failed} of them failed and {degraded} were "
            "answered in degraded mode"
        )

    def _count(self, selector: str) -> int | None:
        found = self._monitor.evaluate(f"sum(increase({selector})) >= 0")
        return round(found[0].value) if found else None
