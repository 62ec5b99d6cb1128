"""Reads text that stands in another notation: HTML references, percent signs, base64, hexadecimal, Morse code."""

import base64
import binascii
import html
import re
from urllib.parse import unquote

_REFERENCE = re.compile(r"&#(?:\d{2,6}|[xX][0-9A-Fa-f]{2,5});")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9_.!~*'()-]){8,}")
_FEWEST_SPACES = 3
_FEWEST = 4
"""References or percent signs in a text: a few are ordinary in web pages and addresses."""


def unescaped(text: str) -> str:
    """Return the text with HTML's numeric references and percent signs read, when it is written in them."""
    if text.count("&#") >= _FEWEST and len(_REFERENCE.findall(text)) >= _FEWEST:
        text = _REFERENCE.sub(lambda found: html.unescape(found[0]), text)
    return _PERCENT.sub(_unquoted, text) if text.count("%") >= _FEWEST_SPACES else text


def _unquoted(run: re.Match[str]) -> str:
    """Read a run that is mostly percent signs or has several spaces written so; an address with an umlaut stays."""
    spaces, signs = run[0].count("%20"), run[0].count("%")
    dense = signs >= _FEWEST and signs * 6 >= len(run[0])
    return unquote(run[0]) if dense or spaces >= _FEWEST_SPACES else run[0]


_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/_-]{16,}={0,2}(?![A-Za-z0-9+/=])")
_HEX = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}[ :]?){12,}(?![0-9A-Za-z])|(?:\\x[0-9A-Fa-f]{2}){6,}"
)
_MAX_DECODED = 4_000


def decoded(text: str) -> list[str]:
    """Return the readable texts that stand in the text as base64, hexadecimal or Morse code; not decoded again."""
    found = [_readable(_from_base64(run[0])) for run in _BASE64.finditer(text)]
    found += [_readable(_from_hex(run[0])) for run in _HEX.finditer(text)]
    found += [_from_morse(run[0]) for run in _MORSE.finditer(text)]
    return [plain[:_MAX_DECODED] for plain in found if plain]


def _from_base64(run: str) -> bytes:
    standard = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _from_hex(run: str) -> bytes:
    try:
        return bytes.fromhex(run.replace("\\x", "").replace(":", "").replace(" ", ""))
    except ValueError:
        return b""


def _readable(data: bytes) -> str:
    """Return the bytes as text when they are text: words, not an identifier or a key."""
    try:
        plain = data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    letters = sum(char.isalpha() or char.isspace() for char in plain)
    return plain if len(plain) >= 8 and letters >= 0.8 * len(plain) and plain.isprintable() else ""


_MORSE = re.compile(r"(?:[.\-]{1,5}(?: +/ +| +|$)){12,}")
_MORSE_LETTERS = dict(
    zip(
        ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --..".split(),  # noqa: SIM905
        "abcdefghijklmnopqrstuvwxyz",
        strict=True,
    )
)


def _from_morse(run: str) -> str:
    """Return the letters; signs that are none are left out."""
    words = (
        "".join(_MORSE_LETTERS.get(sign, "") for sign in word.split()) for word in run.split("/")
    )
    return " ".join(word for word in words if word)
