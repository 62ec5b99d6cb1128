"""Removes invisible characters, which cut words in two."""

import re

INVISIBLE = re.compile(
    "[\u00ad\u200b\u2060\ufeff]|(?<=[A-Za-z\u00c0-\u024f])[\u200c\u200d]++(?=[A-Za-z\u00c0-\u024f])"
)
"""Characters without width.

Joiners have a meaning in other scripts and in emoji.
"""


def cleaned(text: str) -> str:
    """Return the text with Unix line ends and without characters that have no width."""
    return INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", ""))
