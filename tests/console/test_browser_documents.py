"""Documents and traces in a real browser, against a real service: upload, ask, look, delete."""

import pytest
from playwright.sync_api import expect

from tests.console.browser import PATIENCE_MS, choose_files, follow, press
from tests.knowledge.documents import pdf

SENTENCE = "The harbour pilot boards ships at the outer buoy before sunrise."


def drop(page, where, *paths):
    """Drag files over the page and drop them there, as a person does with the mouse."""
    box = page.locator(where).bounding_box()
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send(
            "Input.dispatchDragEvent",
            {
                "type": kind,
                "x": box["x"] + box["width"] / 2,
                "y": box["y"] + box["height"] / 2,
                "data": data,
            },
        )


def sign_in(page, service):
    """Open the link; wait until its token has been posted and the page is the signed-in one."""
    page.goto(service.link)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_load_state()


@pytest.fixture
def files(tmp_path):
    """Make files to drop: a good PDF, a damaged one, a picture, and a folder with a hidden file."""
    folder = tmp_path / "files"
    (folder / "reports" / "deep").mkdir(parents=True)
    (folder / "pilot.pdf").write_bytes(pdf(SENTENCE))
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing that a reader could use")
    (folder / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    (folder / "reports" / "deep" / "tides.txt").write_text("High tide is at noon.")
    (folder / "reports" / ".hidden").write_text("Nobody wants this.")
    return folder


def upload(page, files):
    drop(page, ".drop", *(files / name for name in ("pilot.pdf", "broken.pdf", "photo.png")))
    row = page.locator("#uploads li")
    expect(row.filter(has_text="pilot.pdf").locator(".chip")).to_have_text(
        "added", timeout=PATIENCE_MS
    )
    for name, reason in (("broken.pdf", "broken.pdf"), ("photo.png", "is a picture")):
        expect(row.filter(has_text=name).locator(".chip")).to_have_text("refused")
        expect(row.filter(has_text=name).locator("small")).to_contain_text(reason)
    expect(page.locator("#upload-state")).to_have_text("1 of 3 files added, 2 refused")
    drop(page, "main h1", files / "reports")  # Beside the zone: the whole page takes it.
    expect(row.filter(has_text="reports/deep/tides.txt").locator(".chip")).to_have_text("added")
    expect(page.locator("#upload-state")).to_have_text("2 of 4 files added, 2 refused")
    expect(page.locator("#documents h2")).to_have_text("2 documents")


def ask_about_the_pdf(page):
    follow(page, page.get_by_role("link", name="Ask this project"))
    page.get_by_label("Question").fill("Where does the harbour pilot board ships?")
    press(page, "Enter")
    expect(page.locator(".answer-text")).to_contain_text("outer buoy")
    expect(page.locator(".citation")).to_contain_text("pilot.pdf")
    expect(page.locator(".citation")).to_contain_text("page 1")


def follow_its_trace(page):
    page.get_by_text("How this answer came about").click()
    page.get_by_role("link", name="the whole trace").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Where does the harbour pilot board ships?"
    )
    page.locator(".retrieved summary", has_text="pilot.pdf").click()
    page.get_by_role("link", name="In its document").click()
    expect(page.locator("#passage-1")).to_contain_text("before sunrise")
    press(page, "g", "t")
    expect(page.locator("#traces tbody tr")).to_have_count(1)
    page.get_by_label("Outcome").select_option("blocked")
    expect(page.locator("#traces")).to_contain_text("No trace fulfils these filters.")
    page.get_by_label("Outcome").select_option("found")
    page.get_by_label("Text in question or answer").fill("PILOT")
    expect(page.locator("#traces tbody tr")).to_have_count(1)


def search_and_delete(page):
    press(page, "Escape")
    follow(page, page.get_by_role("link", name="Documents", exact=True).first)
    page.get_by_role("link", name="harbour").click()
    page.get_by_label("Search names and titles").fill("tides")
    expect(page.locator("#documents tbody tr")).to_have_count(1)
    page.locator("#documents .row-link").click()
    page.get_by_text("Delete this document").click()
    page.get_by_role("button", name="Delete the document").click()
    expect(page.locator("#documents h2")).to_have_text("1 document")
    page.get_by_text("Delete this project").click()
    page.get_by_label("Type the project's name to confirm").fill("harbour")
    page.get_by_role("button", name="Delete the project").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Documents")
    expect(page.get_by_role("link", name="harbour")).to_be_hidden()


@pytest.mark.timeout(900)
def test_a_pdf_is_dropped_asked_about_traced_and_deleted(page, serve, files):
    service = serve()
    sign_in(page, service)
    press(page, "g", "d")
    page.get_by_label("New project").fill("harbour")
    page.get_by_role("button", name="Create").click()
    upload(page, files)
    ask_about_the_pdf(page)
    follow_its_trace(page)
    search_and_delete(page)
    refused = [text for text in page.trouble if "status of 400" not in text]
    assert refused == [], "only the two refused files may be in the browser's console"
    assert len(page.called) == 1, "the console called somewhere else"


@pytest.mark.timeout(600)
def test_files_are_uploaded_with_the_keyboard_alone_and_large_ones_not_at_all(
    page, serve, command, tmp_path
):
    service = serve("--set", "api.max_upload_mb=1")
    command("projects", "create", "harbour")
    sign_in(page, service)
    page.goto(f"{service.url}/console/documents/harbour")
    large, small = tmp_path / "large.txt", tmp_path / "small.txt"
    large.write_bytes(b"x" * (1024 * 1024 + 1))
    small.write_text(SENTENCE)
    page.locator("#files").focus()
    choose_files(page, lambda: press(page, "Space"), [large, small])
    rows = page.locator("#uploads li")
    expect(rows.nth(0)).to_contain_text("the limit is 1 MB")
    expect(rows.nth(1).locator(".chip")).to_have_text("added")
    expect(page.locator("#upload-state")).to_have_text("1 of 2 files added, 1 refused")
    assert page.trouble == []
