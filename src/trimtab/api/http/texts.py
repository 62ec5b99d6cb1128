"""Limits of texts in requests: what is stored has a length, and never the character NUL.

JSON bodies and addresses are searched for NUL in `trimtab.infra.web`; forms here.
"""

from typing import Annotated

from pydantic import Field, StringConstraints
from starlette.datastructures import FormData, UploadFile

from trimtab.infra.web.json_body import NUL, nul_refused
from trimtab.knowledge.search import MAX_QUERY_CHARACTERS

MAX_PROJECT_NAME = 200
"""Longest name of a project in a request; the rule for new names is stricter."""
MAX_ARGUMENT = 10_000
"""Longest text of an action's argument."""

ProjectName = Annotated[str, StringConstraints(max_length=MAX_PROJECT_NAME)]
"""The name of a project."""
QuestionText = Annotated[str, Field(json_schema_extra={"maxLength": MAX_QUERY_CHARACTERS})]
"""A question; the pipeline refuses a longer one with a code of its own."""
ArgumentValue = Annotated[str, StringConstraints(max_length=MAX_ARGUMENT)] | int | float | bool
"""A value of an action's argument."""


def check_form(form: FormData) -> None:
    """Raise `InvalidRequest` if a text or a file's name of the form has the character NUL."""
    for field, value in form.multi_items():
        text = value.filename or "" if isinstance(value, UploadFile) else value
        if NUL in text or NUL in field:
            raise nul_refused(field.replace(NUL, ""))
