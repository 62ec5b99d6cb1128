"""Selects the name detector from the settings."""

from trimtab.guardrails.pii.names import NameDetector
from trimtab.infra.settings.sections.guardrails import GuardrailsSettings


def name_detector(settings: GuardrailsSettings) -> NameDetector | None:
    """Return the detector, warmed up; None when name detection is off.

    Loading takes seconds and several hundred megabytes of memory.

    Raises:
        NameDetectorMissing: The packages or the model are not installed.
    """
    if settings.pii_names == "off":
        return None
    from trimtab.guardrails.pii import presidio

    return presidio.load(settings.pii_names_model)
