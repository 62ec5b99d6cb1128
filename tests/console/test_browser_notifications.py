"""The console's page of notifications in a real browser: a test, a dead letter, and its way out."""

import re

import pytest
from playwright.sync_api import expect

from tests.infra.test_notification_channels import Receiver

LOOKS, PAUSE_MS = 240, 500


def reload_until(page, text):
    """Reload the page until a row has the text; a page shows what was known when it was asked for."""
    for _ in range(LOOKS):
        page.reload()
        if page.locator("tbody tr", has_text=re.compile(text)).count():
            return
        page.wait_for_timeout(PAUSE_MS)
    pytest.fail(f"{text!r} is not shown: {page.locator('main').inner_text()}")


@pytest.mark.timeout(600)
def test_a_channel_is_tested_and_a_dead_letter_sent_again(page, serve, command):
    slack = Receiver()
    with slack.serve() as hook:
        # Without self-tests only this test sends.
        given = (f"slack_webhook_url={hook}", "max_attempts=1", "self_test_hours=0")
        service = serve(*(word for each in given for word in ("--set", f"notify.{each}")))
        page.goto(service.link)
        page.goto(f"{service.url}/console/notifications")
        page.get_by_role("button", name="Test", exact=True).click()
        expect(page.locator("p.banner")).to_contain_text("slack: delivered")
        assert [b"Test message" in body for _, _, body in slack.got] == [True]
        slack.status = 500
        sent = command("act", "notify.send", "channel=#incidents", "text=The pump stands still.")
        assert sent.code == 0, sent.err
        page.get_by_role("link", name="dead").click()
        reload_until(page, "slack.*dead")
        expect(page.get_by_role("row", name=re.compile("slack.*dead")).last).to_contain_text("500")
        slack.status = 200
        page.get_by_role("button", name="Send again").last.click()
        expect(page.locator("p.banner")).to_contain_text("1 messages are sent again.")
        page.get_by_role("link", name="delivered", exact=True).click()
        reload_until(page, "slack.*delivered")
    assert sum(b"The pump stands still." in body for _, _, body in slack.got) == 2
    assert page.trouble == []
    assert len(page.called) == 1, "the console called somewhere else"


@pytest.mark.timeout(600)
def test_without_a_channel_the_page_says_that_no_one_is_called_and_how_to_change_it(page, serve):
    service = serve()
    page.goto(service.link)
    page.goto(f"{service.url}/console/notifications")
    expect(page.locator("main")).to_contain_text("No on-call channel is configured.")
    expect(page.locator("main")).to_contain_text("docs/how-to/set-up-slack.md")
    expect(page.get_by_role("button", name="Test")).to_have_count(0)
    assert page.trouble == []
