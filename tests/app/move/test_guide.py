"""docs/how-to/move-to-postgresql.md, run as it stands on a stocked installation."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "move-to-postgresql.md"
ADDRESS = "postgresql://trimtab:secret@db.example.com:5432/trimtab"


@pytest.mark.timeout(600)
def test_the_guide_runs_as_it_stands(folder, server):
    script = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL))
    assert script.count("trimtab move-to") == 3
    ended = subprocess.run(
        ["bash", "-e", "-c", script.replace(ADDRESS, f"'{server.url}'")],
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
        env={
            "HOME": str(folder.parent),
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "TRIMTAB_SERVICE_DATA_DIR": str(folder),
            "TRIMTAB_SERVICE_ALLOW_UNSAFE_DATABASE": "true",
        },
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert re.search(r"Would move \d+ rows of \d+ tables", ended.stdout)
    assert len(re.findall(r"\nMoved \d+ rows of \d+ tables", ended.stdout)) == 2
    assert "Equal on both sides: every table" in ended.stdout
    assert "people" in ended.stdout
    assert re.search(r"copied documents: \d+ rows", ended.stderr)
    assert not (folder / "moved.json").exists()
