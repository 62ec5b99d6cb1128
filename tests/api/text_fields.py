"""Text fields of all request bodies, found in the OpenAPI document."""

from dataclasses import dataclass

_BOUNDED = ("enum", "const", "format", "pattern")


@dataclass(frozen=True)
class TextField:
    method: str
    path: str
    media: str
    place: str
    limit: int | None


def text_fields(described):
    """Return every field of a request body that takes a text of the caller's choice."""
    found = []
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            for media, content in operation.get("requestBody", {}).get("content", {}).items():
                for place, limit in _texts(described, content.get("schema", {}), "", ()):
                    found.append(TextField(method.upper(), path, media, place, limit))
    return list(dict.fromkeys(found))


def _texts(described, schema, place, inside):
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in inside:
            known = described["components"]["schemas"][name]
            yield from _texts(described, known, place, (*inside, name))
        return
    if schema.get("type") == "string" and not any(key in schema for key in _BOUNDED):
        yield place, schema.get("maxLength")
    if schema.get("additionalProperties") is True and "properties" not in schema:
        yield f"{place}.*".lstrip("."), None
    for each, below in _parts(schema, place):
        yield from _texts(described, each, below, inside)


def _parts(schema, place):
    for key in ("anyOf", "oneOf", "allOf"):
        yield from ((each, place) for each in schema.get(key, ()))
    for name, each in schema.get("properties", {}).items():
        yield each, f"{place}.{name}".lstrip(".")
    if isinstance(schema.get("additionalProperties"), dict):
        yield schema["additionalProperties"], f"{place}.*".lstrip(".")
    if "items" in schema:
        yield schema["items"], f"{place}[]"
