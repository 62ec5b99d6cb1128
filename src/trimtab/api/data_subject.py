"""The data subject of a request: the user whose data it stores, for a later erasure."""

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
    """Return the user id, or raise `ValueError` if it can be confused with another one."""
    if problem := problem_of_person(user_id):
        raise ValueError(f"The user id {problem}.")
    return user_id


UserId = Annotated[str, StringConstraints(max_length=MAX_USER_ID), AfterValidator(validate_user_id)]
"""A user id in a body; empty when no user is signed in."""
Person = Annotated[
    str, Header(alias="X-User-Id", max_length=MAX_USER_ID), AfterValidator(validate_user_id)
]
"""The header; the name of a key is never a user id, since keys belong to programs."""
