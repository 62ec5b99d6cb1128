"""What stands around retrieval and generation: deadlines, fallbacks, budgets, a cache, and streaming."""

from trimtab.answers.stages.cached import CachedGenerator
from trimtab.answers.stages.chain import FirstAvailable
from trimtab.answers.stages.deadline import Deadlines, TimedGenerator, TimedRetriever
from trimtab.answers.stages.metered import MeteredGenerator

__all__ = [
    "CachedGenerator",
    "Deadlines",
    "FirstAvailable",
    "MeteredGenerator",
    "TimedGenerator",
    "TimedRetriever",
]
