"""Each fault shows in the signals that its cause is told by, its fix repairs it, and nothing stays."""

import pytest

from tests.models.factory import models_in
from trimtab.kernel.operable import ActionContext
from trimtab.models.actions import actions
from trimtab.models.faults import NAME, faults
from trimtab.models.signals import signals

CONTEXT = ActionContext("key-1", "test")


@pytest.fixture
def drilled(tmp_path):
    with models_in(tmp_path / "data", deadline_seconds=0.2) as models:
        yield models


def read(models, name):
    (signal,) = [each for each in signals(models) if each.name == name]
    return {sample.labels["model"]: sample.value for sample in signal.read()}[NAME]


def act(models, name, **given):
    (action,) = [each for each in actions(models) if each.name == name]
    assert action.dry_run(given, CONTEXT).changes
    return action.run(given, CONTEXT)


def inject(models, name):
    (fault,) = [each for each in faults(models) if each.name == name]
    return fault, fault.inject({})


def test_a_truncated_file_is_told_by_intact_and_fetched_again(drilled):
    fault, state = inject(drilled, "models.artifact.truncate")
    assert (read(drilled, "models.intact"), read(drilled, "models.up")) == (0, 0)
    assert act(drilled, "models.resync", name="").changes
    assert (read(drilled, "models.intact"), read(drilled, "models.up")) == (1, 1)
    fault.restore(state)
    assert drilled.registry.names() == []
    assert list(drilled.registry.artifacts.root.iterdir()) == []


def test_a_failing_version_is_told_by_its_failures_and_rolled_back(drilled):
    fault, state = inject(drilled, "models.version.fail")
    assert (read(drilled, "models.intact"), read(drilled, "models.stuck")) == (1, 0)
    assert read(drilled, "models.failures") >= 5
    assert read(drilled, "models.up") == 0
    done = act(drilled, "models.rollback", name="")
    assert done.undo_arguments["production"] == 2
    assert read(drilled, "models.up") == 1
    assert drilled.registry.aliases(NAME) == {"production": 1}
    fault.restore(state)
    fault.restore(state)
    assert drilled.registry.names() == []


def test_a_hanging_model_is_told_by_stuck_and_loaded_again(drilled):
    fault, state = inject(drilled, "models.predictor.hang")
    while not read(drilled, "models.stuck"):
        pass
    assert read(drilled, "models.up") == 0
    assert act(drilled, "models.reload", name="").changes
    assert (read(drilled, "models.stuck"), read(drilled, "models.up")) == (0, 1)
    fault.restore(state)


def test_fallbacks_and_cache_change_at_once_and_back(drilled):
    done = act(drilled, "models.fallback", enabled=False)
    assert drilled.serving.fallback_enabled is False
    (action,) = [each for each in actions(drilled) if each.name == "models.fallback"]
    action.undo(done.undo_arguments, CONTEXT)
    assert drilled.serving.fallback_enabled is True
    done = act(drilled, "models.cache.resize", ttl_seconds=60.0, max_mb=1.0)
    assert drilled.serving.cache.max_bytes == 1024 * 1024
    (action,) = [each for each in actions(drilled) if each.name == "models.cache.resize"]
    action.undo(done.undo_arguments, CONTEXT)
    assert (drilled.serving.cache.ttl_seconds, drilled.serving.cache.max_bytes) == (
        3600.0,
        64 * 1024 * 1024,
    )


def test_only_models_of_a_drill_can_be_deleted(drilled):
    from trimtab.models.errors import AliasRefused

    with pytest.raises(AliasRefused):
        drilled.registry.forget_drill("churn")
