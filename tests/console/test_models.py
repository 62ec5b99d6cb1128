"""The pages of models show what serves and why, and let an administrator move it."""

import pytest

from tests.faces import client_of, first_key, key_of
from tests.models.factory import register
from trimtab.kernel.roles import Role
from trimtab.models.canary.service import CanaryPlan


@pytest.fixture
def registered(app, tmp_path):
    register(app.models, tmp_path, metrics={"f1": 0.8765}, card="# About <b>churn</b>")
    register(app.models, tmp_path, shift=0.4)
    app.models.registry.promote("churn", 1, "anna", "first")
    app.models.registry.promote("churn", 2, "otto", "better on newer data")
    return app


def test_an_empty_registry_names_the_next_step(admin):
    assert "trimtab models register" in admin.get("/console/models").text


def test_the_list_leads_to_each_model(registered, admin):
    text = admin.get("/console/models").text
    assert '<a class="row-link" href="/console/models/churn">churn</a>' in text
    assert admin.get("/console/models/other").status_code == 404


def test_a_model_shows_versions_log_metrics_and_canary(registered, admin):
    registered.models.serving.ready("churn")
    registered.models.canaries.begin("churn", CanaryPlan(1), "anna")
    text = admin.get("/console/models/churn?version=1").text
    assert "0.8765" in text
    assert "better on newer data" in text
    assert "Canary of version 1" in text
    assert "&lt;b&gt;churn" in text


def test_an_administrator_rolls_back_and_a_reader_cannot(registered):
    reader = client_of(registered, key=key_of(registered, Role.READER))
    admin = client_of(registered, key=first_key(registered))
    assert "Roll back" not in reader.get("/console/models/churn").text
    assert reader.post("/console/models/churn/rollback").status_code == 403
    assert "Roll back to 1" in admin.get("/console/models/churn").text
    assert admin.post("/console/models/churn/rollback").status_code == 303
    assert registered.models.registry.aliases("churn")["production"] == 1
    assert admin.post("/console/models/churn/promote", data={"version": "2"}).status_code == 303
    assert registered.models.registry.aliases("churn")["production"] == 2


def test_pages_of_models_say_the_zone_and_count_one_model(registered):
    admin = client_of(registered, key=first_key(registered))
    assert "1 trained model<" in admin.get("/console/models").text
    assert "times in UTC" in admin.get("/console/models/churn").text
