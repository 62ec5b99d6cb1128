"""Which work a process does, by its roles."""

import pytest

from tests.faces import client_of
from trimtab.app import build
from trimtab.app.modules import MODULES
from trimtab.app.roles import _STARTED_BY, ProcessRole, RoleMissing, Roles, RoleUnknown
from trimtab.infra.settings import load


def refused(roles, method, path):
    return Roles(roles).refuse({"method": method, "path": path}) is not None


def test_a_process_does_everything_by_default():
    assert load(flags={}, environment={}).service.roles == ("all",)
    assert all(Roles(["all"]).starts(name) for name in _STARTED_BY)
    assert not refused(["all"], "POST", "/v1/answers")


def test_every_piece_of_work_is_done_by_some_role():
    assert all(_STARTED_BY.values())
    done = {role for roles in _STARTED_BY.values() for role in roles}
    # These have nothing to load and no loop: every process has guards, pages and keys.
    assert set(ProcessRole) - done == {
        ProcessRole.ALL,
        ProcessRole.GATEWAY,
        ProcessRole.GUARDRAILS,
    }


@pytest.mark.parametrize("names", [["api-gateway"], [], ["answers", ""]])
def test_an_unknown_role_is_refused_with_the_list(names):
    with pytest.raises(RoleUnknown) as refusal:
        Roles(names)
    assert "all" in refusal.value.hint()


@pytest.mark.parametrize(
    ("role", "method", "path", "is_refused"),
    [
        ("gateway", "POST", "/v1/answers", True),
        ("gateway", "GET", "/api/v1/query/wiki", True),
        ("gateway", "POST", "/openai/v1/chat/completions", True),
        ("gateway", "GET", "/api/v1/search/wiki", True),
        ("gateway", "POST", "/api/v1/ingest", True),
        ("gateway", "POST", "/v1/models/risk/predict", True),
        ("gateway", "POST", "/v2/models/risk/infer", True),
        ("gateway", "GET", "/v1/keys", False),
        ("gateway", "GET", "/health", False),
        ("gateway", "GET", "/v1/traces", False),
        ("gateway", "GET", "/v1/models", False),
        ("answers", "POST", "/v1/answers", False),
        ("answers", "GET", "/api/v1/search/wiki", False),
        ("knowledge", "POST", "/v1/answers", True),
        ("knowledge", "POST", "/api/v1/ingest", False),
        ("models", "POST", "/v1/models/risk/predict", False),
        ("models", "POST", "/v1/answers", True),
        ("embedding", "GET", "/health", False),
    ],
)
def test_a_request_whose_work_is_not_loaded_is_refused(role, method, path, is_refused):
    assert refused([role], method, path) is is_refused


def test_a_refusal_names_the_role_that_does_the_work():
    found = Roles(["gateway", "review"]).refuse({"method": "POST", "path": "/v1/answers"})
    assert isinstance(found, RoleMissing)
    assert "gateway, review" in found.message
    assert "the role answers" in found.hint()


@pytest.fixture(scope="module")
def embedding(tmp_path_factory):
    flags = {
        "service.data_dir": str(tmp_path_factory.mktemp("roles") / "data"),
        "service.roles": "embedding",
    }
    app = build(load(flags=flags, environment={}))
    app.start()
    yield app
    app.close()


@pytest.mark.feature("F610")
def test_the_role_embedding_tells_of_its_model_at_health(embedding):
    found = client_of(embedding).get("/health")
    assert found.status_code == 200
    model = found.json()["components"]["embedding_model"]
    assert model["status"] == "up"
    assert model["model"]
    assert "vector_store" not in found.json()["components"]


def test_each_module_of_the_table_exists(embedding):
    assert len(embedding.assembly.modules) == len(MODULES) + 1
    assert set(_STARTED_BY) <= {module.name for module in embedding.assembly.modules}


def test_what_a_role_does_not_start_runs_no_loop_and_has_no_metric(embedding):
    running = {task.state.name for task in embedding.assembly.tasks() if task.state.started_at}
    assert "read the guards' rules file" in running
    assert not running & {"judge models", "resume the jobs of incidents", "drop old traces"}
    metrics = client_of(embedding).get("/metrics").text
    assert "kb_query_cache_hit_ratio" not in metrics
    assert "service_cpu_ratio" in metrics


def test_it_refuses_a_question_with_503_and_the_next_step(embedding):
    found = client_of(embedding).post("/v1/answers", json={"question": "What is it?"})
    assert found.status_code == 503
    assert found.json()["error"]["code"] == "service.role_missing"
    assert "answers" in found.json()["error"]["hint"]
