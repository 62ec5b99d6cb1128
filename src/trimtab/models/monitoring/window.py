"""State of one window of a model: counts only, under 4 KB, mergeable."""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from trimtab.models.monitoring.latency import LatencyHistogram
from trimtab.models.monitoring.profile import (
    CALIBRATION_BINS,
    FeatureProfile,
    ReferenceProfile,
    Values,
    is_missing,
    log_sums,
)

SCORE_BINS = CALIBRATION_BINS
_FEATURE_NUMBERS = 4
_VERSION = 1


@dataclass(slots=True)
class FeatureCounts:
    """Counts of the values of one feature."""

    bins: NDArray[np.int64]
    missing: int = 0
    unseen: int = 0
    """Values of a category that the reference does not have."""
    positive: int = 0
    nonzero: int = 0
    log_sum: float = 0.0
    log_squares: float = 0.0

    @classmethod
    def empty(cls, profile: FeatureProfile) -> Self:
        """Return counts of nothing, in the bins of the profile."""
        return cls(np.zeros(profile.bins, np.int64))

    @property
    def rows(self) -> int:
        """Return how many values were not missing."""
        return int(self.bins.sum())

    @property
    def null_rate(self) -> float:
        """Return the share of missing values; NaN of nothing."""
        whole = self.rows + self.missing
        return self.missing / whole if whole else float("nan")

    def add(self, profile: FeatureProfile, values: Values) -> None:
        """Count a column."""
        missing = is_missing(values)
        gone = int(missing.sum())
        self.missing += gone
        present = values[~missing] if gone else values
        if not len(present):
            return
        self.bins += np.bincount(profile.bin_numbers(present), minlength=profile.bins)
        if profile.is_number:
            nonzero, total, squares, positive = log_sums(present.astype(np.float64, copy=False))
            self.nonzero += nonzero
            self.log_sum += total
            self.log_squares += squares
            self.positive += positive
        else:
            known = {*profile.categories, *profile.rare}
            self.unseen += sum(value not in known for value in present.tolist())

    def merge(self, other: "FeatureCounts") -> None:
        """Add the counts of another window."""
        self.bins += other.bins
        self.missing += other.missing
        self.unseen += other.unseen
        self.positive += other.positive
        self.nonzero += other.nonzero
        self.log_sum += other.log_sum
        self.log_squares += other.log_squares


def _scores() -> NDArray[np.int64]:
    return np.zeros((2, SCORE_BINS), np.int64)


@dataclass(slots=True)
class WindowState:
    """Counts of one window; `merge` adds another one of the same profile."""

    features: dict[str, FeatureCounts]
    rows: int = 0
    """Predictions that were made."""
    errors: int = 0
    """Requests that the model failed."""
    scores: NDArray[np.int64] = field(default_factory=_scores)
    """Scores in 20 equal bins of [0, 1]: of rows predicted negative, then predicted positive."""
    score_sum: float = 0.0
    score: FeatureCounts | None = None
    """Scores in the bins of the reference's scores."""
    latency: LatencyHistogram = field(default_factory=LatencyHistogram)

    @classmethod
    def empty(cls, profile: ReferenceProfile) -> Self:
        """Return the state of a window in which nothing was observed."""
        counts = {each.feature: FeatureCounts.empty(each) for each in profile.features}
        return cls(counts, score=FeatureCounts.empty(profile.score) if profile.score else None)

    def add_features(
        self,
        profile: ReferenceProfile,
        columns: Mapping[str, Values],
        rows: int,
        filled: frozenset[str] = frozenset(),
    ) -> None:
        """Count the columns of that many rows; a column that is absent counts as missing.

        Missing values of the features in ``filled`` are not counted at all, because what replaces
        them was never observed.
        """
        for feature in profile.features:
            counts = self.features[feature.feature]
            before = counts.missing
            if feature.feature in columns:
                counts.add(feature, columns[feature.feature])
            else:
                counts.missing += rows
            if feature.feature in filled:
                counts.missing = before

    def add_scores(
        self,
        profile: ReferenceProfile,
        scores: NDArray[np.float64],
        positive: NDArray[np.bool_],
    ) -> None:
        """Count scores of the positive class, with what was predicted."""
        usable = np.isfinite(scores) & (scores >= 0) & (scores <= 1)
        kept, predicted = scores[usable], positive[usable]
        numbers = np.minimum((kept * SCORE_BINS).astype(np.intp), SCORE_BINS - 1)
        for row in (0, 1):
            chosen = numbers[predicted == bool(row)]
            self.scores[row] += np.bincount(chosen, minlength=SCORE_BINS)
        self.score_sum += float(kept.sum())
        if profile.score is not None and self.score is not None:
            self.score.add(profile.score, kept)

    def merge(self, other: "WindowState") -> None:
        """Add another window."""
        for name, counts in other.features.items():
            self.features[name].merge(counts)
        self.rows += other.rows
        self.errors += other.errors
        self.scores += other.scores
        self.score_sum += other.score_sum
        if self.score is not None and other.score is not None:
            self.score.merge(other.score)
        self.latency.merge(other.latency)

    def encode(self) -> bytes:
        """Return the state as bytes: small integers in few bytes, then the sums."""
        parts = [*self.features.values(), *([self.score] if self.score else [])]
        numbers = [self.rows, self.errors]
        sums = [self.score_sum]
        for part in parts:
            numbers += (part.missing, part.unseen, part.positive, part.nonzero)
            numbers += part.bins.tolist()
            sums += (part.log_sum, part.log_squares)
        numbers += self.scores.ravel().tolist()
        numbers += self.latency.counts.tolist()
        return bytes((_VERSION,)) + struct.pack(f"<{len(sums)}d", *sums) + _varints(numbers)

    @classmethod
    def decode(cls, profile: ReferenceProfile, data: bytes) -> Self:
        """Return the state that `encode` wrote for the same profile.

        Raises:
            ValueError: The bytes are not of this profile.
        """
        found = cls.empty(profile)
        parts = [*found.features.values(), *([found.score] if found.score else [])]
        count = 1 + 2 * len(parts)
        sums = struct.unpack_from(f"<{count}d", data, 1)
        numbers = list(_integers(data[1 + 8 * count :]))
        whole = 2 + sum(_FEATURE_NUMBERS + len(each.bins) for each in parts)
        if data[0] != _VERSION or len(numbers) != whole + found.scores.size + len(
            found.latency.counts
        ):
            raise ValueError("the state is not of this reference profile")
        found.rows, found.errors, found.score_sum = numbers[0], numbers[1], sums[0]
        at = 2
        for number, part in enumerate(parts):
            part.missing, part.unseen, part.positive, part.nonzero = numbers[at : at + 4]
            part.bins[:] = numbers[at + 4 : at + 4 + len(part.bins)]
            part.log_sum, part.log_squares = sums[1 + 2 * number : 3 + 2 * number]
            at += _FEATURE_NUMBERS + len(part.bins)
        found.scores[:] = np.reshape(numbers[at : at + found.scores.size], found.scores.shape)
        found.latency.counts[:] = numbers[at + found.scores.size :]
        return found


def _varints(numbers: Iterable[int]) -> bytes:
    """Write integers in 7 bits a byte, the lowest first; the last byte of each has bit 8 clear."""
    found = bytearray()
    for number in numbers:
        rest = number
        while rest > 0x7F:
            found.append(rest & 0x7F | 0x80)
            rest >>= 7
        found.append(rest)
    return bytes(found)


def _integers(data: bytes) -> Iterable[int]:
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value
            value = shift = 0
