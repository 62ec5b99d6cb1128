"""Everything that the README shows is run here, against a real service."""

import shlex
from pathlib import Path

import pytest

from tests.processes import run, start

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _shown(word):
    blocks = README.split("```sh\n")[1:]
    lines = [
        line.split("#")[0].strip()
        for block in blocks
        for line in block.split("```")[0].splitlines()
    ]
    return [shlex.split(line) for line in lines if line.startswith(f"{word} ")]


def test_the_readme_fits_on_two_screens():
    assert len(README.splitlines()) <= 100


def test_the_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [words[1] for words in _shown("make") if f"\n{words[1]}:" not in makefile] == []


def test_the_links_lead_somewhere():
    targets = [part.split(")")[0] for part in README.split("](")[1:]]
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.timeout(600)
def test_the_commands_do_what_they_show(tmp_path):
    data_dir = tmp_path / "data"
    service = start(data_dir)
    try:
        service.wait_for("handbook ready")
        for words in _shown("trimtab"):
            if words[1] == "demo":
                continue  # tests/cli/test_demo.py
            given = [str(ROOT / word) if word == "library/" else word for word in words[1:]]
            done = run(data_dir, *given)
            assert done.code == 0, (words, done.err)
            assert done.out
    finally:
        service.stop()
