"""A release or settings that came with a restart are found as the cause of the errors that began after it."""

import pytest

import trimtab
from tests.processes import data_dir, models  # noqa: F401 - fixtures.
from trimtab.app import build
from trimtab.infra.settings import load

CAUSE = "answers-failing/a-new-release-or-configuration"
OTHER = "answers-failing/a-model-s-endpoint-is-down"


@pytest.fixture
def run(data_dir):  # noqa: F811 - the fixture above.
    """Start a service on the data directory with these flags, use it, and stop it in order."""

    def run_once(use=lambda _app: None, **flags):
        given = {"service.data_dir": str(data_dir)}
        given |= {name.replace("__", "."): value for name, value in flags.items()}
        app = build(load(flags=given, environment={}))
        try:
            app.start(handbook=False)
            return use(app)
        finally:
            app.close()

    return run_once


def fail(app, times):
    for _ in range(times):
        app.answers.counters.count_failure("answers.unavailable")


def judged(app):
    """Return whether each of the two causes is supported now, and what the rollback would say."""
    app.monitoring.take_sample()
    found = []
    for name in (CAUSE, OTHER):
        _, cause = app.library.cause(name)
        held = [app.monitor.judge(check.expression).holds for check in cause.evidence]
        # What the model's rest says is not of interest here.
        found.append(held[-1])
    return found


def failed_after_start(app, times=5):
    fail(app, times)
    return judged(app), [e.subject for e in app.audit.recent(50) if e.action.endswith("_changed")]


@pytest.mark.feature("F453")
@pytest.mark.parametrize(("errors", "held"), [(4, [False, True]), (5, [True, False])])
def test_errors_that_began_with_a_new_release_are_laid_to_it(run, monkeypatch, errors, held):
    run()
    monkeypatch.setattr(trimtab, "__version__", "9.9.9")
    found, changed = run(lambda app: failed_after_start(app, errors))
    assert found == held
    assert [text.partition(" -> ")[2] for text in changed] == ["9.9.9"]


@pytest.mark.feature("F453")
def test_errors_that_began_with_other_settings_are_laid_to_them(run):
    run()
    found, changed = run(failed_after_start, answers__watch_window_minutes="30")
    assert (found, changed) == ([True, False], ["answers.watch_window_minutes"])


def test_errors_that_were_there_before_the_new_release_are_not_laid_to_it(run, monkeypatch):
    run(lambda app: fail(app, 1))
    monkeypatch.setattr(trimtab, "__version__", "9.9.9")
    found, _ = run(failed_after_start)
    assert found == [False, True]


def test_after_a_restart_without_a_change_errors_are_laid_to_no_change(run):
    run()
    assert run(failed_after_start) == ([False, True], [])
