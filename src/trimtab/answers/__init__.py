"""Answers: a question goes down once and up once, and every sentence of the answer carries its proof."""

from trimtab.answers.extractive import ExtractiveGenerator
from trimtab.answers.generate import Draft, Generator, Usage
from trimtab.answers.pipeline import Answers, Retriever, TraceKeeper
from trimtab.answers.records import Answer, Citation, Passage, Question, Retrieved, Stage, Trace
from trimtab.answers.screening import Screen, ScreenedSentences
from trimtab.answers.store import FeedbackStore, TraceStore
from trimtab.answers.traces import RecentTraces

__all__ = [
    "Answer",
    "Answers",
    "Citation",
    "Draft",
    "ExtractiveGenerator",
    "FeedbackStore",
    "Generator",
    "Passage",
    "Question",
    "RecentTraces",
    "Retrieved",
    "Retriever",
    "Screen",
    "ScreenedSentences",
    "Stage",
    "Trace",
    "TraceKeeper",
    "TraceStore",
    "Usage",
]
