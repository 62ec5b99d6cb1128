"""Route of the quarterly review of the guards' rules."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import REVIEWER
from trimtab.api.services import CatalogDep, ReviewsDep

router = APIRouter(tags=["review"], route_class=ApiRoute)
_QUARTER_DAYS = 92.0


@dataclass(frozen=True, slots=True)
class GuardRule:
    """Blocks of one guard, and what people said about them."""

    judged: str
    """``questions`` or ``answers``."""
    guard: str
    blocks: int
    """Since the start of the service."""
    reviewed: int
    wrong: int
    false_positive_rate: float | None
    """Of the reviewed blocks; None before the first review."""


@dataclass(frozen=True, slots=True)
class GuardRuleReview:
    """Rules of the guards for the quarterly review."""

    days: float
    rules: tuple[GuardRule, ...]


@router.get("/v1/review/guard-rules", dependencies=[REVIEWER])
def guard_rules(
    reviews: ReviewsDep,
    catalog: CatalogDep,
    days: Annotated[float, Query(gt=0, le=3660)] = _QUARTER_DAYS,
) -> GuardRuleReview:
    """List blocks and false positives of each guard's rules."""
    judged = {(each.judged, each.guard): each for each in reviews.guard_rules(days)}
    blocks = {
        (sample.labels["judged"], sample.labels["guard"]): int(sample.value)
        for sample in catalog.signal("guardrails.blocks").read()
        if "drill" not in sample.labels
    }
    rules = []
    for key in sorted({*blocks, *judged}):
        found = judged.get(key)
        rules.append(
            GuardRule(
                *key,
                blocks.get(key, 0),
                found.reviewed if found else 0,
                found.wrong if found else 0,
                found.false_positive_rate if found else None,
            )
        )
    return GuardRuleReview(days, tuple(rules))
