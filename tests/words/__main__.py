"""`python -m tests.words [PATH ...]`: lists names and prose to correct; exit code 1 when there are any."""

import sys
from collections import Counter
from pathlib import Path

from tests.words.lint import Finding, Module, check_file, duplicate_classes

ROOT = Path(__file__).parent.parent.parent
SCOPE = ("src", "docs", "library", "README.md", "CONTRIBUTING.md", "CHANGELOG.md")
WAIVERS = Path(__file__).parent / "waivers.txt"
"""Prefixes of paths, and `rule:NAME`, not checked yet; empty when the whole tree follows them."""


def files(scope: tuple[str, ...]) -> list[Path]:
    """Return the files to check below the given paths."""
    found: list[Path] = []
    for name in scope:
        path = ROOT / name
        if path.is_dir():
            found += [p for s in ("py", "md", "html") for p in path.rglob(f"*.{s}")]
        else:
            found.append(path)
    return sorted(p for p in found if "migrations" not in p.parts)


def main() -> None:
    """Print the findings, and their number by rule."""
    given = tuple(sys.argv[1:])
    waived = () if given else tuple(WAIVERS.read_text(encoding="utf-8").split())
    found: list[Finding] = []
    for path in files(given or SCOPE):
        found += check_file(path, ROOT)
    found += duplicate_classes(
        Module(str(p.relative_to(ROOT)), p.read_text(encoding="utf-8"))
        for p in files(("src",))
        if p.suffix == ".py"
    )
    shown = [
        f
        for f in sorted(found)
        if f"rule:{f.rule}" not in waived and not f.file.startswith(waived or ("\0",))
    ]
    if given:
        shown = [f for f in shown if f.file.startswith(tuple(str(Path(g)) for g in given))]
    for finding in shown:
        sys.stdout.write(f"{finding}\n")
    counts = Counter(finding.rule for finding in shown)
    sys.stdout.write(f"{sum(counts.values())} findings {dict(counts)}\n")
    raise SystemExit(bool(shown))


if __name__ == "__main__":
    main()
