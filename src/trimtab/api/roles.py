"""The role marks of routes: each route carries exactly one in its ``dependencies``."""

from fastapi import Depends

from trimtab.infra.auth import Role
from trimtab.infra.web import PUBLIC, Needs

ANYBODY = Depends(PUBLIC)
READER = Depends(Needs(Role.READER))
REVIEWER = Depends(Needs(Role.REVIEWER))
OPERATOR = Depends(Needs(Role.OPERATOR))
ADMIN = Depends(Needs(Role.ADMIN))
