"""Hides credentials in addresses and query strings of text that people read.

Every pattern takes linear time: the text may come from a stranger.
"""

import re

HIDDEN = "[hidden]"
SIGNS = ("://", "=")
"""A text without any of them holds no address and no assignment, so nothing to hide."""
_NAMES = (
    r"api[-_]?key|access[-_]?key|private[-_]?key|routing[-_]?key|key|token|password|passwd|pwd|pass"
    r"|secret|signature|sig|credentials?|authorization|auth|code|session|jwt|sas"
)
_USER_INFO = re.compile(r"(?<=://)[^/\s?#\"'<>]*@")
_PARAMETER = re.compile(r"([?&;#])([\w.%-]{1,60})=([^&;\s\"'<>#]+)")
_ASSIGNMENT = re.compile(
    r"(?i)\b(password|passwd|pwd|secret|token|api[-_]?key|access[-_]?token)=(?!\[)[^\s&;,\"'<>]+"
)
_IS_SECRET = re.compile(
    rf"(?i)(?:^|[-_.])(?:x-amz-)?(?:{_NAMES})$|(?:api|access|auth)(?:key|token)$"
)
_HOOK = re.compile(r"(://(?:hooks\.[\w.-]{1,200}|[\w.:-]{1,200}/(?:api/)?webhooks?))/[^\s\"'<>]+")


def hide_credentials(text: str) -> str:
    """Return the text with the credentials of its addresses replaced by ``[hidden]``."""
    if "://" in text:
        text = _HOOK.sub(rf"\1/{HIDDEN}", _USER_INFO.sub(f"{HIDDEN}@", text))
    if "=" in text:
        text = _ASSIGNMENT.sub(rf"\1={HIDDEN}", _PARAMETER.sub(_hide_value, text))
    return text


def hide_in(value: object) -> object:
    """Return JSON-ready data with the same done to every text in it."""
    if isinstance(value, str):
        return hide_credentials(value)
    if isinstance(value, dict):
        return {name: hide_in(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [hide_in(item) for item in value]
    return value


def _hide_value(found: re.Match[str]) -> str:
    start, name, value = found.groups()
    return f"{start}{name}={HIDDEN if _IS_SECRET.search(name) else value}"
