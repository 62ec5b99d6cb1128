"""Routes receive exactly the services that they name."""

import threading
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import FastAPIError
from starlette.testclient import TestClient

from trimtab.infra.web.access import PUBLIC, Needs
from trimtab.infra.web.json_body import BodyTooComplex, InvalidRequest
from trimtab.infra.web.routes import GuardedRoute, ProvidedServices, parse_json, provided


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


@pytest.mark.parametrize(("path", "status"), [("/base/a/x", 200), ("/a/x", 200), ("/b/x", 404)])
def test_a_route_is_found_by_its_path_also_below_a_root_path(path, status):
    router = APIRouter(route_class=GuardedRoute)

    @router.get("/a/{name}", dependencies=[Depends(PUBLIC)])
    def show(name: str) -> str:
        return name

    app = FastAPI()
    app.router.routes.extend(router.routes)
    assert TestClient(app, root_path="/base").get(path).status_code == status


@pytest.mark.parametrize(
    ("body", "value"),
    [(b"", None), (b'\xef\xbb\xbf{"a": 1}', {"a": 1}), (b'"\\ud83d\\ude00"', "\U0001f600")],
)
def test_json_of_a_body_is_read(body, value):
    assert parse_json(body) == value


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"[NaN]", "NaN and Infinity"),
        (b"[1e999]", "NaN and Infinity"),
        (b'["\\ud800"]', "lone surrogate"),
        (b'{"\\udc00": 1}', "lone surrogate"),
        (b'["\xff"]', "not JSON in UTF-8"),
        (b"[1,]", "not JSON"),
    ],
)
def test_json_that_other_programs_cannot_read_is_refused_with_its_problem(body, problem):
    with pytest.raises(InvalidRequest, match=problem):
        parse_json(body)


@pytest.mark.parametrize(
    ("body", "refused"), [(b"[" * 64 + b"]" * 64, False), (b"[" * 65 + b"]" * 65, True)]
)
def test_the_depth_of_json_is_limited_also_in_a_short_body(body, refused):
    if refused:
        with pytest.raises(BodyTooComplex):
            parse_json(body)
    else:
        parse_json(body)


# --- what is computed at the first request ------------------------------------------------------


def guarded(endpoint, **options):
    router = APIRouter(route_class=GuardedRoute)
    router.get("/level", **{"dependencies": [Depends(Needs(None))], **options})(endpoint)
    (route,) = router.routes
    return route


def read_level(depth: int = 3) -> dict[str, int]:
    return {"level": depth}


def read_nothing() -> None:
    """Stand behind the other route, which is found first."""


def incomplete(route):
    return "dependant" not in vars(route)


def test_a_route_is_completed_by_its_first_request_alone():
    first, second = guarded(read_level), guarded(read_nothing)
    app = FastAPI()
    app.router.routes.extend([first, second])
    assert incomplete(first)
    client = TestClient(app)
    assert client.post("/level").status_code == 405
    assert client.get("/level?depth=4").json() == {"level": 4}
    assert client.get("/level?depth=x").status_code == 422
    assert not incomplete(first)
    assert incomplete(second)
    assert "/level" in app.openapi()["paths"]


def test_several_threads_that_need_a_route_wait_until_it_is_complete():
    for _ in range(20):
        route, begin, found = guarded(read_level), threading.Barrier(4), []

        def look(route=route, begin=begin, found=found):
            begin.wait()
            found.append((route.dependant, route.app))

        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({(id(dependant), id(app)) for dependant, app in found}) == 1
        assert len(found) == 4


def test_a_route_that_cannot_be_completed_says_why_each_time():
    def endpoint(depth: threading.Lock) -> None:
        """FastAPI has no field for this type."""

    route = guarded(endpoint)
    for _ in range(2):
        with pytest.raises(FastAPIError, match="Invalid args"):
            route.app  # noqa: B018 - completes the route.


def test_a_route_has_no_attribute_that_nobody_computes():
    route = guarded(read_level)
    assert not hasattr(route, "colour")
    assert not hasattr(route, "colour")
    assert route.dependant.call is read_level


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"role": "viewer", "role": "admin"}', "role"),
        (b'{"a": [{"b": {"c": 1, "d": 2, "c": 3}}]}', "c"),
        (b'{"role" : 1, "role"\n: 2}', "role"),
        (b'{"r\\u006fle": 1, "role": 2}', "role"),
        (b'{"a": 1, "a": 2, "text": "a \\":"}', "a"),
    ],
)
def test_a_name_twice_in_one_object_is_refused_and_named(body, name):
    with pytest.raises(InvalidRequest) as refused:
        parse_json(body)
    assert repr(name) in refused.value.message


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": {"x": 1}, "b": [{"x": 1}, {"x": 2}]}',
        b'{"text": "say \\"a\\": and \\"a\\": in a text"}',
        b'{"n" : 1.50}',
        b'"only: a text"',
    ],
)
def test_the_same_name_in_several_objects_or_inside_a_text_is_taken(body):
    assert parse_json(body) is not None
