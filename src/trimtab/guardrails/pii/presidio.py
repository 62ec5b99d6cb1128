"""Names by Presidio over a spaCy model: the extra ``presidio``, imported only when a setting asks for it.

Of Presidio only the recognizer of the language model's own entities is used: its patterns are weaker than ours, and one
of them fetches a list from the network. Of the model only what finds entities runs; its parser and tagger double the
cost and change no finding that counts.
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
"""Of the models; Presidio logs a warning for each label that is neither mapped nor ignored."""
_POSSESSIVE = re.compile(r"['\u2019]s$")
_WARM_UP = "Ann Lee lives in Lisbon."


class Span(Protocol):
    """What Presidio's ``RecognizerResult`` says of a finding."""

    entity_type: str
    start: int
    end: int


class Analyzer(Protocol):
    """What is needed of Presidio's ``AnalyzerEngine``."""

    def analyze(self, text: str, language: str, entities: list[str]) -> Iterable[Span]:
        """Return the findings of those types, in any order."""
        ...


class PresidioNames:
    """Detects names by an analyzer, without a bound on its time: see `BoundedNames`."""

    def __init__(self, analyzer: Analyzer) -> None:
        self._analyzer = analyzer

    def detect(self, text: str) -> tuple[PersonalData, ...]:
        """Return the names; of two that overlap the first, and of two at one place the longer."""
        try:
            spans = list(self._analyzer.analyze(text, language=_LANGUAGE, entities=_ENTITIES))
        except Exception as error:  # Any failure of foreign code means the same.
            raise NamesUnavailable(f"Presidio failed: {type(error).__name__}.") from error
        found: list[PersonalData] = []
        for span in sorted(spans, key=lambda span: (span.start, -span.end)):
            end = span.end - len(_possessive(text[span.start : span.end]))
            if span.entity_type in NAMES and (not found or found[-1].end <= span.start):
                found.append(PersonalData(PiiType(span.entity_type), span.start, end))
        return tuple(found)


def load(model: str) -> PresidioNames:
    """Return the detector, warm: the first text costs no more than the next.

    Args:
        model: The name of an installed spaCy model for English, or its folder.

    Raises:
        NameDetectorMissing: The extra or the model is not installed, or the model cannot be read.
    """
    try:
        import presidio_analyzer  # noqa: F401 - only who asks for names installs it.
        import spacy.util
    except ImportError as error:
        raise NameDetectorMissing(
            "guardrails.pii_names is presidio, whose packages are not installed.",
            hint="Install them: pip install 'trimtab[presidio]'; or set guardrails.pii_names = \"off\".",
        ) from error
    # Presidio would fetch a missing model from the network in the middle of a start.
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
