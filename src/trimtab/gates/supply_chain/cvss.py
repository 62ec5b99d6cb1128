"""CVSS 3.x base score of a vector.

Source: first.org/cvss/v3.1/specification-document, section 7.1.
"""

import math

_AV = {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2}
_AC = {"L": 0.77, "H": 0.44}
_PR = {"N": 0.85, "L": 0.62, "H": 0.27}
_PR_CHANGED = {"N": 0.85, "L": 0.68, "H": 0.5}
_UI = {"N": 0.85, "R": 0.62}
_CIA = {"H": 0.56, "L": 0.22, "N": 0.0}


def base_score(vector: str) -> float | None:
    """Return the score, 0 to 10; None for incomplete vectors."""
    if not vector.startswith("CVSS:3"):
        return None
    metrics = dict(part.split(":", 1) for part in vector.split("/")[1:] if ":" in part)
    try:
        changed = metrics["S"] == "C"
        impact_base = 1 - math.prod(1 - _CIA[metrics[key]] for key in ("C", "I", "A"))
        privileges = (_PR_CHANGED if changed else _PR)[metrics["PR"]]
        exploit = 8.22 * _AV[metrics["AV"]] * _AC[metrics["AC"]] * privileges * _UI[metrics["UI"]]
    except KeyError:
        return None
    impact = 6.42 * impact_base
    if changed:
        impact = 7.52 * (impact_base - 0.029) - 3.25 * (impact_base - 0.02) ** 15
    if impact <= 0:
        return 0.0
    total = min((1.08 if changed else 1.0) * (impact + exploit), 10.0)
    return _round_up(total)


def _round_up(value: float) -> float:
    """Round up to one decimal, as appendix A defines."""
    scaled = round(value * 100_000)
    return scaled / 100_000 if scaled % 10_000 == 0 else (scaled // 10_000 + 1) / 10
