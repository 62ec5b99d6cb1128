"""`kill -9` at every write of both phases of the flywheel: the repeated run loses nothing and adds nothing twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.evaluation.flywheel.failures import labelled, records
from tests.evaluation.flywheel.test_flywheel import FIRST, FlywheelWorld

WRITES = ("INSERT", "UPDATE", "DELETE")


def cycle(folder, die_at):
    """Run both phases over the same failures; die before a write statement. Return what came of it."""
    count = 0

    def watch(_connection, _cursor, statement, *_):
        nonlocal count
        count += statement.lstrip().upper().startswith(WRITES)
        if die_at and count == die_at:
            os.kill(os.getpid(), 9)

    world = FlywheelWorld(folder)
    sa.event.listen(sa.Engine, "before_cursor_execute", watch)
    world.source.known += records(
        [text for _, text in labelled(60)], FIRST.start, prefix=f"{FIRST.name}-"
    )
    report = world.annotated(FIRST, answer="The right answer.")
    dataset = world.flywheel.golden()
    return {
        "failures": report.failures,
        "clusters": sorted((each.name, each.size, each.status) for each in report.clusters),
        "asked": sorted(world.tasks.asked),
        "golden": [case["question"] for case in dataset.cases],
        "version": dataset.version,
        "sha256": dataset.sha256,
        "writes": count,
    }


def run(folder, die_at=0):
    command = [sys.executable, "-W", "ignore", "-m", __name__, str(folder), str(die_at)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, -9), done.stderr
    return json.loads(done.stdout) if done.returncode == 0 else None


@pytest.mark.timeout(600)
def test_a_kill_before_any_write_loses_and_repeats_nothing(tmp_path):
    (tmp_path / "whole").mkdir()
    whole = run(tmp_path / "whole")
    assert whole["golden"]
    # The first, the last, and some between: each is a run of its own.
    points = sorted(
        {1, 2, whole["writes"] // 3, whole["writes"] // 2, whole["writes"] - 1, whole["writes"]}
    )
    for point in points:
        folder = tmp_path / str(point)
        folder.mkdir()
        assert run(folder, point) is None
        again = run(folder)
        for name in ("failures", "clusters", "asked", "golden", "version", "sha256"):
            assert again[name] == whole[name], (point, name)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(cycle(Path(sys.argv[1]), int(sys.argv[2]))))
