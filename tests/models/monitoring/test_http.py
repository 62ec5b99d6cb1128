"""Monitoring over HTTP, on the command line, and through the catalog."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.faces import anonymous, app, app_of, control, settings_of  # noqa: F401 - fixtures.
from tests.models.monitoring.data import labels, lines, observations, transactions, write_csv
from trimtab.cli.main import app as commands
from trimtab.incidents.diagnose import recent_changes
from trimtab.kernel.operable import ActionContext
from trimtab.models.monitoring.reference import ColumnRoles, build_reference

NAME = "classifier_v2"
PATH = f"/v1/models/{NAME}"


@pytest.fixture
def http(control):  # noqa: F811
    profile = build_reference(transactions(5000), ColumnRoles())
    answer = control.put(f"{PATH}/reference", json=profile.to_json())
    assert answer.status_code == 200, answer.text
    return control


def test_observations_and_labels_come_in_and_are_judged(http):
    columns = transactions(1000, seed=3)
    sent = http.post(f"{PATH}/observations", content=observations(columns)).json()
    assert (sent["stored"], sent["repeated"], sent["ignored_features"]) == (1000, 0, [])
    assert http.post(f"{PATH}/labels", content=labels(columns)).json()["stored"] == 1000
    body = http.get(f"{PATH}/monitoring").json()
    assert (body["requests"], body["labelled"], body["verdict"]) == (1000, 1000, "stable")
    assert {each["feature"] for each in body["features"]} == {"V14", "V17", "amount", "country"}
    assert http.get("/v1/model-monitoring").json()["models"][0]["model"] == NAME


@pytest.mark.parametrize(
    ("path", "content", "status", "code"),
    [
        ("observations", b"garbage", 400, "models.bad_batch"),
        ("observations", b'{"id": "x"}\n' * 10_001, 413, "models.batch_too_large"),
        ("labels", b'{"id": "x", "label": 1}', 404, "models.prediction_unknown"),
    ],
)
def test_bad_batches_are_refused_with_their_codes(http, path, content, status, code):
    answer = http.post(f"{PATH}/{path}", content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert http.get(f"{PATH}/monitoring").json()["requests"] == 0


def test_another_label_is_a_conflict(http):
    http.post(f"{PATH}/observations", content=lines({"id": "a", "score": 1}))
    http.post(f"{PATH}/labels", content=lines({"id": "a", "label": 1}))
    answer = http.post(f"{PATH}/labels", content=lines({"id": "a", "label": 0}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "models.label_conflict")


def test_a_reference_that_is_none_is_refused(http):
    for body in ({}, {"features": [{"feature": "x", "edges": [1], "shares": [1]}]}):
        answer = http.put(f"{PATH}/reference", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "models.bad_reference")


def test_a_model_that_is_not_monitored_is_not_found(http):
    assert http.get("/v1/models/other/monitoring").status_code == 404
    assert http.delete(f"{PATH}/reference").status_code == 204
    assert http.get(f"{PATH}/monitoring").status_code == 404


@pytest.mark.feature("F356")
def test_pipeline_runs_and_imports_are_changes_that_a_diagnosis_lists(app, http):  # noqa: F811
    run = {"pipeline": "features-daily", "status": "succeeded", "detail": "vendor API v3"}
    assert http.post("/v1/pipeline-runs", json=run).status_code == 200
    http.post(f"{PATH}/observations", content=lines({"id": "a", "score": 1}))
    assert http.post("/v1/pipeline-runs", json=run | {"status": "odd"}).status_code == 400
    listed = [(change.action, change.subject) for change in recent_changes(app.incidents.context)]
    assert listed[:2] == [
        ("models.observations_imported", NAME),
        ("pipeline.succeeded", "features-daily"),
    ]


def test_an_action_corrects_the_unit_of_the_incidents_model_and_takes_it_back(app, http):  # noqa: F811
    columns = transactions(2000, seed=3)
    columns["amount"] = columns["amount"] * 100
    http.post(f"{PATH}/observations", content=observations(columns))
    rescale = app.catalog.action("models.inputs.rescale")
    context = ActionContext("key", "runbook:model-drift", component=NAME)
    assert rescale.dry_run({"model": ""}, context).changes
    done = rescale.run({"model": ""}, context)
    assert "amount is multiplied by 0.01." in done.summary
    (correction,) = http.get(f"{PATH}/monitoring").json()["corrections"]
    assert correction["value"] == pytest.approx(0.01, rel=0.1)
    rescale.undo(done.undo_arguments, context)
    assert http.get(f"{PATH}/monitoring").json()["corrections"] == []


def test_the_command_line_tells_the_drift_of_a_file(tmp_path):
    before, now = transactions(5000), transactions(3000, seed=3)
    now["V14"] = now["V14"] + 1
    files = [str(write_csv(tmp_path / f"{n}.csv", c)) for n, c in (("a", before), ("b", now))]
    arguments = ["models", "drift", NAME, "--reference", files[0], "--data", files[1], "--json"]
    result = CliRunner().invoke(commands, arguments)
    assert result.exit_code == 0, result.output
    body = json.loads(result.stdout)
    assert body["drifted_features"] == ["V14"]
    assert body["verdict"] == "drift"


def test_the_command_line_monitors_a_model(tmp_path):
    before, now = transactions(5000), transactions(500, seed=3)
    base = ["--data-dir", str(tmp_path / "data"), "models"]
    (tmp_path / "data").mkdir()
    (tmp_path / "now.jsonl").write_bytes(observations(now))
    (tmp_path / "labels.jsonl").write_bytes(labels(now))
    csv = str(write_csv(tmp_path / "a.csv", before))
    for arguments in (
        ["reference", NAME, "--data", csv, "--weight", "V14=0.5"],
        ["observe", NAME, str(tmp_path / "now.jsonl")],
        ["label", NAME, str(tmp_path / "labels.jsonl")],
    ):
        result = CliRunner().invoke(commands, [*base, *arguments])
        assert result.exit_code == 0, result.output
    shown = CliRunner().invoke(commands, [*base, "monitoring", NAME, "--json"])
    body = json.loads(shown.stdout)
    assert (body["requests"], body["labelled"]) == (500, 500)
    assert np.isfinite(body["f1"])
