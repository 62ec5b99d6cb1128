"""Routes whose return type is the schema of their answer in the OpenAPI document."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import Response

from trimtab.infra.web.routes import GuardedRoute

Schema = Any
"""A type whose JSON form describes an answer: a dataclass, a union of some, or a pydantic model."""

_SCHEMA = "trimtab.schema"


def answers(status: int, schema: Schema, description: str = "") -> dict[int | str, dict[str, Any]]:
    """Return the schema of an answer for a route's ``responses``.

    For answers that the return type does not describe: other statuses, ready-made responses.
    """
    return {status: {_SCHEMA: schema, "description": description}}


class ApiRoute(GuardedRoute):
    """A guarded route that keeps the types of its answers for the OpenAPI document.

    FastAPI would build a validator from each return type at start, and validate every answer. Here
    the schemas are built when the document is first requested (see `schemas`), and answers are only
    serialised.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        responses: Mapping[int | str, Mapping[str, Any]] | None = None,
        **options: Any,
    ) -> None:
        returned = inspect.get_annotations(endpoint).get("return")
        has_schema = returned is not None and not _is_response(returned)
        options["response_model"] = object if has_schema else None
        declared = {status: dict(each) for status, each in (responses or {}).items()}
        self.schemas: dict[int, Schema] = {
            int(status): each.pop(_SCHEMA) for status, each in declared.items() if _SCHEMA in each
        }
        """The type of each JSON answer below 300, by status."""
        super().__init__(path, endpoint, responses=declared, **options)
        if has_schema:
            self.schemas.setdefault(int(options.get("status_code") or 200), returned)


def _is_response(returned: object) -> bool:
    return inspect.isclass(returned) and issubclass(returned, Response)
