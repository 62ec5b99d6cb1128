"""What people type, against one running service that is shared by all tests here."""

import httpx
import pytest

from tests.processes import start, with_models

TEXT = "The rudder turns the ship. The trimtab turns the rudder with little force.\n"

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.


@pytest.fixture(scope="module")
def service(tmp_path_factory, models):
    running = start(with_models(tmp_path_factory.mktemp("domains") / "data", models))
    yield running
    running.stop()


@pytest.fixture
def here(trimtab, service):
    """Run a command on the shared service."""

    def run(*words):
        return trimtab("--data-dir", str(service.data_dir), *words)

    return run


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "docs"
    (made / "deep").mkdir(parents=True)
    (made / "deep" / "rudder.txt").write_text(TEXT)
    (made / ".hidden.txt").write_text("hidden")
    return made


def test_a_folder_is_ingested_asked_about_and_deleted(here, folder):
    done = here("ingest", "ship", str(folder), "--json")
    assert [d["name"] for d in done.json["documents"]] == ["deep/rudder.txt"]
    asked = here("ask", "ship", "What turns the rudder?")
    assert "The trimtab turns the rudder" in asked.out
    assert "[1] deep/rudder.txt" in asked.out
    assert "deep/rudder.txt" in here("search", "ship", "rudder").out
    assert here("documents", "show", "ship", "deep/rudder.txt").out == TEXT + "\n"
    assert here("projects", "delete", "ship", "--dry-run", "--json").json["documents"] == 1
    assert here("projects", "delete", "ship", "--yes").code == 0
    assert here("documents", "list", "ship").code == 4


@pytest.mark.feature("F519", "F686")
def test_the_cache_is_warmed_from_the_command_line(here, folder, tmp_path):
    here("ingest", "warm", str(folder))
    top = tmp_path / "top_queries.txt"
    top.write_text("     12 what turns the rudder\n      3 little force\n")
    by_file = here("knowledge", "warm", "--queries-file", str(top), "--project", "warm", "--json")
    assert by_file.json == {"asked": 2, "skipped": 0}
    frequent = here("knowledge", "warm", "--project", "all", "--top-queries", "1000")
    assert (frequent.code, frequent.out[:8]) == (0, "Answered")
    assert here("knowledge", "warm", "--queries-file", "none.txt").code == 2


@pytest.mark.feature("F732")
def test_a_check_that_does_not_hold_exits_1(here):
    assert here("check", "kb_database_integrity_ok == 1").code == 0
    assert here("check", "kb_database_integrity_ok == 0").code == 1


def test_a_dry_ingestion_takes_nothing_in(here, folder):
    done = here("ingest", "dry", str(folder), "--dry-run", "--json")
    assert done.json["files"] == ["deep/rudder.txt"]
    assert "dry" not in {p["name"] for p in here("projects", "list", "--json").json["projects"]}


def test_a_refused_file_fails_the_command_and_not_the_others(here, folder):
    (folder / "empty.txt").write_text("")
    done = here("ingest", "mixed", str(folder), "--json")
    assert done.code == 1
    found = {d["name"]: d.get("code") or d["status"] for d in done.json["documents"]}
    assert found == {"deep/rudder.txt": "ingested", "empty.txt": "knowledge.document_empty"}


def test_a_missing_path_is_told_before_anything_is_sent(here):
    done = here("ingest", "ship", "no-such-file")
    assert done.code == 2
    assert "no-such-file" in done.err


def test_an_act_tried_dry_changes_nothing_and_a_real_one_says_how_to_undo_it(here):
    capacity = ("read", "knowledge.cache.capacity", "--json")
    act = ("act", "knowledge.cache.resize", "query=321")
    before = here(*capacity).json
    assert "would" in here(*act, "--dry-run").out
    assert here(*capacity).json == before
    assert "To undo: query=" in here(*act).out
    assert here(*capacity).json["signals"][0]["samples"][0]["value"] == 321


def test_an_act_that_needs_a_person_ends_with_code_three(here):
    done = here("act", "knowledge.embedding.reinstall")
    assert done.code == 3
    assert "--approve" in done.err


def test_a_check_ends_with_whether_it_holds(here):
    assert here("check", "up == 1").code == 0
    assert here("check", "up == 0").code == 1
    assert here("check", "up ==").code == 2
    assert here("check", "up == 1", "--for", "soon").code == 2
    assert here("check", "up == 0", "--for", "1s", "--give-up", "0.1s").code == 1


def test_runbooks_are_listed_shown_and_checked(here, tmp_path):
    assert "knowledge-embedding-failure" in here("runbooks", "list").out
    text = here("runbooks", "show", "knowledge-embedding-failure", "--json").json["text"]
    page = tmp_path / "page.md"
    page.write_text(text)
    assert here("runbooks", "lint", str(page)).code == 0
    page.write_text(text.replace("embedding.reload", "embedding.relod"))
    wrong = here("runbooks", "lint", str(page))
    assert wrong.code == 1
    assert "knowledge.embedding.reload" in wrong.out


def test_what_a_page_names_in_prose_is_checked_too(here, tmp_path):
    page = tmp_path / "page.md"
    head = '---\nid: mine\nkind: procedure\nsource: "KB-18"\n---\n# Mine\n\n'
    page.write_text(head + "Run `trimtab drills list`, see `up` and [the notes](notes.md).\n")
    wrong = here("runbooks", "lint", str(page), "--json")
    assert wrong.code == 1
    (result,) = wrong.json["pages"]
    assert [claim["named"] for claim in result["claims"]] == ["notes.md"]
    (tmp_path / "notes.md").write_text("Mine.")
    assert here("runbooks", "lint", str(page)).code == 0
    page.write_text(head.replace("KB-18", "KB-19") + "Run `trimtab drills nonsense --fast`.\n")
    wrong = here("runbooks", "lint", str(page))
    assert wrong.code == 1
    assert f"{page}:4: `KB-19`" in wrong.out.replace("\n", "")
    assert "has no command 'nonsense'" in wrong.out.replace("\n", " ")


def test_without_files_the_services_own_library_is_checked(here):
    found = here("runbooks", "lint", "--json")
    assert found.code == 0
    pages = {page["id"]: page["claims"] for page in found.json["pages"]}
    assert len(pages) > 30
    assert set(map(tuple, pages.values())) == {()}


def test_a_page_that_cannot_be_read_is_wrong_use(here, tmp_path):
    page = tmp_path / "page.md"
    page.write_bytes(b"\xff\xfe")
    assert here("runbooks", "lint", str(page)).code == 2


def test_an_incident_that_is_not_there_is_code_four(here):
    for words in (("show",), ("watch",), ("approve", "--yes"), ("reject",), ("postmortem",)):
        assert here("incidents", words[0], "INC-1", *words[1:]).code == 4
    assert here("incidents", "list", "--json").json == {"incidents": []}


def test_drills_are_listed_and_can_be_looked_at_before_they_break_anything(here):
    causes = here("drills", "list", "--json").json["causes"]
    assert causes
    assert here("drills", "run", "no/such", "--dry-run").code == 2
    assert here("drills", "run", causes[0]["id"], "--dry-run").code == 0
    page = causes[0]["id"].partition("/")[0]
    wanted = here("drills", "run", page, "--dry-run", "--json").json["causes"]
    assert {cause["id"].partition("/")[0] for cause in wanted} == {page}


def test_keys_are_made_rotated_reviewed_and_revoked(here):
    key = here("keys", "create", "ci", "--role", "operator").out.strip()
    assert key.startswith("tt_")
    assert here("keys", "rotate", "ci", "--yes").out.strip() != key
    assert here("keys", "review").code == 0
    assert here("keys", "revoke", "ci", "--yes").code == 0
    assert here("keys", "create", "ci").code == 3


def test_the_console_link_signs_in(here, service):
    link = here("console").out.strip()
    assert link.startswith(f"{service.url}/console/login#token=")
    page, _, token = link.partition("#token=")
    assert httpx.post(page, data={"token": token}).status_code == 303


def test_a_configuration_is_tried_on_what_was_asked(here, folder):
    here("ingest", "ship", str(folder))
    here("ask", "ship", "What turns the rudder?")
    done = here("answers", "replay", "--set", "max_sentences=1", "--last", "5")
    assert (done.code, "max_sentences=1: unclear" in done.out) == (0, True), done.err
    assert here("answers", "replay", "--set", "generator_url=http://x").code != 0
    assert here("answers", "reviews").code == 0
    assert here("answers", "canary").code != 0


def test_an_answer_can_be_streamed(here, folder):
    here("ingest", "ship", str(folder))
    streamed = here("ask", "ship", "What turns the rudder?", "--stream")
    assert streamed.code == 0, streamed.err
    assert "The trimtab turns the rudder" in streamed.out
    assert "[1] deep/rudder.txt" in streamed.out
