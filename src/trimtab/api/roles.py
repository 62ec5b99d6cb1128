"""The role marks of routes: each route carries exactly one in its ``dependencies``."""

from fastapi import Depends

from trimtab.infra.auth import Role
from trimtab.infra.web import PUBLIC, Needs

ANYBODY = Depends(PUBLIC)
READER = Depends(Needs(Role.READER))
REVIEWER = Depends(Needs(Role.REVIEWER))
OPERATOR = Depends(Needs(Role.OPERATOR))
ADMIN = Depends(Needs(Role.ADMIN))
ALERTS = Depends(Needs(Role.ALERTS))

# Open to keys for some projects too; each route gives them nothing of any other project.
TENANT_READER = Depends(Needs(Role.READER, tenants=True))
TENANT_REVIEWER = Depends(Needs(Role.REVIEWER, tenants=True))
TENANT_OPERATOR = Depends(Needs(Role.OPERATOR, tenants=True))
TENANT_ADMIN = Depends(Needs(Role.ADMIN, tenants=True))
