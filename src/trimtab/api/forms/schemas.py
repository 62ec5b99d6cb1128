"""Makes JSON schemas of the forms and puts them into the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, create_model
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from trimtab.api.forms import answers, knowledge, operator, trust
from trimtab.api.forms.shape import Shape
from trimtab.api.http.openapi import ErrorBody

FORMS: Mapping[str, Shape] = {
    **knowledge.FORMS,
    **answers.FORMS,
    **operator.FORMS,
    **trust.FORMS,
}
"""By method and path; a status other than the route's usual one stands behind them."""

_REFERENCE = "#/components/schemas/{model}"
_SAYS = {"202": "Accepted; it goes on", "503": "Every component is down"}


def put_in(described: dict[str, Any]) -> None:
    """Put the schema of every form into its place in an OpenAPI document, and the schema of errors.

    Raises:
        ValueError: A form has the name of another schema in the document.
    """
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    whole = _schemas()
    forms = whole.pop("$defs")
    if clashing := [name for name in forms if schemas.get(name, forms[name]) != forms[name]]:
        raise ValueError(f"a request and an answer both call their form {clashing[0]}")
    schemas |= forms
    for number, name in enumerate(FORMS):
        method, path, *rest = name.split()
        if path not in described["paths"]:
            continue  # The control socket's own app has other routes.
        responses = described["paths"][path][method.lower()]["responses"]
        status = rest[0] if rest else next(one for one in responses if one.startswith("2"))
        response = responses.setdefault(status, {"description": _SAYS.get(status, "")})
        response["content"] = {"application/json": {"schema": whole["properties"][f"form{number}"]}}


def _schemas() -> dict[str, Any]:
    # One model of all forms: what several of them hold is described once, and a name means one thing.
    fields: dict[str, Any] = {
        f"form{number}": (one, ...) for number, one in enumerate(FORMS.values())
    }
    config = ConfigDict(use_attribute_docstrings=True)
    model = create_model("Forms", __config__=config, error=(ErrorBody, ...), **fields)
    whole: dict[str, Any] = model.model_json_schema(
        ref_template=_REFERENCE, schema_generator=_Given, mode="serialization"
    )
    for form in whole["properties"].values():
        form.pop("title", None)
    return whole


class _Given(GenerateJsonSchema):
    """A dataclass is answered with all its fields: a default is the program's own and leaves nothing out."""

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        """Return whether every body has the field."""
        return field["type"] == "dataclass-field" or super().field_is_required(field, total)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        """Return the schema without the default, which means nothing in an answer."""
        return self.generate_inner(schema["schema"])
