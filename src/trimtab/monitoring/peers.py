"""Scrapes the metrics of the other processes on the same database."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime

import httpx
from prometheus_client.parser import text_string_to_metric_families

from trimtab.infra.fleet import Fleet, FleetProcess
from trimtab.kernel.errors import Unavailable
from trimtab.monitoring.labels import METRIC_NAME, PROCESS, Labels, labels_of
from trimtab.monitoring.scrape import Scrape, milliseconds
from trimtab.monitoring.series import SeriesStore

_log = logging.getLogger(__name__)
_SECONDS = 2.0


class FleetScrape:
    """Scrapes this process, then ``/metrics`` of every other live one.

    Args:
        own: Scrapes this process.
        fleet: Tells the addresses of the others.
        store: Where their samples go, each process a source of its own.
    """

    def __init__(self, own: Scrape, fleet: Fleet, store: SeriesStore) -> None:
        self._own = own
        self._fleet = fleet
        self._store = store
        self._scraped: set[str] = set()
        self._get: Callable[[str], str] = _fetch

    def take(self, now: datetime) -> None:
        """Append the samples of this instant; ``up`` is 0 for a process that does not answer."""
        self._own.take(now)
        others = self._others()
        names = {process.id for process in others}
        for gone in self._scraped - names:
            self._store.append(gone, milliseconds(now), [])  # Its series are stale from now on.
        self._scraped = names
        for process in others:
            up = labels_of({PROCESS: process.id, METRIC_NAME: "up"})
            try:
                samples = list(_parse(self._get(f"{process.address}/metrics"), process.id))
            # `InvalidURL` does not derive from `HTTPError`; it must not stop the monitor.
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                _log.debug("process not scraped: %s", error, extra={"peer": process.id})
                self._store.append(process.id, milliseconds(now), [(up, 0.0)])
            else:
                self._store.append(process.id, milliseconds(now), [*samples, (up, 1.0)])

    def _others(self) -> list[FleetProcess]:
        if not self._fleet.shared:
            return []
        try:
            known = self._fleet.processes()
        except Unavailable:
            return []
        return [p for p in known if p.is_live and p.address and p.id != self._fleet.me.id]


def _fetch(url: str) -> str:
    # Not through a proxy of the environment: the processes reach each other directly.
    answer = httpx.get(url, timeout=_SECONDS, trust_env=False)
    answer.raise_for_status()
    return answer.text


def _parse(text: str, process: str) -> Iterator[tuple[Labels, float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                pairs = {PROCESS: process, **sample.labels, METRIC_NAME: sample.name}
                yield labels_of(pairs), float(sample.value)
