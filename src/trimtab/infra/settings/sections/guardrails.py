"""Settings of the guardrails at the start; most can change at run time."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class GuardrailsSettings:
    """Switches, thresholds and deadlines of the guards."""

    enabled: bool = setting(default=True, help="Whether questions and answers are judged at all.")
    deadline_seconds: float = setting(
        2.0,
        unit="seconds",
        help="The longest that all guards of a text may take.",
        minimum=0.05,
        maximum=60,
    )
    hallucination_threshold: float = setting(
        0.1,
        help="A sentence that is more likely than this to be made up is a warning.",
        env=("HALLUCINATION_THRESHOLD",),
        minimum=0,
        maximum=1,
    )
    hallucination_block_threshold: float = setting(
        0.5,
        help="A sentence that is more likely than this to be made up blocks the answer.",
        minimum=0,
        maximum=1,
    )
    fact_check_timeout: str = setting(
        "5s", help="The longest that the facts guard may take.", env=("FACT_CHECK_TIMEOUT",)
    )
    ethics_check_enabled: bool = setting(
        default=True, help="Whether the ethics guard judges.", env=("ETHICS_CHECK_ENABLED",)
    )
    injection_enabled: bool = setting(default=True, help="Whether the injection guard judges.")
    pii_block_types: tuple[str, ...] = setting(
        ("CREDIT_CARD", "US_SSN", "IBAN_CODE"), help="Kinds of personal data that block an answer."
    )
    pii_names: str = setting(
        "off",
        help=(
            "What finds names of people and places: nothing, or Presidio (the extra"
            " trimtab[presidio] and a spaCy model)."
        ),
        choices=("off", "presidio"),
    )
    pii_names_model: str = setting(
        "en_core_web_sm", help="The installed spaCy model that names are found with, or its folder."
    )
    rules_file: str = setting(
        "",
        help=(
            "A YAML file of guard rules, or the folder where their ConfigMaps are mounted, read"
            " again when it changes; bypass_mode and bypass_duration in it start a bypass."
        ),
        env=("GUARDRAILS_RULES_FILE",),
    )
