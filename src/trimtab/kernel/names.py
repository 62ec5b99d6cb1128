"""Reserved names: routes, system users, devices and look-alikes."""

import unicodedata

_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", "null", "clock", "console", "stdin", "stdout", "stderr")
) | frozenset(f"{port}{number}" for port in ("com", "lpt") for number in range(10))
_SYSTEM = frozenset(
    ("anonymous", "local", "system", "trimtab", "machine", "nobody", "none", "api_key_roles")
)
"""Under these trimtab itself writes to the audit chain, or answers who is calling."""
_ROUTES = frozenset(
    ("documents", "erasures", "ingest", "me", "move", "projects", "query", "review", "search")
)
_SYSTEM_PREFIXES = ("seed-", "runbook:", "trimtab-")
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")
"""Scripts whose letters look like each other's."""


def problem_of_name(name: str) -> str:
    """Return why a new key or project may not have the name, or an empty text.

    Case makes no difference.
    """
    plain = name.casefold()
    if plain.partition(".")[0] in _DEVICES:
        return "is the name of a device"
    if plain in _SYSTEM or plain.startswith(_SYSTEM_PREFIXES):
        return "is one of trimtab's own names"
    if plain in _ROUTES:
        return "is a part of the paths of the HTTP interface"
    if name[:1] in (".", "-"):
        return "begins with a dot or a dash"
    return ""


def problem_of_person(user_id: str) -> str:
    """Return why nothing may be kept under that user id; empty when it may.

    An id that looks like another one would let one person's data pass for another's, and escape
    their erasure.
    """
    if any(unicodedata.category(character)[0] == "C" for character in user_id):
        return "holds a control, invisible or unassigned character"
    if unicodedata.normalize("NFKC", user_id) != user_id:
        return "is not in its normal form (NFKC)"
    if user_id in (".", ".."):
        return "is a dot name"
    if any(len(_scripts_of(word)) > 1 for word in user_id.split()):
        return "mixes letters of different scripts that look alike in one word"
    return ""


def _scripts_of(word: str) -> set[str]:
    if word.isascii():
        return set()
    names = (unicodedata.name(character, "") for character in word if character.isalpha())
    return {name.partition(" ")[0] for name in names} & set(_SCRIPTS)
