"""Runs the campaigns and prints a table; exit 1 when something is wrong.

python -m tests.answers.torture --attempts 10000 --minutes 10 [--only soak] [--json]
"""

import argparse
import json
import logging
import os
import sys
import tempfile
from pathlib import Path

from tests.answers.torture import erasures, exporter, fuzz, generators, soak, tenants


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--attempts", type=int, default=10_000, help="to read as another tenant")
    parser.add_argument("--cases", type=int, default=20_000, help="of wrong requests")
    parser.add_argument("--questions", type=int, default=480, help="of models that misbehave")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the soak")
    parser.add_argument("--clients", type=int, default=50, help="of the soak")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", help="tenants, generators, exporter ...")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    campaigns = {
        "tenants": lambda folder: tenants.campaign(folder, given.attempts, given.seed),
        "fuzz": lambda folder: fuzz.campaign(folder, given.cases, given.seed),
        "generators": lambda folder: generators.campaign(folder, given.questions, given.seed),
        "exporter": lambda folder: exporter.campaign(folder, 90),
        "erasures": erasures.campaign,
        "soak": lambda folder: soak.campaign(folder, given.minutes, given.clients),
    }
    results = []
    for name, run in campaigns.items():
        if given.only and name not in given.only:
            continue
        with tempfile.TemporaryDirectory(prefix=f"torture-{name}-") as folder:
            results.append(run(Path(folder)))
        if not given.json:
            sys.stdout.writelines(f"{line}\n" for line in results[-1].lines())
            sys.stdout.flush()
    wrong = sum(len(result.wrong) for result in results)
    if given.json:
        sys.stdout.write(json.dumps([result.as_dict() for result in results]) + "\n")
    else:
        tried = ", ".join(f"{result.tried} {result.name}" for result in results)
        sys.stdout.write(f"{tried}; {wrong} wrong\n")
    return int(wrong > 0)


def _interrupted():
    """End at once, with the code of an interrupt: a campaign's own end is done, its idle threads need no waiting for."""
    sys.stdout.write("interrupted\n")
    sys.stdout.flush()
    os._exit(130)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        _interrupted()
