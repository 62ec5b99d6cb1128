"""Letting a former model serve again is never done without a person."""

import pytest

from tests.api.conftest import admin, app, app_of, settings_of  # noqa: F401 - fixtures.
from trimtab.incidents.errors import PreapprovalRefused
from trimtab.incidents.plan import check_preapproved
from trimtab.kernel.operable import Risk


@pytest.mark.feature("F360")
def test_the_rollback_of_a_model_needs_an_approval_that_cannot_be_given_beforehand(
    app,  # noqa: F811 - a fixture.
    admin,  # noqa: F811 - a fixture.
):
    assert app.catalog.action("models.rollback").risk is Risk.APPROVAL
    with pytest.raises(PreapprovalRefused):
        check_preapproved(("models.rollback",), app.catalog)
    act = {"arguments": {"name": "fraud"}}
    answer = admin.post("/v1/actions/models.rollback", json=act)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "catalog.needs_approval")
