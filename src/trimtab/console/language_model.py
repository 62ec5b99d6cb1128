"""Page to connect the language model that writes answers."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from trimtab.answers.model_endpoint import PROVIDERS, ModelReport, endpoint_of
from trimtab.answers.service import AnswerService
from trimtab.console.render import page
from trimtab.console.services import ADMIN, AnswersDep
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import TrimtabError

router = APIRouter(prefix="/console/model", route_class=GuardedRoute)


@router.get("", dependencies=[ADMIN])
def show(request: Request, answers: AnswersDep) -> HTMLResponse:
    """Show who writes the answers, and a form to connect a model."""
    return _page(request, answers, answers.model.report)


@router.post("", dependencies=[ADMIN])
def connect(
    request: Request,
    answers: AnswersDep,
    provider: Annotated[str, Form(max_length=50)],
    model: Annotated[str, Form(max_length=200)],
    url: Annotated[str, Form(max_length=500)] = "",
    key: Annotated[str, Form(max_length=500)] = "",
) -> HTMLResponse:
    """Test a model and let it write the answers from now on."""
    try:
        endpoint = endpoint_of(answers.settings, provider, url.strip(), model.strip(), key.strip())
        return _page(request, answers, answers.model.connect(endpoint))
    except TrimtabError as error:
        return _page(request, answers, None, f"{error.message} {error.hint()}")


@router.post("/disconnect", dependencies=[ADMIN])
def disconnect(request: Request, answers: AnswersDep) -> HTMLResponse:
    """Forget the connected model and its key."""
    answers.model.disconnect()
    return _page(request, answers, None)


def _page(
    request: Request, answers: AnswerService, report: ModelReport | None, problem: str = ""
) -> HTMLResponse:
    values = {
        "providers": PROVIDERS,
        "order": answers.models.names,
        "endpoint": answers.model.endpoint,
        "report": report,
        "problem": problem,
    }
    return page(request, "model.html", values)
