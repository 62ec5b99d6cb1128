"""The console's page of processes in a real browser."""

import re

import pytest
from playwright.sync_api import expect


@pytest.mark.timeout(600)
def test_the_process_with_its_roles_heartbeat_and_switches_is_shown(page, serve, command):
    service = serve()
    page.goto(service.link)
    page.get_by_role("link", name="Processes").click()
    expect(page).to_have_url(f"{service.url}/console/processes")
    row = page.get_by_role("row", name=re.compile("this one"))
    for text in ("leads", "all", service.url.rpartition(":")[2], "s ago"):
        expect(row).to_contain_text(text)
    switch = page.get_by_role("row", name=re.compile(r"service\.maintenance"))
    expect(switch).to_contain_text('"on": false')
    done = command("maintenance", "on")
    assert done.code == 0, done.err
    page.reload()
    expect(switch).to_contain_text('"on": true')
    assert page.trouble == []
