"""Models over HTTP and on the command line: register, predict, move, verify, and who may."""

import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.faces import client_of, key_of
from tests.models.factory import FEATURES, matrix, sample_rows, saved, trained
from tests.models.trained.factory import write_table
from trimtab.infra.telemetry.log_reader import LogFilter
from trimtab.kernel.roles import Role
from trimtab.models.packing import Description, pack
from trimtab.models.trained.fraud import TASK

ROWS = sample_rows(3, seed=11)


def form(folder, estimator=None, name="churn", **fields):
    file = saved(folder, estimator)
    parts = {"artifact": ("model.skops", file.read_bytes())}
    parts["sample"] = ("sample.json", json.dumps(sample_rows()).encode())
    parts["fields"] = ("fields.json", json.dumps(fields).encode())
    return {"data": {"name": name}, "files": parts}


@pytest.fixture
def served(control, tmp_path):
    """Return a client of a service where churn@1 serves."""
    assert control.post("/v1/models", **form(tmp_path)).status_code == 201
    assert control.post("/v1/models/churn/promote", json={"version": 1}).status_code == 200
    return control


def test_a_registered_model_predicts_as_its_estimator_does(served):
    body = served.post("/v1/models/churn/predict", json={"rows": ROWS}).json()
    expected = trained().predict_proba(matrix(ROWS))
    found = [[row["probabilities"][c] for c in ("no", "yes")] for row in body["outputs"]]
    assert np.array(found) == pytest.approx(expected)
    assert (body["version"], body["served_by"], body["outcome"]) == (1, "churn@1", "ok")


def test_the_answer_names_the_request_whose_bytes_are_on_record(served):
    answer = served.post(
        "/v1/models/churn/predict", json={"rows": ROWS}, headers={"X-Request-ID": "req-1"}
    )
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"] == "req-1"
    (found,) = served.get("/v1/models/requests/req-1").json()["results"]
    version = served.get("/v1/models/churn/versions/1").json()
    assert found["sha256"] == version["sha256"]
    assert found["files"] == version["manifest"]["files"]
    assert served.get("/v1/models/requests/other").status_code == 404


def test_the_open_inference_protocol_takes_a_matrix_and_columns(served):
    flat = [row[name] for row in ROWS for name in FEATURES]
    one = {"name": "x", "shape": [3, 3], "datatype": "FP64", "data": flat}
    many = [
        {"name": n, "shape": [3, 1], "datatype": "FP64", "data": [row[n] for row in ROWS]}
        for n in FEATURES
    ]
    plain = served.post("/v1/models/churn/predict", json={"rows": ROWS}).json()
    for inputs in ([one], many):
        body = served.post("/v2/models/churn/infer", json={"inputs": inputs, "id": "i1"}).json()
        outputs = {each["name"]: each for each in body["outputs"]}
        assert outputs["label"]["data"] == [row["label"] for row in plain["outputs"]]
        assert outputs["predict"]["data"] == [row["value"] for row in plain["outputs"]]
        assert outputs["probabilities"]["shape"] == [3, 2]
        assert (body["model_version"], body["id"]) == ("1", "i1")
    meta = served.get("/v2/models/churn").json()
    assert [each["name"] for each in meta["inputs"]] == list(FEATURES)
    assert served.get("/v2/health/ready").json()["ready"] is True
    assert served.get("/v2/models/churn/ready").status_code == 200


@pytest.mark.parametrize(
    "inputs",
    [
        None,
        [],
        [{"name": "x"}],
        [{"name": "x", "shape": [3, 3], "datatype": "FP64", "data": [1]}],
        [{"name": "x", "shape": [-1], "datatype": "FP64", "data": []}],
        [{"name": "x", "shape": [1], "datatype": "COMPLEX", "data": [1]}],
        [{"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [[1, 2], [3, 4]]}],
    ],
    ids=range(7),
)
def test_a_wrong_tensor_is_refused(served, inputs):
    answer = served.post("/v2/models/churn/infer", json={"inputs": inputs})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "models.invalid_rows"


@pytest.mark.feature("F208", "F209")
@pytest.mark.parametrize("method", ["get", "post"])
def test_health_predicts_and_wants_confidence(served, method):
    body = getattr(served, method)("/v1/models/churn/health").json()
    assert body["healthy"] is True
    assert body["confidence"] > 0.5
    assert body["prediction"]["label"] in {"no", "yes"}


@pytest.mark.feature("F208", "F209")
@pytest.mark.parametrize(("share", "status"), [(0.51, 200), (0.5, 503)])
def test_a_confidence_of_a_half_is_not_healthy(served, app, share, status):
    server = app.models.serving.ready("churn").routing.servers["production"]
    server.loaded.predictor._fast = lambda values: np.array([[share, 1 - share]] * len(values))
    answer = served.get("/v1/models/churn/health")
    assert (answer.status_code, answer.json()["confidence"]) == (status, share)
    assert answer.json()["healthy"] is (status == 200)


def test_a_broken_model_is_not_healthy(served, app):
    server = app.models.serving.ready("churn").routing.servers["production"]
    server.loaded.predictor.estimator[-1].coef_ = None
    answer = served.get("/v1/models/churn/health")
    assert answer.status_code == 503
    assert "baseline" in answer.json()["detail"]


def test_several_models_are_asked_in_one_request(served, tmp_path):
    served.post("/v1/models", **form(tmp_path, name="risk"))
    served.post("/v1/models/risk/promote", json={"version": 1})
    inputs = {"churn": ROWS, "risk": ROWS[:1], "unknown": ROWS, "bad": 7}
    body = served.post("/v1/analyze", json={"inputs": inputs}).json()["results"]
    assert len(body["churn"]["outputs"]) == 3
    assert body["risk"]["served_by"] == "risk@1"
    assert body["unknown"]["error"]["code"] == "models.unknown"
    assert body["bad"]["error"]["code"] == "api.invalid_request"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"rows": []}, "models.invalid_rows"),
        ({"rows": [{"amount": "x", "age": 1, "balance": 1}]}, "models.invalid_rows"),
        ({"rows": 7}, "api.invalid_request"),
        ({"rows": [{}], "version": "latest"}, "api.invalid_request"),
        ([], "api.invalid_request"),
    ],
    ids=range(5),
)
def test_a_wrong_request_is_refused_with_what_is_wrong(served, body, code):
    answer = served.post("/v1/models/churn/predict", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize("text", ["", "{", '{"rows": [{"amount": NaN}]}', "[" * 100_000])
def test_a_body_that_is_not_json_is_refused(served, text):
    answer = served.post("/v1/models/churn/predict", content=text)
    assert answer.status_code == 400


def test_a_prediction_needs_a_key_for_all_projects_and_post(served, app):
    path, body = "/v1/models/churn/predict", {"rows": ROWS}
    reader = client_of(app, key=key_of(app, Role.READER))
    tenant = client_of(app, key=app.keys.create("one", Role.ADMIN, actor="test", projects=("one",)))
    alerts = client_of(app, key=key_of(app, Role.ALERTS))
    assert reader.post(path, json=body).status_code == 200
    assert reader.get(path).status_code == 405
    assert client_of(app).post(path, json=body).status_code == 401
    assert tenant.post(path, json=body).status_code == 403
    assert alerts.post(path, json=body).status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("churn", b'{"rows": []}'),
        ("churn", b'{"rows": [{"amount": 1}]}'),
        ("churn", b'{"rows": [], "version": "newest"}'),
        ("churn", b"{"),
        ("unknown", b'{"rows": [{}]}'),
        ("a%2Fb", b'{"rows": [{}]}'),
    ],
)
def test_the_short_way_to_a_prediction_refuses_as_the_framework_does(served, app, path, body):
    short = client_of(app, key=key_of(app, Role.ADMIN))
    answers = [
        client.post(f"/v1/models/{path}/predict", content=body) for client in (short, served)
    ]
    assert answers[0].status_code >= 400
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["X-Error-Code"] == answers[1].headers["X-Error-Code"]


def test_an_unexpected_error_of_the_short_way_is_the_internal_error(served, app, monkeypatch):
    def fail(*_args, **_options):
        raise ZeroDivisionError

    monkeypatch.setattr("trimtab.models.serving.service.parse_rows", fail)
    short = client_of(app, key=key_of(app, Role.READER))
    answer = short.post("/v1/models/churn/predict", json={"rows": ROWS})
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "api.internal")
    assert short.get("/v1/models").status_code == 200


def test_a_prediction_is_counted_and_logged_under_its_route(served, app, caplog):
    short = client_of(app, key=key_of(app, Role.READER))
    with caplog.at_level("INFO", "trimtab.api.http.middleware"):
        short.post("/v1/models/churn/predict", json={"rows": ROWS}, headers={"X-Request-ID": "r7"})
    (line,) = [each for each in caplog.records if getattr(each, "request_id", "") == "r7"]
    assert (line.path, line.status) == ("/v1/models/churn/predict", 200)
    text = short.get("/metrics").text
    assert (
        'http_requests_total{method="POST",route="/v1/models/{name}/predict",status="200"}' in text
    )


def test_more_rows_than_one_call_may_have_are_refused(app_of, tmp_path):
    app = app_of(models__max_rows="40")
    client = TestClient(app.http_apps.control, base_url="http://localhost")
    client.post("/v1/models", **form(tmp_path))
    client.post("/v1/models/churn/promote", json={"version": 1})
    assert client.post("/v1/models/churn/predict", json={"rows": ROWS[:1] * 40}).status_code == 200
    answer = client.post("/v1/models/churn/predict", json={"rows": ROWS[:1] * 41})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "models.too_many_rows")


def test_an_archive_with_its_manifest_is_registered(control, tmp_path):
    pack(trained(), Description(name="churn", sample=sample_rows()), tmp_path / "packed")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in (tmp_path / "packed").iterdir():
            archive.write(file, file.name)
    files = {"artifact": ("churn.zip", packed.getvalue())}
    answer = control.post("/v1/models", data={"name": "churn"}, files=files)
    assert answer.status_code == 201
    assert list(answer.json()["manifest"]["files"]) == ["model.skops"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("model.skops", b"\x80\x04N.", "models.artifact_refused"),
        ("model.pkl", b"\x80\x04N.", "models.artifact_refused"),
        ("model.zip", b"no archive", "models.artifact_refused"),
        ("", b"x", "api.invalid_request"),
        ("..", b"x", "models.artifact_refused"),
    ],
    ids=range(5),
)
def test_what_is_not_an_artifact_is_refused_and_nothing_stays(control, app, name, content, code):
    answer = control.post("/v1/models", data={"name": "churn"}, files={"artifact": (name, content)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert control.get("/v1/models").json()["models"] == []
    assert list(app.models.registry.artifacts.root.iterdir()) == []


def test_moves_need_an_administrator_and_registration_an_operator(app, tmp_path):
    operator = client_of(app, key=key_of(app, Role.OPERATOR))
    reader = client_of(app, key=key_of(app, Role.READER))
    assert reader.post("/v1/models", **form(tmp_path)).status_code == 403
    assert operator.post("/v1/models", **form(tmp_path)).status_code == 201
    assert operator.post("/v1/models/churn/promote", json={"version": 1}).status_code == 403
    assert operator.post("/v1/models/churn/rollback", json={}).status_code == 403
    app.models.registry.promote("churn", 1, "anna", "")
    assert reader.post("/v1/models/churn/predict", json={"rows": ROWS}).status_code == 200
    assert reader.get("/v1/models/requests/x").status_code == 403


def test_the_log_tells_which_key_moved_what(served):
    moves = served.get("/v1/models/churn/log").json()["moves"]
    assert [(move["alias"], move["version"], move["actor"]) for move in moves] == [
        ("production", 1, "local")
    ]


def test_a_canary_is_begun_shown_and_stopped(served, tmp_path):
    served.post("/v1/models", **form(tmp_path, trained(shift=0.4)))
    asked = {"version": 2, "share": 0.5}
    assert served.post("/v1/models/churn/canary", json=asked).status_code == 201
    assert served.post("/v1/models/churn/canary", json=asked).status_code == 409
    shown = served.get("/v1/models/churn/canary").json()
    assert (shown["canary"]["state"], len(shown["rates"])) == ("running", 2)
    assert served.delete("/v1/models/churn/canary").json()["state"] == "stopped"


@pytest.mark.feature("F199", "F200")
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", ["earnings-analyzer", "sentiment-analyzer", "risk-predictor"])
def test_the_root_of_a_process_for_one_model_is_that_models_health(app_of, tmp_path, method, name):
    app = app_of(models__only=name)
    client = client_of(app)
    assert getattr(client, method)("/health").status_code == 404
    control = TestClient(app.http_apps.control, base_url="http://localhost")
    control.post("/v1/models", **form(tmp_path, name=name))
    control.post(f"/v1/models/{name}/promote", json={"version": 1})
    answer = getattr(client, method)("/health")
    assert (answer.status_code, answer.json()["healthy"]) == (200, True)
    assert answer.json()["served_by"] == f"{name}@1"
    assert answer.json()["prediction"] is None  # Anybody may ask; the row may be someone's.
    served = app.models.serving.ready(name).routing.servers["production"]
    served.loaded.predictor._fast = lambda values: 1 / 0
    answer = getattr(client, method)("/health")
    assert (answer.status_code, answer.json()["healthy"]) == (503, False)


def test_the_root_of_any_other_process_is_its_own_health_by_post_too(app):
    client = client_of(app)
    assert client.post("/health").json().keys() == client.get("/health").json().keys()
    assert "components" in client.post("/health").json()


@pytest.mark.feature("F294")
def test_every_model_file_is_listed_and_a_pickle_named(served, app):
    body = served.get("/v1/model-files").json()
    owners = {each["owner"] for each in body["files"]}
    assert "churn@1" in owners
    stray = app.models.registry.artifacts.root / "old.pkl"
    stray.write_bytes(b"\x80\x04N.")
    body = served.get("/v1/model-files").json()
    (found,) = [each for each in body["files"] if each["file"] == "old.pkl"]
    assert not body["intact"]
    assert "refused: old.pkl is a pickle" in found["problem"]


@pytest.mark.feature("F192", "F193", "F198")
def test_failures_errors_and_memory_are_shown_by_model(served, app):
    def read(name):
        signal = app.catalog.signals[name]
        return {sample.labels["model"]: sample.value for sample in signal.read()}

    asked = "/v1/models/churn/predict"
    assert served.post(asked, json={"rows": ROWS}).status_code == 200
    assert (read("models.served"), read("models.failures")) == ({"churn": 1}, {"churn": 0})
    app.models.serving.fallback_enabled = False
    server = app.models.serving.ready("churn").routing.servers["production"]
    server.loaded.predictor._fast = lambda values: 1 / 0
    rows = sample_rows(1, seed=99)
    answer = served.post(asked, json={"rows": rows})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "models.unavailable")
    assert (read("models.failures"), read("models.errors")) == ({"churn": 1}, {"churn": 1})
    server.loaded = replace(server.loaded, memory_bytes=12_345_678)
    assert read("models.memory_bytes") == {"churn": 12_345_678}


@pytest.mark.feature("F194", "F196")
def test_the_log_of_a_model_says_model_unavailable_with_the_reason(served, app, caplog):
    server = app.models.serving.ready("churn").routing.servers["production"]
    server.loaded.predictor._fast = lambda values: 1 / 0
    served.post("/v1/models/churn/predict", json={"rows": sample_rows(1, seed=98)})
    (record,) = [each for each in caplog.records if each.message == "Model Unavailable"]
    assert record.model == "churn@1"
    assert "division by zero" in record.error
    line = {"time": "2026-01-01T00:00:00+00:00", "level": "WARNING", "logger": record.name}
    line |= {"model": record.model}
    since = datetime(2025, 1, 1, tzinfo=UTC)
    for component, matches in (
        ("churn", True),
        ("churn@1", True),
        ("other", False),
        ("chur", False),
    ):
        assert LogFilter(since, component=component).matches(line) is matches


def test_validated_rows_start_a_retraining_over_http(app_of, tmp_path):
    folder = tmp_path / "data-of-models"
    folder.mkdir()
    write_table(tmp_path, rows=200).rename(folder / "fraud-classifier.csv")
    client = TestClient(
        app_of(models__retraining_data=str(folder)).http_apps.control, base_url="http://localhost"
    )
    row = {
        "model": "fraud-classifier",
        "inputs": dict.fromkeys(TASK.columns, 1.0),
        "label": "fraud",
    }
    lines = "\n".join([json.dumps(row)] * 49)
    body = client.post("/v1/model-updates", content=lines).json()
    assert body == {"started": [], "too_few": {"fraud-classifier": 49}}
    for content, code in (("", 400), ("{", 400), ('{"model": "x"}', 400), ("[]", 400)):
        assert client.post("/v1/model-updates", content=content).status_code == code


def test_the_models_of_the_package_can_be_retrained(control):
    assert control.get("/v1/model-retrainings").json()["trainable"] == [
        "earnings-analyzer",
        "fraud-classifier",
        "risk-predictor",
        "sentiment-analyzer",
    ]
