"""The name detector that the settings ask for."""

from trimtab.guardrails.pii.names import NameDetector
from trimtab.infra.settings.sections.guardrails import GuardrailsSettings


def name_detector(settings: GuardrailsSettings) -> NameDetector | None:
    """Return the detector, warm, which takes seconds and some hundred megabytes; None when names are off.

    Raises:
        NameDetectorMissing: Its packages or its model are not installed.
    """
    if settings.pii_names == "off":
        return None
    from trimtab.guardrails.pii import presidio

    return presidio.load(settings.pii_names_model)
