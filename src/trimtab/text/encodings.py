"""Decodes text in other notations: escapes, base64, hexadecimal, Morse code and others.

HTML references, percent signs and escapes are read in place; base64, base32, hexadecimal, binary,
Morse code, words read from their end and the alphabet turned by 13 places are decoded in addition
to the text.
"""

import base64
import binascii
import html
import re
from urllib.parse import unquote

_REFERENCE = re.compile(r"&#(?:\d{2,6}|[xX][0-9A-Fa-f]{2,5});")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9_.!~*'()-]){8,}")
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})")
_FEWEST_SPACES = 3
_FEWEST = 4
"""References or percent signs in a text: a few are ordinary in web pages and addresses."""


def unescaped(text: str) -> str:
    """Return the text with HTML references, escapes and percent signs decoded."""
    if text.count("\\u") + text.count("\\x") >= _FEWEST:
        text = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)
    if text.count("&#") >= _FEWEST and len(_REFERENCE.findall(text)) >= _FEWEST:
        text = _REFERENCE.sub(lambda found: html.unescape(found[0]), text)
    return _PERCENT.sub(_unquoted, text) if text.count("%") >= _FEWEST_SPACES else text


def _unquoted(run: re.Match[str]) -> str:
    """Decode a run that is mostly percent-encoded; keep single encoded letters."""
    spaces, signs = run[0].count("%20"), run[0].count("%")
    dense = signs >= _FEWEST and signs * 6 >= len(run[0])
    return unquote(run[0]) if dense or spaces >= _FEWEST_SPACES else run[0]


_LONG_RUN = re.compile(r"[A-Za-z0-9+/_-]{16}")
"""Stands wherever `_BASE64` or `_BASE32` finds something."""
_FEWEST_BITS, _FEWEST_MORSE = 48, 12
"""Of the signs that `_BINARY` and `_MORSE` need."""
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/_-]{16,}={0,2}(?![A-Za-z0-9+/=])")
_HEX = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}[ :]?){12,}(?![0-9A-Za-z])|(?:\\x[0-9A-Fa-f]{2}){6,}"
)
_BASE32 = re.compile(r"(?<![A-Za-z0-9=])[A-Z2-7]{24,}={0,6}(?![A-Za-z0-9=])")
_BINARY = re.compile(r"(?<![01])(?:[01]{8}[ ,]?){6,}(?![01])")
_MAX_DECODED = 4_000


def decoded(text: str) -> list[str]:
    """Return the readable texts that stand in the text in another notation; not decoded again."""
    found: list[str] = []
    if _LONG_RUN.search(text):
        found += [_readable(_from_base64(run[0])) for run in _BASE64.finditer(text)]
        found += [_readable(_from_base32(run[0])) for run in _BASE32.finditer(text)]
    if text.count("0") + text.count("1") >= _FEWEST_BITS:
        found += [_readable(_from_binary(run[0])) for run in _BINARY.finditer(text)]
    found += [_readable(_from_hex(run[0])) for run in _HEX.finditer(text)]
    if text.count(".") + text.count("-") >= _FEWEST_MORSE:
        found += [_from_morse(run[0]) for run in _MORSE.finditer(text)]
    found += _turned(text)
    return [plain[:_MAX_DECODED] for plain in found if plain]


def _from_base64(run: str) -> bytes:
    standard = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _from_base32(run: str) -> bytes:
    plain = run.rstrip("=")
    try:
        return base64.b32decode(plain + "=" * (-len(plain) % 8))
    except (binascii.Error, ValueError):
        return b""


def _from_binary(run: str) -> bytes:
    bits = run.replace(" ", "").replace(",", "")
    return bytes(int(bits[place : place + 8], 2) for place in range(0, len(bits), 8))


_ROT13 = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "nopqrstuvwxyzabcdefghijklmNOPQRSTUVWXYZABCDEFGHIJKLM",
)
_COMMON = frozenset(
    [
        "the",
        "and",
        "all",
        "you",
        "your",
        "are",
        "is",
        "to",
        "of",
        "me",
        "for",
        "with",
        "that",
        "this",
        "what",
    ]
)
_LETTERS = re.compile(r"[A-Za-z]+")
_FEWEST_COMMON, _FEWEST_WORDS = 2, 4


def _turned(text: str) -> list[str]:
    """Return the lines that are English when reversed or rotated by 13 letters."""
    found = []
    for line in text[:_MAX_DECODED].split("\n"):
        words = _LETTERS.findall(line)
        if len(words) >= _FEWEST_WORDS and _COMMON.isdisjoint(map(str.lower, words)):
            readings = (line[::-1], line.translate(_ROT13))
            found += [plain for plain in readings if _common(plain) >= _FEWEST_COMMON]
    return found


def _common(line: str) -> int:
    return sum(word.lower() in _COMMON for word in _LETTERS.findall(line))


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
_MORSE_SIGNS = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- "
    "...- .-- -..- -.-- --.."
)
_MORSE_LETTERS = dict(
    zip(
        _MORSE_SIGNS.split(),
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
