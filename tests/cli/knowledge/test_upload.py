"""Files go to the service in groups: against the service's own HTTP interface, whose model is not loaded."""

import pytest

from tests.faces import app_of, client_of, key_of, settings_of  # noqa: F401 - fixtures.
from trimtab.cli.knowledge.upload import grouped, send_group, send_one
from trimtab.cli.runtime.errors import Refused
from trimtab.cli.runtime.session import Session
from trimtab.infra.auth import Role


class Wire:
    """Calls the app as the command line's client does, and remembers how many files each call had."""

    def __init__(self, app):
        self._http = client_of(app, key=key_of(app, Role.OPERATOR))
        self.calls = []
        self.opened = []

    def call(self, method, path, *, files):
        contents = [part[1] for field, part in files if field == "file"]
        self.calls.append(len(contents))
        self.opened += contents
        answer = self._http.request(method, path, files=files)
        if not answer.is_success:
            raise Refused(answer.json()["error"])
        return answer.json()


@pytest.fixture
def connected(app_of):  # noqa: F811 - a fixture.
    """Return a session with a service that has the given settings, and the wire between them."""

    def connect(**flags):
        wire = Wire(app_of(**flags))
        this = Session(None, {}, url="", api_key="", json=False, _client=wire)
        return this, wire

    return connect


@pytest.fixture
def files_of(tmp_path):
    """Write files; return them with their names."""

    def write(**contents):
        for name, content in contents.items():
            (tmp_path / name).write_text(content)
        return [(f"{name}.txt", tmp_path / name) for name in contents]

    return write


def became(outcomes):
    return [(one["name"], one.get("status") or one["code"]) for one in outcomes]


def test_short_files_share_a_request_and_each_has_its_outcome_in_order(connected, files_of):
    this, wire = connected()
    files = files_of(**{f"n{number:03}": f"Ship {number}." for number in range(150)})
    outcomes = [one for group in grouped(files) for one in send_group(this, "ship", group, "")]
    assert wire.calls == [128, 22]
    assert became(outcomes) == [(name, "queued") for name, _ in files]
    assert all(content.closed for content in wire.opened)


def test_groups_keep_the_order_and_both_bounds(files_of):
    files = files_of(a="12345", b="12345", c="x" * 20, d="1", e="1", f="1")
    groups = [[name for name, _ in group] for group in grouped(files, max_files=2, max_bytes=10)]
    assert groups == [["a.txt", "b.txt"], ["c.txt"], ["d.txt", "e.txt"], ["f.txt"]]


def test_one_refused_and_one_gone_among_good_ones_are_told_in_their_places(connected, files_of):
    this, wire = connected()
    files = files_of(a="A ship.", b="", c="gone", d="A rudder.")
    files[2][1].unlink()
    outcomes = send_group(this, "ship", files, "")
    assert became(outcomes) == [
        ("a.txt", "queued"),
        ("b.txt", "knowledge.document_empty"),
        ("c.txt", "cli.file_unreadable"),
        ("d.txt", "queued"),
    ]
    assert wire.calls == [3]
    alone = send_group(this, "ship", files[1:2], "")
    assert alone[0].keys() == outcomes[1].keys() == outcomes[2].keys()


def test_a_group_over_the_limit_of_the_service_goes_in_halves(connected, files_of):
    this, wire = connected(api__max_upload_mb="1", service__max_body_mb="1")
    short = "A ship. " * 50_000
    files = files_of(a=short, b=short, c=short * 4, d=short)
    outcomes = send_group(this, "ship", files, "")
    assert became(outcomes) == [
        ("a.txt", "queued"),
        ("b.txt", "queued"),
        ("c.txt", "api.body_too_large"),
        ("d.txt", "queued"),
    ]
    assert wire.calls == [4, 2, 2, 1, 1]


def test_what_is_refused_for_the_whole_group_is_told_of_each_file_after_one_request(
    connected, files_of
):
    this, wire = connected()
    outcomes = send_group(this, "no project!", files_of(a="A ship.", b="A rudder."), "")
    assert became(outcomes) == [
        ("a.txt", "knowledge.project_name_invalid"),
        ("b.txt", "knowledge.project_name_invalid"),
    ]
    assert wire.calls == [2]


def test_a_followed_file_that_is_gone_is_the_followers_to_tell(connected, tmp_path):
    this, _ = connected()
    with pytest.raises(FileNotFoundError):
        send_one(this, "ship", "gone.txt", tmp_path / "gone.txt", "")


def test_an_interruption_leaves_no_file_open(connected, files_of, monkeypatch):
    this, wire = connected()
    monkeypatch.setattr(wire._http, "request", interrupted)
    with pytest.raises(KeyboardInterrupt):
        send_group(this, "ship", files_of(a="A ship.", b="A rudder."), "")
    assert [content.closed for content in wire.opened] == [True, True]


def interrupted(*_given, **_named):
    raise KeyboardInterrupt
