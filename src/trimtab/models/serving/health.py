"""Health of a model by a real prediction of a golden row."""

import math
from dataclasses import dataclass

from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.ids import new_id
from trimtab.models.records import JsonObject, Manifest
from trimtab.models.serving.records import PredictionOutcome
from trimtab.models.serving.service import Serving

MIN_CONFIDENCE = 0.5
"""Below or at it a prediction of a known row is not a sign of health (contract HYB-NUM30)."""


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """Result of one health check."""

    model: str
    healthy: bool
    detail: str
    """Why it is not healthy; empty when it is."""
    version: int
    """The version that answered; 0 for none."""
    served_by: str
    confidence: float | None
    """Of the prediction; null for a regression."""
    prediction: JsonObject | None
    latency_ms: float | None


def check_health(serving: Serving, name: str) -> ModelHealth:
    """Predict the golden row of greatest confidence with what serves.

    Raises:
        ModelUnknown: There is no model of that name.
    """
    server = serving.ready(name)
    production = server.routing.production
    if production is None:
        return _unhealthy(name, f"Model Unavailable: {name} has no production version.")
    row = _surest_row(production.manifest)
    request_id = new_id("health", serving.clock.now())
    try:
        # Without the cache: a stored answer says nothing about the model.
        found = serving.predict_now(name, [row], request_id, probe=True)
    except TrimtabError as error:
        return _unhealthy(name, error.message)
    output = found.outputs.to_json()[0]
    confidence = output["confidence"]
    problem = ""
    if found.outcome is not PredictionOutcome.OK:
        problem = f"{found.served_by} answered instead of {production.ref}."
    elif production.manifest.classes and not confidence > MIN_CONFIDENCE:
        problem = f"The confidence is {confidence:.3f}, not above {MIN_CONFIDENCE}."
    return ModelHealth(
        name,
        not problem,
        problem,
        found.version,
        found.served_by,
        None if math.isnan(confidence) else confidence,
        {**output, "confidence": None if math.isnan(confidence) else confidence},
        round(found.latency_ms, 3),
    )


def _surest_row(manifest: Manifest) -> JsonObject:
    golden = manifest.golden
    sure = [float(output.get("confidence") or 0.0) for output in golden.outputs]
    return golden.rows[max(range(len(sure)), key=sure.__getitem__)]


def _unhealthy(name: str, detail: str) -> ModelHealth:
    return ModelHealth(
        name,
        healthy=False,
        detail=detail,
        version=0,
        served_by="",
        confidence=None,
        prediction=None,
        latency_ms=None,
    )
