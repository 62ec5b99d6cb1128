"""Checks that commands, paths, settings and metrics named in prose exist."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.DOTALL | re.MULTILINE)
_FRONT = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"(?<!`)`([^`]{1,300})`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]{1,300})\)")
_ADDRESS = re.compile(r"https?://[^\s)>`\"']{1,300}")
_DOTTED = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?==|$)")
_METRIC = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
_ROUTE = re.compile(r"(?:(?:GET|POST|PUT|PATCH|DELETE) )?(/[A-Za-z0-9_{}<>./-]+)(?:\?[^ ]*)?")
_OPTION = re.compile(r"--?[a-z][a-z-]*")
_FILE = re.compile(r"[\w./-]*\w\.(?:md|json|jsonl|toml|ya?ml|txt|tsv|py|sh|lock)")
_ABSENT = re.compile(
    r"\b(?:kubectl|kubernetes|helm|docker|pods?|replicas?|pvc|network polic(?:y|ies)|\d+ ?gi)\b",
    re.IGNORECASE,
)
"""Terms of clusters: only a page that needs a cluster may refer to them."""
_NEEDS_CLUSTER = re.compile(r"^needs:[ ]*kubernetes[ ]*$", re.MULTILINE)
"""In the front matter of a page for those who have an adapter configured."""
_NAMING = {"act", "read", "fault"}
"""Commands whose arguments are names of the catalog."""
NO_FILE = "there is no such file."
_PROGRAMS = {
    "top",
    "df",
    "grep",
    "jq",
    "git",
    "pip",
    "chroma",
    "memray",
    "py-spy",
    "python",
    "nvidia-smi",
}


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Names that a page may use."""

    commands: Mapping[str, frozenset[str]]
    """Each command without ``trimtab``, such as ``gates drift``, with its options. If empty,
    commands are not checked.
    """
    names: frozenset[str]
    """Signals, actions, faults, settings, error codes and other dotted names."""
    metrics: frozenset[str]
    metric_prefixes: tuple[str, ...]
    """A word with underscores that begins so is taken for a metric."""
    variables: frozenset[str]
    """Environment variables."""
    routes: tuple[str, ...]
    """Paths of the HTTP interface, with ``{name}`` for what varies."""
    targets: frozenset[str] | None
    """Targets of the make file; None if they are not checked."""
    has_file: Callable[[str], bool]
    """Whether a path exists in the repository or is written by the program."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A name on a page that does not exist."""

    line: int
    named: str
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: `{self.named}`: {self.problem}"


def check_claims(text: str, known: KnownNames, *, absent: bool = True) -> list[Claim]:
    """Return the wrong claims of the prose; `sh` blocks are checked at load.

    Args:
        text: The Markdown page.
        known: What exists.
        absent: Whether to refuse terms of systems without an adapter, such as pods.
    """
    prose = _FENCE.sub(_blank, _FRONT.sub(_blank, text.replace("\r\n", "\n")))
    found = [
        Claim(_line(prose, at), named, problem)
        for at, named in _named(prose)
        if (problem := _problem(named, known))
    ]
    front = _FRONT.match(text)
    if absent and not (front and _NEEDS_CLUSTER.search(front[0])):
        found += [
            Claim(_line(prose, match.start()), match[0], "trimtab has no adapter for it.")
            for match in _ABSENT.finditer(prose)
        ]
    return sorted(found, key=lambda claim: claim.line)


def _blank(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _named(prose: str) -> Iterator[tuple[int, str]]:
    for match in _SPAN.finditer(prose):
        if "\n\n" not in match[1]:
            yield match.start(), " ".join(match[1].split())
    for match in _LINK.finditer(prose):
        yield match.start(), match[1]
    for match in _ADDRESS.finditer(_SPAN.sub(_blank, prose)):
        yield match.start(), match[0]


def _problem(named: str, known: KnownNames) -> str:
    """Return the problem with a name; empty if it exists or is not one of trimtab's."""
    for judge in (_address, _command, _route, _file, _dotted, _variable, _metric):
        verdict = judge(named, known)
        if verdict is not None:
            return verdict
    return ""


def _address(named: str, _: KnownNames) -> str | None:
    if not named.startswith(("http://", "https://")):
        return None
    local = re.match(r"https?://(?:localhost|127\.0\.0\.1|host|HOST)\b", named)
    return "" if local else "no address outside of this machine is known to exist."


def _command(named: str, known: KnownNames) -> str | None:
    words = named.split()
    if words[0] == "make" and len(words) > 1:
        exists = known.targets is None or words[1] in known.targets
        return "" if exists else "there is no such make target."
    if words[0] in _PROGRAMS:
        return ""
    return _own_command(words[1:], known) if words[0] == "trimtab" else None


def _own_command(words: list[str], known: KnownNames) -> str:
    path = ""
    if not known.commands:
        return ""
    while words and f"{path} {words[0]}".strip() in known.commands:
        path = f"{path} {words.pop(0)}".strip()
    is_group = any(name.startswith(f"{path} ".lstrip()) for name in known.commands)
    if words and (not path or (is_group and not words[0].startswith("-"))):
        return f"`trimtab {path}`".replace(" `", "`") + f" has no command {words[0]!r}."
    return _own_arguments(path, words, known)


def _own_arguments(path: str, words: list[str], known: KnownNames) -> str:
    for word in words:
        if word == "--":
            break
        option = word.partition("=")[0]
        if _OPTION.fullmatch(option) and option not in known.commands[path]:
            return f"`trimtab {path}` has no option {option}."
        if path in _NAMING and _DOTTED.fullmatch(word) and word not in known.names:
            return f"there is no {word}."
    return ""


def _route(named: str, known: KnownNames) -> str | None:
    match = _ROUTE.fullmatch(named)
    if match is None:
        return None
    if any(_fits(match[1], route) for route in known.routes) or known.has_file(match[1]):
        return ""
    return "there is no such path."


def _fits(path: str, route: str) -> bool:
    """Return whether a path, with its own placeholders, matches a route."""
    expected, parts = route.strip("/").split("/"), path.strip("/").split("/")
    return len(expected) == len(parts) and all(
        a == b or a.startswith("{") or b.isupper() for a, b in zip(expected, parts, strict=True)
    )


def _file(named: str, known: KnownNames) -> str | None:
    path = named.partition("#")[0]
    if not _FILE.fullmatch(path):
        return None
    return "" if known.has_file(path) else NO_FILE


def _dotted(named: str, known: KnownNames) -> str | None:
    name = named.partition(" ")[0].partition("=")[0]
    if not _DOTTED.fullmatch(name):
        return None
    return "" if name in known.names else "no signal, action, setting or code has this name."


def _variable(named: str, known: KnownNames) -> str | None:
    match = _VARIABLE.match(named)
    if match is None:
        return None
    return "" if match[0] in known.variables else "no setting has this variable."


def _metric(named: str, known: KnownNames) -> str | None:
    match = _METRIC.match(named)
    if match is None or not match[0].startswith(known.metric_prefixes):
        return None
    return "" if match[0] in known.metrics else "there is no such metric."
