"""A real browser: Chromium, and a page that remembers what went wrong in it."""

import os
import shutil
import subprocess
import sys

import pytest
from playwright.sync_api import sync_playwright

PATIENCE_MS = 120_000


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
