"""For whom a caller speaks: the person whose data a request leaves behind, so that it can be erased on request."""

from typing import Annotated

from fastapi import Header

MOST = 200
"""Characters of a user id."""

Person = Annotated[str, Header(alias="X-User-Id", max_length=MOST)]
"""The header; a key is a program's or a team's, so its name is never taken for a person's."""
