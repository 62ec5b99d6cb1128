"""An erasure that meets a real obstacle stays failed until somebody goes on with it."""

import pytest

from tests.faces import app_of, settings_of  # noqa: F401 - fixtures.
from trimtab.kernel.operable import ActionContext
from trimtab.privacy.erasure import ErasureState
from trimtab.privacy.faults import PROJECT


@pytest.fixture
def app(app_of):  # noqa: F811 - the fixture above.
    """A started service whose pauses between passes last a hundredth."""
    app = app_of(service__clock_rate="100")
    app.start(handbook=False)
    return app


def test_the_erasure_fails_and_is_completed_by_going_on_with_it(app):
    fault = app.catalog.fault("answers.erasure.break")
    state = fault.inject({})
    found = app.erasures.find(state["erasure"])
    assert found.state is ErasureState.FAILED
    counts = {s.labels["state"]: s.value for s in app.catalog.signal("answers.erasures").read()}
    assert counts["failed"] == 1
    retry = app.catalog.action("answers.erasure.retry")
    retry.run({}, ActionContext("key", "test"))
    assert app.erasures.wait(found.id).state is ErasureState.DONE
    fault.restore(state)
    fault.restore(state)
    assert PROJECT not in {project.name for project in app.knowledge.projects.list()}


def test_restoring_the_fault_completes_an_erasure_that_nobody_went_on_with(app):
    fault = app.catalog.fault("answers.erasure.break")
    state = fault.inject({})
    fault.restore(state)
    assert app.erasures.find(state["erasure"]).state is ErasureState.DONE
    assert app.knowledge.maintenance.deletions.file.is_file()
