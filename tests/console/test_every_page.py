"""Every page of the console, each with something to show."""

import pytest

from tests.api.test_access import all_routes
from tests.console.html import FoundTags
from tests.console.stocked import PAGES, stocked_app
from tests.faces import client_of, first_key
from tests.processes import models as shared_models  # noqa: F401 - a fixture.

PARTS = {
    "/console/",
    "/console/overview/live",
    "/console/ask/source",
    "/console/incidents/live",
    "/console/incidents/{incident_id}/panel",
    "/console/incidents/{incident_id}/stream",
}
"""Routes that answer with a part of a page, a stream or a redirect."""


@pytest.fixture(scope="module")
def texts(tmp_path_factory, shared_models):  # noqa: F811 - a fixture.
    """Open every page as an administrator, who sees every form; return the texts by address."""
    with stocked_app(tmp_path_factory.mktemp("stocked"), shared_models) as (app, addresses):
        client = client_of(app, key=first_key(app))
        answers = {address: client.get(address) for address in addresses}
        assert {path: a.status_code for path, a in answers.items() if a.status_code != 200} == {}
        found = {path: FoundTags(answer.text) for path, answer in answers.items()}
        files = {file for page in found.values() for file in needed(page)}
        kept = {file: client_of(app).get(file.split("#")[0]) for file in files}
        yield found, kept


def needed(page):
    return {
        given.get("src") or given.get("href")
        for tag, given in page.tags
        if tag in ("script", "link", "use")
    }


def test_every_route_of_a_page_is_opened(app):
    routes = {r.path for r in all_routes(app.http_apps.console) if "GET" in r.methods}
    assert routes == {*PAGES, *PARTS}


def test_no_page_has_inline_code_or_loads_something_from_elsewhere(texts):
    found, _ = texts
    assert {path: page.inline for path, page in found.items() if page.inline} == {}
    assert {path: page.foreign for path, page in found.items() if page.foreign} == {}


def test_every_file_that_a_page_needs_is_there_and_may_be_kept(texts):
    found, kept = texts
    assert [path for path, page in found.items() if not needed(page)] == []
    assert {file: a.status_code for file, a in kept.items() if a.status_code != 200} == {}
    assert [f for f, a in kept.items() if "immutable" not in a.headers["cache-control"]] == []


def test_every_page_has_a_title_one_heading_and_a_way_past_the_menu(texts):
    found, _ = texts
    for path, page in found.items():
        tags = [tag for tag, _ in page.tags]
        assert (path, tags.count("h1"), "title" in tags) == (path, 1, True)
        assert ("a", {"class": "skip", "href": "#main"}) in page.tags


def test_every_field_has_a_label(texts):
    found, _ = texts
    assert {p: page.unlabelled_fields for p, page in found.items() if page.unlabelled_fields} == {}
