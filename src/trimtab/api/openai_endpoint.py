"""Projects as models of an OpenAI-compatible interface, with citations as annotations."""

import logging
import re
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response, StreamingResponse

from trimtab.answers import Answer, Question
from trimtab.answers.records import Citation
from trimtab.answers.service import AnswerService
from trimtab.answers.streaming import Released
from trimtab.api.answers import AnswerCaller, log_blocked, log_blocked_events
from trimtab.api.data_subject import Person, UserId
from trimtab.api.errors import InternalError, error_body
from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute, answers
from trimtab.api.roles import TENANT_READER
from trimtab.api.services import AnswersDep, Caller, EnvDep, KnowledgeDep, WebDep
from trimtab.infra.web.blocking_stream import BlockingStream, BlockingStreamResponse
from trimtab.infra.web.json_body import InvalidRequest
from trimtab.kernel.errors import ErrorKind, TrimtabError
from trimtab.kernel.ids import new_id
from trimtab.knowledge.errors import ProjectUnknown

_log = logging.getLogger(__name__)
router = APIRouter(prefix="/openai/v1", tags=["openai"], route_class=ApiRoute)
_MARK = re.compile(r"\[([0-9]{1,4})\]")
_TOP_K = 5
_DONE = "[DONE]"
"""The data of the last event, as OpenAI sends it."""


@dataclass(frozen=True, slots=True)
class OpenAiModel:
    """A project, as OpenAI describes a model."""

    id: str
    created: int = 0
    object: Literal["model"] = "model"
    owned_by: str = "trimtab"


@dataclass(frozen=True, slots=True)
class OpenAiModels:
    """The projects that the caller may see."""

    data: tuple[OpenAiModel, ...]
    object: Literal["list"] = "list"


Message = Annotated[str, StringConstraints(max_length=1_000_000)]
"""A message of a conversation; the last one is the question, which has a limit of its own."""


class ChatMessage(BaseModel):
    """A message of the conversation."""

    role: Annotated[str, StringConstraints(max_length=40)]
    content: Message | list[dict[str, Any]] | None = None


class StreamOptions(BaseModel):
    """Options of a streamed completion."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A conversation whose last message of the user is the question; other fields are ignored."""

    model: Annotated[str, StringConstraints(max_length=200)]
    """The project."""
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=1000)]
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    user: UserId = ""


class ChatBody(BaseModel):
    """Part of an answer, which always has every field."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class UrlCitation(ChatBody):
    """Source of the statement before a mark such as ``[1]``."""

    start_index: int
    """Offset of the mark in the content."""
    end_index: int
    title: str
    url: str
    """The document in the console, as a path on this service."""
    quote: str
    """The exact text of the document."""


class ChatAnnotation(ChatBody):
    """A citation of the answer."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class ChatAnswer(ChatBody):
    """The message with the answer."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[ChatAnnotation]


class ChatChoice(ChatBody):
    """The only choice of a completion."""

    index: Literal[0] = 0
    message: ChatAnswer
    finish_reason: Literal["stop", "content_filter"]
    logprobs: None = None


class ChatUsage(ChatBody):
    """Tokens of the language model; 0 when none is connected and documents are quoted."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(ChatBody):
    """An answer as OpenAI's chat completions give it."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: ChatUsage
    trace_id: str
    """The trace of the answer, for feedback."""


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
        **refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    },
)
async def chat(
    body: ChatRequest,
    request: Request,
    env: EnvDep,
    web: WebDep,
    answers: AnswersDep,
    principal: Caller,
    person: Person = "",
) -> Response:
    """Answer the last message of the user from the documents of a project.

    With ``stream`` the answer comes sentence by sentence, in chunks of OpenAI's format.
    """
    principal.enter(body.model)
    text, user = _last_question(body), body.user or person
    question = Question(body.model, text, _TOP_K, user, principal.labels)
    caller = AnswerCaller(request, principal)
    if body.stream:
        wants_usage = body.stream_options is not None and body.stream_options.include_usage
        chunks = _Chunks(answers, body.model, env.clock.now(), wants_usage)
        events = log_blocked_events(answers.stream(question), caller)
        stream = BlockingStream(chunks.of(events), web.limiter)
        return BlockingStreamResponse(await stream.first(), stream, _event, _failed)
    found = await web.limiter.run(partial(answers.answer, question))
    if found.blocked:
        log_blocked(found, caller)
    completion = await web.limiter.resume(partial(_completion, answers, found))
    return Response(completion.model_dump_json(), media_type="application/json")


def _last_question(body: ChatRequest) -> str:
    texts = [_text(each.content) for each in body.messages if each.role == "user"]
    if not texts:
        raise InvalidRequest(
            "The conversation has no message of the user.",
            hint="Add a message with the role user; the last one is the question.",
        )
    return texts[-1]


def _text(content: str | list[dict[str, Any]] | None) -> str:
    if isinstance(content, list):
        return "\n".join(
            str(part.get("text", "")) for part in content if part.get("type") == "text"
        )
    return content or ""


def _completion(answers: AnswerService, found: Answer) -> ChatCompletion:
    message = ChatAnswer(content=found.text, annotations=_annotations(found, found.text))
    return ChatCompletion(
        id=new_id("chatcmpl", found.created_at),
        created=int(found.created_at.timestamp()),
        model=found.project,
        choices=[ChatChoice(message=message, finish_reason=_reason(found))],
        usage=_usage(answers, found),
        trace_id=found.trace_id,
    )


def _reason(found: Answer) -> Literal["stop", "content_filter"]:
    return "content_filter" if found.blocked else "stop"


def _usage(answers: AnswerService, found: Answer) -> ChatUsage:
    trace = answers.traces.find(found.trace_id)
    asked, written = trace.input_tokens, trace.output_tokens
    return ChatUsage(prompt_tokens=asked, completion_tokens=written, total_tokens=asked + written)


def _annotations(found: Answer, text: str) -> list[ChatAnnotation]:
    """Return a citation for each mark such as ``[1]`` in the text."""
    by_number = {each.number: each for each in found.citations}
    return [
        ChatAnnotation(url_citation=_url_citation(found.project, mark, by_number[number]))
        for mark in _MARK.finditer(text)
        if (number := int(mark[1])) in by_number
    ]


def _url_citation(project: str, mark: re.Match[str], citation: Citation) -> UrlCitation:
    return UrlCitation(
        start_index=mark.start(),
        end_index=mark.end(),
        title=citation.title or citation.document_name,
        url=f"/console/documents/{project}/{citation.document_id}",
        quote=citation.quote,
    )


@dataclass(slots=True)
class _Chunks:
    """The chunks of one streamed completion."""

    answers: AnswerService
    model: str
    now: datetime
    wants_usage: bool
    id: str = field(init=False)
    _sent: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.id = new_id("chatcmpl", self.now)

    def of(self, events: Generator[Released | Answer, None, None]) -> Generator[str, None, None]:
        """Yield the data of each event."""
        with closing(events):
            for item in events:
                if isinstance(item, Answer):
                    yield from self._last(item)
                else:
                    yield self._sentence(item)
        yield _DONE

    def _sentence(self, item: Released) -> str:
        delta = {"content": f" {item.text}"} if self._sent else self._first(item.text)
        self._sent += delta["content"]
        return self._chunk(delta)

    def _last(self, found: Answer) -> Generator[str, None, None]:
        # Without a sentence the whole answer says why: nothing was found, or it was withheld.
        text = self._sent or found.text
        delta: dict[str, Any] = {} if self._sent else self._first(found.text)
        cited = _annotations(found, text)
        delta["annotations"] = [each.model_dump() for each in cited]
        yield self._chunk(delta, _reason(found), trace_id=found.trace_id)
        if self.wants_usage:
            usage = _usage(self.answers, found).model_dump()
            yield self._wire(choices=[], usage=usage)

    def _first(self, text: str) -> dict[str, str]:
        return {"role": "assistant", "content": text}

    def _chunk(self, delta: Mapping[str, Any], reason: str | None = None, **more: object) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        return self._wire(choices=[choice], **more)

    def _wire(self, **body: object) -> str:
        head = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": int(self.now.timestamp()),
            "model": self.model,
        }
        return orjson.dumps(head | body).decode()


def _event(data: str) -> dict[str, str]:
    return {"data": data}


def _failed(error: Exception) -> dict[str, str]:
    if not isinstance(error, TrimtabError):
        _log.error("stream failed", exc_info=error)
        error = InternalError("An unexpected error occurred inside trimtab.")
    return {"data": orjson.dumps(error_body(error)).decode()}
