"""Questions with what is expected of their answers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimtab.evaluation.errors import BadQuestionSet
from trimtab.kernel.ids import content_id


@dataclass(frozen=True, slots=True)
class Reply:
    """Reply of a service: no more than what is judged."""

    found: bool
    text: str
    quotes: tuple[str, ...]
    grounding: float
    duration_ms: float = 0.0

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> "Reply":
        """Return the reply of an answer in its wire form."""
        quotes = tuple(str(citation["quote"]) for citation in answer["citations"])
        quoted = answer["model"] == "extractive"
        grounding = 1.0 if quoted else float(answer["confidence"])
        return cls(bool(answer["found"]), str(answer["text"]), quotes, grounding)


@dataclass(frozen=True, slots=True)
class EvaluationCase:
    """A question and what a good answer holds."""

    id: str
    project: str
    question: str
    answers: tuple[str, ...] = ()
    """One of these stands in a good answer; empty means that the documents do not hold it."""
    before: Reply | None = None
    """The former answer, for a case made of a trace; the score is relative to it."""

    def score(self, reply: Reply) -> float:
        """Return how good the reply is, in [0, 1].

        A golden question scores 1 when a gold answer stands in a cited quote, 0.5 when it stands
        only in the text, and 1 for a rightful "not found". A trace scores its grounding when it is
        answered, 0 when it is not.
        """
        if self.before is not None:
            return reply.grounding if reply.found else 0.0
        if not self.answers:
            return 0.0 if reply.found else 1.0
        if any(_holds(quote, self.answers) for quote in reply.quotes):
            return 1.0
        return 0.5 if _holds(reply.text, self.answers) and reply.found else 0.0


def _holds(text: str, answers: Sequence[str]) -> bool:
    plain = _plain(text)
    return any(_plain(answer) in plain for answer in answers)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def read_cases(path: Path, project: str = "") -> list[EvaluationCase]:
    """Return the golden questions of a JSON Lines file, or of every such file in a folder.

    A line is ``{"question", "answers"}`` with ``project`` (or the one given here) and ``id`` if it
    has one.

    Raises:
        BadQuestionSet: There is no question, or a line is none.
    """
    cases = [_case(row, place, project) for row, place in _rows(path)]
    if not cases:
        raise BadQuestionSet(f"{path} holds no questions.")
    return cases


def traces_as_cases(path: Path) -> list[EvaluationCase]:
    """Return a case for each answered trace of a JSON Lines file or folder.

    Raises:
        BadQuestionSet: There is no trace, or a line is none.
    """
    cases = []
    for row, place in _rows(path):
        try:
            answer = row["answer"]
            reply = Reply.of(answer)
            if reply.found:
                question, project = str(answer["question"]), str(answer["project"])
                cases.append(EvaluationCase(str(row["id"]), project, question, before=reply))
        except (KeyError, TypeError, ValueError) as error:
            raise BadQuestionSet(f"{place} is not a trace: {error!r}.") from error
    if not cases:
        raise BadQuestionSet(
            f"{path} holds no answered trace.",
            hint="`trimtab answers traces --output-dir traces/local` writes some.",
        )
    return cases


def _rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise BadQuestionSet(f"{file} cannot be read: {error}.") from error
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _object(line, f"{file}, line {number}"), f"{file}, line {number}"


def _object(line: str, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise BadQuestionSet(f"{place}: {error}.") from error
    if not isinstance(row, dict):
        raise BadQuestionSet(f"{place} is not an object.")
    return row


def _case(row: Mapping[str, Any], place: str, project: str) -> EvaluationCase:
    try:
        question, answers = str(row["question"]), row["answers"]
        texts = answers["text"] if isinstance(answers, dict) else answers
        name = str(row.get("project") or project)
        if not name or isinstance(texts, str):
            raise ValueError("no project, or answers is not a list")
        own = str(row.get("id") or content_id("case", name, question))
        return EvaluationCase(own, name, question, tuple(map(str, texts)))
    except (KeyError, TypeError, ValueError) as error:
        raise BadQuestionSet(f"{place} is not a golden question: {error!r}.") from error
