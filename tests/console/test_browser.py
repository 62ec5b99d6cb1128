"""A person's way through the console in a real browser, against a real service that is broken for real."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).parent.parent.parent
PICTURE = ROOT / "docs" / "images" / "console.png"
PATIENCE_MS = 120_000
FAST = (
    *("--set", "service.drills=true", "--set", "service.clock_rate=4"),
    *("--set", "monitor.scrape_interval_seconds=5", "--set", "incidents.poll_seconds=2"),
    *("--set", "answers.retrieval_deadline_seconds=300"),
)
"""Four times as fast as life; so would the deadline of a search be, but for the last line."""


@pytest.fixture(scope="module")
def chromium():
    """Return the browser's path; install Debian's package when there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        if shutil.which("apt-get") is None:
            pytest.skip("Chromium is not installed, and there is no apt-get to install it.")
        as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        order = [*as_root, "apt-get", "install", "-y", "-o", "DPkg::Lock::Timeout=300", "chromium"]
        print(
            f"\nInstalling Chromium for the console's test: {' '.join(order)}", file=sys.__stderr__
        )
        subprocess.run(order, check=True, stdout=subprocess.DEVNULL, timeout=600)
        found = shutil.which("chromium")
    return found


@pytest.fixture
def page(chromium):
    """Open a page that remembers what went wrong in it, and where it called."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        opened = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
        opened.set_default_timeout(PATIENCE_MS)
        opened.trouble, opened.called = [], set()
        opened.on("console", lambda said: said.type == "error" and opened.trouble.append(said.text))
        opened.on("pageerror", lambda error: opened.trouble.append(str(error)))
        opened.on("request", lambda request: opened.called.add(request.url.split("/console")[0]))
        yield opened
        browser.close()


def ask_and_open_a_source(page):
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.get_by_label("Question").fill("What happens to queries when the embedding model is down?")
    page.keyboard.press("Enter")
    expect(page.locator(".answer-text")).to_contain_text("model")
    page.locator(".citation").first.click()
    expect(page.locator("#drawer mark")).to_be_visible()
    page.keyboard.press("Escape")
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
    page.screenshot(path=tmp_path / "console.png")
    approve_and_follow(page)
    page.get_by_role("link", name="Read the post-mortem").click()
    expect(page.get_by_role("heading", name="Root Cause")).to_be_visible()

    page.goto(f"{service.url}/console")
    expect(page.get_by_text("Everything is up")).to_be_visible(timeout=PATIENCE_MS)
    assert page.trouble == []
    assert len(page.called) == 1, "the console called somewhere else"
    if "TRIMTAB_WRITE_PICTURES" in os.environ:  # noqa: TID251 - `make picture` sets it.
        PICTURE.parent.mkdir(exist_ok=True)
        shutil.copy(tmp_path / "console.png", PICTURE)


@pytest.mark.timeout(600)
def test_the_console_works_in_the_dark_and_on_a_narrow_screen(page, serve):
    service = serve()
    page.goto(f"{service.url}/console")
    assert page.evaluate("document.documentElement.dataset.theme") is None
    page.get_by_role("button", name="Light or dark").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("", "/ask", "/incidents", "/runbooks", "/runbooks/knowledge-cache-miss", "/api"):
        page.goto(f"{service.url}/console{path}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, f"{path or '/'} is {wide} pixels wide"
    assert page.trouble == []
