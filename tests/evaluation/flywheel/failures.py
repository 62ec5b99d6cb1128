"""Labelled failures: questions about a few subjects, written in many ways, always the same ones."""

import random
from datetime import timedelta

from trimtab.evaluation.flywheel import FailureRecord

SUBJECTS = {
    "pump": ("pump pressure", "pump seal", "pump impeller", "pump inlet"),
    "invoice": ("invoice due date", "unpaid invoice", "invoice number", "invoice total"),
    "password": ("password reset", "forgotten password", "password rules", "password expiry"),
    "backup": ("nightly backup", "backup restore", "backup size", "backup schedule"),
    "warranty": ("warranty period", "warranty claim", "extended warranty", "warranty card"),
    "battery": ("battery charge", "battery life", "battery swap", "spare battery"),
    "shipping": ("shipping cost", "shipping address", "shipping delay", "express shipping"),
    "holiday": ("holiday request", "public holiday", "holiday balance", "holiday approval"),
    "printer": ("printer toner", "printer tray", "printer queue", "printer driver"),
    "visitor": ("visitor badge", "visitor parking", "visitor log", "visitor escort"),
}
_PATTERNS = (
    "How do I check the {}?",
    "Where is the {} described?",
    "What does the manual say about the {}?",
    "The {} is wrong, what now?",
    "Who is responsible for the {} in building {}?",
    "When was the {} of machine {} changed?",
)


def labelled(count, seed=7):
    """Return so many (subject, question)."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        subject = rng.choice(sorted(SUBJECTS))
        pattern = rng.choice(_PATTERNS)
        found.append((subject, pattern.format(rng.choice(SUBJECTS[subject]), rng.randint(1, 60))))
    return found


def records(questions, start, kind="not_found", prefix="t"):
    """Return a failure for each question, one a minute."""
    return [
        FailureRecord(
            f"{prefix}{number:04}",
            "manual",
            question,
            kind,
            (start + timedelta(minutes=number)).isoformat(),
            f"user{number % 7}",
        )
        for number, question in enumerate(questions)
    ]
