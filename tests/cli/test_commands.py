import pytest

from trimtab.cli.runtime.errors import EXIT, Exit, Refused, exit_code
from trimtab.kernel.errors import ErrorKind, NotFound


def test_every_kind_of_error_has_an_exit_code():
    assert set(EXIT) == set(ErrorKind)
    assert Exit.OK not in EXIT.values()


def test_an_error_of_the_service_ends_the_command_as_the_same_error_here_would():
    assert exit_code(Refused({"kind": "not_found"})) == exit_code(NotFound("x")) == 4
    assert exit_code(Refused({})) == Exit.FAILED


def test_help_imports_neither_the_service_nor_the_client(command):
    done = command("--help", PYTHONPROFILEIMPORTTIME="1")
    assert done.code == 0
    imported = {line.rpartition("|")[2].strip() for line in done.err.splitlines()}
    assert "trimtab.cli.main" in imported
    assert not {"fastapi", "httpx", "sqlalchemy", "numpy", "trimtab.app"} & imported


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("read", "no.such"), 4, "--list"),
        (("act", "no.such"), 4, "--list"),
        (("act", "no.such", "novalue"), 2, "key=value"),
        (("keys", "revoke", "nobody", "--yes"), 4, "keys list"),
        (("keys", "create", "bad name"), 2, "name"),
        (("--set", "service.prot=1", "status"), 2, "service.port"),
        (("--set", "nonsense", "status"), 2, "section.field=value"),
        (("--config", "missing.toml", "status"), 2, "Check its path"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_a_wrong_command_says_the_next_step_without_a_traceback(trimtab, words, code, said):
    done = trimtab(*words)
    assert done.code == code
    assert said in done.err
    assert "Traceback" not in done.err


def test_with_json_an_error_is_json_too(trimtab):
    done = trimtab("read", "no.such", "--json")
    assert done.code == 4
    assert done.json["error"]["code"] == "catalog.unknown_name"


def test_json_may_stand_before_the_command_or_behind_it(trimtab):
    assert trimtab("--json", "audit", "verify").json["ok"] is True
    assert trimtab("audit", "verify", "--json").json["ok"] is True


def test_settings_shows_what_is_in_force(trimtab):
    rows = trimtab("--set", "service.port=8123", "settings", "--json").json["settings"]
    port = next(row for row in rows if row["name"] == "service.port")
    assert (port["value"], port["default"], port["env"]) == (8123, 8000, ["TRIMTAB_SERVICE_PORT"])


def test_an_unwritable_data_directory_says_so(trimtab, tmp_path):
    (tmp_path / "file").write_text("")
    done = trimtab("--data-dir", str(tmp_path / "file"), "projects", "create", "p")
    assert done.code == 2
    assert "--data-dir" in done.err
