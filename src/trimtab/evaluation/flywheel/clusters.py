"""Clusters failures by the words of their questions, and names clusters by their terms."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trimtab.text.words import STOP_WORDS, stem, words

JOIN = 0.5
"""Least cosine similarity to a cluster; measured in `benchmarks/flywheel.py`."""
SAME = 0.35
"""Cosine similarity from which two clusters, also of two weeks, are one subject."""
_PASSES = 3
_NAME_TERMS = 3
_KEPT_TERMS = 30

Vector = Mapping[str, float]


@dataclass(slots=True)
class TermCluster:
    """Indices of the texts in a cluster and the sum of their vectors."""

    members: list[int] = field(default_factory=list)
    total: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, index: int, vector: Vector) -> None:
        """Add a text."""
        self.members.append(index)
        for term, weight in vector.items():
            self.total[term] += weight

    def similarity(self, vector: Vector) -> float:
        """Return the cosine similarity of a text to the centroid."""
        norm = math.sqrt(sum(weight * weight for weight in self.total.values()))
        return dot(vector, self.total) / norm if norm else 0.0

    def terms(self) -> dict[str, float]:
        """Return the strongest terms, normalised."""
        strongest = sorted(self.total.items(), key=lambda item: (-item[1], item[0]))[:_KEPT_TERMS]
        return normalise(dict(strongest))


def cluster_texts(texts: Sequence[str]) -> list[TermCluster]:
    """Return the clusters of the texts, largest first; each text is in exactly one.

    Each text joins the most similar cluster or starts one; then all texts are assigned again to the
    clusters found, so that the order of the texts matters little. The time grows with the number of
    texts times the number of clusters.
    """
    vectors = weighted_vectors(texts)
    clusters = _assign(vectors, [])
    for _ in range(_PASSES):
        clusters = _assign(vectors, [each.total for each in clusters])
    merged = _merge(clusters)
    for cluster in merged:
        cluster.members.sort(key=lambda index: (-cluster.similarity(vectors[index]), index))
    return sorted(merged, key=lambda each: (-len(each.members), each.members[0]))


def weighted_vectors(texts: Sequence[str]) -> list[dict[str, float]]:
    """Return each text's terms weighted by TF-IDF and normalised to length 1."""
    counted = [Counter(_terms(text)) for text in texts]
    found_in = Counter(term for counts in counted for term in counts)
    number = len(texts)
    return [
        normalise(
            {
                term: count * math.sqrt(math.log(1 + number / found_in[term]))
                for term, count in counts.items()
            }
        )
        for counts in counted
    ]


def dot(first: Vector, second: Vector) -> float:
    """Return the dot product of two sparse vectors."""
    small, large = (first, second) if len(first) <= len(second) else (second, first)
    return sum(weight * large.get(term, 0.0) for term, weight in small.items())


def normalise(vector: Vector) -> dict[str, float]:
    """Return the vector with length 1; an empty one as it is."""
    norm = math.sqrt(sum(weight * weight for weight in vector.values()))
    return {term: weight / norm for term, weight in vector.items()} if norm else dict(vector)


def name_of(terms: Vector, texts: Sequence[str]) -> str:
    """Return the strongest terms in the form in which the texts write them most often."""
    written: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for word in words(text):
            written[stem(word)][word] += 1
    strongest = sorted(terms.items(), key=lambda item: (-item[1], item[0]))[:_NAME_TERMS]
    names = [
        min(written[term].items(), key=lambda item: (-item[1], item[0]))[0]
        if written[term]
        else term
        for term, _ in strongest
    ]
    return " ".join(names) or "no words"


def _terms(text: str) -> list[str]:
    # Numbers tell one failure from another, not one subject from another.
    return [stem(word) for word in words(text) if word not in STOP_WORDS and word.isalpha()]


def _assign(vectors: Sequence[Vector], seeds: Sequence[Vector]) -> list[TermCluster]:
    """Assign each text to its most similar seed or cluster, or to a cluster of its own."""
    centroids: list[Vector] = [normalise(seed) for seed in seeds]
    clusters = [TermCluster() for _ in seeds]
    postings: defaultdict[str, set[int]] = defaultdict(set)
    for number, centroid in enumerate(centroids):
        for term in centroid:
            postings[term].add(number)
    for index, vector in enumerate(vectors):
        near = {number for term in vector for number in postings.get(term, ())}
        scored = [(dot(vector, centroids[number]), -number) for number in near]
        best, negative = max(scored, default=(0.0, 0))
        if best < JOIN:
            clusters.append(TermCluster())
            centroids.append({})
            negative = -(len(clusters) - 1)
        cluster = clusters[-negative]
        cluster.add(index, vector)
        if -negative >= len(seeds):
            centroids[-negative] = normalise(cluster.total)
            for term in vector:
                postings[term].add(-negative)
    return [cluster for cluster in clusters if cluster.members]


def _merge(clusters: Sequence[TermCluster]) -> list[TermCluster]:
    """Join clusters whose centroids are the same subject."""
    merged: list[TermCluster] = []
    for cluster in sorted(clusters, key=lambda each: -len(each.members)):
        centroid = normalise(cluster.total)
        near = [(dot(centroid, normalise(other.total)), other) for other in merged]
        best = max(near, key=lambda item: item[0], default=None)
        if best is None or best[0] < SAME:
            merged.append(cluster)
            continue
        for index in cluster.members:
            best[1].members.append(index)
        for term, weight in cluster.total.items():
            best[1].total[term] += weight
    return merged
