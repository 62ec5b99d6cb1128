"""Connects the service to a language model: a test call, a report, and the record of it.

The record with the API key is a file of the data directory that only its owner can read.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from trimtab.answers.budgets.monthly_calls import MonthlyCalls
from trimtab.answers.drafts import Generator, last_draft
from trimtab.answers.errors import BadModelEndpoint, GeneratorUnavailable, ModelNotConnected
from trimtab.answers.model_endpoint import ModelEndpoint, ModelReport
from trimtab.answers.records import SourcePassage
from trimtab.infra.storage import DataDirectory

_log = logging.getLogger(__name__)
_FILE = "language-model.json"
_QUESTION = "How many doors does the test house have?"
_PASSAGE = SourcePassage(
    "test", "test", "test.md", "The test house has seven doors.", start=0, end=31, score=1.0
)


class ModelConnection:
    """The model that `connect` chose; it is asked before those of the settings.

    Args:
        directory: Keeps the record; None keeps it in memory.
        make: Makes the generator of an endpoint.
        use: Asks this generator first from now on; None stops asking it.
        calls: Counts the month's calls, where a plan limits them.
    """

    def __init__(
        self,
        directory: DataDirectory | None,
        make: Callable[[ModelEndpoint], Generator],
        use: Callable[[Generator | None], None],
        calls: MonthlyCalls,
    ) -> None:
        self._directory = directory
        self._make = make
        self._use = use
        self.calls = calls
        self._lock = threading.Lock()
        self._report: ModelReport | None = None
        self.endpoint = self._read()
        if self.endpoint is not None:
            use(make(self.endpoint))

    @property
    def report(self) -> ModelReport | None:
        """The last report on the connected model; None before the first."""
        return self._report

    def connect(self, endpoint: ModelEndpoint) -> ModelReport:
        """Test the model, ask it first from now on, and record it.

        Raises:
            BadModelEndpoint: Its address, name or key is not usable.
            ModelNotConnected: The test failed; nothing has changed.
            StorageFull: The record cannot be written; nothing has changed.
        """
        report = self.test(endpoint)
        if not report.works:
            raise ModelNotConnected(f"The model {endpoint.model} is not used: {report.problem}")
        with self._lock:
            if self._directory is not None:
                record = {"url": endpoint.url, "model": endpoint.model, "key": endpoint.key}
                self._directory.keep_secret(_FILE, json.dumps(record).encode())
            self.endpoint, self._report = endpoint, report
            self._use(self._make(endpoint))
        return report

    def disconnect(self) -> bool:
        """Stop asking the connected model and delete its record; return whether there was one."""
        with self._lock:
            before, self.endpoint, self._report = self.endpoint, None, None
            if self._directory is not None:
                self._directory.file(_FILE).unlink(missing_ok=True)
            if before is not None:
                self._use(None)
        return before is not None

    def check(self) -> ModelReport | None:
        """Ask the connected model's API again; None when no model is connected."""
        endpoint = self.endpoint
        if endpoint is None:
            return None
        report = self.test(endpoint)
        with self._lock:
            if self.endpoint is endpoint:
                self._report = report
        return report

    def look(self) -> None:
        """Ask the connected model's API for its state and the key's, without a question."""
        from trimtab.answers.model_api import inspect

        endpoint, before = self.endpoint, self._report
        if endpoint is None:
            return
        limited = bool(self.calls.limit(endpoint.url))
        if limited and before is not None:
            # A look is a call too: a trial's calls of a month would be used up by looking.
            report = replace(before, calls_used=self.calls.used(endpoint.url))
        else:
            report = self._with_calls(inspect(endpoint))
        if before is not None and not report.problem:
            report = replace(report, works=before.works, seconds=before.seconds)
        with self._lock:
            if self.endpoint is endpoint:
                self._report = report

    def test(self, endpoint: ModelEndpoint) -> ModelReport:
        """Ask the API for its models, the key's state and one answer; change nothing.

        Raises:
            BadModelEndpoint: Its address, name or key is not usable.
        """
        # The HTTP client takes long to load, and most services never need it here.
        from trimtab.answers.model_api import inspect

        report = self._with_calls(inspect(endpoint.validate()))
        if report.problem:
            return report
        started = time.monotonic()
        try:
            draft = last_draft(self._make(endpoint).stream(_QUESTION, (_PASSAGE,)))
        except GeneratorUnavailable as error:
            return replace(self._with_calls(report), problem=error.message)
        seconds = round(time.monotonic() - started, 3)
        report = self._with_calls(report)
        if not draft.citations:
            return replace(report, problem="It did not find the answer in its passage.")
        return replace(report, works=True, seconds=seconds)

    def _with_calls(self, report: ModelReport) -> ModelReport:
        """Return the report with the calls of the month, where the plan limits them."""
        limit = self.calls.limit(report.url)
        if not limit:
            return report
        return replace(report, calls_used=self.calls.used(report.url), calls_limit=limit)

    def _read(self) -> ModelEndpoint | None:
        if self._directory is None or not (file := self._directory.file(_FILE)).exists():
            return None
        try:
            record = json.loads(file.read_bytes())
            return ModelEndpoint(record["url"], record["model"], record["key"]).validate()
        except (OSError, ValueError, KeyError, TypeError, BadModelEndpoint) as error:
            _log.error(
                "the record of the language model is not readable: connect it again",
                extra={"error_type": type(error).__name__},
            )
            return None
