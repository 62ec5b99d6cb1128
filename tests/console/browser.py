"""A real browser: Chromium, and a page that remembers what went wrong in it."""

import os
import shutil
import subprocess
import sys
import time

import pytest
from playwright.sync_api import expect, sync_playwright

PATIENCE_MS = 120_000
# On a busy machine a page takes longer than the five seconds that a check waits by itself.
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
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
        opened.on(
            "console",
            lambda said: (
                said.type == "error"
                and opened.trouble.append(f"{said.text} ({opened.url}, {said.location})")
            ),
        )
        opened.on("pageerror", lambda error: opened.trouble.append(str(error)))
        opened.on(
            "request", lambda request: opened.called.add("/".join(request.url.split("/")[:3]))
        )
        yield opened
        browser.close()


def follow(page, link):
    """Click the link and wait until its page has loaded: an earlier key would go to the page before it."""
    with page.expect_navigation():
        link.click()


def press(page, *keys):
    """Press the keys one after the other, once the page's scripts listen to them."""
    page.wait_for_load_state()
    for key in keys:
        page.keyboard.press(key)


def choose_files(page, open_chooser, files):
    """Open the chooser of files with the call and choose them.

    The browser begins to report choosers a moment after it is asked to; a chooser that opens before is lost, and the
    call is repeated.
    """
    choosers = []
    # Playwright cannot call a method of a list.
    page.on("filechooser", lambda chooser: choosers.append(chooser))  # noqa: PLW0108
    give_up = time.monotonic() + PATIENCE_MS / 1000
    while not choosers and time.monotonic() < give_up:
        open_chooser()
        page.wait_for_timeout(2000)
    choosers[0].set_files(files)
