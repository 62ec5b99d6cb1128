"""Follows a recipe of CONTRIBUTING.md in a copy of the project: writes its files and inserts its lines."""

import re
import shutil
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parent.parent
_COPIED = (
    "src",
    "library",
    "rules",
    "docs",
    "schemas",
    "pyproject.toml",
    "README.md",
    "gates.yaml",
)
_BLOCK = re.compile(r"^( *)```(python|diff)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def copy_project(folder):
    """Return a copy of what the package needs, without caches."""
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "images")
            shutil.copytree(source, folder / name, ignore=ignored, symlinks=True)
        else:
            shutil.copy(source, folder / name)
    return folder


def follow(title, folder):
    """Do every step of the recipe under that heading; fail where a step does not fit the project."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipe = text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    for _, kind, block in _BLOCK.findall(recipe):
        first, _, body = dedent(block).partition("\n")
        file = folder / first.removeprefix("# ")
        if kind == "python":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(body, encoding="utf-8")
        else:
            file.write_text(inserted(file.read_text(encoding="utf-8"), body), encoding="utf-8")


def inserted(text, diff):
    """Return the text with the lines after ``+`` behind the line before them, which it has once."""
    lines = diff.splitlines()
    context = [line[1:] for line in lines if line.startswith(" ")]
    new = [line[1:] for line in lines if line.startswith("+")]
    old = "\n".join(context) + "\n"
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    return text.replace(old, old + "\n".join(new) + "\n")
