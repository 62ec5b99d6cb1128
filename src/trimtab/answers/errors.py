"""Errors of the answers domain.

EmptyQuery           answers.empty_query           InvalidInput
QueryTooLong         answers.query_too_long        InvalidInput
BadProjectName       answers.bad_project_name      InvalidInput
BadTopK              answers.bad_top_k             InvalidInput
TraceUnknown         answers.trace_unknown         NotFound
GeneratorUnavailable answers.generator_unavailable Unavailable
BudgetExhausted      answers.budget_exhausted      RateLimited
GeneratorUnknown     answers.generator_unknown     NotFound
BadModelEndpoint     answers.bad_model_endpoint    InvalidInput
ModelNotConnected    answers.model_not_connected   Unavailable
"""

from trimtab.kernel.errors import InvalidInput, NotFound, RateLimited, Unavailable


class EmptyQuery(InvalidInput):
    """The question holds nothing but white space."""

    code = "answers.empty_query"
    default_hint = "Ask in 1 to 1,000 characters."


class QueryTooLong(InvalidInput):
    """The question is longer than 1,000 characters."""

    code = "answers.query_too_long"
    default_hint = "Ask in 1 to 1,000 characters; put long material into a document and ingest it."


class BadProjectName(InvalidInput):
    """The project's name has characters that are not allowed."""

    code = "answers.bad_project_name"
    default_hint = "Use letters, digits, hyphen and underscore; 1 to 100 characters."


class BadTopK(InvalidInput):
    """The number of passages asked for is out of range."""

    code = "answers.bad_top_k"
    default_hint = "Ask for 1 to 100 passages."


class TraceUnknown(NotFound):
    """No trace has that id, or it has been deleted."""

    code = "answers.trace_unknown"
    default_hint = (
        "Old traces are dropped and erased users' traces are deleted; ask again for a new one."
    )


class GeneratorUnavailable(Unavailable):
    """The generation model did not answer, or answered with nothing usable."""

    code = "answers.generator_unavailable"
    default_hint = (
        "Check answers.generator_url, the key and the model's name; "
        "answers stay extractive meanwhile."
    )


class BudgetExhausted(RateLimited):
    """A budget has no money left for the call in this period."""

    code = "answers.budget_exhausted"
    default_hint = "Wait for the next period or raise the limit; answers stay extractive meanwhile."


class GeneratorUnknown(NotFound):
    """No generator has that name."""

    code = "answers.generator_unknown"
    default_hint = "`trimtab read answers.generator.order` lists them."


class BadModelEndpoint(InvalidInput):
    """The address, model or key of a language model is not usable."""

    code = "answers.bad_model_endpoint"
    default_hint = "Give the root of an OpenAI-compatible API, such as http://127.0.0.1:11434/v1."


class ModelNotConnected(Unavailable):
    """The test call to a language model failed, so the model is not used."""

    code = "answers.model_not_connected"
    default_hint = "Check that the server runs, the key, and the model's name there."
