"""Routes receive exactly the services that they name."""

from typing import Annotated

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from trimtab.infra.web.routes import ProvidedServices, provided


class Tank:
    level = 3


class LargeTank(Tank):
    level = 9


def test_a_route_receives_the_service_of_its_parameter():
    app = FastAPI()
    app.state.services = ProvidedServices([Tank(), LargeTank()])

    @app.get("/level")
    def level(tank: Annotated[Tank, provided(Tank)]) -> int:
        return tank.level

    assert TestClient(app).get("/level").json() == 3


def test_a_service_that_is_missing_is_named_with_the_next_step():
    with pytest.raises(LookupError, match=r"no Tank: add it in trimtab\.app"):
        ProvidedServices([LargeTank()]).find(Tank)


def test_a_replaced_service_leaves_the_others_and_the_original():
    first, second, large = Tank(), Tank(), LargeTank()
    before = ProvidedServices([first, large])
    after = before.replaced(second)
    assert (after.find(Tank), after.find(LargeTank), before.find(Tank)) == (second, large, first)
