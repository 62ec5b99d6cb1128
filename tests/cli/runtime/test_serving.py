"""What `trimtab serve` says goes to log collectors: no way in is among it."""

import logging
import re
import stat

import pytest

from tests.processes import command, data_dir, models, serve  # noqa: F401 - fixtures.


@pytest.mark.usefixtures("models")
def test_what_is_printed_holds_no_token_and_what_is_written_is_private(serve, data_dir):  # noqa: F811
    service = serve()
    key = (data_dir / "admin.key").read_text().strip()
    link = service.link
    service.stop()
    said = "".join(service.said)
    token = link.partition("#token=")[2]
    assert token
    assert key not in said
    assert token not in said
    assert not re.search(r"token[=%]", said)
    open_to_others = [
        path
        for path in data_dir.rglob("*")
        if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    assert open_to_others == []


def test_an_address_in_a_log_line_shows_no_credentials(caplog):
    from trimtab.infra.telemetry.logs import JsonFormatter

    record = logging.makeLogRecord(
        {"msg": "http://u:p@h?token=x", "address": "postgresql://u:p@h", "levelname": "INFO"}
    )
    line = JsonFormatter().format(record)
    assert "u:p" not in line
    assert "token=x" not in line
