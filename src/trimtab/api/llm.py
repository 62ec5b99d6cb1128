"""The language model that writes answers: test, connect and disconnect it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from trimtab.answers.model_endpoint import ModelReport, endpoint_of
from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import ADMIN, OPERATOR
from trimtab.api.services import AnswersDep
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/api/v1/llm", tags=["answers"], route_class=ApiRoute)


class ModelRequest(BaseModel):
    """A language model behind an OpenAI-compatible API."""

    provider: Literal["openai", "openrouter", "cohere", "ollama", "vllm", "other"] = "other"
    url: Annotated[str, Field(max_length=500)] = ""
    """The API's root; empty means the provider's usual address."""
    model: Annotated[str, Field(min_length=1, max_length=200)]
    key: Annotated[str, Field(max_length=500)] = ""
    """Sent to that address only. Empty takes the provider's own key from the settings."""
    dry_run: bool = False
    """Only test it."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """Generators in use, and the state of the connected model."""

    generators: tuple[str, ...]
    """In the order in which they are asked; ``extractive`` quotes without a model."""
    report: ModelReport | None
    """A fresh test of the connected model; null when none is connected."""


@router.get("", dependencies=[OPERATOR])
def show_model(answers: AnswersDep) -> ModelStatus:
    """Test the connected model again; show its key's validity, credits and the provider's state."""
    return ModelStatus(answers.models.names, answers.model.check())


@router.post(
    "",
    responses=refuses(ErrorKind.INVALID, ErrorKind.UNAVAILABLE, ErrorKind.STORAGE_FULL),
    dependencies=[ADMIN],
)
def connect_model(request: ModelRequest, answers: AnswersDep) -> ModelReport:
    """Test a model and let it write the answers from now on, also after a restart."""
    endpoint = endpoint_of(
        answers.settings, request.provider, request.url, request.model, request.key
    )
    return answers.model.test(endpoint) if request.dry_run else answers.model.connect(endpoint)


@router.delete("", dependencies=[ADMIN])
def disconnect_model(answers: AnswersDep) -> ModelStatus:
    """Forget the connected model and its key; the generators of the settings write again."""
    answers.model.disconnect()
    return ModelStatus(answers.models.names, None)
