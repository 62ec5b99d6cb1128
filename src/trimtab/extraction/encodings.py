"""Decodes text files: by byte-order mark, as UTF-8, or by guessing from the bytes."""

import codecs
import re

_MARKS = (
    # The longer ones first: the mark of UTF-32 begins like that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
# Programs write the name of a set and use its superset.
MEANT = {
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "iso-2022-jp": "iso2022_jp_ext",
    "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "iso-8859-1": "cp1252", "us-ascii": "utf-8",
    "big5": "cp950",
}  # fmt: skip
WIDE_MARKS = {mark: name for mark, name in _MARKS if name != "utf-8-sig"}
"""Marks of UTF-16 and UTF-32, where zero bytes are text, with the encoding."""
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_LETTERS = re.compile(rb"[A-Za-z]+")
_WESTERN_RUN = 1.6
"""Mean length of runs of bytes above 127: accents stand alone, other alphabets in words."""
_WESTERN_RUN_AMONG_LETTERS = 2.5
"""The same where most letters are unaccented."""
_MAX_BAD = 0.25
"""Share of bad sequences up to which a file is UTF-8 with some lines of Windows-1252 in it."""
_SURE = 0.9
_CLEARLY = 0.1
"""How much better than the second the best guess must be."""
_CYRILLIC = ("koi8-u", "cp1251")
_ASIAN = ("cp932", "euc-jp", "gb18030", "cp949", "big5")
_LAST_HANGUL = 0xC8
_KANA = re.compile("[\u3040-\u30ff]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_HAN = re.compile("[\u4e00-\u9fff]")
_PUNCTUATION = re.compile("[\u3000-\u303f\uff01-\uff5e]")
_LOWER, _CAPITAL = re.compile("[\u0430-\u045f\u0491]"), re.compile("[\u0400-\u042f\u0490]")
# In every language that uses it these are common; a wrong table turns them into rare ones.
_COMMON = re.compile("[\u0430\u0435\u0438\u0456\u043d\u043e\u0440\u0441\u0442]")


def decode_text(data: bytes) -> str | None:
    """Return the text, or None when its encoding cannot be detected.

    Raises:
        UnicodeDecodeError: Its byte-order mark is wrong.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_mixed(data) or _guess(data)


def _decode_mixed(data: bytes) -> str | None:
    """Return UTF-8 with a few bytes of Windows-1252 between, if the text is that."""
    bad = 0

    def western(error: UnicodeError) -> tuple[str, int]:
        nonlocal bad
        if not isinstance(error, UnicodeDecodeError):
            raise error
        bad += 1
        return error.object[error.start : error.start + 1].decode(
            "cp1252", "replace"
        ), error.start + 1

    codecs.register_error("trimtab-western", western)
    text = data.decode("utf-8", "trimtab-western")
    good = sum(ord(letter) > 127 for letter in text) - bad
    return text if good > 0 and bad <= max(1, _MAX_BAD * (good + bad)) else None


def _guess(data: bytes) -> str | None:
    """Return the text in the one encoding that its bytes look like, if one stands out."""
    runs = _HIGH_RUN.findall(data)
    high, letters = sum(map(len, runs)), sum(map(len, _LETTERS.findall(data)))
    limit = _WESTERN_RUN if letters <= high else _WESTERN_RUN_AMONG_LETTERS
    if high <= limit * len(runs):
        return _decode_western(data)
    scores = sorted(
        ((_plausible(data, name), name) for name in (*_CYRILLIC, *_ASIAN)), reverse=True
    )
    (best, name), (second, _) = scores[:2]
    return data.decode(name) if best >= _SURE and best - second >= _CLEARLY else None


def _decode_western(data: bytes) -> str:
    """Decode Windows-1252 with lines of UTF-8 between, as logs and joined files have them.

    Accented letters of Windows-1252 are almost never valid UTF-8.
    """
    lines = []
    for line in data.split(b"\n"):
        try:
            lines.append(line.decode("utf-8"))
        except UnicodeDecodeError:
            lines.append(line.decode("cp1252", "replace"))
    return "\n".join(lines)


def _plausible(data: bytes, name: str) -> float:
    """Return how much of the text is what a text in that encoding is made of, from 0 to 1."""
    try:
        text = data.decode(name)
    except UnicodeDecodeError:
        return 0.0
    foreign = [letter for letter in text if ord(letter) > 127]
    if name in _CYRILLIC:
        return _cyrillic(text, len(foreign))
    joined = "".join(foreign)
    script = {"cp932": _KANA, "euc-jp": _KANA, "cp949": _HANGUL}.get(name, _HAN)
    if not script.search(joined):
        return 0.0
    han = len(_HAN.findall(joined)) + len(_PUNCTUATION.findall(joined))
    if script is not _HAN:
        # Japanese is never written without kana, nor Korean mostly in Chinese characters.
        share = len(script.findall(joined)) / len(joined)
        least = 0.2 if script is _KANA else 0.5
        return min(1.0, share / least) * (han + len(script.findall(joined))) / len(joined)
    return han / len(joined) * _first_level(data, name)


def _first_level(data: bytes, name: str) -> float:
    """Return the share of two-byte characters from the common half of the set."""
    low, high = (0xB0, 0xD7) if name == "gb18030" else (0xA4, 0xC6)
    leads = [run[0::2] for run in _HIGH_RUN.findall(data)]
    firsts = [byte for run in leads for byte in run if byte >= 0xA4]
    common = sum(low <= byte <= high for byte in firsts)
    if name == "gb18030" and sum(byte > _LAST_HANGUL for byte in firsts) < _CLEARLY * len(firsts):
        return 0.0  # The second half of the alphabet is missing: these are Korean syllables.
    return common / len(firsts) if firsts else 0.0


def _cyrillic(text: str, foreign: int) -> float:
    lower, capital = len(_LOWER.findall(text)), len(_CAPITAL.findall(text))
    letters = lower + capital
    if not letters or letters < _SURE * foreign:
        return 0.0
    common = len(_COMMON.findall(text.lower())) / letters
    return min(1.0, common / 0.4) * (lower / letters if lower > capital else 0.5)


def decode_declared(data: bytes, declared: str) -> str | None:
    """Return the text of a file that may state its encoding, or None when it is in another one.

    What is valid UTF-8 and not only ASCII is UTF-8, whatever is declared: no other encoding looks
    like it.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    name = declared.lower()
    try:
        if name and name not in ("utf-8", "utf8", "us-ascii", "ascii"):
            return data.decode(MEANT.get(name, name))
    except (LookupError, UnicodeDecodeError):
        pass
    return _decode_mixed(data) or _guess(data)
