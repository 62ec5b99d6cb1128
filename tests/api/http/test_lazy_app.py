from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from trimtab.api.http import LazyApp


def test_an_app_is_made_once_and_only_when_asked():
    made = []

    def make():
        made.append(1)
        return Starlette(routes=[Route("/", lambda _request: PlainTextResponse("here"))])

    late = LazyApp(make)
    assert made == []
    client = TestClient(late)
    assert [client.get("/").text, client.get("/").text] == ["here", "here"]
    assert late.app() is late.app()
    assert made == [1]
