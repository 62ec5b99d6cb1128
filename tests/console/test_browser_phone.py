"""Every page of the console on a phone, in a real browser: no page is wider, and the menu leads everywhere."""

import pytest
from playwright.sync_api import expect

from tests.console.browser import PATIENCE_MS, press
from tests.console.stocked import PROJECT, QUESTION, stocked_app
from tests.processes import models as shared_models  # noqa: F401 - a fixture.
from trimtab.api.http.server import bind, served

PHONE = {"width": 375, "height": 812}
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory, shared_models):  # noqa: F811 - a fixture.
    """Serve an app with something on every page; return it, its address and its pages."""
    with stocked_app(tmp_path_factory.mktemp("stocked"), shared_models) as (app, pages):
        listener = bind("127.0.0.1", 0)
        with served(app.http_apps.network, listener):
            yield app, f"http://localhost:{listener.getsockname()[1]}", pages


@pytest.fixture
def phone(stocked, page):
    """Sign a phone in; return it with the address and the pages."""
    app, url, pages = stocked
    page.set_viewport_size(PHONE)
    page.goto(f"{url}/console/login#token={app.sessions.new_link('admin')}")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=PATIENCE_MS)
    return page, url, pages


def width_of(page):
    return page.evaluate("document.documentElement.scrollWidth")


def test_no_page_is_wider_than_a_phone(phone):
    page, url, addresses = phone
    wide = {}
    for address in [*addresses, "/console/nowhere"]:
        page.goto(f"{url}{address}")
        for closed in page.locator("main summary").all():
            closed.click()
        wide[address] = width_of(page)
    assert {path: width for path, width in wide.items() if width > PHONE["width"]} == {}


def test_an_answer_is_not_wider_than_a_phone(phone):
    page, url, _ = phone
    page.goto(f"{url}/console/ask?project={PROJECT}")
    page.get_by_label("Question").fill(f"{QUESTION} {'y' * 200}")
    press(page, "Enter")
    expect(page.locator(".answer-end")).to_be_visible()
    page.get_by_text("How this answer came about").click()
    assert width_of(page) <= PHONE["width"]


def test_the_menu_of_a_phone_names_every_page_and_no_two_names_touch(phone):
    page, url, _ = phone
    page.goto(f"{url}/console")
    links = page.locator(".side nav a, .side-end a.quiet")
    names = [link.inner_text().strip() for link in links.all()]
    assert len(names) >= 12
    assert all(names)
    cut = (
        "links => links.filter(a => a.scrollWidth > a.clientWidth).map(a => a.title || a.innerText)"
    )
    assert links.evaluate_all(cut) == []
    page.get_by_role("link", name="Model monitoring").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Model monitoring")
