# ruff: noqa: RUF001, RUF002, SIM905 - look-alike letters are meant; a word list reads best as text.
"""Words, their stems, and case folding, for lexical comparison of texts."""

import re
import threading
import unicodedata

import Stemmer

from trimtab.kernel.erasable_cache import erasable_lru_cache
from trimtab.text.languages import DEFAULT_LANGUAGE, LANGUAGES

_DOTLESS = str.maketrans({"ı": "i", "\u0307": None})
_WORD = re.compile(r"\w+(?:[.,]\d+)*")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_KOREAN = re.compile(r"[\uac00-\ud7a3]{2,}")
# Particles behind a noun, and the polite endings that turn a statement into a question.
_KOREAN_ENDING = re.compile(
    "(?<=.)(?:에서|에게|으로|까지|부터|처럼|보다|니다|니까|은|는|이|가|을|를|에|의|로|와|과|도|만)$"
)

STOP_WORDS = frozenset(
    # English, with the words that only frame a question.
    "a an the of in on at to for from by with and or but not is are was were be been being do does"
    " did has have had what which who whom whose when where why how that this these those it its he"
    " she they them his her their there as than then so if into about also can could would should"
    " will may might must shall many much some any such other one i you we our your me my s t kind"
    " type name called known "
    # German, French, Spanish, Italian, Portuguese, Dutch.
    "der die das den dem des ein eine einer eines einem einen und oder aber nicht ist sind war"
    " waren wird werden wie wer wo wann warum welche welcher welches im am zu zum zur von vom mit"
    " auf für sich auch le la les un une des du et ou est sont était dans sur pour par avec que qui"
    " quoi quand où pourquoi comment quel quelle quels quelles ce cette au aux el los las una unos"
    " unas y o es son fue en de del con por para qué quién cuándo dónde cómo cuál cuáles se su al"
    " il lo gli che chi cosa come perché quale quali è sono nel della di da os as um uma e ou em no"
    " na do da dos das com por para quem quando onde como qual quais é são het een van en niet zijn"
    " was wat wie waar waarom welke op te".split()
)


def words(text: str) -> list[str]:
    """Return the words of the text in order, case-folded and NFKC-normalised.

    A number keeps its separators (``17,786.5``); a run of Chinese or Japanese gives its overlapping
    pairs, because those scripts put no space between words.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    if not _WIDE.search(folded):
        return _WORD.findall(folded)
    found: list[str] = []
    for word in _WORD.findall(folded):
        if _WIDE.search(word):
            found += _pairs(word)
        else:
            found.append(word)
    return found


def folded(text: str) -> str:
    """Return the text casefolded as patterns do: Turkish ı and İ become i.

    A pattern that ignores case matches only where one of some short strings stands in the folded
    text. Searching for these first takes a tenth of the time, and almost no text holds one.
    """
    return text.lower() if text.isascii() else text.casefold().translate(_DOTLESS)


def stems(text: str) -> list[str]:
    """Return the stems of the words in order, by the rules of English."""
    return [stem(word) for word in words(text)]


class Stemmers(threading.local):
    """Snowball stemmers of the thread: one keeps the word that it works on in itself."""

    def __init__(self) -> None:
        self.of = {language: Stemmer.Stemmer(language, 0) for language in LANGUAGES}


stemmers = Stemmers()


@erasable_lru_cache(50_000)
def stem(word: str) -> str:
    """Return the stem of one case-folded word by the rules of English; a number stays."""
    if word[0].isdigit():
        return word
    if _KOREAN.fullmatch(word):
        return _KOREAN_ENDING.sub("", word)
    stemmed: str = stemmers.of[DEFAULT_LANGUAGE].stemWord(word)
    return stemmed


def _pairs(word: str) -> list[str]:
    return [word[i : i + 2] for i in range(len(word) - 1)] or [word]
