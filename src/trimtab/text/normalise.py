# ruff: noqa: RUF001 - look-alike letters are what this module is about.
"""Normalises disguised text before guards read it.

Compatibility forms (NFKC), invisible characters, letters of another alphabet that look Latin,
letters kept apart by spaces or backslashes, small capitals, digits for letters, stacked accents,
and what `encodings` reads, decoded once. What was undone is reported: ordinary text needs none of
it, so a disguise is itself evidence.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from trimtab.text.encodings import decoded, unescaped


class Disguise(StrEnum):
    """A way to hide text from a filter."""

    INVISIBLE = "invisible"
    TAGS = "tags"
    HOMOGLYPHS = "homoglyphs"
    SPACING = "spacing"
    LEET = "leet"
    ACCENTS = "accents"
    ENCODED = "encoded"


@dataclass(frozen=True, slots=True)
class Normalised:
    """Text as a reader would see or decode it."""

    text: str
    """In its original case. What was encoded follows the rest on lines of its own."""
    disguises: frozenset[Disguise]


def normalise(text: str) -> Normalised:
    """Return the text without its disguises. Offsets change; use it to judge, never to quote."""
    found: set[Disguise] = set()
    plain = unescaped(text)
    if plain != text:
        found.add(Disguise.ENCODED)
    plain = unicodedata.normalize("NFKC", _without_tags(plain, found))
    for undo in (
        _without_invisible,
        _without_stacked_accents,
        _upright,
        _latin,
        _joined,
        _unleeted,
    ):
        plain = undo(plain, found)
    hidden = decoded(plain)
    if hidden:
        found.add(Disguise.ENCODED)
        plain = "\n".join((plain, *hidden))
    return Normalised(plain, frozenset(found))


_TAG_BASE = 0xE0000
_TAGS = re.compile("[\U000e0020-\U000e007e]{4,}")
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")


def _without_tags(text: str, found: set[Disguise]) -> str:
    """Bring out text written in invisible tag characters; flags of regions use them honestly."""
    if not text.isascii() and max(text) >= "\U000e0020" and not _FLAG.search(text):
        found_tags = _TAGS.search(text)
        if found_tags:
            found.add(Disguise.TAGS)
        return _TAGS.sub(lambda run: "".join(chr(ord(c) - _TAG_BASE) for c in run[0]), text)
    return text


_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
_JOINS_HONESTLY = re.compile(r"[\u0600-\u06ff\u0900-\u0dff\U0001f000-\U0001faff\u2600-\u27bf]")
_INSIDE_WORD = re.compile("[A-Za-z][\u00ad\u200b-\u200f\u2060-\u2064\ufeff][A-Za-z]")


def _without_invisible(text: str, found: set[Disguise]) -> str:
    if not _INVISIBLE.search(text):
        return text
    if _INSIDE_WORD.search(text) or not _JOINS_HONESTLY.search(text):
        found.add(Disguise.INVISIBLE)
    return _INVISIBLE.sub("", text)


_STACKED = re.compile("[\u0300-\u036f\u0489\u1ab0-\u1aff\u20d0-\u20ff]{2,}")


def _without_stacked_accents(text: str, found: set[Disguise]) -> str:
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    if not _STACKED.search(apart):
        return text
    found.add(Disguise.ACCENTS)
    return unicodedata.normalize("NFC", _STACKED.sub("", apart))


_SMALL_CAPITALS = str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz")
_IN_SMALL_CAPITALS = re.compile("[ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ]{2,}")


def _upright(text: str, found: set[Disguise]) -> str:
    """Write small capitals as letters; a lone one is a sign of phonetics."""
    if text.isascii() or not _IN_SMALL_CAPITALS.search(text):
        return text
    found.add(Disguise.HOMOGLYPHS)
    return text.translate(_SMALL_CAPITALS)


_LOOK_ALIKE = str.maketrans(
    "аеорсухіјѕһԁԛԝвкмнтбгдзлпуияАВЕКМНОРСТУХІЈЅαοενιρτυχκγϲϳωΑΒΕΖΗΙΚΜΝΟΡΤΥΧɑɡıոսѵ",
    "aeopcyxijshdqwbkmhtbrdzlnyuaABEKMHOPCTYXIJSaoevipтuxkycjwABEZHIKMNOPTYXaginuv".replace(
        "т", "t"
    ),
)
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile(r"[A-Za-z]")
_FOREIGN = re.compile("[\u0370-\u03ff\u0400-\u052f\u0561-\u0587ɑɡı]")


def _latin(text: str, found: set[Disguise]) -> str:
    """Map look-alikes in words that mix alphabets; honest Greek or Russian words do not mix."""
    if text.isascii() or not _FOREIGN.search(text):
        return text

    def mapped(word: re.Match[str]) -> str:
        if not (_LATIN.search(word[0]) and _FOREIGN.search(word[0])):
            return word[0]
        found.add(Disguise.HOMOGLYPHS)
        return word[0].translate(_LOOK_ALIKE)

    return _WORD.sub(mapped, text)


_APART = re.compile(r"(?<!\w)(?:[^\W\d_]([ .\-_*|/]+))(?:[^\W\d_]\1){3,}[^\W\d_](?!\w)")
_BACKSLASHED = re.compile(r"(?:\\[^\s\\]|\\ ){6,}")


def _joined(text: str, found: set[Disguise]) -> str:
    """Join spaced-out letters, and remove a backslash before each letter."""

    def close(run: re.Match[str]) -> str:
        found.add(Disguise.SPACING)
        return re.sub(r"[ .\-_*|/]+", "", run[0])

    def unslash(run: re.Match[str]) -> str:
        found.add(Disguise.SPACING)
        return run[0].replace("\\ ", " ").replace("\\", "")

    return _APART.sub(close, _BACKSLASHED.sub(unslash, text) if "\\" in text else text)


_LEET = str.maketrans("013457@$!|€", "oieastasiie")
_LEET_WORD = re.compile(r"(?<![\w@$!|€.:/+-])[\w@$!|€]*[A-Za-z][\w@$!|€]*(?![@.:/+-]\w)")
_LEET_SIGNS = re.compile(r"[013457@$!|€][A-Za-z]")
_LEET_INSIDE = re.compile(r"[A-Za-z][013457@$!|€]+[A-Za-z]|^[@$!|€][A-Za-z]{2}")


def _unleeted(text: str, found: set[Disguise]) -> str:
    """Replace digits and signs inside words by letters, if several words need it."""
    if not _LEET_SIGNS.search(text):
        return text
    suspects = [word[0] for word in _LEET_WORD.finditer(text) if _LEET_INSIDE.search(word[0])]
    read = {word: word.translate(_LEET) for word in suspects}
    changed = {word: plain for word, plain in read.items() if plain.isalpha() and len(plain) > 2}
    if len(changed) < 2:
        return text
    found.add(Disguise.LEET)
    return _LEET_WORD.sub(lambda word: changed.get(word[0], word[0]), text)
