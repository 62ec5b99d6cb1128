"""Measures the flywheel on recorded failures, and the review loop with two simulated annotators.

    python -m benchmarks.flywheel [--failures 500] [--json]

The failures are labelled questions about ten subjects; the annotators give the true verdict, and one in ten times
another one, each with a random generator of its own.
"""

import argparse
import json
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.evaluation.flywheel.failures import labelled, records
from tests.evaluation.flywheel.test_flywheel import FIRST, SECOND, FlywheelWorld
from tests.review.world import BAD, GOOD, ReviewWorld

from trimtab.evaluation.flywheel.clusters import cluster_texts
from trimtab.review.records import ItemState

_MISTAKES = 0.1


def measure_clusters(count: int) -> dict[str, object]:
    """Return purity, completeness and time of the clustering."""
    labels, texts = zip(*labelled(count), strict=True)
    started = time.perf_counter()
    clusters = cluster_texts(texts)
    seconds = time.perf_counter() - started
    largest: Counter[str] = Counter()
    right = 0
    for cluster in clusters:
        counts = Counter(labels[index] for index in cluster.members)
        right += counts.most_common(1)[0][1]
        for label, number in counts.items():
            largest[label] = max(largest[label], number)
    return {
        "failures": count,
        "subjects": len(set(labels)),
        "clusters": len(clusters),
        "purity": round(right / count, 3),
        "completeness": round(largest.total() / count, 3),
        "seconds": round(seconds, 2),
    }


def measure_flywheel(folder: Path, count: int) -> dict[str, object]:
    """Return what both phases make of the failures of two weeks."""
    world = FlywheelWorld(folder)
    questions = [text for _, text in labelled(count)]
    half = count // 2
    world.source.known += records(questions[:half], FIRST.start, prefix="a")
    world.source.known += records(questions[half:], SECOND.start, prefix="b")
    found: dict[str, object] = {}
    for week, prefix in ((FIRST, "a"), (SECOND, "b")):
        started = time.perf_counter()
        world.flywheel.triage(week, tasks=60)
        for trace_id in world.tasks.asked:
            if trace_id.startswith(prefix):
                world.tasks.annotate(trace_id, "The right answer.")
        report = world.flywheel.finish(week)
        found[week.name] = {
            "failures": report.failures,
            "clusters": dict(Counter(each.status for each in report.clusters)),
            "annotated": report.annotated,
            "golden_cases": report.golden_cases,
            "first_failure_to_test_hours": report.first_failure_to_test_hours,
            "seconds": round(time.perf_counter() - started, 2),
        }
    world.database.close()
    return found


def measure_review(folder: Path, count: int) -> dict[str, object]:
    """Return agreement, adjudications and rate of two annotators and an adjudicator."""
    world = ReviewWorld(folder, annotators=2)
    world.queue(*(f"t{number:04}" for number in range(count)))
    people = {name: random.Random(name) for name in ("ann", "bob")}
    started = time.perf_counter()
    for name, rng in people.items():
        while (item := world.reviews.next(name)) is not None:
            true = GOOD if int(item.subject[1:]) % 2 else BAD
            other = BAD if true is GOOD else GOOD
            world.clock.advance(rng.randint(10, 90))
            world.reviews.submit(item.id, name, other if rng.random() < _MISTAKES else true)
    adjudicated = 0
    while (item := world.reviews.next("eve")) is not None:
        world.reviews.submit(item.id, "eve", GOOD if int(item.subject[1:]) % 2 else BAD)
        adjudicated += 1
    seconds = time.perf_counter() - started
    (pair,) = (each for each in world.reviews.agreement() if "eve" not in each.annotators)
    done = [item for item in world.reviews.items.done_since() if item.state is ItemState.DONE]
    world.close()
    return {
        "items": count,
        "done": len(done),
        "adjudicated": adjudicated,
        "observed_agreement": round(pair.observed, 3),
        "kappa": None if pair.kappa is None else round(pair.kappa, 3),
        "seconds": round(seconds, 1),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--failures", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "flywheel").mkdir()
        (folder / "review").mkdir()
        figures = {
            "clusters": measure_clusters(given.failures),
            "flywheel": measure_flywheel(folder / "flywheel", given.failures),
            "review": measure_review(folder / "review", 100),
        }
    if given.json:
        print(json.dumps(figures, indent=1))
        return
    for part, values in figures.items():
        print(f"{part}:")
        for key, value in values.items():
            print(f"  {key}: {value}")


if __name__ == "__main__":
    main()
