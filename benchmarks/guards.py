"""Our guards beside packaged detectors on the same texts: ``make bench-guards DATA=DIR`` prints both tables.

DIR holds pii_presidio_synth, inj_*_validation and benign_* (text + spans, text + label). A finding counts when type,
start and end are exact; Presidio's and the others' own names for a type are translated, and what they find of a type that
the set does not label counts for nothing. CPU time is of the detector alone, its start and model loading left out.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trimtab.guardrails.evaluate import evaluate, read
from trimtab.guardrails.measures import balanced_accuracy, false_positive_rate, recall
from trimtab.guardrails.pii import STRUCTURED

ROOT = Path(__file__).parent.parent
PEERS_PYTHON = ROOT / ".venv" / "bench" / "bin" / "python"
PII_SET = "pii_presidio_synth"
PII_PEERS = ("presidio", "presidio, patterns", "scrubadub", "datafog-core")
INJECTION_SETS = (
    "inj_slabs_validation",
    "inj_neuralchemy_validation",
    "benign_alpaca",
    "benign_notinject",
)
INJECTION_PEERS = ("aco-prompt-shield",)
_NAMES = {"LOCATION": "GPE", "URL": "DOMAIN_NAME"}


def peer(python: Path, name: str, folder: Path) -> dict[str, Any]:
    command = [str(python), str(Path(__file__).with_name("guards_peers.py")), name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode:
        sys.exit(f"{name} failed: {done.stderr[-500:]}")
    return json.loads(done.stdout.splitlines()[-1])


def f1(rows: Sequence[Mapping[str, Any]], found: Sequence[Any], types: set[str]) -> float:
    """Return F1 over the types."""
    right = wrong = missed = 0
    for row, hits in zip(rows, found, strict=True):
        labelled = {(s["type"], s["start"], s["end"]) for s in row["spans"] if s["type"] in types}
        ours = {(_NAMES.get(kind, kind), start, end) for kind, start, end in hits}
        ours = {hit for hit in ours if hit[0] in types}
        right += len(labelled & ours)
        wrong += len(ours - labelled)
        missed += len(labelled - ours)
    return round(2 * right / max(1, 2 * right + wrong + missed), 3)


def personal_data(data: Path, python: Path) -> dict[str, dict[str, float]]:
    rows = read(data / PII_SET)
    labelled = {str(span["type"]) for row in rows for span in row["spans"]}  # type: ignore[attr-defined]
    own: Any = evaluate(data / PII_SET)
    table = {
        "trimtab": {
            "structured F1": own["structured"]["f1"],
            "names and places F1": 0.0,
            "CPU ms": own["cpu_ms"],
        }
    }
    for name in PII_PEERS:
        found = peer(python, name, data / PII_SET)
        table[name] = {
            "structured F1": f1(rows, found["found"], labelled & set(STRUCTURED)),
            "names and places F1": f1(rows, found["found"], {"PERSON", "GPE"}),
            "CPU ms": found["cpu_ms"],
        }
    return table


def injections(data: Path, python: Path) -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = {}
    for name in INJECTION_SETS:
        own: Any = evaluate(data / name)
        table[f"trimtab, {name}"] = {
            key: own[key]
            for key in ("balanced_accuracy", "recall", "false_positive_rate", "cpu_ms")
        }
        labels = np.array([int(str(row["label"])) for row in read(data / name)])
        for other in INJECTION_PEERS:
            found = peer(python, other, data / name)
            flagged = np.array(found["found"], dtype=bool)
            table[f"{other}, {name}"] = {
                "balanced_accuracy": balanced_accuracy(labels, flagged),
                "recall": recall(labels, flagged),
                "false_positive_rate": false_positive_rate(labels, flagged),
                "cpu_ms": found["cpu_ms"],
            }
    return table


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("data", type=Path)
    options.add_argument("--python", type=Path, default=PEERS_PYTHON)
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    report = {
        "personal data": personal_data(given.data, given.python),
        "injection": injections(given.data, given.python),
    }
    if given.json:
        print(json.dumps(report))
        return
    for title, table in report.items():
        print(title)
        for name, figures in table.items():
            shown = "  ".join(f"{key} {'-' if v is None else v}" for key, v in figures.items())
            print(f"  {name:45} {shown}")


if __name__ == "__main__":
    main()
