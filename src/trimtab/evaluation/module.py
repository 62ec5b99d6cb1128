"""Builds the evaluation domain: online monitoring and experiments."""

from trimtab.answers.service import AnswerService
from trimtab.evaluation.actions import actions
from trimtab.evaluation.online.quality_monitor import QuestionEmbedder
from trimtab.evaluation.service import EvaluationService
from trimtab.evaluation.signals import signals
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
