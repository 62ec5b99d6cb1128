"""Name detector of Presidio with a spaCy model, in the extra ``presidio``.

Only the recognizer of spaCy entities is used: the patterns of Presidio are weaker than ours, and
one of them downloads a list. Only the entity recognition of the model runs: its parser and tagger
double the cost and do not change the findings of names and places.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from trimtab.guardrails.errors import NameDetectorMissing, NamesUnavailable
from trimtab.guardrails.pii.kinds import NAMES, PersonalData, PiiType

_LANGUAGE = "en"
_ENTITIES = sorted(kind.value for kind in NAMES)
_NOT_NEEDED = {"parser", "tagger", "attribute_ruler", "lemmatizer", "morphologizer", "senter"}
_IGNORED_LABELS = (
    *("CARDINAL", "DATE", "EVENT", "FAC", "LANGUAGE", "LAW", "MISC", "MONEY", "NORP", "ORDINAL"),
    *("ORG", "PERCENT", "PRODUCT", "QUANTITY", "TIME", "WORK_OF_ART"),
)
"""Presidio logs a warning for each label of a model that is neither mapped nor ignored."""
_POSSESSIVE = re.compile(r"['\u2019]s$")
_WARM_UP = "Ann Lee lives in Lisbon."


class Span(Protocol):
    """Fields used of Presidio's ``RecognizerResult``."""

    entity_type: str
    start: int
    end: int


class Analyzer(Protocol):
    """Interface used of Presidio's ``AnalyzerEngine``."""

    def analyze(self, text: str, language: str, entities: list[str]) -> Iterable[Span]:
        """Return the findings of the given types, in any order."""
        ...


class PresidioNames:
    """Detects names with a Presidio analyzer, without a timeout (see `BoundedNames`)."""

    def __init__(self, analyzer: Analyzer) -> None:
        self._analyzer = analyzer

    def detect(self, text: str) -> tuple[PersonalData, ...]:
        """Return the names; of overlapping names the first, then the longest, wins."""
        try:
            spans = list(self._analyzer.analyze(text, language=_LANGUAGE, entities=_ENTITIES))
        except Exception as error:  # Any failure of the library means that names are unchecked.
            raise NamesUnavailable(f"Presidio failed: {type(error).__name__}.") from error
        found: list[PersonalData] = []
        for span in sorted(spans, key=lambda span: (span.start, -span.end)):
            end = span.end - len(_possessive(text[span.start : span.end]))
            if span.entity_type in NAMES and (not found or found[-1].end <= span.start):
                found.append(PersonalData(PiiType(span.entity_type), span.start, end))
        return tuple(found)


def load(model: str) -> PresidioNames:
    """Return the detector, warmed up by one detection.

    Args:
        model: The name of an installed spaCy model for English, or its folder.

    Raises:
        NameDetectorMissing: The extra or the model is not installed, or the model cannot be read.
    """
    try:
        import presidio_analyzer  # noqa: F401 - checks that the extra is installed.
        import spacy.util
    except ImportError as error:
        raise NameDetectorMissing(
            "guardrails.pii_names is presidio, whose packages are not installed.",
            hint="Install them: pip install 'trimtab[presidio]'; "
            'or set guardrails.pii_names = "off".',
        ) from error
    # Presidio would download a missing model during startup.
    if not spacy.util.is_package(model) and not Path(model).is_dir():
        raise NameDetectorMissing(f"The spaCy model {model} is not installed.")
    try:
        names = PresidioNames(_analyzer(model))
    except (OSError, ValueError) as error:
        raise NameDetectorMissing(f"The spaCy model {model} cannot be used: {error}.") from error
    names.detect(_WARM_UP)
    return names


def _analyzer(model: str) -> Any:
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    engine = SpacyNlpEngine(
        [{"lang_code": _LANGUAGE, "model_name": model}],
        NerModelConfiguration(
            model_to_presidio_entity_mapping={
                "PERSON": "PERSON",
                "PER": "PERSON",
                "GPE": "LOCATION",
                "LOC": "LOCATION",
            },
            labels_to_ignore=_IGNORED_LABELS,
        ),
    )
    engine.load()
    pipeline = engine.nlp[_LANGUAGE]
    for pipe in _NOT_NEEDED.intersection(pipeline.pipe_names):
        pipeline.disable_pipe(pipe)
    registry = RecognizerRegistry(
        [SpacyRecognizer(supported_entities=_ENTITIES)], supported_languages=[_LANGUAGE]
    )
    return AnalyzerEngine(registry, engine, supported_languages=[_LANGUAGE])


def _possessive(name: str) -> str:
    match = _POSSESSIVE.search(name)
    return match[0] if match else ""
