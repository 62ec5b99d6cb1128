"""Generated requests against the routes, from the OpenAPI document: no mistake of the program, no undocumented status."""

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.faces import client_of

# What the edge answers on every route, whatever it documents.
ALWAYS = {400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 503}


def fuzz(app, key: str, paths: str, examples: int):
    """Call every route whose path matches the regular expression with so many generated requests each.

    Returns:
        What was wrong, one line each; empty when nothing was.
    """
    schema = schemathesis.openapi.from_dict(app.faces.api.openapi()).include(path_regex=paths)
    client, wrong = client_of(app, key=key), []
    for found in schema.get_all_operations():
        operation = found.ok()
        documented = {int(code) for code in operation.definition.raw["responses"] if code.isdigit()}
        _try(operation, client, documented | ALWAYS, wrong, examples)
    return sorted(set(wrong))


def _try(operation, client, allowed, wrong, examples):
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy())
    def call(case):
        sent = case.as_transport_kwargs(base_url="http://localhost")
        sent.pop("cookies", None)
        answer = client.request(**sent)
        if answer.status_code not in allowed:
            wrong.append(f"{case.method} {case.formatted_path!r}: {answer.status_code}")

    call()
