"""The weekly flywheel: failures, clusters, annotation, a growing golden dataset."""

from trimtab.evaluation.flywheel.records import (
    FailureRecord,
    FlywheelReport,
    GoldenDataset,
    ReviewOutcome,
)
from trimtab.evaluation.flywheel.service import Flywheel
from trimtab.evaluation.flywheel.weeks import IsoWeek, parse_week

__all__ = [
    "FailureRecord",
    "Flywheel",
    "FlywheelReport",
    "GoldenDataset",
    "IsoWeek",
    "ReviewOutcome",
    "parse_week",
]
