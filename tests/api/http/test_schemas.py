"""The OpenAPI document has the schema of every answer, so that a client can be generated from it."""

import subprocess
import sys

import pytest

from trimtab.api.application import create_api
from trimtab.api.http.openapi import routes_of
from trimtab.api.http.schemas import add_schemas

MEDIA = "application/json"
FREE = {
    ("UpkeepReport", "facts"),
    ("FleetReport", "switches"),
    ("ActionOutcome", "facts"),
    ("ChatMessage", "content"),
    ("Component", ""),
    ("DoneAct", "undo_arguments"),
    ("Entry", "facts"),
    ("GoldenDataset", "cases"),
    ("LearningCandidate", "body"),
    ("ModelHealth", "prediction"),
    ("OutputRow", "details"),
    ("PlannedAct", "arguments"),
    ("PlannedAct", "facts"),
    ("PipelineStage", "facts"),
    ("ReferenceBody", "reference"),
    ("Retraining", "facts"),
    ("VersionDetail", "manifest"),
}
"""The schemas and fields that hold whatever an action, a component or a stage has to say.

Or, of models: rows and outputs as each model has them, examples as each kind of case has them, and
whole documents in a format of their own, the manifest and the reference profile.
"""


@pytest.fixture
def described(anonymous):
    return anonymous.get("/openapi.json").json()


def answered(described):
    """Return what each JSON answer below 300 is said to be, by route and status."""
    return {
        (f"{method.upper()} {path}", status): response["content"][MEDIA]["schema"]
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        for status, response in operation["responses"].items()
        if status < "3" and MEDIA in response.get("content", {})
    }


def schemas_in(schema):
    """Yield the schema and every schema inside it."""
    if isinstance(schema, dict):
        yield schema
        for inner in schema.values():
            yield from schemas_in(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from schemas_in(inner)


def is_free(schema):
    return schema.get("type") == "object" and schema.get("additionalProperties") is True


def test_every_json_answer_has_the_type_that_its_route_returns(described):
    declared = {
        (f"{method} {route.path_format}", str(status))
        for route in routes_of(create_api(None, None).routes)
        for method in route.methods
        for status in route.schemas
    }
    assert set(answered(described)) == {each for each in declared if each[1] < "3"}


def test_no_answer_is_an_object_of_which_nothing_is_told(described):
    said = answered(described).values()
    assert [one for schema in said for one in schemas_in(schema) if is_free(one) or one == {}] == []


def test_only_what_is_free_by_nature_is_left_open(described):
    found = {
        (name, field)
        for name, schema in described["components"]["schemas"].items()
        for field, part in [("", schema), *schema.get("properties", {}).items()]
        if any(is_free(one) for one in ([part] if field == "" else schemas_in(part)))
    }
    assert found == FREE


def test_a_body_has_every_field_that_its_form_lists(described):
    optional = {
        (name, field)
        for name in _answers(described)
        for field in described["components"]["schemas"][name].get("properties", {})
        if field not in described["components"]["schemas"][name].get("required", ())
    }
    assert optional == {("Component", "error")}


def _answers(described):
    """Return the names of the schemas that answers are made of, not requests."""
    schemas, wanted = described["components"]["schemas"], set()
    waiting = [one for schema in answered(described).values() for one in schemas_in(schema)]
    while waiting:
        name = str(waiting.pop().get("$ref", "")).rpartition("/")[2]
        if name in schemas and name not in wanted:
            wanted.add(name)
            waiting += schemas_in(schemas[name])
    return wanted


def test_each_name_means_one_thing(described):
    # Of two types with one name the generator makes names from their modules.
    assert [name for name in described["components"]["schemas"] if "__" in name] == []


def test_a_start_does_not_build_the_schemas_of_answers():
    code = (
        "import pydantic, trimtab.app\n"
        "from trimtab.api.incidents import router\n"
        "print(sum(hasattr(schema, '__pydantic_core_schema__')"
        " for route in router.routes for schema in route.schemas.values()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_a_request_keeps_its_schema_beside_the_forms_of_answers(described):
    body = described["paths"]["/v1/knowledge/restore"]["post"]["requestBody"]["content"][MEDIA]
    name = body["schema"]["$ref"].rpartition("/")[2]
    assert set(described["components"]["schemas"][name]["properties"]) == {"backup", "dry_run", "force"}  # fmt: skip


def test_a_schema_with_the_name_of_another_one_is_refused():
    described = {"paths": {}, "components": {"schemas": {"ErrorBody": {"type": "string"}}}}
    with pytest.raises(ValueError, match="ErrorBody"):
        add_schemas(described, ())
