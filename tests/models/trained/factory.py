"""Small training sets of our own, and an encoder of counted letters."""

import csv
import json

import numpy as np

from trimtab.models.trained.credit import TASK as CREDIT
from trimtab.models.trained.fraud import TASK as FRAUD


class LetterEncoder:
    """Embeds a text by its letters: enough to train with, and without a model."""

    def __init__(self, model_id="letters"):
        self.model_id = model_id

    def embed(self, texts):
        return self._letters(texts)

    def read(self, question, texts):
        return self._letters([f"{question} {text}" for text in texts])

    @staticmethod
    def _letters(texts):
        counts = np.array(
            [[text.lower().count(c) for c in "abcdefghijklmnop"] for text in texts], dtype=float
        )
        lengths = np.linalg.norm(counts, axis=1, keepdims=True)
        return (counts / np.where(lengths, lengths, 1)).astype(np.float32)


def write_table(folder, task=FRAUD, rows=300, shift=2.0, seed=3):
    """Write a table whose classes differ in the first two columns."""
    rng = np.random.default_rng(seed)
    codes = list(task.classes)
    file = folder / task.file
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow([*task.columns, task.target])
        for at in range(rows):
            positive = at % 4 == 0
            values = rng.normal(size=len(task.columns))
            values[:2] += shift * positive
            code = next(c for c in codes if (task.classes[c] == task.positive) == positive)
            writer.writerow([*(f"{value:.6f}" for value in values), code])
    return file


def write_credit(folder, **options):
    return write_table(folder, CREDIT, **options)


UP = ("profit jumps", "raises outlook", "record sales", "wins contract", "upgraded to buy")
DOWN = ("profit plunges", "cuts outlook", "weak sales", "loses contract", "downgraded to sell")
FLAT = ("reports on Tuesday", "appoints director", "opens office", "holds meeting", "files form")


def write_tweets(folder, companies=12):
    """Write labelled headlines of our own."""
    file = folder / "finance_tweets" / "data.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        {"text": f"Company {chr(65 + at)} {phrase}", "label": label}
        for at in range(companies)
        for phrases, label in ((UP, "positive"), (DOWN, "negative"), (FLAT, "neutral"))
        for phrase in phrases
    ]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return file


SENTENCES = (
    ("Revenue rose 5% on strong demand.", "5%", "revenue", 5.0, "percent", "positive"),
    ("Net income grew 9% to a record.", "9%", "net_income", 9.0, "percent", "positive"),
    ("Sales improved 3%.", "3%", "revenue", 3.0, "percent", "positive"),
    ("Revenue fell 7% in a weak market.", "7%", "revenue", 7.0, "percent", "negative"),
    ("Operating income decreased 4%.", "4%", "operating_income", 4.0, "percent", "negative"),
    ("Backlog declined 8%.", "8%", "backlog", 8.0, "percent", "negative"),
    ("Capital expenditures were $5 million.", "$5 million", "capex", 5e6, "usd", "neutral"),
    ("The tax rate was 21%.", "21%", "tax_rate", 21.0, "percent", "neutral"),
    ("Cash was $40 million.", "$40 million", "cash", 4e7, "usd", "neutral"),
)


def write_statements(folder, *, with_text=True, times=1):
    """Write labelled sentences of three calls of our own, each of them so many times."""
    file = folder / "earnings_statements" / "data.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for at, (text, words, metric, amount, unit, tone) in enumerate(SENTENCES):
        start = text.index(words)
        statement = {"metric": metric, "amount": amount, "unit": unit, "nature": "result"}
        statement |= {"start": start, "end": start + len(words)}
        line = {"call": str(at % 3), "start": 0, "end": len(text), "tone": tone}
        line |= {"statements": [statement]} | ({"text": text} if with_text else {})
        lines.append(line)
    lines.append(
        {"call": "0", "start": 0, "end": 20, "tone": "neutral", "statements": []}
        | ({"text": "Welcome to the call."} if with_text else {})
    )
    file.write_text("\n".join(map(json.dumps, lines * times)), encoding="utf-8")
    return file
