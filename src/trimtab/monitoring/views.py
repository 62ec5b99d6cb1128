"""Views of the samples: only users or only drills, and one process of several."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from trimtab.kernel.drilling import LABEL, MARK
from trimtab.kernel.operable import Signal
from trimtab.monitoring.cost import Cost
from trimtab.monitoring.labels import (
    METRIC_NAME,
    PROCESS,
    Labels,
    changed,
    value_of,
    without_name,
)
from trimtab.monitoring.series import SCRAPE, Latest, SampleWindow, Selection, SeriesStore

_Found = TypeVar("_Found", Latest, SampleWindow)


def metrics_apart(signals: Iterable[Signal]) -> frozenset[str]:
    """Return the metrics that count drills apart."""
    return frozenset(signal.metric_name for signal in signals if LABEL in signal.labels)


@dataclass(frozen=True, slots=True)
class SeriesView:
    """Hides the series of drills; or shows those of a drill in the place of the users'.

    With a process, its series stand in the place of those that the monitor's own process exports,
    and lose their label; of a metric that it does not export, the own ones are shown.

    A drill's series lose their label here, so that one expression on a page fits both kinds of
    incident. A metric that does not count drills apart is shown to both. A selector that names the
    label gets what it asks for.
    """

    store: SeriesStore
    apart: frozenset[str]
    """The metrics that count drills apart."""
    drill: bool = False
    process: str = ""
    """Id of another process, by which the monitor labels its series."""

    def latest(self, selection: Selection, at_ms: int, cost: Cost | None = None) -> list[Latest]:
        """Return what `SeriesStore.latest` returns, as seen from here."""
        return self._visible(selection, self.store.latest(selection, at_ms, cost))

    def window(
        self, selection: Selection, from_ms: int, to_ms: int, cost: Cost | None = None
    ) -> list[SampleWindow]:
        """Return what `SeriesStore.window` returns, as seen from here."""
        return self._visible(selection, self.store.window(selection, from_ms, to_ms, cost))

    def newest_ms(self, source: str = SCRAPE) -> int | None:
        """Return when the source last appended, or None when it never did."""
        return self.store.newest_ms(source)

    def _visible(self, selection: Selection, found: list[_Found]) -> list[_Found]:
        named = {name for name, _ in selection.tests}
        if self.process and PROCESS not in named:
            found = self._of_process(found)
        if LABEL in named:
            return found
        return [_without(each, LABEL) for each in found if self._shows(each.labels)]

    def _of_process(self, found: list[_Found]) -> list[_Found]:
        theirs = [each for each in found if value_of(each.labels, PROCESS) == self.process]
        if theirs:
            return [_without(each, PROCESS) for each in theirs]
        return [each for each in found if not value_of(each.labels, PROCESS)]

    def _shows(self, labels: Labels) -> bool:
        marked = value_of(labels, LABEL) == MARK
        if not self.drill:
            return not marked
        return marked or value_of(labels, METRIC_NAME) not in self.apart


def _without(found: _Found, label: str) -> _Found:
    if not value_of(found.labels, label):
        return found
    labels = changed(found.labels, {label: ""})
    if isinstance(found, SampleWindow):
        return replace(found, labels=labels, nameless=without_name(labels))
    return replace(found, labels=labels)
