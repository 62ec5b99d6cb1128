"""A model whose health check fails is loaded again by itself, unless a runbook has the better repair."""

import pytest

from tests.models.factory import models_in, register
from trimtab.kernel.operable import ActionContext, Risk
from trimtab.models.actions import actions
from trimtab.models.recovery import FAILURES, ModelRecovery
from trimtab.testing.clock import FakeClock

DAY = 86_400


class StillClock(FakeClock):
    """Passes only when a test advances it: background tasks wait until they are stopped."""

    def wait(self, event, seconds):
        return event.wait()


@pytest.fixture
def world(tmp_path):
    clock = StillClock()
    with models_in(tmp_path / "data", clock, breaker_seconds=1e9) as models:
        register(models, tmp_path)
        models.registry.promote("churn", 1, "anna", "first")
        models.serving.ready("churn")
        clock.advance(DAY)
        yield models, ModelRecovery(models), clock


def breaks(models):
    """Let the loaded estimator fail as one whose memory was overwritten; loading it again mends it."""
    served = models.serving.ready("churn").routing.servers["production"]
    served.loaded.predictor._fast = lambda values: 1 / 0


def looks(recovery, times=FAILURES):
    return [recovery.look() for _ in range(times)]


@pytest.mark.feature("F210")
def test_the_third_failed_health_check_loads_the_model_again(world):
    models, recovery, _ = world
    breaks(models)
    assert looks(recovery) == [[], [], ["churn"]]
    assert models.health("churn").healthy
    entries = [e for e in models.context.env.audit.recent(10) if e.actor == "models.recovery"]
    assert [(e.action, e.subject) for e in entries] == [("models.reload", "churn")]


@pytest.mark.feature("F210")
def test_a_healthy_model_is_left_alone_and_forgets_old_failures(world):
    models, recovery, _ = world
    assert looks(recovery, 10) == [[]] * 10
    breaks(models)
    assert looks(recovery, 2) == [[], []]
    models.serving.refresh("churn", reload=True)
    assert recovery.look() == []
    breaks(models)
    assert looks(recovery) == [[], [], ["churn"]]


def test_a_model_that_fails_again_is_loaded_later_and_later(world):
    models, recovery, clock = world
    served = []
    for pause in (0, 600, 3600, 3600):
        breaks(models)
        clock.advance(pause - 1 if pause else 0)
        early = [name for found in looks(recovery, 5) for name in found] if pause else []
        clock.advance(1)
        served.append((early, recovery.look() if pause else looks(recovery)[-1]))
    assert served == [([], ["churn"])] * 4


def test_what_a_runbook_repairs_is_left_to_it(world, tmp_path):
    models, recovery, clock = world
    register(models, tmp_path, shift=0.4)
    models.registry.promote("churn", 2, "anna", "second")
    breaks(models)
    # Promoted within a day: a rollback, which a person approves, is the better repair.
    assert looks(recovery, 6) == [[]] * 6
    clock.advance(DAY - 1)
    assert looks(recovery, 3) == [[]] * 3
    clock.advance(1)
    assert looks(recovery)[-1] == ["churn"]
    # Damaged files: they are fetched again.
    version = models.registry.resolve("churn")
    file = models.registry.artifacts.path(version.digest) / "model.skops"
    file.write_bytes(file.read_bytes()[:-100])
    models.verify("churn")
    clock.advance(DAY)
    assert looks(recovery, 6) == [[]] * 6


@pytest.mark.feature("F201")
def test_a_failed_model_is_restarted_by_its_name_without_an_approval(world):
    models, *_ = world
    breaks(models)
    assert not models.health("churn").healthy
    (reload,) = [each for each in actions(models) if each.name == "models.reload"]
    assert reload.risk is Risk.AUTOMATIC
    done = reload.run({"name": "churn"}, ActionContext("key", "operator"))
    assert done.facts == {"models": ["churn"]}
    assert models.health("churn").healthy
