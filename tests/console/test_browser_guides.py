"""What the how-to guides say about the console is there, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.console.browser import PATIENCE_MS, follow, press
from tests.console.test_browser_documents import SENTENCE, sign_in
from tests.docs.test_guides import DOCS
from tests.knowledge.documents import pdf

PAGE = re.compile(r'page "([^"]+)"|under \*([A-Z][^*]+)\*')
CHOSEN = re.compile(r"\*\*([^*]+)\*\*")
KEYS = re.compile(r"`([a-z0-9])`")
ADDRESS = re.compile(r"`(/console[^`]*)`")


def text_of(guide):
    return (DOCS / guide).read_text(encoding="utf-8")


def all_guides():
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted(DOCS.rglob("how-to/*.md")))


def script_of(page, name):
    """Return the text of a script of the page, which has the words for what does not happen here."""
    return page.evaluate(
        "async (name) => (await fetch(document.querySelector(`script[src*=${name}]`).src)).text()",
        name,
    )


def upload_as_the_guide_says(page, file):
    """Do each step of the guide, and take from it the words that it uses."""
    named = CHOSEN.findall(text_of("how-to/upload-documents-in-the-console.md"))
    documents, project, create, choose, added, refused, ask, waiting = named
    follow(page, page.get_by_role("link", name=documents, exact=True).first)
    page.get_by_label(project).fill("harbour")
    page.get_by_role("button", name=create).click()
    broken = file.with_name("broken.pdf")
    broken.write_bytes(b"%PDF-1.7\nnothing that a reader could use")
    with page.expect_file_chooser() as chooser:
        page.get_by_text(choose).click()
    chooser.value.set_files([file, broken])
    chips = page.locator("#uploads li .chip")
    expect(chips.filter(has_text=added)).to_have_count(1, timeout=PATIENCE_MS)
    expect(chips.filter(has_text=refused)).to_have_count(1, timeout=PATIENCE_MS)
    assert waiting in script_of(page, "upload")
    follow(page, page.get_by_role("link", name=ask))
    page.get_by_label("Question").fill("Where does the harbour pilot board ships?")
    press(page, "Enter")
    page.locator(".citation").first.click()
    expect(page.locator("#drawer-body")).to_contain_text("before sunrise")
    press(page, "Escape")


def review_with_the_keys_of_the_guide(page):
    following, *verdicts, skip = KEYS.findall(text_of("how-to/annotate-ten-answers.md"))
    follow(page, page.get_by_role("link", name="Review", exact=True).first)
    press(page, following)
    expect(page.locator("#judge")).to_be_visible()
    for key, verdict in zip(verdicts, ("good", "partial", "bad"), strict=True):
        page.locator("h1").click()  # A verdict that needs a reason moves into the field for it.
        press(page, key)
        expect(page.locator(f'input[value="{verdict}"]')).to_be_checked()
    page.locator("h1").click()
    press(page, skip)
    expect(page.get_by_role("button", name="Next item")).to_be_visible()
    press(page, following)
    expect(page.locator("#judge")).to_be_visible()
    press(page, verdicts[0])
    press(page, "Control+Enter")
    expect(page.get_by_role("button", name="Next item")).to_be_visible()


@pytest.mark.timeout(900)
def test_every_page_form_and_key_that_a_guide_names_is_in_the_console(
    page, serve, command, tmp_path
):
    service = serve()
    sign_in(page, service)
    (tmp_path / "pilot.pdf").write_bytes(pdf(SENTENCE))
    upload_as_the_guide_says(page, tmp_path / "pilot.pdf")
    for question in ("Who won the football championship?", "Who is the mayor of the town?"):
        command("ask", "harbour", question)
    assert command("act", "review.collect").code == 0
    review_with_the_keys_of_the_guide(page)
    pages = {quoted or written for quoted, written in PAGE.findall(all_guides())}
    assert {"Review", "Language model"} <= pages
    for name in pages:
        follow(page, page.get_by_role("link", name=name, exact=True).first)
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
    addresses = set(ADDRESS.findall(all_guides()))
    assert "/console/api" in addresses
    for address in addresses:
        assert page.goto(f"{service.url}{address}").status == 200, address
