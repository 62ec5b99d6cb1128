"""Chooses the thresholds of root-cause ranking on simulated systems: `python -m benchmarks.rca_thresholds`.

No evaluation set is read. `SHIFTED` is the largest shift that normal time shows in 99 of 100 systems of 100 metrics, over
independent, autocorrelated, seasonal, bursty, drifting and heavy-tailed noise. `EXPLAINS` is the middle of the values with the best accuracy on
random call graphs in which one node became slow.
"""

import numpy as np

from trimtab.incidents.rca import contribution, frame
from trimtab.incidents.rca.ranking import rank_causes
from trimtab.incidents.rca.shifts import sustained_shift

METRICS, NORMAL, ABNORMAL, SYSTEMS = 100, 240, 40, 400
CANDIDATES = [round(0.1 + 0.05 * number, 2) for number in range(17)]


def noise(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Return one metric of a system that is well."""
    return NOISES[int(rng.integers(len(NOISES)))](rng, rows)


def autocorrelated(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Return values that remember about ten steps."""
    values = rng.standard_normal(rows)
    for row in range(1, rows):
        values[row] += 0.9 * values[row - 1]
    return values


def wave(rng: np.random.Generator, rows: int) -> np.ndarray:
    return 3 * np.sin(np.arange(rows) * 2 * np.pi / 60 + rng.uniform(0, 6)) + independent(rng, rows)


def bursts(rng: np.random.Generator, rows: int) -> np.ndarray:
    spikes = np.where(rng.random(rows) < 0.1, rng.exponential(10, rows), 0.0)
    return spikes + 0.1 * independent(rng, rows)


def drift(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Return a slow walk without a direction, such as memory in use."""
    return np.cumsum(0.2 * rng.standard_normal(rows)) + independent(rng, rows)


def rise(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Return a slow rise, such as a disk that fills."""
    return np.arange(rows) * rng.uniform(0.005, 0.05) + independent(rng, rows)


def independent(rng: np.random.Generator, rows: int) -> np.ndarray:
    return rng.standard_normal(rows)


def heavy_tailed(rng: np.random.Generator, rows: int) -> np.ndarray:
    return rng.standard_t(3, rows)


NOISES = (independent, autocorrelated, wave, bursts, drift, rise, heavy_tailed)


def shifted(rng: np.random.Generator) -> float:
    largest = []
    for _ in range(SYSTEMS):
        values = np.column_stack([noise(rng, NORMAL + ABNORMAL) for _ in range(METRICS)]) + 50
        largest.append(float(np.max(sustained_shift(values[:NORMAL], values[NORMAL:]))))
    return float(np.percentile(largest, 99))


def slow_system(rng: np.random.Generator):
    """Return a random call graph with metrics before and after one node became slow."""
    count = int(rng.integers(8, 25))
    names = [f"n{number}" for number in range(count)]
    graph = {name: [] for name in names}
    for child in range(1, count):
        graph[names[int(rng.integers(max(0, child - 6), child))]].append(names[child])
    own = rng.lognormal(-3, 0.7, count)
    calls = rng.integers(1, 3, count)
    cause = int(rng.integers(1, count))
    extra = float(rng.uniform(0.3, 3)) * float(own.sum())

    def frame_of(rows: int, added: float) -> frame.MetricFrame:
        latency = own[None, :] * rng.lognormal(0, 0.2, (rows, count))
        latency[:, cause] += added * rng.lognormal(0, 0.2, rows)
        requests = np.empty((rows, count))
        requests[:, 0] = rng.poisson(200, rows) + 1
        for node in range(count):
            for name in graph[names[node]]:
                requests[:, int(name[1:])] = requests[:, node] * calls[int(name[1:])]
        for node in range(count - 1, -1, -1):
            for name in graph[names[node]]:
                latency[:, node] += calls[int(name[1:])] * latency[:, int(name[1:])]
        columns, values = [], []
        for node, name in enumerate(names):
            columns += [
                frame.MetricColumn(name, "latency", "Average"),
                frame.MetricColumn(name, "requests", "Sum"),
            ]
            values += [latency[:, node], requests[:, node]]
        return frame.MetricFrame(tuple(columns), np.column_stack(values))

    target = contribution.Target(names[0], "latency")
    return frame_of(NORMAL, 0.0), frame_of(ABNORMAL, extra), graph, target, names[cause]


def explains(rng: np.random.Generator) -> tuple[float, dict[float, float]]:
    systems = [slow_system(rng) for _ in range(SYSTEMS)]
    accuracy = {}
    shipped = contribution.EXPLAINS
    try:
        for value in CANDIDATES:
            contribution.EXPLAINS = value
            right = [rank_causes(*system[:4]).cause == system[4] for system in systems]
            accuracy[value] = sum(right) / len(right)
    finally:
        contribution.EXPLAINS = shipped
    best = max(accuracy.values())
    plateau = [value for value, part in accuracy.items() if part >= best - 0.005]
    return float(np.median(plateau)), accuracy


def main() -> None:
    rng = np.random.default_rng(17)
    print(f"SHIFTED: {shifted(rng):.1f} interquartile ranges (99 of 100 normal systems are below)")
    chosen, accuracy = explains(rng)
    for value, part in accuracy.items():
        print(f"EXPLAINS {value:.2f}: {part:.3f} of the causes first")
    print(f"EXPLAINS: {chosen:.2f} (the middle of the best values)")


if __name__ == "__main__":
    main()
