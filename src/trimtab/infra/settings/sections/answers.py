"""Settings of answers: generators, deadlines, budgets, traces and reviews."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class AnswersSettings:
    """Generators, limits, traces and reviews of answers."""

    generator: str = setting(
        "extractive",
        help="Who writes answers: quoted sentences, or a model behind an OpenAI-compatible API.",
        choices=("extractive", "openai"),
    )
    generator_url: str = setting(
        "https://openrouter.ai/api/v1",
        help="The root of the OpenAI-compatible API.",
        env=("OPENAI_BASE_URL",),
    )
    generator_model: str = setting(
        "meta-llama/llama-3.1-8b-instruct", help="The model's name at that API."
    )
    generator_key: str = setting(
        "",
        help="The key for `generator_url`; set it in the environment, not in the file.",
        secret=True,
    )
    openrouter_key: str = setting(
        "",
        help="The key that is sent to OpenRouter, and nowhere else.",
        env=("OPENROUTER_API_KEY",),
        secret=True,
    )
    cohere_key: str = setting(
        "",
        help="The key that is sent to Cohere, and nowhere else.",
        env=("COHERE_API_KEY",),
        secret=True,
    )
    cohere_calls_per_month: int = setting(
        1000,
        unit="calls",
        help=(
            "Calls a month that the plan at Cohere allows; a trial key has 1,000, 0 means no limit."
        ),
        minimum=0,
    )
    openai_key: str = setting(
        "",
        help="The key that is sent to OpenAI and to `openai_url`, and nowhere else.",
        env=("OPENAI_API_KEY",),
        secret=True,
    )
    openai_url: str = setting(
        "", help="Another host that `openai_key` is for.", env=("OPENAI_BASE_URL",)
    )
    generator_timeout_seconds: float = setting(
        20.0, unit="seconds", help="The longest wait for the model.", minimum=0.1, maximum=600
    )
    max_sentences: int = setting(
        2,
        unit="sentences",
        help="The most sentences in an extractive answer.",
        minimum=1,
        maximum=10,
    )
    top_k: int = setting(
        5, unit="passages", help="How many passages an answer is made from.", minimum=1, maximum=100
    )
    second_url: str = setting(
        "", help="The root of a second model's API, asked when the first fails; empty means none."
    )
    second_model: str = setting("", help="The second model's name there.")
    second_key: str = setting(
        "", help="The second API's key; set it in the environment.", secret=True
    )
    generation_deadline_seconds: float = setting(
        30.0, unit="seconds", help="The longest wait for a whole reply.", minimum=0.1, maximum=600
    )
    retrieval_deadline_seconds: float = setting(
        5.0, unit="seconds", help="The longest wait for passages.", minimum=0.1, maximum=600
    )
    cache_entries: int = setting(
        1_000, unit="drafts", help="How many drafts are remembered; 0 means none.", minimum=0
    )
    budget_usd_per_day: float = setting(
        5.0, unit="US dollars", help="The most that models may cost in a day (UTC).", minimum=0
    )
    input_usd_per_million: float = setting(
        0.0, unit="US dollars", help="The price of a million input tokens.", minimum=0
    )
    output_usd_per_million: float = setting(
        0.0, unit="US dollars", help="The price of a million output tokens.", minimum=0
    )
    otlp_endpoint: str = setting(
        "",
        help=(
            "The root of an OTLP/HTTP backend (Langfuse, Jaeger ...) for traces; empty keeps them"
            " here only."
        ),
        env=("OTEL_EXPORTER_OTLP_ENDPOINT",),
    )
    otlp_headers: str = setting(
        "",
        help="Headers for that backend, name=value,name=value; set them in the environment.",
        env=("OTEL_EXPORTER_OTLP_HEADERS",),
        secret=True,
    )
    trace_days: float = setting(
        30.0, unit="days", help="How long traces and feedback are kept.", minimum=1
    )
    review_share: float = setting(
        0.02, help="The share of unsuspicious answers that go to review.", minimum=0, maximum=1
    )
    review_confidence: float = setting(
        0.5, help="Found answers with less confidence go to review.", minimum=0, maximum=1
    )
    canary_file: str = setting(
        "", help="Questions whose document is known, asked each minute: a JSON Lines file."
    )
    shadow_set: str = setting(
        "",
        help=(
            "What the second configuration does otherwise: name=value,name=value of these settings."
        ),
    )
    shadow_share: float = setting(
        0.0,
        help="The share of questions that a second configuration answers unseen.",
        minimum=0,
        maximum=1,
    )
    shadow_budget_usd_per_day: float = setting(
        1.0, unit="US dollars", help="The most that shadow answers may cost in a day.", minimum=0
    )
    watch_window_minutes: float = setting(
        60.0, unit="minutes", help="How far back the answers' own figures look.", minimum=1
    )
