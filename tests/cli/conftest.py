import sys

import pytest

from tests.processes import Outcome, command, data_dir, models, serve  # noqa: F401 - fixtures.
from trimtab.cli import main


@pytest.fixture
def trimtab(tmp_path, data_dir, monkeypatch, capsys):  # noqa: F811 - a fixture.
    """Run the command line in this process, on a data directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words, **environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(
            sys, "argv", ["trimtab", "--debug", "--data-dir", str(data_dir), *words]
        )
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Outcome(ended.value.code or 0, out, err)

    return run
