"""A `kill -9` at any step of registration, promotion and rollback loses nothing and repeats nothing."""

import signal

import pytest

from tests import forks
from tests.models.factory import models_in, register, sample_rows
from tests.models.killed import STEPS, operate


def killed(folder, operation, step):
    done = forks.run(operate, folder, operation, step, folder=folder, timeout=110)
    assert done.returncode == -signal.SIGKILL, done.stderr


def prepared(folder, operation):
    with models_in(folder / "data") as models:
        register(models, folder)
        models.registry.promote("churn", 1, "anna", "first")
        if operation != "register":
            register(models, folder, shift=0.4)
        if operation == "rollback":
            models.registry.promote("churn", 2, "anna", "second")


@pytest.mark.parametrize("step", range(len(STEPS["register"])))
def test_a_registration_is_whole_or_absent_and_can_be_repeated(tmp_path, step):
    prepared(tmp_path, "register")
    killed(tmp_path, "register", step)
    with models_in(tmp_path / "data") as models:
        before = [version.version for version in models.registry.versions("churn")]
        assert before in ([1], [1, 2])
        folders = {path.name for path in models.registry.artifacts.root.iterdir()}
        assert folders == models.registry.store.digests()
        assert register(models, tmp_path, shift=0.4).version == 2
        models.registry.load("churn", "2")


@pytest.mark.parametrize("operation", ["promote", "rollback"])
@pytest.mark.parametrize("step", range(len(STEPS["promote"])))
def test_a_move_happens_once_whether_or_not_it_is_repeated(tmp_path, operation, step):
    prepared(tmp_path, operation)
    old, new = (1, 2) if operation == "promote" else (2, 1)
    killed(tmp_path, operation, step)
    with models_in(tmp_path / "data") as models:
        aliases = models.registry.aliases("churn")
        assert aliases["production"] in (old, new)
        answer = models.serving.predict_now("churn", sample_rows(1), "r1")
        assert answer.version == aliases["production"]
        if operation == "promote":
            models.registry.promote("churn", 2, "job", "better", key="job-1")
        else:
            models.registry.rollback("churn", "job", "worse", key="job-1")
        assert models.registry.aliases("churn")["production"] == new
        moves = [m for m in models.registry.alias_log("churn") if m.actor == "job"]
        assert [m.version for m in moves if m.alias == "production"] == [new]
