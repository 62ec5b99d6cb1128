"""Builds the evaluation domain: online monitoring and experiments."""

from trimtab.answers.service import AnswerService
from trimtab.evaluation.actions import actions
from trimtab.evaluation.flywheel.answers import FailedAnswers
from trimtab.evaluation.flywheel.service import AnnotationTasks, Flywheel
from trimtab.evaluation.flywheel.signals import signals as flywheel_signals
from trimtab.evaluation.online.quality_monitor import QuestionEmbedder
from trimtab.evaluation.service import EvaluationService
from trimtab.evaluation.signals import signals
from trimtab.infra.environment import Environment
from trimtab.kernel.module import Module


def build(answers: AnswerService, embedder: QuestionEmbedder) -> Module:
    """Return the evaluation of the running service's answers.

    Args:
        answers: What is evaluated.
        embedder: Makes the vectors by which questions are compared.
    """
    evaluation = EvaluationService(answers, embedder)
    return Module(
        "evaluation",
        evaluation,
        signals=signals(evaluation),
        actions=actions(evaluation),
        personal_data=evaluation.personal_data(),
        tasks=evaluation.tasks,
        start=(evaluation.start,),
        close=(evaluation.close,),
    )


def build_flywheel(
    env: Environment, answers: AnswerService, tasks: AnnotationTasks, own_users: frozenset[str]
) -> Module:
    """Return the weekly flywheel.

    Args:
        env: Of the process.
        answers: Whose failures are annotated.
        tasks: Asks people, and gives what they decided.
        own_users: User ids of the service's own questions.
    """
    flywheel = Flywheel(env.state, FailedAnswers(answers, own_users), tasks, env.clock)
    return Module(
        "flywheel",
        flywheel,
        signals=flywheel_signals(flywheel),
        personal_data=flywheel.personal_data(),
    )
