"""A person's way through the console in a real browser, against a real service that is broken for real."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.browser import PATIENCE_MS, press

ROOT = Path(__file__).parent.parent.parent
PICTURE = ROOT / "docs" / "images" / "console.png"
FAST = (
    *("--set", "service.drills=true", "--set", "service.clock_rate=4"),
    *("--set", "monitor.scrape_interval_seconds=5", "--set", "incidents.poll_seconds=2"),
    *("--set", "answers.retrieval_deadline_seconds=300"),
)
"""Four times as fast as life; so would the deadline of a search be, but for the last line."""


def ask_and_open_a_source(page):
    press(page, "g", "a")
    page.get_by_label("Question").fill("What happens to queries when the embedding model is down?")
    press(page, "Enter")
    expect(page.locator(".answer-text")).to_contain_text("model")
    page.locator(".citation").first.click()
    expect(page.locator("#drawer mark")).to_be_visible()
    press(page, "Escape")
    expect(page.locator("#drawer")).to_be_hidden()


def find_the_plan(page):
    page.get_by_role("link", name="Overview", exact=True).click()
    expect(page.get_by_text("Degraded: embedding model")).to_be_visible(timeout=PATIENCE_MS)
    # A busy machine may have another incident open: searches that are slow for real.
    page.get_by_role("link", name="Embedding Model Unavailable").click()
    expect(page.get_by_text("trimtab act knowledge.embedding.reinstall").first).to_be_visible()


def approve_and_follow(page):
    lines = page.locator("#entries li").count()
    page.get_by_role("button", name="Approve and run").click()
    expect(page.get_by_text("Resolved in")).to_be_visible(timeout=2 * PATIENCE_MS)
    assert page.locator("#entries li").count() > lines
    assert page.locator("#entries").inner_text().count("the post-mortem is written") == 1


@pytest.mark.timeout(900)
def test_a_person_asks_opens_a_source_approves_a_repair_and_reads_the_postmortem(
    page, serve, command, tmp_path
):
    service = serve(*FAST)
    command("ingest", "handbook", str(ROOT / "library"), str(ROOT / "docs" / "runbooks.md"))
    page.goto(service.link)
    expect(page.get_by_text("Everything is up")).to_be_visible()
    ask_and_open_a_source(page)

    assert command("fault", "knowledge.embedding.remove_model").code == 0
    find_the_plan(page)
    # Hiding the caret would set styles, which the page then copies and its policy refuses.
    page.screenshot(path=tmp_path / "console.png", caret="initial")
    approve_and_follow(page)
    page.get_by_role("link", name="Read the post-mortem").click()
    expect(page.get_by_role("heading", name="Root Cause")).to_be_visible()

    page.goto(f"{service.url}/console")
    # Not "Everything is up": a busy machine may have another alert, see `find_the_plan`.
    expect(page.get_by_text("Degraded: embedding model")).to_be_hidden(timeout=PATIENCE_MS)
    assert page.trouble == []
    assert len(page.called) == 1, "the console called somewhere else"
    if "TRIMTAB_WRITE_PICTURES" in os.environ:  # noqa: TID251 - `make picture` sets it.
        PICTURE.parent.mkdir(exist_ok=True)
        shutil.copy(tmp_path / "console.png", PICTURE)


@pytest.mark.timeout(600)
def test_a_chosen_theme_is_kept(page, serve):
    service = serve()
    page.goto(f"{service.url}/console")
    assert page.evaluate("document.documentElement.dataset.theme") is None
    page.get_by_role("button", name="Light or dark").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.trouble == []
