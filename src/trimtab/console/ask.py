"""Pages to ask questions, with the source of every sentence."""

import json
import logging
import re
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from starlette.responses import Response

from trimtab.answers import Answer, Question
from trimtab.answers.records import Feedback
from trimtab.answers.service import AnswerService
from trimtab.answers.streaming import Released
from trimtab.answers.visibility import visible_trace
from trimtab.console.render import code, page
from trimtab.console.services import READER, AnswersDep, Caller, EnvDep, KnowledgeDep, WebDep
from trimtab.infra.web import caller
from trimtab.infra.web.blocking_stream import BlockingStream, BlockingStreamResponse
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.ids import new_id

_log = logging.getLogger(__name__)
_MISTAKE = "Something went wrong inside trimtab."
router = APIRouter(prefix="/console/ask", route_class=GuardedRoute)

_MARK = re.compile(r"\[(\d{1,3})\]")
_HANDBOOK = "handbook"
"""The project of the manual and the runbooks, which every service has."""
_EXAMPLES = (
    "What happens to queries when the embedding model is down?",
    "Which cache hit ratio is usual?",
    "How do I connect a language model?",
)
"""Questions that the handbook answers, for a person who sees the page for the first time."""
_CONTEXT_CHARACTERS = 1500
"""Characters of the document that are shown on each side of a quote."""


@router.get("", dependencies=[READER])
def ask(
    request: Request, knowledge: KnowledgeDep, project: str = "", question: str = ""
) -> HTMLResponse:
    """Show the form, filled from the query parameters."""
    projects = knowledge.projects.list()
    chosen = project or next((found.name for found in projects if found.documents), "")
    has_handbook = any(found.name == _HANDBOOK and found.documents for found in projects)
    values = {
        "projects": projects,
        "chosen": chosen,
        "question": question,
        "handbook": _HANDBOOK,
        "examples": _EXAMPLES if has_handbook and not question else (),
    }
    return page(request, "ask.html", values)


async def _question(
    env: EnvDep,
    principal: Caller,
    project: Annotated[str, Form()],
    question: Annotated[str, Form()],
) -> Question:
    return Question(project, question, env.settings.answers.top_k, labels=principal.labels)


Asked = Annotated[Question, Depends(_question)]


@router.post("", dependencies=[READER])
async def answer(request: Request, web: WebDep, answers: AnswersDep, asked: Asked) -> HTMLResponse:
    """Return the answer."""
    return await web.limiter.run(lambda: _rendered(request, answers, answers.answer(asked)))


@router.post("/stream", dependencies=[READER])
async def stream(request: Request, web: WebDep, answers: AnswersDep, asked: Asked) -> Response:
    """Stream ``sentence`` events, then ``answer`` with the rendered answer, or ``error``."""

    def event(item: Released | Answer) -> dict[str, str]:
        if not isinstance(item, Answer):
            return {"event": "sentence", "data": json.dumps({"text": item.text})}
        html = _rendered(request, answers, item).body
        return {"event": "answer", "data": json.dumps({"html": bytes(html).decode()})}

    def failed(error: Exception) -> dict[str, str]:
        if not isinstance(error, TrimtabError):
            _log.error("stream failed", exc_info=error)
        known = error.as_dict() if isinstance(error, TrimtabError) else {"message": _MISTAKE}
        return {"event": "error", "data": json.dumps(known)}

    stream = BlockingStream(answers.stream(asked), web.limiter)
    return BlockingStreamResponse(await stream.first(), stream, event, failed)


@router.get("/source", dependencies=[READER])
def source(
    request: Request,
    knowledge: KnowledgeDep,
    project: str,
    document: str,
    start: Annotated[int, Query(ge=0)],
    end: Annotated[int, Query(ge=0)],
) -> HTMLResponse:
    """Return the passage of the document around a quote."""
    found = knowledge.documents.get(project, document, caller(request).labels)
    text = knowledge.documents.text(project, found.id)
    end = min(end, len(text))
    start = min(start, end)
    first, last = max(0, start - _CONTEXT_CHARACTERS), min(len(text), end + _CONTEXT_CHARACTERS)
    values = {
        "document": found,
        "before": text[first:start],
        "quote": text[start:end],
        "after": text[end:last],
        "cut_before": first > 0,
        "cut_after": last < len(text),
    }
    return page(request, "parts/source.html", values)


@router.post("/feedback/{trace_id}", dependencies=[READER])
def feedback(
    request: Request,
    trace_id: str,
    env: EnvDep,
    knowledge: KnowledgeDep,
    answers: AnswersDep,
    principal: Caller,
    helpful: Annotated[bool, Form()],
    reason: Annotated[Literal["", "slow"], Form()] = "",
) -> HTMLResponse:
    """Store feedback about an answer."""
    visible_trace(answers.traces, trace_id, principal, knowledge.documents.hidden_from)
    now = env.clock.now()
    given = Feedback(new_id("feedback", now), trace_id, "", now, helpful, reason=reason)
    answers.feedback.keep(given)
    return page(request, "parts/feedback.html", {"feedback": given, "trace_id": trace_id})


def _rendered(request: Request, answers: AnswerService, given: Answer) -> HTMLResponse:
    trace = answers.traces.find(given.trace_id)
    values = {"answer": given, "text": _linked(given), "trace": trace, "feedback": None}
    return page(request, "parts/answer.html", values)


def _linked(answer: Answer) -> Markup:
    """Return the answer with each ``[1]`` as a link to its citation, and code as code."""
    known = {citation.number for citation in answer.citations}

    def link(found: re.Match[str]) -> str:
        number = int(found[1])
        if number not in known:
            return found[0]
        return f'<a class="mark" href="#citation-{number}">{number}</a>'

    return Markup(_MARK.sub(link, str(code(answer.text))))  # noqa: S704 - `code` escapes it.
