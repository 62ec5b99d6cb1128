"""Builds the review domain."""

from collections.abc import Sequence

from trimtab.answers.service import AnswerService
from trimtab.infra.environment import Environment
from trimtab.infra.restartable import RestartableTask
from trimtab.kernel.module import Module
from trimtab.kernel.tasks import ScheduledTask
from trimtab.review.actions import actions
from trimtab.review.answers import JudgedBlock, StoredAnswers
from trimtab.review.faults import faults
from trimtab.review.ports import ReviewSource
from trimtab.review.service import Reviews
from trimtab.review.signals import signals

_DROP_SECONDS = 3600.0


def build(
    env: Environment,
    answers: AnswerService,
    judged_block: JudgedBlock,
    sources: Sequence[ReviewSource],
    own_users: frozenset[str],
) -> Module:
    """Return the review queues, which the scheduler fills from stored records.

    Args:
        env: Of the process.
        answers: Its traces, reviews and feedback.
        judged_block: Receives people's opinions on blocks.
        sources: Further sources of items, such as gates and models.
        own_users: User ids of the service's own questions.
    """
    settings = env.settings.review
    stored = StoredAnswers(answers, judged_block, settings.low_grounding, own_users)
    reviews = Reviews(env.state, stored, (stored, *sources), settings, env.clock)
    seconds = settings.collect_seconds
    collector = RestartableTask("review", reviews.collect_items, seconds, env.clock)
    feedback = RestartableTask("feedback", reviews.process_feedback, seconds, env.clock)
    return Module(
        "review",
        reviews,
        signals=signals(reviews),
        actions=actions(reviews, collector, feedback),
        faults=faults(reviews, collector, feedback),
        personal_data=reviews.personal_data(),
        tasks=(collector, feedback),
        scheduled=(ScheduledTask("drop erased review items", _DROP_SECONDS, reviews.drop_gone),),
        start=(reviews.replay_judged_blocks, collector.start, feedback.start),
        close=(feedback.close, collector.close),
    )
