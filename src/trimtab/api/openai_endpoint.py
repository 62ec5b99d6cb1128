"""Projects as models of an OpenAI-compatible interface, with citations as annotations."""

import logging
import re
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response, StreamingResponse

from trimtab.answers import Answer, Question
from trimtab.answers.records import Citation
from trimtab.answers.service import AnswerService
from trimtab.answers.streaming import Released
from trimtab.api.data_subject import UserId
from trimtab.api.errors import InternalError, error_body
from trimtab.api.http.openapi import refuses, sends
from trimtab.api.http.routes import ApiRoute, answers
from trimtab.api.roles import TENANT_READER
from trimtab.api.services import AnswersDep, Caller, KnowledgeDep, WebDep
from trimtab.infra.web.blocking_stream import BlockingStream, BlockingStreamResponse
from trimtab.infra.web.json_body import InvalidRequest
from trimtab.kernel.errors import ErrorKind, TrimtabError
from trimtab.knowledge.errors import ProjectUnknown

_log = logging.getLogger(__name__)
router = APIRouter(prefix="/openai/v1", tags=["answers"], route_class=ApiRoute)
_MARK = re.compile(r"\[([0-9]{1,4})\]")
_OWNER = "trimtab"


@dataclass(frozen=True, slots=True)
class OpenAiModel:
    """A project, as OpenAI describes a model."""

    id: str
    created: int = 0
    object: Literal["model"] = "model"
    owned_by: str = _OWNER


@dataclass(frozen=True, slots=True)
class OpenAiModels:
    """The projects that the caller may see."""

    data: tuple[OpenAiModel, ...]
    object: Literal["list"] = "list"


class ChatMessage(BaseModel):
    """A message of the conversation."""

    role: Annotated[str, StringConstraints(max_length=40)]
    content: str | list[dict[str, Any]] | None = None


class ChatRequest(BaseModel):
    """A conversation whose last message of the user is the question; other fields are ignored."""

    model: Annotated[str, StringConstraints(max_length=200)]
    """The project."""
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=1000)]
    stream: bool = False
    user: UserId = ""


@dataclass(frozen=True, slots=True)
class ChatChoice:
    """The only choice of a completion."""

    message: Mapping[str, Any]
    index: int = 0
    finish_reason: Literal["stop", "content_filter"] = "stop"
    logprobs: None = None


@dataclass(frozen=True, slots=True)
class ChatUsage:
    """Words of question and answer; trimtab does not count tokens here."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


@dataclass(frozen=True, slots=True)
class ChatCompletion:
    """An answer as OpenAI's chat completions give it."""

    id: str
    """The trace of the answer."""
    created: int
    model: str
    choices: tuple[ChatChoice, ...]
    usage: ChatUsage
    object: Literal["chat.completion"] = "chat.completion"


@router.get("/models", dependencies=[TENANT_READER])
def models(knowledge: KnowledgeDep, principal: Caller) -> OpenAiModels:
    """List the projects that the caller may see, as models."""
    names = [each.name for each in knowledge.projects.list() if principal.sees(each.name)]
    return OpenAiModels(tuple(OpenAiModel(name) for name in names))


@router.get("/models/{model}", dependencies=[TENANT_READER], responses=refuses(ErrorKind.NOT_FOUND))
def model(model: str, knowledge: KnowledgeDep, principal: Caller) -> OpenAiModel:
    """Return a project as a model."""
    principal.enter(model)
    if model not in {each.name for each in knowledge.projects.list()}:
        raise ProjectUnknown(f"There is no project {model[:100]!r}.")
    return OpenAiModel(model)


@router.post(
    "/chat/completions",
    dependencies=[TENANT_READER],
    response_class=StreamingResponse,
    responses={
        **answers(200, ChatCompletion),
        **sends("text/event-stream"),
        **refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    },
)
async def chat(body: ChatRequest, web: WebDep, answers: AnswersDep, principal: Caller) -> Response:
    """Answer the last message of the user from the documents of a project.

    With ``stream`` the answer comes sentence by sentence as chunks of OpenAI's format.
    """
    principal.enter(body.model)
    question = Question(body.model, _last_question(body), 5, body.user, principal.labels)
    if body.stream:
        stream = BlockingStream(_chunks(answers, question), web.limiter)
        return BlockingStreamResponse(await stream.first(), stream, _event, _failed)
    found = await web.limiter.run(partial(answers.answer, question))
    return _json(_completion(found))


_Chunk = str


def _last_question(body: ChatRequest) -> str:
    texts = [_text(each.content) for each in body.messages if each.role == "user"]
    if not texts:
        raise InvalidRequest("The conversation has no message of the user.")
    return texts[-1]


def _text(content: str | list[dict[str, Any]] | None) -> str:
    if isinstance(content, list):
        return "\n".join(
            str(part.get("text", "")) for part in content if part.get("type") == "text"
        )
    return content or ""


def _completion(found: Answer) -> ChatCompletion:
    message = {
        "role": "assistant",
        "content": found.text,
        "refusal": None,
        "annotations": annotations(found.text, found.citations),
    }
    asked, answered = len(found.question.split()), len(found.text.split())
    return ChatCompletion(
        found.trace_id,
        int(found.created_at.timestamp()),
        found.project,
        (ChatChoice(message, finish_reason="content_filter" if found.blocked else "stop"),),
        ChatUsage(asked, answered, asked + answered),
    )


def annotations(text: str, citations: tuple[Citation, ...]) -> list[dict[str, Any]]:
    """Return a URL citation for each mark such as ``[1]`` in the text."""
    by_number = {each.number: each for each in citations}
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "start_index": mark.start(),
                "end_index": mark.end(),
                "title": by_number[number].title or by_number[number].document_name,
                "url": f"/console/documents/{by_number[number].document_id}",
                "quote": by_number[number].quote,
            },
        }
        for mark in _MARK.finditer(text)
        if (number := int(mark[1])) in by_number
    ]


def _chunks(answers: AnswerService, question: Question) -> Generator[_Chunk, None, None]:
    """Yield the data of each event; the last one is OpenAI's end mark."""
    events = answers.stream(question)
    sent = ""
    with closing(events):
        for item in events:
            if isinstance(item, Released):
                text = f" {item.text}" if sent else item.text
                sent += text
                yield _chunk(question.project, {"role": "assistant", "content": text})
                continue
            # The whole answer may differ from its sentences: nothing found, or withheld.
            rest = "" if sent else item.text
            delta: dict[str, Any] = {"annotations": annotations(item.text, item.citations)}
            if rest:
                delta |= {"role": "assistant", "content": rest}
            reason = "content_filter" if item.blocked else "stop"
            yield _chunk(question.project, delta, item, reason)
    yield "[DONE]"


def _chunk(
    project: str, delta: Mapping[str, Any], found: Answer | None = None, reason: str | None = None
) -> _Chunk:

    body = {
        "id": found.trace_id if found else "chatcmpl-trimtab",
        "object": "chat.completion.chunk",
        "created": int(found.created_at.timestamp()) if found else 0,
        "model": project,
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}],
    }
    return orjson.dumps(body).decode()


def _event(data: _Chunk) -> dict[str, str]:
    return {"data": data}


def _failed(error: Exception) -> dict[str, str]:

    if not isinstance(error, TrimtabError):
        _log.error("stream failed", exc_info=error)
        error = InternalError("An unexpected error occurred inside trimtab.")
    return {"data": orjson.dumps(error_body(error)).decode()}


def _json(body: ChatCompletion) -> Response:

    return Response(orjson.dumps(body), media_type="application/json")
