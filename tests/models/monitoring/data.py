"""Small data sets of the tests: made from fixed seeds."""

import csv
import json
import math

import numpy as np

from trimtab.models.monitoring.reference import ColumnRoles, build_reference


def transactions(rows, seed=1, **changes):
    """Columns of card payments: two principal components, an amount, a country, a score and a label."""
    rng = np.random.default_rng(seed)
    score = np.clip(rng.beta(0.5, 2.0, rows), 0, 1)
    columns = {
        "V14": rng.normal(0, 1, rows),
        "V17": rng.normal(0, 1, rows),
        "amount": rng.lognormal(3, 1, rows),
        "country": np.array(rng.choice(["DE", "FR", "US"], rows, p=[0.5, 0.3, 0.2]), object),
        "score": score,
        "label": (rng.random(rows) < score).astype(np.float64),
    }
    return columns | changes


def reference(rows=5000, weights=None, seed=1):
    roles = ColumnRoles(weights=weights or {})
    return build_reference(transactions(rows, seed), roles)


def write_csv(path, columns):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def lines(*objects):
    return b"\n".join(json.dumps(each).encode() for each in objects)


def observations(columns, start=0, at=None, **more):
    """The rows as observations with the ids p0, p1, ..."""
    names = [name for name in columns if name not in ("score", "label")]
    rows = zip(*(columns[name].tolist() for name in names), strict=True)
    scores = columns["score"].tolist()
    found = []
    for number, (row, score) in enumerate(zip(rows, scores, strict=True)):
        named = zip(names, row, strict=True)
        features = {n: None if isinstance(v, float) and math.isnan(v) else v for n, v in named}
        line = {"id": f"p{start + number}", "features": features, "score": score, **more}
        found.append(line | ({"at": at} if at else {}))
    return lines(*found)


def labels(columns, start=0):
    return lines(
        *({"id": f"p{start + n}", "label": int(v)} for n, v in enumerate(columns["label"].tolist()))
    )
