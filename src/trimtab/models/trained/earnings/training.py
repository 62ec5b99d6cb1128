"""Trains the tone weights of the earnings analyzer and measures its statements."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.models.rows import Rows
from trimtab.models.trained.datasets import find_file, read_json_lines
from trimtab.models.trained.earnings.analyzer import Read, features_of, read_report
from trimtab.models.trained.earnings.predictor import TEXT_COLUMN, EarningsPredictor
from trimtab.models.trained.earnings.records import FinancialStatement
from trimtab.models.trained.earnings.scoring import LEVELS, add_counts, count_matches
from trimtab.models.trained.earnings.tone import TONES, ToneModel
from trimtab.models.trained.errors import TrainingDataInvalid
from trimtab.models.trained.judging import JudgedCandidate, class_indices, newest_fifth
from trimtab.models.trained.measures import Labels, class_figures

STATEMENTS_FILE = "earnings_statements/data.jsonl"
CALLS_FILE = "earnings21/data.jsonl"
_STRENGTH = 1.0
"""Inverse strength of the penalty on the weights: there are few sentences."""


@dataclass(frozen=True, slots=True)
class LabelledSentence:
    """A labelled sentence with what the analyzer reads there."""

    call: str
    text: str
    tone: str
    labelled: tuple[Mapping[str, Any], ...]
    found: tuple[FinancialStatement, ...]
    features: NDArray[np.float64]
    quoted: str
    """The labelled characters, which the analyzer may cut elsewhere."""
    start: int
    """Offset of the first of them in the call."""


def read_labelled(data: Path) -> list[LabelledSentence]:
    """Return the labelled sentences, read within their calls when the calls are there.

    Args:
        data: The folder of both sets, or the file of labelled sentences; the calls are then
            searched in the folder of both sets.
    """
    file = find_file(data, STATEMENTS_FILE)
    records = [record for _, record in read_json_lines(file)]
    by_call: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        by_call[str(record.get("call", ""))].append(record)
    calls = _calls(file.parent.parent / CALLS_FILE)
    found: list[LabelledSentence] = []
    for call, sentences in by_call.items():
        if call in calls:
            found += _within(call, sentences, calls[call])
        else:
            found += [_alone(call, record) for record in sentences]
    return found


def _calls(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    return {str(record["id"]): record["text"] for _, record in read_json_lines(file)}


def _within(call: str, records: Sequence[Mapping[str, Any]], text: str) -> list[LabelledSentence]:
    """Return the labelled sentences with the statements that lie in them.

    The analyzer may cut sentences elsewhere: the tone is that of the one that overlaps most.
    """
    found: list[LabelledSentence] = []
    read = read_report(text)
    for record in records:
        start, end = record["start"], record["end"]
        inside = [s for _, _, own in read for s in own if start <= s.start and s.end <= end]
        nearest = max(read, key=lambda item: min(item[0].end, end) - max(item[0].start, start))
        whole = {**record, "text": text[start:end]}
        found.append(_sentence(call, whole, inside, nearest))
    return found


def _alone(call: str, record: Mapping[str, Any]) -> LabelledSentence:
    if not isinstance(record.get("text"), str):
        raise TrainingDataInvalid(
            f"A sentence of call {call} has no text, and there is no call with that id.",
            hint=f"Put the calls next to the sentences, as {CALLS_FILE}.",
        )
    read = read_report(record["text"])
    shift = record["start"]
    inside = [_shifted(statement, shift) for _, _, own in read for statement in own]
    longest = max(read, key=lambda item: item[0].end - item[0].start)
    return _sentence(call, record, inside, longest)


def _shifted(statement: FinancialStatement, by: int) -> FinancialStatement:
    return replace(statement, start=statement.start + by, end=statement.end + by)


def _sentence(
    call: str, record: Mapping[str, Any], found: Sequence[FinancialStatement], read: Read
) -> LabelledSentence:
    tone = record.get("tone")
    if tone not in TONES or not isinstance(record.get("statements"), list):
        raise TrainingDataInvalid(f"A sentence of call {call} has no statements or no tone.")
    features = features_of([read])[0]
    return LabelledSentence(
        call,
        read[0].text,
        tone,
        tuple(record["statements"]),
        tuple(found),
        features,
        record["text"],
        record["start"],
    )


def fit_tone(sentences: Sequence[LabelledSentence], strength: float = _STRENGTH) -> ToneModel:
    """Return the weights of a logistic regression on the labelled tones."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=1000, class_weight="balanced")
    model.fit(np.asarray([s.features for s in sentences]), [s.tone for s in sentences])
    order = [list(model.classes_).index(tone) for tone in TONES]
    return ToneModel(model.coef_[order], model.intercept_[order])


def judge_earnings(data: Path) -> JudgedCandidate:
    """Return the tones that weights fitted on the older sentences give the newest fifth."""
    sentences = read_labelled(data)
    labels = tone_labels(sentences)
    held_out = newest_fifth(labels)
    train = [sentences[at] for at in np.flatnonzero(~held_out)]
    texts = [sentences[at].text for at in np.flatnonzero(held_out)]
    rows = Rows((TEXT_COLUMN,), columns={TEXT_COLUMN: texts})
    outputs = EarningsPredictor(fit_tone(train)).predict(rows)
    assert outputs.labels is not None  # noqa: S101 - the analyzer gives a tone to each text.
    return JudgedCandidate(
        rows,
        TONES,
        class_indices(labels[held_out], TONES),
        outputs.labels,
        tuple(range(len(TONES))),
    )


def cross_validated_tone(
    sentences: Sequence[LabelledSentence], strength: float = _STRENGTH
) -> NDArray[np.float64]:
    """Return tone probabilities of each sentence by weights that have not seen its call."""
    shares = np.zeros((len(sentences), len(TONES)))
    for call in {sentence.call for sentence in sentences}:
        own = [at for at, sentence in enumerate(sentences) if sentence.call == call]
        rest = [sentence for sentence in sentences if sentence.call != call]
        shares[own] = fit_tone(rest, strength).probabilities(
            np.asarray([sentences[at].features for at in own])
        )
    return shares


def tone_labels(sentences: Sequence[LabelledSentence]) -> Labels:
    """Return the labelled tones."""
    return np.asarray([sentence.tone for sentence in sentences])


def figures_of(
    sentences: Sequence[LabelledSentence], shares: NDArray[np.float64]
) -> dict[str, float]:
    """Return F1 of the statements by level, false statements and the figures of the tone."""
    counts = add_counts(
        [count_matches(s.labelled, [asdict(f) for f in s.found]) for s in sentences]
    )
    figures = {f"statements_f1_{name}": round(counts.f1(at), 4) for at, name in enumerate(LEVELS)}
    without = [sentence for sentence in sentences if not sentence.labelled]
    figures["sentences_without_statement"] = float(len(without))
    figures["false_statements"] = float(sum(bool(sentence.found) for sentence in without))
    tone = class_figures(tone_labels(sentences), shares, TONES)
    return figures | {f"tone_{name}": value for name, value in tone.items()}
