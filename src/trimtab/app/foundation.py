"""Lets the language model of the answers classify for models that cannot."""

import json
import re
from collections.abc import Sequence

from trimtab.answers.drafts import Draft, last_draft
from trimtab.answers.errors import GeneratorUnavailable
from trimtab.answers.records import EXTRACTIVE, SourcePassage
from trimtab.answers.service import AnswerService
from trimtab.models.errors import ModelUnavailable
from trimtab.models.records import JsonObject

_LONGEST_ROW = 8_000


class AnswersFoundation:
    """Asks the configured language model for one class of each row.

    It goes through the answers' own chain of models, so that its budget, deadlines and circuit
    breakers hold; the extractive generator at the end of that chain does not count.

    Args:
        answers: Has the language model.
    """

    def __init__(self, answers: AnswerService) -> None:
        self._answers = answers

    def classify(self, task: str, classes: Sequence[str], rows: Sequence[JsonObject]) -> list[str]:
        """Return one of the classes for each row; raises `ModelUnavailable`."""
        return [self._classify_one(task, classes, row) for row in rows]

    def _classify_one(self, task: str, classes: Sequence[str], row: JsonObject) -> str:
        question = (
            f"The passage is one input of the model {task} Which class does it have:"
            f" {', '.join(classes)}? Answer with that one word and [1]."
        )
        text = json.dumps(row, ensure_ascii=False)[:_LONGEST_ROW]
        draft = self._ask(question, text)
        found = [name for name in classes if re.search(rf"\b{re.escape(name)}\b", draft.text, re.I)]
        if len(found) != 1:
            raise ModelUnavailable("Model Unavailable: the foundation model named no single class.")
        return found[0]

    def _ask(self, question: str, text: str) -> Draft:
        passage = SourcePassage("input", "input", "input", text, 0, len(text), 1.0)
        try:
            draft = last_draft(self._answers.models.stream(question, [passage]))
        except GeneratorUnavailable as error:
            raise ModelUnavailable(f"Model Unavailable: {error.message}") from error
        if draft.model == EXTRACTIVE:
            raise ModelUnavailable(
                "Model Unavailable: no language model is configured, or none answers.",
                hint="`trimtab llm connect` or `answers.generator` names one.",
            )
        return draft
