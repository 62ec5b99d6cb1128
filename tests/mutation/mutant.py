"""One change to one file, named so that it is recognised when lines move."""

import hashlib
from collections import Counter
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Mutant:
    """A replacement of ``start`` to ``end`` (bytes) in a file."""

    file: str
    line: int
    start: int
    end: int
    text: str
    kind: str
    change: str
    scope: str
    """The function or rule around it."""
    source: str
    """The line as it stands."""
    name: str = ""
    """For a constant of a module or a class: its name, whose users are what runs it."""
    key: str = ""
    implied: tuple[str, int] | None = None
    """Kind and start of another mutant of the file: a test that notices that one notices this one."""

    def applied(self, content: bytes) -> bytes:
        """Return the file's content with the change made."""
        return content[: self.start] + self.text.encode() + content[self.end :]


def keyed(mutants: list[Mutant]) -> list[Mutant]:
    """Give each mutant a key of file, scope, line's text and change; repeats are numbered."""
    seen: Counter[str] = Counter()
    result = []
    for mutant in mutants:
        base = "|".join((mutant.file, mutant.scope, mutant.source, mutant.kind, mutant.change))
        seen[base] += 1
        digest = hashlib.sha256(f"{base}|{seen[base]}".encode()).hexdigest()[:12]
        result.append(replace(mutant, key=digest))
    return result
