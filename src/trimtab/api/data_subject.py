"""For whom a caller speaks: the person whose data a request leaves behind, so that it can be erased on request."""

from typing import Annotated

from fastapi import Header
from pydantic import AfterValidator, StringConstraints

from trimtab.kernel.names import problem_of_person

MAX_USER_ID = 200
"""Characters of a user id."""

MAX_LABELS = 100
"""Access labels of one document."""


Label = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_.-]{1,100}$")]
"""An access label."""


def validate_user_id(user_id: str) -> str:
    """Return the user id, or raise `ValueError` when it could be taken for another one."""
    if problem := problem_of_person(user_id):
        raise ValueError(f"The user id {problem}.")
    return user_id


UserId = Annotated[str, StringConstraints(max_length=MAX_USER_ID), AfterValidator(validate_user_id)]
"""A user id in a body; empty when nobody is signed in."""
Person = Annotated[
    str, Header(alias="X-User-Id", max_length=MAX_USER_ID), AfterValidator(validate_user_id)
]
"""The header; a key is a program's or a team's, so its name is never taken for a person's."""
