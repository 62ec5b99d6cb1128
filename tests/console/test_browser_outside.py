"""An incident of another system, from a real Prometheus rule to its post-mortem, in a real browser."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.console.browser import PATIENCE_MS
from tests.incidents.intake.test_real_tools import RULES, prometheus
from tests.monitoring.real_prometheus import fetch_if_missing

FAST = (
    *("--set", "incidents.recovery_hold_seconds=2", "--set", "incidents.poll_seconds=1"),
    *("--set", "service.rate_limit_per_minute=0", "--set", "api.key_limit_per_minute=0"),
)


@pytest.fixture
def key(data_dir):
    """Return what makes a key that may send alerts only."""

    def make(service):
        admin = (data_dir / "admin.key").read_text().strip()
        headers = {"X-API-Key": admin}
        body = {"name": "prometheus", "role": "alerts"}
        made = httpx.post(f"{service.url}/v1/keys", json=body, headers=headers)
        return made.json()["key"]

    return make


def work_on_it(page):
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("no one is paged before").first).to_be_visible()
    page.get_by_label("Person").fill("Robin")
    page.get_by_role("button", name="Assign").click()
    expect(page.locator("dd", has_text="Robin")).to_be_visible()
    expect(page.get_by_label("Person")).to_have_value("")
    page.get_by_label("Note", exact=True).fill("The pool of connections is full.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#entries")).to_contain_text("The pool of connections is full.")
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_text("trimtab only watches").first).to_be_visible()
    expect(page.get_by_text("It can be resolved when no alert of it fires.")).to_be_visible()


def resolve_it(page):
    page.get_by_role("textbox", name="Cause").fill("A job kept connections open")
    page.get_by_role("textbox", name="Resolution").fill("The job was stopped.")
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_text("Resolved in")).to_be_visible(timeout=PATIENCE_MS)


@pytest.mark.timeout(600)
def test_a_person_works_an_incident_of_an_outside_rule_to_its_postmortem(
    page, serve, key, tmp_path
):
    fetch_if_missing("prometheus")
    service, folder = serve(*FAST), tmp_path / "prometheus"
    folder.mkdir()
    page.goto(service.link)
    with prometheus(folder, service.url, key(service), "--web.enable-lifecycle") as url:
        page.goto(f"{service.url}/console/incidents")
        page.get_by_role("link", name="Checkout Slow").click()
        expect(page.locator("#entries")).to_contain_text("no runbook knows this alert")
        work_on_it(page)
        (folder / "rules.yml").write_text(RULES.replace("vector(1)", "vector(-1)"))
        httpx.post(f"{url}/-/reload").raise_for_status()
        expect(page.get_by_label("Cause")).to_be_visible(timeout=PATIENCE_MS)
        resolve_it(page)
    page.get_by_role("link", name="Read the post-mortem").click()
    expect(page.get_by_role("heading", name="Root Cause")).to_be_visible()
    expect(page.locator("main")).to_contain_text(
        "A job kept connections open (stated by a person, not verified)"
    )
    expect(page.locator("main")).to_contain_text(re.compile("Checkout takes 1 s"))
    assert page.trouble == []
    assert len(page.called) == 1, "the console called somewhere else"
