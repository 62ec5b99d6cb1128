"""Parses batches of observations and labels: JSON lines, all or nothing."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from trimtab.models.monitoring.errors import BadBatch, BatchTooLarge

MAX_LINES = 10_000
_SHOWN = 10
_LONGEST = 200
_MAX_FEATURES = 2_000
SKEW = timedelta(minutes=5)
"""How far a sender's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One prediction of a model, made here or elsewhere."""

    id: str
    at: datetime
    features: Mapping[str, Any] = field(default_factory=dict)
    prediction: str | None = None
    score: float | None = None
    """Probability of the positive class."""
    latency_seconds: float = math.nan
    error: str | None = None
    """Why the model gave no prediction."""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """The true label of an earlier prediction."""

    id: str
    label: str
    at: datetime
    correct: bool = False
    """Whether it replaces a label that was wrong."""


class _BadLine(ValueError):
    """A line is not usable; the message says why."""


def parse_observations(body: bytes, now: datetime, oldest: datetime) -> list[Observation]:
    """Return the observations of a batch.

    Args:
        body: One JSON object a line: ``id``; and ``at``, ``features``, ``prediction``, ``score``,
            ``latency_ms``, ``error``, ``version`` as they apply.
        now: The service's time; the default of ``at``.
        oldest: Earlier predictions are refused, because they are not kept.

    Raises:
        BadBatch: At least one line is not usable; the message names the first ones.
        BatchTooLarge: There are over 10,000 lines.
    """

    def parse(line: Mapping[str, Any]) -> Observation:
        _only(line, "id", "at", "features", "prediction", "score", "latency_ms", "error", "version")
        return Observation(
            id=_text(line, "id"),
            at=_time(line, now, oldest),
            features=_features(line.get("features", {})),
            prediction=_name(line, "prediction"),
            score=_between(line, "score", 1.0),
            latency_seconds=_latency(line),
            error=_name(line, "error") or None,
            version=_name(line, "version") or "",
        )

    return list(_parse(body, parse))


def parse_labels(body: bytes, now: datetime, oldest: datetime) -> list[Label]:
    """Return the labels of a batch: one JSON object a line, with ``id`` and ``label``.

    Raises:
        BadBatch: At least one line is not usable; the message names the first ones.
        BatchTooLarge: There are over 10,000 lines.
    """

    def parse(line: Mapping[str, Any]) -> Label:
        _only(line, "id", "label", "at", "correct")
        label, correct = _name(line, "label"), line.get("correct", False)
        if label is None:
            raise _BadLine("`label` is missing")
        if not isinstance(correct, bool):
            raise _BadLine("`correct` is not true or false")
        return Label(_text(line, "id"), label, _time(line, now, oldest), correct)

    return list(_parse(body, parse))


def _parse(body: bytes, parse: Callable[[Mapping[str, Any]], Any]) -> Iterator[Any]:
    lines = [(n, line) for n, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    if len(lines) > MAX_LINES:
        raise BatchTooLarge(f"The batch has {len(lines)} lines; the limit is {MAX_LINES}.")
    if not lines:
        raise BadBatch("The batch is empty.", hint="Send one JSON object a line.")
    found, problems = [], []
    for number, line in lines:
        try:
            value = orjson.loads(line)
            if not isinstance(value, dict):
                raise _BadLine("not a JSON object")
            found.append(parse(value))
        except orjson.JSONDecodeError as error:
            problems.append(f"line {number}: not JSON ({error})")
        except _BadLine as problem:
            problems.append(f"line {number}: {problem}")
    if problems:
        raise _refusal(problems, len(lines))
    return iter(found)


def _refusal(problems: list[str], lines: int) -> BadBatch:
    shown = "; ".join(problems[:_SHOWN])
    more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    return BadBatch(f"{len(problems)} of {lines} lines are not usable: {shown}{more}.")


def _only(line: Mapping[str, Any], *allowed: str) -> None:
    if unknown := sorted(set(line) - set(allowed)):
        raise _BadLine(f"unknown field {unknown[0][:50]!r}; known are {', '.join(allowed)}")


def _text(line: Mapping[str, Any], name: str) -> str:
    found = _name(line, name)
    if not found:
        raise _BadLine(f"`{name}` is missing")
    return found


def _name(line: Mapping[str, Any], name: str) -> str | None:
    value = line.get(name)
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int | float):
        raise _BadLine(f"`{name}` is neither text nor number")
    text = str(value)
    if len(text) > _LONGEST:
        raise _BadLine(f"`{name}` is longer than {_LONGEST} characters")
    return text


def _between(line: Mapping[str, Any], name: str, maximum: float) -> float | None:
    value = line.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= maximum:
        raise _BadLine(f"`{name}` is not a number from 0 to {maximum:g}")
    return float(value)


def _latency(line: Mapping[str, Any]) -> float:
    found = _between(line, "latency_ms", 86_400_000.0)
    return math.nan if found is None else found / 1000


def _features(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict) or len(value) > _MAX_FEATURES:
        raise _BadLine(f"`features` is not an object of at most {_MAX_FEATURES} values")
    for name, each in value.items():
        if isinstance(each, dict | list):
            raise _BadLine(f"feature {name[:50]!r} is neither number nor text")
    return value


def _time(line: Mapping[str, Any], now: datetime, oldest: datetime) -> datetime:
    value = line.get("at")
    if value is None:
        return now
    at = _instant(value)
    if at > now + SKEW:
        ahead = round((at - now).total_seconds())
        raise _BadLine(f"`at` is {ahead} s in the future; set the sender's clock")
    if at < oldest:
        raise _BadLine(f"`at` is before {oldest:%Y-%m-%d}; older predictions are not kept")
    return at


def _instant(value: object) -> datetime:
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            # A time without zone is taken as UTC, as every time of the service is.
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise _BadLine("`at` is neither an ISO 8601 time nor seconds since 1970")
