"""Answers: questions answered from documents, every sentence with its citation."""

from trimtab.answers.deadlines import Retriever
from trimtab.answers.drafts import Draft, Generator, Usage
from trimtab.answers.extractive import ExtractiveGenerator
from trimtab.answers.pipeline import AnswerPipeline, PipelineGuards
from trimtab.answers.records import (
    Answer,
    AnswerResult,
    Citation,
    PipelineStage,
    Question,
    Retrieved,
    SourcePassage,
    Trace,
)
from trimtab.answers.store import FeedbackStore, TraceStore
from trimtab.answers.streaming import GuardedSentences

__all__ = [
    "Answer",
    "AnswerPipeline",
    "AnswerResult",
    "Citation",
    "Draft",
    "ExtractiveGenerator",
    "FeedbackStore",
    "Generator",
    "GuardedSentences",
    "PipelineGuards",
    "PipelineStage",
    "Question",
    "Retrieved",
    "Retriever",
    "SourcePassage",
    "Trace",
    "TraceStore",
    "Usage",
]
