"""Builds the JSON schemas of all answers and adds them to the OpenAPI document."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, TypeVar

from fastapi.routing import APIRoute
from pydantic import ConfigDict, create_model
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from trimtab.api.errors import ErrorBody
from trimtab.api.http.routes import ApiRoute

_REFERENCE = "#/components/schemas/{model}"

_Schema = TypeVar("_Schema")


def extended(schema: type[_Schema], record: Any, **more: Any) -> _Schema:
    """Return a record as a schema that inherits from its class, with further fields."""
    return schema(**{each.name: getattr(record, each.name) for each in fields(record)}, **more)


def add_schemas(document: dict[str, Any], routes: Iterable[APIRoute]) -> None:
    """Add the schema of each route's answers, and the schema of errors, to an OpenAPI document.

    Raises:
        ValueError: Two different schemas of the document have one name.
    """
    answers = [
        (document["paths"][route.path_format][method.lower()]["responses"], str(status), schema)
        for route in routes
        if isinstance(route, ApiRoute)
        for method in route.methods or ()
        for status, schema in route.schemas.items()
    ]
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    generated = _generate([schema for _, _, schema in answers])
    named = generated.pop("$defs")
    if clashing := [name for name in named if schemas.get(name, named[name]) != named[name]]:
        raise ValueError(f"A request and an answer both have a schema named {clashing[0]}.")
    schemas |= named
    for number, (responses, status, _) in enumerate(answers):
        schema = generated["properties"][f"answer{number}"]
        responses[status]["content"] = {"application/json": {"schema": schema}}


def _generate(schemas: list[Any]) -> dict[str, Any]:
    # All in one model, so that a shared type is described once and each name means one type.
    members: dict[str, Any] = {
        f"answer{number}": (schema, ...) for number, schema in enumerate(schemas)
    }
    config = ConfigDict(use_attribute_docstrings=True)
    model = create_model("Answers", __config__=config, error=(ErrorBody, ...), **members)
    whole: dict[str, Any] = model.model_json_schema(
        ref_template=_REFERENCE, schema_generator=_AnswerSchemas, mode="serialization"
    )
    for schema in whole["properties"].values():
        schema.pop("title", None)
    return whole


class _AnswerSchemas(GenerateJsonSchema):
    """Describes all fields of a dataclass as required, since an answer has each of them."""

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        """Return whether every answer has the field."""
        return field["type"] == "dataclass-field" or super().field_is_required(field, total)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        """Return the schema without the default, which means nothing in an answer."""
        return self.generate_inner(schema["schema"])
