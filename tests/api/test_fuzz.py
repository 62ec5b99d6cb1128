"""No generated request brings a route of knowledge down."""

import pytest

from tests.api.fuzz import fuzz
from tests.faces import key_of
from trimtab.infra.auth import Role


@pytest.mark.timeout(300)
def test_no_generated_request_to_a_route_of_knowledge_is_a_mistake_of_the_program(app):
    routes = r"^/(api/v1/(stats|projects|search)|v1/knowledge/backups)"
    assert fuzz(app, key_of(app, Role.ADMIN), routes, examples=25) == []
