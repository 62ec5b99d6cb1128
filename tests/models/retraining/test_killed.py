"""A `kill -9` at any step of a retraining: it goes on to its end, trains one version and promotes it once."""

import signal

import pytest

from tests import forks
from tests.models.factory import models_in, register
from tests.models.retraining.killed import MODEL, STEPS, retrain
from trimtab.models.retraining.store import RetrainingStore


def run(folder, *step):
    return forks.run(retrain, folder, *step, folder=folder, timeout=250)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("step", STEPS)
def test_a_retraining_that_is_killed_goes_on_and_happens_once(tmp_path, step):
    with models_in(tmp_path / "data") as models:
        register(models, tmp_path)
        models.registry.promote(MODEL, 1, "anna", "first")
    assert run(tmp_path, step).returncode == -signal.SIGKILL
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    with models_in(tmp_path / "data") as models:
        (found,) = RetrainingStore(models.context.database).recent()
        assert (found.state, found.facts["version"]) == ("promoted", 2)
        assert [version.version for version in models.registry.versions(MODEL)] == [1, 2]
        assert models.registry.aliases(MODEL) == {"production": 2, "previous": 1}
        moves = [move for move in models.registry.alias_log(MODEL) if move.actor == "eva"]
        assert [(move.alias, move.version) for move in moves] == [
            ("previous", 1),
            ("production", 2),
        ]
        assert list((tmp_path / "data" / "retraining").iterdir()) == []
