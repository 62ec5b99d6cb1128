"""Stands in for Presidio's analyzer, which is too heavy for the environment of the tests; see `test_presidio.py`."""

import threading
from dataclasses import dataclass


@dataclass
class Result:
    """The fields of Presidio's ``RecognizerResult`` that are read."""

    entity_type: str
    start: int
    end: int
    score: float = 0.85


class Knows:
    """Finds every place of the given words, last word first, and more types than it is asked for."""

    def __init__(self, **types):
        self.types = types

    def analyze(self, text, language, entities):
        assert (language, set(entities)) == ("en", {"PERSON", "LOCATION"})
        return [
            Result(self.types[word], text.index(word), text.index(word) + len(word))
            for word in reversed(self.types)
            if word in text
        ]


class Returns:
    def __init__(self, *results):
        self.results = [Result(*result) for result in results]

    def analyze(self, text, language, entities):
        return self.results


class Fails:
    def analyze(self, text, language, entities):
        raise ValueError(f"cannot read {text}")


class Hangs:
    """Detects nothing until it is released; counts how often it was asked."""

    def __init__(self):
        self.released = threading.Event()
        self.asked = 0

    def analyze(self, text, language, entities):
        self.asked += 1
        self.released.wait(60)
        return []
