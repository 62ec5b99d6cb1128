"""Makes the things that commands are about on a running service: an incident, a model, a key ..."""

import csv
import json
from itertools import count

import numpy as np

from tests.models.factory import sample_rows, saved, trained
from tests.models.monitoring.data import labels as labels_of
from tests.models.monitoring.data import observations, transactions, write_csv

_TEXT = "The trimtab turns the rudder with little force.\n"


_numbers = count(1)


class Stock:
    """Makes a new thing each time that it is asked for one, as `stock["incident"]`.

    Args:
        run: Runs a command on the service.
        folder: For files.
    """

    def __init__(self, run, folder):
        self._run = run
        self._folder = folder
        self.constants = {"folder": str(folder)}

    def __getitem__(self, name):
        """Return its id, its name or its path."""
        if name in self.constants:
            return self.constants[name]
        return str(getattr(self, name)())

    def done(self, *words):
        """Run a command that has to succeed; return what it printed as JSON."""
        done = self._run(*words, "--json")
        assert done.code == 0, (words, done.out, done.err)
        return json.loads(done.out)

    def _new(self, word):
        return f"{word}-{next(_numbers)}"

    # Documents and answers

    def project(self):
        name = self._new("project")
        file = self._folder / "rudder.txt"
        file.write_text(_TEXT)
        self.done("ingest", name, str(file))
        return name

    def trace(self):
        return self.done("ask", self.project(), "What turns the rudder?")["trace_id"]

    # Review

    def item(self):
        """Ask what no document answers, which is queued for review."""
        unanswered = self.done("ask", self.project(), "Who won the football championship?")
        self.done("act", "review.collect")
        return unanswered["trace_id"]

    def taken(self):
        item = self.item()
        self.done("review", "next", "--item", item)
        return item

    def candidate(self):
        words = ("--verdict", "bad", "--failure-type", "incomplete", "--answer", "The trimtab.")
        self.done("review", "submit", self.taken(), *words)
        return self.done("review", "candidates")["candidates"][0]["id"]

    def archive(self):
        self.item()
        queue = self.done("review", "list")["items"][0]["queue"]
        return self.done("review", "clear", queue, "--yes")["id"]

    # Incidents

    def incident(self):
        return self.done("incidents", "declare", self._new("Pump"), "--severity", "P3")["id"]

    def taken_over(self):
        incident = self.incident()
        self.done("incidents", "take-over", incident)
        return incident

    def resolved(self):
        incident = self.incident()
        self.done("incidents", "resolve", incident, "--cause", "seal", "--resolution", "new one")
        return incident

    def silence(self):
        words = ("incidents", "silences", "add", f"alertname={self._new('Pump')}")
        return self.done(*words, "--comment", "work")["silenceID"]

    # Models

    def artifact(self, shift=0.0):
        return saved(self._folder, trained(shift=shift))

    def table(self):
        """Write the training data as CSV, with the label."""
        rows = [{**row, "churned": "yes" if row["amount"] > 0 else "no"} for row in sample_rows()]
        file = self._folder / "train.csv"
        with file.open("w", newline="") as target:
            writer = csv.DictWriter(target, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return file

    def model(self, versions=1):
        name = self._new("churn")
        words = ("--sample", str(self.table()), "--label", "churned", "--promote")
        for shift in range(versions):
            self.done("models", "register", name, str(self.artifact(shift / 2)), *words)
        return name

    def twice(self):
        """Return a model of which two versions have served."""
        return self.model(versions=2)

    def canaried(self):
        name = self.twice()
        self.done("models", "canary", "start", name, "1")
        return name

    def predicted(self):
        """Return the id of a request that a model has answered."""
        words = ("models", "predict", self.model(), str(self.table()), "--label", "churned")
        return self.done(*words)["request_id"]

    # Monitoring of models

    def transactions(self):
        return write_csv(self._folder / "transactions.csv", _columns())

    def monitored(self):
        name = self._new("fraud")
        words = ("--data", str(self.transactions()), "--score", "score", "--label", "label")
        self.done("models", "reference", name, *words)
        return name

    def observed(self):
        """Return a monitored model that has made predictions."""
        name = self.monitored()
        self.done("models", "observe", name, str(self.observations()))
        return name

    def observations(self):
        file = self._folder / "observations.jsonl"
        file.write_bytes(observations(_columns()))
        return file

    def labels(self):
        file = self._folder / "labels.jsonl"
        file.write_bytes(labels_of(_columns()))
        return file

    # Administration

    def key(self):
        name = self._new("key")
        self.done("keys", "create", name)
        return name


def _columns():
    columns = transactions(300)
    return columns | {"label": np.round(columns["label"])}
