"""How answers are written."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class AnswersSettings:
    """The generator behind `trimtab answers ask`."""

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
        help="The API's key; set it in the environment, not in the file.",
        env=("OPENROUTER_API_KEY", "OPENAI_API_KEY"),
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
